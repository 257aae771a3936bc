//===- Distribute.cpp - Cut kernels for the threads and into tiles ---------===//

#include "compiler/transforms/KernelBuilder.h"
#include "compiler/transforms/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
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

/// Which loop of `op` counts the rows of a chunk, if it is part of one: it has as many turns. (Of what has other rows
/// all are computed.)
std::optional<unsigned> loopOverRows(OpBuilder &builder, TilingInterface op) {
  int64_t rows = kernel::chunkOf(op);
  if (!rows || isa<kernel::AppendOp, kernel::MergePartsOp>(op)) // whose only loop counts heads
    return std::nullopt;
  unsigned loop = isa<kernel::AttentionOp>(op) ? 1 : 0;
  SmallVector<Range> loops = op.getIterationDomain(builder);
  if (loop >= loops.size() || getConstantIntValue(loops[loop].size) != rows)
    return std::nullopt;
  return loop;
}

/// Tiles `op` by `sizes` with its unscheduled producers; returns the tiled op.
FailureOr<TilingInterface> tile(RewriterBase &rewriter, TilingInterface op, ArrayRef<int64_t> sizes,
                                scf::SCFTilingOptions::LoopType loopType) {
  rewriter.setInsertionPoint(op);
  scf::SCFTilingOptions tiling;
  tiling.setTileSizes(getAsIndexOpFoldResult(rewriter.getContext(), sizes)).setLoopType(loopType);
  SmallVector<Attribute> mapping;
  std::optional<unsigned> rows = loopOverRows(rewriter, op);
  for (auto [loop, size] : llvm::enumerate(sizes)) {
    if (!size)
      continue;
    int64_t dimension = mapping.size();
    mapping.push_back(loop == rows ? Attribute(kernel::RowsAttr::get(rewriter.getContext(), dimension))
                                   : kernel::ThreadAttr::get(rewriter.getContext(), dimension));
  }
  tiling.setMapping(mapping);
  scf::SCFTileAndFuseOptions options;
  options.setTilingOptions(tiling).setFusionControlFn(fuseUnscheduled);
  FailureOr<scf::SCFTileAndFuseResult> result =
      scf::tileConsumerAndFuseProducersUsingSCF(rewriter, op, options);
  if (failed(result))
    return failure();
  for (auto [old, replacement] : result->replacements)
    rewriter.replaceAllUsesWith(old, replacement);
  auto first = dyn_cast<scf::ForOp>(result->loops.front().getOperation());
  if (first && rows == 0u && sizes[0]) {
    rewriter.setInsertionPoint(first);
    first.setUpperBound(kernel::liveRows(rewriter, first.getLoc(), kernel::chunkOf(first)));
  }
  return cast<TilingInterface>(result->tiledAndFusedOps.front());
}

/// Cuts the tiles of `forall`, a loop over one dimension, into `streams` parts: turn i does number i
/// of each. Every op that depends on the tile is there once for each part, next to its like. Fails where
/// parts would not be alike, or their length is not known.
LogicalResult interleave(RewriterBase &rewriter, scf::ForallOp forall, int64_t streams) {
  int64_t step = forall.getStaticStep()[0], all = forall.getStaticUpperBound()[0], part = all / streams;
  if (ShapedType::isDynamic(step) || ShapedType::isDynamic(all) || all % (streams * step))
    return failure();
  Location loc = forall.getLoc();
  rewriter.setInsertionPoint(forall);
  auto bound = [&](int64_t value) -> OpFoldResult { return rewriter.getIndexAttr(value); };
  auto result = scf::ForallOp::create(rewriter, loc, bound(0), bound(part), bound(step), forall.getOutputs(),
                                      forall.getMapping());
  Block &from = *forall.getBody();
  SmallVector<IRMapping> maps(streams); // values of the old body to those of each part
  rewriter.setInsertionPointToStart(result.getBody());
  for (auto [number, map] : llvm::enumerate(maps)) {
    AffineExpr tile = rewriter.getAffineDimExpr(0) + int64_t(number) * part;
    Value turn = result.getInductionVar(0);
    map.map(forall.getInductionVar(0),
            number ? affine::AffineApplyOp::create(rewriter, loc, AffineMap::get(1, 0, tile), turn).getResult() : turn);
    map.map(forall.getRegionOutArgs(), result.getRegionOutArgs());
  }
  auto depends = [&](Operation &op) {
    bool found = false;
    op.walk([&](Operation *inner) {
      for (Value value : inner->getOperands())
        found |= maps[0].lookupOrNull(value) != maps[1].lookupOrNull(value);
    });
    return found;
  };
  auto copy = [&](Block::iterator begin, Block::iterator end) {
    for (Operation &op : llvm::make_range(begin, end)) {
      if (depends(op)) {
        for (IRMapping &map : maps)
          rewriter.clone(op, map);
        continue;
      }
      Operation *only = rewriter.clone(op, maps[0]);
      for (IRMapping &map : llvm::drop_begin(maps))
        map.map(op.getResults(), only->getResults());
    }
  };
  copy(from.begin(), std::prev(from.end()));
  rewriter.setInsertionPointToStart(result.getTerminator().getBody());
  Block &inserts = *forall.getTerminator().getBody();
  copy(inserts.begin(), inserts.end());
  rewriter.replaceOp(forall, result);
  return success();
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
      if (failed(distribute(rewriter, root)))
        return signalPassFailure();
  }

  LogicalResult distribute(RewriterBase &rewriter, TilingInterface root) {
    auto schedule = root->getAttrOfType<kernel::ScheduleAttr>(kernel::kScheduleAttrName);
    auto refuse = [&](Operation *op) { return op->emitError("cannot be cut by ") << schedule; };
    // How our own ops are tiled is computed from their sizes.
    if (!isa<linalg::LinalgOp>(root.getOperation()) && failed(requireStatic(root)))
      return failure();
    int64_t streams = schedule.getStreams();
    ArrayRef<int64_t> threads = schedule.getThreads();
    for (auto [size, iterator] : llvm::zip_equal(threads, root.getLoopIteratorTypes()))
      if (size && iterator != utils::IteratorType::parallel) // a sum is not several threads'
        return refuse(root);
    FailureOr<TilingInterface> perThread =
        tile(rewriter, root, threads, scf::SCFTilingOptions::LoopType::ForallOp);
    if (failed(perThread))
      return refuse(root);
    rewriter.eraseOp(root);
    TilingInterface op = *perThread;
    op->removeAttr(kernel::kScheduleAttrName);
    auto forall = op->getParentOfType<scf::ForallOp>();
    bool cut = llvm::any_of(schedule.getTiles().asArrayRef(), [](int64_t size) { return size != 0; });
    if (cut) {
      FailureOr<TilingInterface> inner =
          tile(rewriter, op, schedule.getTiles(), scf::SCFTilingOptions::LoopType::ForOp);
      if (failed(inner))
        return refuse(op);
      rewriter.eraseOp(op);
    }
    if (streams > 1 && failed(interleave(rewriter, forall, streams)))
      return refuse(forall);
    return success();
  }
};

} // namespace
