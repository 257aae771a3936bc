//===- VectorizeAppend.cpp - Rows of keys and values into the cache --------===//

#include "compiler/transforms/KernelBuilder.h"
#include "compiler/transforms/Passes.h"
#include "dialects/llama/Quantization.h"

using namespace mlir;

namespace cria {
#define GEN_PASS_DEF_VECTORIZEAPPEND
#include "compiler/transforms/Passes.h.inc"
} // namespace cria

using namespace cria;
using llama::kGroup;

namespace {

/// A loop from 0 to `count` over tensors that each iteration changes.
SmallVector<Value> loopOver(OpBuilder &b, Location loc, int64_t count, ValueRange tensors,
                            llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  Value zero = arith::ConstantIndexOp::create(b, loc, 0), one = arith::ConstantIndexOp::create(b, loc, 1);
  Value end = arith::ConstantIndexOp::create(b, loc, count);
  auto loop = scf::ForOp::create(b, loc, zero, end, one, tensors);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  scf::YieldOp::create(b, loc, body(loop.getInductionVar(), loop.getRegionIterArgs()));
  return SmallVector<Value>(loop.getResults());
}

/// The same over one tensor.
Value loopOver(OpBuilder &b, Location loc, int64_t count, Value tensor,
               llvm::function_ref<Value(Value, Value)> body) {
  return loopOver(b, loc, count, ValueRange(tensor), [&](Value number, ValueRange inner) {
    return SmallVector<Value>{body(number, inner[0])};
  })[0];
}

Value readVector(OpBuilder &b, Location loc, int64_t count, Value tensor, ValueRange place) {
  auto type = VectorType::get({count}, cast<RankedTensorType>(tensor.getType()).getElementType());
  return vector::TransferReadOp::create(b, loc, type, tensor, place, std::nullopt, ArrayRef<bool>{true});
}

Value writeVector(OpBuilder &b, Location loc, Value vector, Value tensor, ValueRange place) {
  return vector::TransferWriteOp::create(b, loc, vector, tensor, place, ArrayRef<bool>{true}).getResult();
}

/// rows [T, 1, Dh] into values [1, C, Dh] or keys [1, P, Dh, L], from `position` on.
class Append {
public:
  Append(kernel::AppendOp op, RewriterBase &rewriter)
      : op(op), b(rewriter), loc(op.getLoc()), size(cast<RankedTensorType>(op.getRows().getType()).getDimSize(2)),
        cache(cast<RankedTensorType>(op.getDestination().getType())) {}

  /// Replaces the op.
  void build() {
    b.setInsertionPoint(op);
    zero = arith::ConstantIndexOp::create(b, loc, 0);
    int64_t tokens = cast<RankedTensorType>(op.getRows().getType()).getDimSize(0);
    b.replaceOp(op, loopOver(b, loc, tokens, op.getDestination(), [&](Value token, Value tensor) {
                  Value place = arith::AddIOp::create(b, loc, op.getPosition(), token);
                  return cache.getRank() == 3 ? value(token, place, tensor) : key(token, place, tensor);
                }));
  }

private:
  /// One vector.
  Value value(Value token, Value place, Value tensor) {
    Value row = readVector(b, loc, size, op.getRows(), {token, zero, zero});
    return writeVector(b, loc, narrow(b, loc, row, cache.getElementType()), tensor, {zero, place, zero});
  }

  /// Element by element into the lane of its position, rotated if there is a table.
  Value key(Value token, Value place, Value tensor) {
    Value lanes = arith::ConstantIndexOp::create(b, loc, cache.getDimSize(3));
    Value block = arith::DivUIOp::create(b, loc, place, lanes), lane = arith::RemUIOp::create(b, loc, place, lanes);
    auto get = [&](Value from, ValueRange at) -> Value { return tensor::ExtractOp::create(b, loc, from, at); };
    auto put = [&](Value element, Value into, Value d) -> Value {
      return tensor::InsertOp::create(b, loc, narrow(b, loc, element, cache.getElementType()), into,
                                      ValueRange{zero, block, d, lane});
    };
    if (!op.getTable())
      return loopOver(b, loc, size, tensor,
                      [&](Value d, Value inner) { return put(get(op.getRows(), {token, zero, d}), inner, d); });
    Value one = arith::ConstantIndexOp::create(b, loc, 1), half = arith::ConstantIndexOp::create(b, loc, size / 2);
    return loopOver(b, loc, size / 2, tensor, [&](Value d, Value inner) {
      auto times = [&](Value x, Value y) -> Value { return arith::MulFOp::create(b, loc, x, y); };
      Value other = arith::AddIOp::create(b, loc, d, half);
      Value x = get(op.getRows(), {token, zero, d}), y = get(op.getRows(), {token, zero, other});
      Value c = get(op.getTable(), {place, zero, d}), s = get(op.getTable(), {place, one, d});
      inner = put(arith::SubFOp::create(b, loc, times(x, c), times(y, s)), inner, d);
      return put(arith::AddFOp::create(b, loc, times(y, c), times(x, s)), inner, other);
    });
  }

  kernel::AppendOp op;
  RewriterBase &b;
  Location loc;
  int64_t size; ///< Dh
  RankedTensorType cache;
  Value zero;
};

/// rows [T, 1, Dh] into values [1, P * L, Dh] or keys [1, P, Dh, L] of codes, with scales
/// [1, P, Dh/32, L]: rotated into the thread's scratch, then 32 numbers at a time.
class AppendCodes {
public:
  AppendCodes(kernel::AppendOp op, RewriterBase &rewriter)
      : op(op), b(rewriter), loc(op.getLoc()), size(cast<RankedTensorType>(op.getRows().getType()).getDimSize(2)),
        areKeys(cast<RankedTensorType>(op.getDestination().getType()).getRank() == 4) {}

  /// Replaces the op.
  void build() {
    b.setInsertionPoint(op);
    zero = index(0);
    Value lanes = index(cast<RankedTensorType>(op.getScales().getType()).getDimSize(3));
    SmallVector<Value> tensors(op.getDpsInits());
    tensors.push_back(scratch(size, b.getF32Type()));
    tensors.push_back(scratch(kGroup, b.getI8Type()));
    int64_t tokens = cast<RankedTensorType>(op.getRows().getType()).getDimSize(0);
    tensors = loopOver(b, loc, tokens, tensors, [&](Value token, ValueRange inner) {
      SmallVector<Value> next(inner);
      Value place = arith::AddIOp::create(b, loc, op.getPosition(), token);
      Value block = arith::DivUIOp::create(b, loc, place, lanes), lane = arith::RemUIOp::create(b, loc, place, lanes);
      if (op.getTable())
        next[kRow] = rotate(token, place, next[kRow]);
      return loopOver(b, loc, size / kGroup, next, [&](Value group, ValueRange before) {
        return writeGroup(token, place, block, lane, group, before);
      });
    });
    b.replaceOp(op, ArrayRef<Value>(tensors).take_front(2));
  }

private:
  /// What the loops carry: codes and scales of the cache; a rotated row [Dh] and codes
  /// [32] of the thread's own.
  enum { kCache, kScales, kRow, kCodes };

  Value index(int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); }
  Value splat(double value) {
    auto type = VectorType::get({kGroup}, b.getF32Type());
    return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, float(value)));
  }

  Value scratch(int64_t count, Type element) {
    auto tensor = tensor::EmptyOp::create(b, loc, ArrayRef<int64_t>{count}, element);
    tensor->setAttr(kernel::kBufferAttrName, b.getI64IntegerAttr(buffers++));
    return tensor;
  }

  /// Row `token` into `row` [Dh]: (x, y) becomes (x c - y s, y c + x s).
  Value rotate(Value token, Value place, Value row) {
    int64_t half = size / 2, part = kGroup / 2;
    auto times = [&](Value x, Value y) -> Value { return arith::MulFOp::create(b, loc, x, y); };
    for (int64_t d = 0; d < half; d += part) {
      Value x = readVector(b, loc, part, op.getRows(), {token, zero, index(d)});
      Value y = readVector(b, loc, part, op.getRows(), {token, zero, index(half + d)});
      Value c = readVector(b, loc, part, op.getTable(), {place, zero, index(d)});
      Value s = readVector(b, loc, part, op.getTable(), {place, index(1), index(d)});
      row = writeVector(b, loc, arith::SubFOp::create(b, loc, times(x, c), times(y, s)), row, index(d));
      row = writeVector(b, loc, arith::AddFOp::create(b, loc, times(y, c), times(x, s)), row, index(half + d));
    }
    return row;
  }

  /// 32 numbers as codes and the scale, at BF16, that they are multiples of.
  std::pair<Value, Value> quantize(Value numbers) {
    auto integers = VectorType::get({kGroup}, b.getI32Type());
    // As integers: exact, and NaN is above everything.
    Value bits = vector::BitCastOp::create(b, loc, integers, numbers);
    Value sign = arith::ConstantOp::create(b, loc, DenseElementsAttr::get(integers, int32_t(0x7fffffff)));
    Value largestBits = vector::ReductionOp::create(b, loc, vector::CombiningKind::MAXSI,
                                                    arith::AndIOp::create(b, loc, bits, sign));
    Value largest = arith::BitcastOp::create(b, loc, b.getF32Type(), largestBits);
    Value scale = narrow(b, loc, arith::DivFOp::create(b, loc, largest, f32(b, loc, 127.0)), b.getBF16Type());
    Value isLarge = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGE, largest, f32(b, loc, 0x1p-100));
    Value isFinite = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, largest, f32(b, loc, INFINITY));
    Value divisor = vector::BroadcastOp::create(b, loc, numbers.getType(), widen(b, loc, scale));
    Value multiples = arith::DivFOp::create(b, loc, numbers, divisor);
    Value usable = arith::AndIOp::create(b, loc, isLarge, isFinite);
    Value rounded = math::RoundEvenOp::create(b, loc, arith::SelectOp::create(b, loc, usable, multiples, splat(0.0)));
    Value wide = arith::FPToSIOp::create(b, loc, integers, rounded);
    return {arith::TruncIOp::create(b, loc, integers.clone(b.getI8Type()), wide), scale};
  }

  /// Group `group` of the row of `token` to its `place`, which is `lane` of `block`.
  SmallVector<Value> writeGroup(Value token, Value place, Value block, Value lane, Value group, ValueRange before) {
    SmallVector<Value> next(before);
    Value first = arith::MulIOp::create(b, loc, group, index(kGroup));
    auto [codes, scale] = quantize(op.getTable() ? readVector(b, loc, kGroup, next[kRow], first)
                                                 : readVector(b, loc, kGroup, op.getRows(), {token, zero, first}));
    next[kScales] = tensor::InsertOp::create(b, loc, scale, next[kScales], ValueRange{zero, block, group, lane});
    if (!areKeys) {
      next[kCache] = writeVector(b, loc, codes, next[kCache], {zero, place, first});
      return next;
    }
    Value own = next[kCodes] = writeVector(b, loc, codes, next[kCodes], zero);
    next[kCache] = loopOver(b, loc, kGroup, next[kCache], [&](Value number, Value inner) -> Value {
      Value code = tensor::ExtractOp::create(b, loc, own, number);
      Value d = arith::AddIOp::create(b, loc, first, number);
      return tensor::InsertOp::create(b, loc, code, inner, ValueRange{zero, block, d, lane});
    });
    return next;
  }

  kernel::AppendOp op;
  RewriterBase &b;
  Location loc;
  int64_t size; ///< Dh
  bool areKeys;
  int64_t buffers = 0;
  Value zero;
};

struct VectorizeAppend : cria::impl::VectorizeAppendBase<VectorizeAppend> {
  void runOnOperation() override {
    SmallVector<kernel::AppendOp> ops;
    getOperation().walk([&](kernel::AppendOp op) { ops.push_back(op); });
    IRRewriter rewriter(&getContext());
    for (kernel::AppendOp op : ops) {
      auto rows = cast<RankedTensorType>(op.getRows().getType());
      if (rows.getDimSize(1) != 1) {
        op.emitOpError("expects a tile of one head to be vectorized, but got ") << rows;
        return signalPassFailure();
      }
      if (op.getScales())
        AppendCodes(op, rewriter).build();
      else
        Append(op, rewriter).build();
    }
  }
};

} // namespace
