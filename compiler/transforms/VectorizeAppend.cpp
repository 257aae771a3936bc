//===- VectorizeAppend.cpp - Rows of keys and values into the cache --------===//

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
void vectorize(kernel::AppendOp op, RewriterBase &b) {
  b.setInsertionPoint(op);
  Location loc = op.getLoc();
  auto rows = cast<RankedTensorType>(op.getRows().getType());
  auto cache = cast<RankedTensorType>(op.getDestination().getType());
  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  Value result = loopOver(b, loc, rows.getDimSize(0), op.getDestination(), [&](Value t, Value tensor) -> Value {
    Value place = arith::AddIOp::create(b, loc, op.getPosition(), t);
    if (cache.getRank() == 3) {
      auto type = VectorType::get({rows.getDimSize(2)}, rows.getElementType());
      Value row = vector::TransferReadOp::create(b, loc, type, op.getRows(), ValueRange{t, zero, zero},
                                                 std::nullopt, ArrayRef<bool>{true});
      return vector::TransferWriteOp::create(b, loc, row, tensor, ValueRange{zero, place, zero},
                                             ArrayRef<bool>{true})
          .getResult();
    }
    Value lanes = arith::ConstantIndexOp::create(b, loc, cache.getDimSize(3));
    Value block = arith::DivUIOp::create(b, loc, place, lanes);
    Value lane = arith::RemUIOp::create(b, loc, place, lanes);
    return loopOver(b, loc, rows.getDimSize(2), tensor, [&](Value d, Value inner) -> Value {
      Value element = tensor::ExtractOp::create(b, loc, op.getRows(), ValueRange{t, zero, d});
      return tensor::InsertOp::create(b, loc, element, inner, ValueRange{zero, block, d, lane});
    });
  });
  b.replaceOp(op, result);
}

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
      vectorize(op, rewriter);
    }
  }
};

} // namespace
