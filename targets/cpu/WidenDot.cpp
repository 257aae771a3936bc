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
      result = vector::FMAOp::create(b, loc, cria::cpu::widenHalf(b, loc, weights, upper),
                                     cria::cpu::widenHalf(b, loc, activations, upper), result);
    b.replaceOp(op, result);
    return success();
  }
};

} // namespace

/// A BF16 is the upper half of an F32: one of a pair is shifted there, the other is
/// there already and its neighbour is masked off.
Value cria::cpu::widenHalf(OpBuilder &b, Location loc, Value words, bool upper) {
  auto type = cast<VectorType>(words.getType());
  auto constant = [&](uint32_t value) {
    return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, APInt(32, value)));
  };
  Value bits = upper ? arith::AndIOp::create(b, loc, words, constant(0xffff0000)).getResult()
                     : arith::ShLIOp::create(b, loc, words, constant(16)).getResult();
  return arith::BitcastOp::create(b, loc, type.clone(b.getF32Type()), bits);
}

void cria::cpu::populateWidenDotPatterns(RewritePatternSet &patterns) {
  patterns.add<WidenDot>(patterns.getContext());
}
