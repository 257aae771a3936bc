//===- VectorizeMatmul.cpp - The micro-kernel of a packed product ----------===//
//
// BLIS's split (Van Zee and van de Geijn, 2015): tiling made the macro-kernel,
// here is the micro-kernel. One panel of R rows meets m rows of input; the m x R
// sums live in registers, the panel is read once, front to back. R is a whole
// number of vectors, so no sum crosses lanes and the order of additions is the
// order of the columns, whatever the thread.
//
//===----------------------------------------------------------------------===//

#include "compiler/transforms/KernelBuilder.h"
#include "compiler/transforms/Passes.h"
#include "targets/Target.h"

#include "mlir/Dialect/Linalg/Transforms/Transforms.h"

using namespace mlir;

namespace cria {
#define GEN_PASS_DEF_VECTORIZEMATMUL
#include "compiler/transforms/Passes.h.inc"
} // namespace cria

using namespace cria;

namespace {

/// A tile: input [m, K], panel [1, K, R], sums [m, 1, R].
struct MatmulTile {
  linalg::GenericOp op;
  Value input, panel, sums;
  int64_t m, columns, height;
};

std::optional<MatmulTile> matchTile(linalg::GenericOp op) {
  if (!linalg::isaContractionOpInterface(op) || op.getNumLoops() != 4)
    return std::nullopt;
  SmallVector<int64_t> sizes = op.getStaticLoopRanges(); // (t, p, k, r)
  if (llvm::any_of(sizes, ShapedType::isDynamic) || sizes[1] != 1)
    return std::nullopt;
  return MatmulTile{op, op.getInputs()[0], op.getInputs()[1], op.getOutputs()[0], sizes[0], sizes[2], sizes[3]};
}

class MicroKernel {
public:
  MicroKernel(MatmulTile tile, int64_t unroll, RewriterBase &rewriter)
      : tile(tile), unroll(std::min(unroll, tile.columns)), b(rewriter), loc(tile.op.getLoc()),
        type(VectorType::get({tile.height}, rewriter.getF32Type())) {}

  /// Replaces the tile's op.
  void build() {
    b.setInsertionPoint(tile.op);
    zero = index(0);
    Value destination = tile.sums;
    SmallVector<Value> sums = initialSums(destination);
    int64_t whole = tile.columns / unroll * unroll;
    auto loop = scf::ForOp::create(b, loc, zero, index(whole), index(unroll), sums);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      SmallVector<Value> inner(loop.getRegionIterArgs());
      for (int64_t offset = 0; offset < unroll; ++offset)
        addColumn(plus(loop.getInductionVar(), offset), inner);
      scf::YieldOp::create(b, loc, inner);
    }
    sums.assign(loop.getResults().begin(), loop.getResults().end());
    for (int64_t column = whole; column < tile.columns; ++column)
      addColumn(index(column), sums);
    for (int64_t row = 0; row < tile.m; ++row)
      destination = vector::TransferWriteOp::create(b, loc, sums[row], destination,
                                                    ValueRange{index(row), zero, zero}, ArrayRef<bool>{true})
                        .getResult();
    b.replaceOp(tile.op, destination);
  }

private:
  Value index(int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); }
  Value plus(Value value, int64_t offset) {
    return offset ? arith::AddIOp::create(b, loc, value, index(offset)).getResult() : value;
  }

  /// Zeros where the tile was just filled with them (the fill is then bypassed
  /// and `destination` is what it filled), else what is there.
  SmallVector<Value> initialSums(Value &destination) {
    SmallVector<Value> sums;
    if (auto fill = destination.getDefiningOp<linalg::FillOp>()) {
      destination = fill.getOutputs()[0];
      sums.assign(tile.m, vector::BroadcastOp::create(b, loc, type, fill.getInputs()[0]));
      return sums;
    }
    for (int64_t row = 0; row < tile.m; ++row)
      sums.push_back(vector::TransferReadOp::create(b, loc, type, destination, ValueRange{index(row), zero, zero},
                                                    std::nullopt, ArrayRef<bool>{true}));
    return sums;
  }

  /// sums[row] += panel[0, column, :] * input[row, column]
  void addColumn(Value column, SmallVectorImpl<Value> &sums) {
    auto stored = VectorType::get({tile.height}, getElementTypeOrSelf(tile.panel));
    Value weights = vector::TransferReadOp::create(b, loc, stored, tile.panel, ValueRange{zero, column, zero},
                                                   std::nullopt, ArrayRef<bool>{true});
    weights = widen(b, loc, weights);
    for (int64_t row = 0; row < tile.m; ++row) {
      Value scalar = tensor::ExtractOp::create(b, loc, tile.input, ValueRange{index(row), column});
      Value factor = vector::BroadcastOp::create(b, loc, type, scalar);
      sums[row] = vector::FMAOp::create(b, loc, weights, factor, sums[row]);
    }
  }

  MatmulTile tile;
  int64_t unroll;
  RewriterBase &b;
  Location loc;
  VectorType type;
  Value zero;
};

struct VectorizeMatmul : cria::impl::VectorizeMatmulBase<VectorizeMatmul> {
  void runOnOperation() override {
    FailureOr<ChipRef> chip = chipOf(getOperation()->getParentOfType<ModuleOp>());
    if (failed(chip))
      return signalPassFailure();
    SmallVector<MatmulTile> tiles;
    getOperation().walk([&](linalg::GenericOp op) {
      if (std::optional<MatmulTile> tile = matchTile(op))
        tiles.push_back(*tile);
    });
    IRRewriter rewriter(&getContext());
    for (MatmulTile tile : tiles) {
      KernelKey key{KernelKey::Kind::Matmul, tile.m > 1, getElementTypeOrSelf(tile.panel)};
      MicroKernel(tile, chip->target->schedule(*chip->chip, key).unroll, rewriter).build();
      ++tileCount;
    }
  }
};

} // namespace
