//===- Distribute.cpp - Cut kernels for the threads and into tiles ---------===//

#include "compiler/transforms/Passes.h"

#include "mlir/Dialect/SCF/Transforms/TileUsingInterface.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;

namespace cria {
#define GEN_PASS_DEF_DISTRIBUTE
#include "compiler/transforms/Passes.h.inc"
} // namespace cria

using namespace cria;

namespace {

/// Fuses a producer unless it is the root of a kernel of its own.
std::optional<scf::SCFTileAndFuseOptions::ControlFnResult> fuseUnscheduled(tensor::ExtractSliceOp,
                                                                          OpResult producer, bool) {
  Operation *op = producer.getOwner();
  if (op->hasAttr(kernel::kScheduleAttrName) || !isa<linalg::LinalgOp, kernel::BlockMatmulOp>(op))
    return std::nullopt;
  return scf::SCFTileAndFuseOptions::ControlFnResult{};
}

/// Tiles `op` by `sizes` with its unscheduled producers; returns the tiled op.
FailureOr<TilingInterface> tile(RewriterBase &rewriter, TilingInterface op, ArrayRef<int64_t> sizes,
                                scf::SCFTilingOptions::LoopType loopType) {
  scf::SCFTilingOptions tiling;
  tiling.setTileSizes(getAsIndexOpFoldResult(rewriter.getContext(), sizes)).setLoopType(loopType);
  SmallVector<Attribute> mapping;
  for (int64_t size : sizes)
    if (size)
      mapping.push_back(kernel::ThreadAttr::get(rewriter.getContext(), mapping.size()));
  tiling.setMapping(mapping);
  scf::SCFTileAndFuseOptions options;
  options.setTilingOptions(tiling).setFusionControlFn(fuseUnscheduled);
  rewriter.setInsertionPoint(op);
  FailureOr<scf::SCFTileAndFuseResult> result =
      scf::tileConsumerAndFuseProducersUsingSCF(rewriter, op, options);
  if (failed(result))
    return failure();
  for (auto [old, replacement] : result->replacements)
    rewriter.replaceAllUsesWith(old, replacement);
  return cast<TilingInterface>(result->tiledAndFusedOps.front());
}

struct Distribute : cria::impl::DistributeBase<Distribute> {
  void runOnOperation() override {
    SmallVector<TilingInterface> roots;
    getOperation().walk([&](TilingInterface op) {
      if (op->hasAttr(kernel::kScheduleAttrName))
        roots.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (TilingInterface root : llvm::reverse(roots))
      if (failed(distribute(rewriter, root))) {
        root->emitError("cannot be cut by ") << root->getAttr(kernel::kScheduleAttrName);
        return signalPassFailure();
      }
  }

  LogicalResult distribute(RewriterBase &rewriter, TilingInterface root) {
    auto schedule = root->getAttrOfType<kernel::ScheduleAttr>(kernel::kScheduleAttrName);
    FailureOr<TilingInterface> perThread =
        tile(rewriter, root, schedule.getThreads(), scf::SCFTilingOptions::LoopType::ForallOp);
    if (failed(perThread))
      return failure();
    rewriter.eraseOp(root);
    TilingInterface op = *perThread;
    op->removeAttr(kernel::kScheduleAttrName);
    bool cut = llvm::any_of(schedule.getTiles().asArrayRef(), [](int64_t size) { return size != 0; });
    if (!cut)
      return success();
    FailureOr<TilingInterface> inner =
        tile(rewriter, op, schedule.getTiles(), scf::SCFTilingOptions::LoopType::ForOp);
    if (failed(inner))
      return failure();
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace
