//===- VectorizeAppend.cpp - Rows of keys and values into the cache --------===//

#include "compiler/transforms/KernelBuilder.h"
#include "compiler/transforms/Passes.h"
#include "compiler/transforms/VectorBuilder.h"
#include "dialects/llama/Quantization.h"

#include <numeric>

using namespace mlir;

namespace cria {
#define GEN_PASS_DEF_VECTORIZEAPPEND
#include "compiler/transforms/Passes.h.inc"
} // namespace cria

using namespace cria;
using llama::kGroup;

namespace {

/// What rows of numbers and rows of codes have in common.
class RowBuilder : protected VectorBuilder {
protected:
  RowBuilder(kernel::AppendOp op, RewriterBase &rewriter)
      : VectorBuilder(rewriter, op.getLoc()), op(op), rows(cast<RankedTensorType>(op.getRows().getType())),
        size(rows.getDimSize(2)), tokens(rows.getDimSize(0)), lanes(op.getLanes()) {}

  /// `count` numbers from `place` on.
  Value readVector(int64_t count, Value tensor, ValueRange place) {
    return read(VectorType::get({count}, cast<RankedTensorType>(tensor.getType()).getElementType()), tensor, place);
  }
  Value extract(Value tensor, ValueRange place) { return tensor::ExtractOp::create(b, loc, tensor, place); }

  /// Where `position` lies: the number of its block, and its lane there.
  std::pair<Value, Value> split(Value position) {
    return {arith::DivUIOp::create(b, loc, position, index(lanes)),
            arith::RemUIOp::create(b, loc, position, index(lanes))};
  }

  /// A loop from 0 to `count` over a tensor that each iteration changes.
  Value loopOver(int64_t count, Value tensor, llvm::function_ref<Value(Value, Value)> body) {
    return loopOver(index(count), tensor, body);
  }
  Value loopOver(Value count, Value tensor, llvm::function_ref<Value(Value, Value)> body) {
    return loop(zero, count, 1, tensor, [&](Value number, ValueRange inner) {
      return SmallVector<Value>{body(number, inner[0])};
    })[0];
  }

  kernel::AppendOp op;
  RankedTensorType rows;       ///< [T, 1, Dh]
  int64_t size, tokens, lanes; ///< Dh, T, L
  Value zero;
};

/// rows [T, 1, Dh] into values [P, 1, L, Dh] or keys [P, 1, Dh, L], from `position` on.
class Append : RowBuilder {
public:
  Append(kernel::AppendOp op, RewriterBase &rewriter)
      : RowBuilder(op, rewriter), cache(cast<RankedTensorType>(op.getDestination().getType())) {}

  /// Replaces the op.
  void build() {
    b.setInsertionPoint(op);
    zero = index(0);
    b.replaceOp(op, loopOver(rowsOf(tokens), op.getDestination(), [&](Value token, Value tensor) {
                  Value place = plus(op.getPosition(), token);
                  return op.getAreKeys() ? key(token, place, tensor) : value(token, place, tensor);
                }));
  }

private:
  /// One vector.
  Value value(Value token, Value place, Value tensor) {
    auto [block, lane] = split(place);
    Value row = readVector(size, op.getRows(), {token, zero, zero});
    return write(narrow(b, loc, row, cache.getElementType()), tensor, {block, zero, lane, zero});
  }

  /// Element by element into the lane of its position, rotated if there is a table.
  Value key(Value token, Value place, Value tensor) {
    auto [block, lane] = split(place);
    auto put = [&, block = block, lane = lane](Value element, Value into, Value d) -> Value {
      return tensor::InsertOp::create(b, loc, narrow(b, loc, element, cache.getElementType()), into,
                                      ValueRange{block, zero, d, lane});
    };
    if (!op.getTable())
      return loopOver(size, tensor,
                      [&](Value d, Value inner) { return put(extract(op.getRows(), {token, zero, d}), inner, d); });
    Value one = index(1), half = index(size / 2);
    return loopOver(size / 2, tensor, [&](Value d, Value inner) {
      Value other = plus(d, half);
      Value x = extract(op.getRows(), {token, zero, d}), y = extract(op.getRows(), {token, zero, other});
      Value c = extract(op.getTable(), {place, zero, d}), s = extract(op.getTable(), {place, one, d});
      auto [low, high] = turned(x, y, c, s);
      return put(high, put(low, inner, d), other);
    });
  }

  RankedTensorType cache;
};

/// rows [T, 1, Dh] into values [P, 1, L, Dh] or keys [P, 1, Dh, L] of codes, with scales
/// [P, 1, ceil(Dh/32), L]: 32 numbers at a time. What is to be rotated, or filled up with zeros as
/// its last group is short, goes to the thread's scratch first.
class AppendCodes : RowBuilder {
public:
  AppendCodes(kernel::AppendOp op, RewriterBase &rewriter)
      : RowBuilder(op, rewriter), whole(size / kGroup), rest(size % kGroup) {}

  /// Replaces the op.
  void build() {
    b.setInsertionPoint(op);
    zero = index(0);
    SmallVector<Value> tensors(op.getDpsInits());
    tensors.push_back(scratch({int64_t(llvm::alignTo(size, kGroup))}, b.getF32Type()));
    tensors.push_back(scratch({kGroup}, b.getI8Type()));
    if (rest) {
      auto type = VectorType::get({kGroup}, b.getF32Type());
      Value zeros = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
      tensors[kRow] = write(zeros, tensors[kRow], index(whole * kGroup));
    }
    tensors = loop(zero, rowsOf(tokens), 1, tensors, [&](Value token, ValueRange inner) {
      SmallVector<Value> next(inner);
      Value place = plus(op.getPosition(), token);
      auto [block, lane] = split(place);
      if (op.getTable())
        next[kRow] = rotate(token, place, next[kRow]);
      else if (rest)
        next[kRow] = write(readVector(size, op.getRows(), {token, zero, zero}), next[kRow], zero);
      next = loop(zero, index(whole), 1, next, [&, block = block, lane = lane](Value group, ValueRange before) {
        return writeGroup(token, block, lane, group, kGroup, before);
      });
      return rest ? writeGroup(token, block, lane, index(whole), rest, next) : next;
    });
    b.replaceOp(op, ArrayRef<Value>(tensors).take_front(2));
  }

private:
  /// What the loops carry: codes and scales of the cache; a row, of whole groups, and codes [32] of
  /// the thread's own.
  enum { kCache, kScales, kRow, kCodes };

  /// Row `token`, rotated, into `row` [Dh, or more].
  Value rotate(Value token, Value place, Value row) {
    int64_t half = size / 2, part = std::gcd(half, kGroup / 2);
    for (int64_t d = 0; d < half; d += part) {
      Value x = readVector(part, op.getRows(), {token, zero, index(d)});
      Value y = readVector(part, op.getRows(), {token, zero, index(half + d)});
      Value c = readVector(part, op.getTable(), {place, zero, index(d)});
      Value s = readVector(part, op.getTable(), {place, index(1), index(d)});
      auto [low, high] = turned(x, y, c, s);
      row = write(low, row, index(d));
      row = write(high, row, index(half + d));
    }
    return row;
  }

  /// 32 numbers as codes and the scale, at BF16, that they are multiples of.
  std::pair<Value, Value> quantize(Value numbers) {
    Value largest = largestMagnitude(numbers);
    Value scale = narrow(b, loc, arith::DivFOp::create(b, loc, largest, f32(b, loc, 127.0)), b.getBF16Type());
    Value divisor = vector::BroadcastOp::create(b, loc, numbers.getType(), widen(b, loc, scale));
    Value wide = nearestIntegers(arith::DivFOp::create(b, loc, numbers, divisor), largest);
    return {arith::TruncIOp::create(b, loc, VectorType::get({kGroup}, b.getI8Type()), wide), scale};
  }

  /// `count` numbers, all there are in group `group` of the row of `token`, to `lane` of `block`.
  SmallVector<Value> writeGroup(Value token, Value block, Value lane, Value group, int64_t count, ValueRange before) {
    SmallVector<Value> next(before);
    Value first = arith::MulIOp::create(b, loc, group, index(kGroup));
    bool isCopied = op.getTable() || rest;
    auto [codes, scale] = quantize(isCopied ? readVector(kGroup, next[kRow], first)
                                            : readVector(kGroup, op.getRows(), {token, zero, first}));
    next[kScales] = tensor::InsertOp::create(b, loc, scale, next[kScales], ValueRange{block, zero, group, lane});
    if (!op.getAreKeys()) {
      Value part = b.createOrFold<vector::ExtractStridedSliceOp>(loc, codes, ArrayRef<int64_t>{0},
                                                                 ArrayRef<int64_t>{count}, ArrayRef<int64_t>{1});
      next[kCache] = write(part, next[kCache], {block, zero, lane, first});
      return next;
    }
    Value own = next[kCodes] = write(codes, next[kCodes], zero);
    next[kCache] = loopOver(count, next[kCache], [&](Value number, Value inner) -> Value {
      return tensor::InsertOp::create(b, loc, extract(own, number), inner,
                                      ValueRange{block, zero, plus(first, number), lane});
    });
    return next;
  }

  int64_t whole, rest; ///< groups of 32 columns, and columns behind them
};

struct VectorizeAppend : cria::impl::VectorizeAppendBase<VectorizeAppend> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    for (auto op : collect<kernel::AppendOp>(getOperation())) {
      if (failed(requireStatic(op)))
        return signalPassFailure();
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
