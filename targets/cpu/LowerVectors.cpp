//===- LowerVectors.cpp - Vectors as a CPU's registers hold them -----------===//

#include "targets/cpu/Cpu.h"

#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Dialect/Vector/Transforms/LoweringPatterns.h"
#include "mlir/Dialect/Vector/Transforms/VectorRewritePatterns.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace cria::cpu {
#define GEN_PASS_DEF_LOWERVECTORS
#include "targets/cpu/Passes.h.inc"
} // namespace cria::cpu

namespace {

struct LowerVectors : cria::cpu::impl::LowerVectorsBase<LowerVectors> {
  void runOnOperation() override {
    // Reductions first: they want to see whole transfers; then unit dimensions
    // go, and what is left of the transfers are rows.
    if (failed(apply([](RewritePatternSet &patterns) {
          vector::populateVectorMultiReductionLoweringPatterns(
              patterns, vector::VectorMultiReductionLowering::InnerReduction);
          vector::populateVectorTransferPermutationMapLoweringPatterns(patterns);
        })) ||
        failed(apply([](RewritePatternSet &patterns) {
          vector::populateCastAwayVectorLeadingOneDimPatterns(patterns);
          vector::populateVectorTransferDropUnitDimsPatterns(patterns);
          vector::populateDropUnitDimWithShapeCastPatterns(patterns);
          vector::TransferReadOp::getCanonicalizationPatterns(patterns, patterns.getContext());
          vector::ShapeCastOp::getCanonicalizationPatterns(patterns, patterns.getContext());
          vector::BroadcastOp::getCanonicalizationPatterns(patterns, patterns.getContext());
        })) ||
        failed(apply([](RewritePatternSet &patterns) {
          vector::populateVectorTransferLoweringPatterns(patterns, /*maxTransferRank=*/1);
          vector::populateVectorBroadcastLoweringPatterns(patterns);
          vector::populateVectorShapeCastLoweringPatterns(patterns);
          vector::populateVectorStepLoweringPatterns(patterns);
          populateFoldViewPatterns(patterns);
          cria::cpu::populateExponentialPatterns(patterns);
        })))
      signalPassFailure();
  }

private:
  /// Accesses to views become accesses to what is viewed, but for collapsed dimensions: an index
  /// would be divided into theirs and put together again, which LLVM does not see through.
  /// `memref-expand-strided-metadata` knows their strides.
  static void populateFoldViewPatterns(RewritePatternSet &patterns) {
    RewritePatternSet all(patterns.getContext());
    memref::populateFoldMemRefAliasOpPatterns(all);
    for (std::unique_ptr<RewritePattern> &pattern : all.getNativePatterns())
      if (!pattern->getDebugName().contains("OfCollapseShapeOpFolder"))
        patterns.add(std::move(pattern));
  }

  LogicalResult apply(llvm::function_ref<void(RewritePatternSet &)> populate) {
    RewritePatternSet patterns(&getContext());
    populate(patterns);
    return applyPatternsGreedily(getOperation(), std::move(patterns));
  }
};

} // namespace
