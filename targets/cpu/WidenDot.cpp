//===- WidenDot.cpp - Products of BF16 without instructions for them -------===//

#include "targets/cpu/Cpu.h"

#include "dialects/kernel/Kernel.h"

using namespace mlir;

namespace {

/// A BF16 is the upper half of an F32: one of a pair is shifted there, the other is
/// there already and its neighbour is masked off.
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
    for (bool upper : {true, false}) {
      auto widened = [&](Value pairs) -> Value {
        Value bits = upper ? arith::AndIOp::create(b, loc, pairs, constant(b, loc, words, 0xffff0000)).getResult()
                           : arith::ShLIOp::create(b, loc, pairs, constant(b, loc, words, 16)).getResult();
        return arith::BitcastOp::create(b, loc, sums, bits);
      };
      result = vector::FMAOp::create(b, loc, widened(weights), widened(activations), result);
    }
    b.replaceOp(op, result);
    return success();
  }

private:
  static Value constant(OpBuilder &b, Location loc, VectorType type, uint32_t value) {
    return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, APInt(32, value)));
  }
};

} // namespace

void cria::cpu::populateWidenDotPatterns(RewritePatternSet &patterns) {
  patterns.add<WidenDot>(patterns.getContext());
}
