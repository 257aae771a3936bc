//===- VectorizeAppend.cpp - Rows of keys and values into the cache --------===//

#include "compiler/transforms/KernelBuilder.h"
#include "compiler/transforms/Passes.h"

using namespace mlir;

namespace cria {
#define GEN_PASS_DEF_VECTORIZEAPPEND
#include "compiler/transforms/Passes.h.inc"
} // namespace cria

using namespace cria;

namespace {

/// A loop from 0 to `count` over a tensor that each iteration changes.
Value loopOver(OpBuilder &b, Location loc, int64_t count, Value tensor,
               llvm::function_ref<Value(Value, Value)> body) {
  Value zero = arith::ConstantIndexOp::create(b, loc, 0), one = arith::ConstantIndexOp::create(b, loc, 1);
  Value end = arith::ConstantIndexOp::create(b, loc, count);
  auto loop = scf::ForOp::create(b, loc, zero, end, one, tensor);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  scf::YieldOp::create(b, loc, body(loop.getInductionVar(), loop.getRegionIterArg(0)));
  return loop.getResult(0);
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
    auto type = VectorType::get({size}, b.getF32Type());
    Value row = vector::TransferReadOp::create(b, loc, type, op.getRows(), ValueRange{token, zero, zero},
                                               std::nullopt, ArrayRef<bool>{true});
    return vector::TransferWriteOp::create(b, loc, narrow(b, loc, row, cache.getElementType()), tensor,
                                           ValueRange{zero, place, zero}, ArrayRef<bool>{true})
        .getResult();
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
      Append(op, rewriter).build();
    }
  }
};

} // namespace
