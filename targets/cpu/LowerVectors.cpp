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
    bool leavesOut = false;
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
        failed(apply([&](RewritePatternSet &patterns) {
          vector::populateVectorTransferLoweringPatterns(patterns, /*maxTransferRank=*/1);
          vector::populateVectorBroadcastLoweringPatterns(patterns);
          vector::populateVectorShapeCastLoweringPatterns(patterns);
          vector::populateVectorStepLoweringPatterns(patterns);
          leavesOut = populateFoldViewPatterns(patterns);
          cria::cpu::populateExponentialPatterns(patterns);
        })))
      return signalPassFailure();
    if (leavesOut)
      return;
    getOperation()->emitError("expects patterns of MLIR's that are named LoadOpOfCollapseShapeOpFolder and "
                              "StoreOpOfCollapseShapeOpFolder, to leave them out, but got none: they have other names "
                              "in this version");
    signalPassFailure();
  }

private:
  /// Accesses to views become accesses to what is viewed, but for collapsed dimensions: an index
  /// would be divided into theirs and put together again, which LLVM does not see through.
  /// `memref-expand-strided-metadata` knows their strides.
  /// Those patterns are known by the names of their classes alone. Returns whether some were found to leave out, for
  /// loads and for stores: were they renamed, a model would still be right, but a tenth slower.
  static bool populateFoldViewPatterns(RewritePatternSet &patterns) {
    RewritePatternSet all(patterns.getContext());
    memref::populateFoldMemRefAliasOpPatterns(all);
    bool ofLoads = false, ofStores = false;
    for (std::unique_ptr<RewritePattern> &pattern : all.getNativePatterns()) {
      StringRef name = pattern->getDebugName();
      if (!name.contains("OfCollapseShapeOpFolder")) {
        patterns.add(std::move(pattern));
        continue;
      }
      ofLoads |= name.contains("LoadOp");
      ofStores |= name.contains("StoreOp");
    }
    return ofLoads && ofStores;
  }

  LogicalResult apply(llvm::function_ref<void(RewritePatternSet &)> populate) {
    RewritePatternSet patterns(&getContext());
    populate(patterns);
    return applyPatternsGreedily(getOperation(), std::move(patterns));
  }
};

} // namespace
