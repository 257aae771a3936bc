//===- WidenDot.cpp - Products of BF16 without instructions for them -------===//

#include "targets/cpu/Cpu.h"

using namespace mlir;

namespace {

struct WidenDot : OpRewritePattern<cria::kernel::DotOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(cria::kernel::DotOp op, PatternRewriter &b) const override {
    Location loc = op.getLoc();
    auto sums = cast<VectorType>(op.getType());
    if (!sums.getElementType().isF32())
      return failure();
    auto words = sums.clone(b.getI32Type());
    Value weights = vector::BitCastOp::create(b, loc, words, op.getWeights());
    Value activations = vector::BroadcastOp::create(b, loc, words, op.getActivations());
    Value result = op.getSums();
    for (bool upper : {true, false})
      result = vector::FMAOp::create(b, loc, cria::kernel::widenHalf(b, loc, weights, upper),
                                     cria::kernel::widenHalf(b, loc, activations, upper), result);
    b.replaceOp(op, result);
    return success();
  }
};

} // namespace

void cria::cpu::populateWidenDotPatterns(RewritePatternSet &patterns) {
  patterns.add<WidenDot>(patterns.getContext());
}
