//===- VectorizeElementwise.cpp - A vector of the innermost loop -----------===//

#include "compiler/transforms/Passes.h"
#include "targets/Target.h"

#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/SCF/Transforms/TileUsingInterface.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Remarks.h"

#include <numeric>

using namespace mlir;

namespace cria {
#define GEN_PASS_DEF_VECTORIZEELEMENTWISE
#include "compiler/transforms/Passes.h.inc"
} // namespace cria

using namespace cria;

namespace {

struct VectorizeElementwise : cria::impl::VectorizeElementwiseBase<VectorizeElementwise> {
  void runOnOperation() override {
    FailureOr<ChipRef> chip = chipOf(getOperation()->getParentOfType<ModuleOp>());
    if (failed(chip))
      return signalPassFailure();
    int64_t lanes = chip->target->schedule(*chip->chip, {KernelKey::Kind::Elementwise, false, {}}).lanes;
    SmallVector<linalg::LinalgOp> ops;
    getOperation().walk([&](linalg::LinalgOp op) { ops.push_back(op); });
    IRRewriter rewriter(&getContext());
    for (linalg::LinalgOp op : ops) {
      Location loc = op.getLoc();
      StringRef reason = vectorize(rewriter, op, lanes);
      if (reason.empty()) {
        ++vectorizedCount;
        continue;
      }
      ++scalarCount;
      remark::missed(loc, remark::RemarkOpts::name("Scalar").category("vectorize")) << remark::reason("{0}", reason);
    }
  }

private:
  /// Empty on success, else why not.
  StringRef vectorize(RewriterBase &rewriter, linalg::LinalgOp op, int64_t lanes) {
    SmallVector<int64_t> sizes = op.getStaticLoopRanges();
    if (llvm::any_of(sizes, ShapedType::isDynamic))
      return "its loops have dynamic sizes";
    if (llvm::is_contained(sizes, 0))
      return "its loops have no turns";
    bool gathers = op.getBlock() && llvm::any_of(op.getBlock()->getOperations(), [](Operation &inner) {
                     return isa<tensor::ExtractOp>(inner);
                   });
    if (gathers)
      return "it gathers single elements";
    SmallVector<int64_t> tile(sizes.size(), 1);
    if (!sizes.empty())
      tile.back() = std::gcd(sizes.back(), lanes);
    if (tile.empty() || tile.back() == 1)
      return "its innermost loop has no common divisor with the vector length";

    scf::SCFTilingOptions options;
    options.setTileSizes(getAsIndexOpFoldResult(rewriter.getContext(), tile));
    rewriter.setInsertionPoint(op);
    auto tileable = cast<TilingInterface>(op.getOperation());
    FailureOr<scf::SCFTilingResult> tiled = scf::tileUsingSCF(rewriter, tileable, options);
    if (failed(tiled))
      return "it cannot be tiled";
    rewriter.replaceOp(op, tiled->replacements);
    endBehindLastToken(rewriter, cast<scf::ForOp>(tiled->loops.front()), sizes.front());
    Operation *inner = tiled->tiledOps.front();
    rewriter.setInsertionPoint(inner);
    FailureOr<linalg::VectorizationResult> vectorized = linalg::vectorize(rewriter, inner);
    if (failed(vectorized))
      return "linalg cannot vectorize it";
    rewriter.replaceOp(inner, vectorized->replacements);
    return "";
  }

  /// The loop over the `rows` of a chunk ends behind the last token.
  static void endBehindLastToken(RewriterBase &rewriter, scf::ForOp loop, int64_t rows) {
    rewriter.setInsertionPoint(loop);
    if (Value live = kernel::liveRows(rewriter, loop.getLoc(), rows))
      loop.setUpperBound(live);
  }
};

} // namespace
