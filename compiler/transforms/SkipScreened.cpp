//===- SkipScreened.cpp - No product where it cannot matter ----------------===//

#include "compiler/transforms/Passes.h"

using namespace mlir;

namespace cria {
#define GEN_PASS_DEF_SKIPSCREENED
#include "compiler/transforms/Passes.h.inc"
} // namespace cria

using namespace cria;

namespace {

/// The product, and before it the fill that its sums start from, whose only user is the op behind it.
SmallVector<Operation *> productOf(linalg::GenericOp screened) {
  auto product = screened.getInputs()[0].getDefiningOp<linalg::GenericOp>();
  if (!product || !product->hasOneUse() || product->getBlock() != screened->getBlock())
    return {};
  auto fill = product.getOutputs()[0].getDefiningOp<linalg::FillOp>();
  if (fill && fill->hasOneUse() && fill->getBlock() == product->getBlock())
    return {fill, product};
  return {product};
}

/// Whether a panel of the tile matters: its bound, of those [1, P], is not below the threshold [1].
Value matters(OpBuilder &b, linalg::GenericOp screened) {
  Location loc = screened.getLoc();
  Value bounds = screened.getInputs()[1], threshold = screened.getInputs()[2];
  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  Value least = tensor::ExtractOp::create(b, loc, threshold, zero);
  Value any;
  for (int64_t panel = 0; panel < cast<RankedTensorType>(bounds.getType()).getDimSize(1); ++panel) {
    Value place = arith::ConstantIndexOp::create(b, loc, panel);
    Value bound = tensor::ExtractOp::create(b, loc, bounds, ValueRange{zero, place});
    Value one = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UGE, bound, least);
    any = any ? arith::OrIOp::create(b, loc, any, one).getResult() : one;
  }
  return any;
}

void skip(RewriterBase &rewriter, linalg::GenericOp screened) {
  SmallVector<Operation *> product = productOf(screened);
  screened->removeAttr(kernel::kScreenedAttrName);
  if (product.empty())
    return;
  rewriter.setInsertionPoint(screened);
  Location loc = screened.getLoc();
  auto branch = scf::IfOp::create(rewriter, loc, screened->getResultTypes(), matters(rewriter, screened),
                                  /*withElseRegion=*/true);
  IRMapping map;
  rewriter.setInsertionPointToStart(branch.thenBlock());
  for (Operation *op : product)
    rewriter.clone(*op, map);
  scf::YieldOp::create(rewriter, loc, rewriter.clone(*screened, map)->getResults());
  rewriter.setInsertionPointToStart(branch.elseBlock());
  auto lowest = APFloat::getInf(APFloat::IEEEsingle(), /*Negative=*/true);
  Value infinity = arith::ConstantFloatOp::create(rewriter, loc, rewriter.getF32Type(), lowest);
  auto fill = linalg::FillOp::create(rewriter, loc, infinity, screened.getOutputs()[0]);
  scf::YieldOp::create(rewriter, loc, fill->getResults());
  rewriter.replaceOp(screened, branch);
  for (Operation *op : llvm::reverse(product))
    rewriter.eraseOp(op);
}

struct SkipScreened : cria::impl::SkipScreenedBase<SkipScreened> {
  void runOnOperation() override {
    SmallVector<linalg::GenericOp> all;
    getOperation().walk([&](linalg::GenericOp op) {
      if (op->hasAttr(kernel::kScreenedAttrName))
        all.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (linalg::GenericOp op : all)
      skip(rewriter, op);
  }
};

} // namespace
