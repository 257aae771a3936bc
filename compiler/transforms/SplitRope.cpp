//===- SplitRope.cpp - Rotate halves by reordering rows of weights ---------===//

#include "compiler/transforms/Passes.h"

using namespace mlir;

namespace cria {
#define GEN_PASS_DEF_SPLITROPE
#include "compiler/transforms/Passes.h.inc"
} // namespace cria

using namespace cria;

namespace {

/// Puts `split_rope_rows` between a weight and its use.
void splitRows(OpOperand &weight, int64_t heads) {
  OpBuilder builder(weight.getOwner());
  weight.set(llama::SplitRopeRowsOp::create(builder, weight.getOwner()->getLoc(), weight.get(), heads));
}

/// Reorders what feeds `rope` so that it may rotate halves.
LogicalResult splitRope(llama::RopeOp rope) {
  int64_t headSize = 2 * rope.getTable().getType().getDimSize(2);
  int64_t heads = rope.getType().getDimSize(1) / headSize;
  Value feed = rope.getInput();
  if (auto norm = feed.getDefiningOp<llama::RmsNormOp>(); norm && norm->hasOneUse()) {
    int64_t group = norm.getWeight().getType().getDimSize(0);
    splitRows(norm.getWeightMutable(), group / headSize);
    feed = norm.getInput();
  }
  auto linear = feed.getDefiningOp<llama::LinearOp>();
  if (!linear || !linear->hasOneUse())
    return rope.emitOpError("expects a llama.linear of its own as input to be rotated by halves, but got ")
           << feed;
  splitRows(linear.getWeightMutable(), heads);
  if (linear.getBias())
    splitRows(linear->getOpOperand(2), heads);
  rope.setLayout(llama::RopeLayout::Half);
  return success();
}

struct SplitRope : cria::impl::SplitRopeBase<SplitRope> {
  void runOnOperation() override {
    WalkResult result = getOperation().walk([&](llama::RopeOp rope) {
      if (rope.getLayout() == llama::RopeLayout::Interleaved && failed(splitRope(rope)))
        return WalkResult::interrupt();
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};

} // namespace
