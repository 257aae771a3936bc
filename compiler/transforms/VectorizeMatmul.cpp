//===- VectorizeMatmul.cpp - The micro-kernel of a packed product ----------===//
//
// BLIS's split (Van Zee and van de Geijn, 2015): tiling made the macro-kernel,
// here is the micro-kernel. P panels of R rows meet m rows of input; the m x P x R
// sums live in registers, the panels are read once, front to back. R is a whole
// number of vectors, so no sum crosses lanes and the order of additions is the
// order of the columns, whatever the thread and the tile (of a pair, the second first:
// see `kernel.dot`). Many rows are cut here, into tiles of which the last one may be lower, and of a chunk
// those are multiplied that hold a token, two or four in a lower one; narrow panels are widened before the
// first, where the schedule says so and there is a second. Tiles fetch their share of the panels that come
// next. A single row has two sums, of even and of odd columns. Where the schedule wants tiles, the
// micro-kernel is the target's: one `kernel.tile_matmul`.
//
//===----------------------------------------------------------------------===//

#include "compiler/transforms/KernelBuilder.h"
#include "compiler/transforms/Passes.h"
#include "compiler/transforms/VectorBuilder.h"
#include "targets/Target.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace cria {
#define GEN_PASS_DEF_VECTORIZEMATMUL
#include "compiler/transforms/Passes.h.inc"
} // namespace cria

using namespace cria;

namespace {

/// The product as one op; a destination that was just filled with zeros need not be.
void toTileMatmul(PackedMatmul matmul, RewriterBase &b) {
  b.setInsertionPoint(matmul.op);
  Location loc = matmul.op.getLoc();
  auto collapse = [&](Value tensor, ArrayRef<ReassociationIndices> groups) {
    return tensor::CollapseShapeOp::create(b, loc, tensor, groups);
  };
  Value rows = collapse(matmul.input, {{0}, {1, 2}}), panels = collapse(matmul.panels, {{0}, {1}, {2, 3}});
  auto fill = matmul.sums.getDefiningOp<linalg::FillOp>();
  bool fresh = fill && matchPattern(fill.getInputs()[0], m_AnyZeroFloat());
  Value destination = fresh ? fill.getOutputs()[0] : matmul.sums;
  b.replaceOpWithNewOp<kernel::TileMatmulOp>(matmul.op, destination.getType(), rows, panels, destination,
                                             /*accumulate=*/!fresh);
}

class MicroKernel : VectorBuilder {
public:
  MicroKernel(PackedMatmul matmul, const Schedule &schedule, RewriterBase &rewriter)
      : VectorBuilder(rewriter, matmul.op.getLoc()), matmul(matmul), unroll(std::min(schedule.unroll, matmul.columns)),
        passPanels(matmul.m > 1 ? matmul.count : divisorUpTo(matmul.count, schedule.panelTile)), ahead(schedule.ahead),
        cache(schedule.aheadCache), tileRows(tileHeight(matmul.m, schedule.tileRows)), rows(tileRows),
        widenOnce(schedule.widenOnce), inMemory(matmul.panels),
        type(VectorType::get({matmul.height}, rewriter.getF32Type())) {}

  /// Replaces the op.
  void build() {
    b.setInsertionPoint(matmul.op);
    zero = index(0);
    if (matmul.pairs) // a column's pairs are one row of numbers
      matmul.panels = inMemory = tensor::CollapseShapeOp::create(b, loc, matmul.panels,
                                                               SmallVector<ReassociationIndices>{{0}, {1}, {2, 3}});
    Value destination = matmul.sums;
    if (auto fill = destination.getDefiningOp<linalg::FillOp>()) {
      destination = fill.getOutputs()[0];
      start = fill.getInputs()[0];
    }
    if (tileRows == matmul.m)
      destination = multiplyRows(destination);
    else
      destination = multiplyTokens(kernel::liveRows(b, loc, matmul.m), singleTiles(), destination);
    b.replaceOp(matmul.op, destination);
  }

private:
  bool widens() const { return widenOnce && isNarrow(); }

  /// Heights of tiles that few tokens of a chunk get, all in one: lower ones are less to multiply, and for one nothing
  /// is widened first.
  SmallVector<int64_t> singleTiles() const {
    SmallVector<int64_t> heights;
    for (int64_t rows = 2; rows < tileRows; rows *= 2)
      heights.push_back(rows);
    if (widens())
      heights.push_back(tileRows);
    return heights;
  }

  /// `destination` with the products of all rows in place; of a chunk `live` ones hold a token (null: there is none),
  /// which are one tile of the first of `heights` that has room for them.
  Value multiplyTokens(Value live, ArrayRef<int64_t> heights, Value destination) {
    if (!live || heights.empty()) {
      if (widens())
        widenPanels();
      return multiplyTiles(destination);
    }
    Value fits = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ule, live, index(heights[0]));
    auto branch = scf::IfOp::create(b, loc, destination.getType(), fits, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    scf::YieldOp::create(b, loc, multiplyTile(zero, heights[0], destination));
    b.setInsertionPointToStart(branch.elseBlock());
    scf::YieldOp::create(b, loc, multiplyTokens(live, heights.drop_front(), destination));
    return branch.getResult(0);
  }

  /// `destination` with the products of all rows in place, which is done tile by tile; of a chunk of those that hold
  /// a token.
  Value multiplyTiles(Value destination) {
    return overTiles(matmul.m, tileRows, destination,
                     [&](Value number, int64_t count, Value result) { return multiplyTile(number, count, result); });
  }

  /// `destination` with the products of tile number `number` in place, which has `count` rows.
  Value multiplyTile(Value number, int64_t count, Value destination) {
    tileNumber = number;
    firstRow = arith::MulIOp::create(b, loc, number, index(tileRows));
    rows = count;
    return multiplyRows(destination);
  }

  /// `destination` with the products of a tile's rows in place.
  Value multiplyRows(Value destination) {
    SmallVector<Value> sums = initialSums(destination);
    if (matmul.m > 1)
      sums = multiply(0, sums);
    else
      for (int64_t first = 0; first < matmul.count; first += passPanels)
        llvm::copy(multiplyRow(first, ArrayRef<Value>(sums).slice(first, passPanels)), sums.begin() + first);
    forEachSum(matmul.count, [&](int64_t row, int64_t panel, int64_t number) {
      destination = write(sums[number], destination, {rowAt(row), index(panel), zero});
    });
    return destination;
  }

  /// Number `row` of the tile's rows.
  Value rowAt(int64_t row) { return firstRow ? plus(firstRow, row) : index(row); }

  /// `sums` [chains, rows, passPanels] with the products of panels `first` … `first` + passPanels - 1
  /// added: those of column c to chain c mod chains.
  SmallVector<Value> multiply(int64_t first, SmallVector<Value> sums) {
    size_t perChain = rows * passPanels;
    int64_t chains = sums.size() / perChain, whole = matmul.columns / unroll * unroll;
    auto add = [&](Value column, int64_t chain, SmallVector<Value> &all) {
      SmallVector<Value> some(ArrayRef<Value>(all).slice(chain * perChain, perChain));
      addColumn(first, column, some);
      std::copy(some.begin(), some.end(), all.begin() + chain * perChain);
    };
    sums = loop(zero, index(whole), unroll, sums, [&](Value column, ValueRange before) {
      prefetch(first, column);
      SmallVector<Value> inner(before);
      for (int64_t offset = 0; offset < unroll; ++offset)
        add(plus(column, offset), offset % chains, inner);
      return inner;
    });
    for (int64_t column = whole; column < matmul.columns; ++column)
      add(index(column), column % chains, sums);
    return sums;
  }

  /// `sums` [passPanels] of a single row with the products of panels from `first` on added: those of
  /// even columns to them, of odd ones to second sums, so that one addition need not wait for the one before.
  SmallVector<Value> multiplyRow(int64_t first, ArrayRef<Value> sums) {
    SmallVector<Value> chains(sums);
    if (unroll % 2)
      return multiply(first, chains);
    chains.append(passPanels, arith::ConstantOp::create(b, loc, b.getZeroAttr(type)));
    chains = multiply(first, chains);
    SmallVector<Value> result;
    for (int64_t panel = 0; panel < passPanels; ++panel)
      result.push_back(arith::AddFOp::create(b, loc, chains[panel], chains[passPanels + panel]));
    return result;
  }

  /// Whether a number is widened where it is used.
  bool isNarrow() const { return !matmul.pairs && !getElementTypeOrSelf(inMemory).isF32(); }

  /// Narrow panels, which several tiles meet: widened, in the thread's scratch.
  void widenPanels() {
    auto narrow = cast<RankedTensorType>(inMemory.getType()); // [P, K, R]
    matmul.panels = scratch(narrow.getShape(), b.getF32Type());
    for (int64_t panel = 0; panel < matmul.count; ++panel)
      matmul.panels = loop(zero, index(matmul.columns), 1, matmul.panels, [&](Value column, ValueRange before) {
        SmallVector<Value> place = {index(panel), column, zero};
        Value numbers = read(VectorType::get({matmul.height}, narrow.getElementType()), inMemory, place);
        return SmallVector<Value>{write(widen(b, loc, numbers), before[0], place)};
      })[0];
  }

  /// Visits sums [rows, panels].
  void forEachSum(int64_t panels, llvm::function_ref<void(int64_t row, int64_t panel, int64_t number)> visit) {
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t panel = 0; panel < panels; ++panel)
        visit(row, panel, row * panels + panel);
  }

  /// What all start from, or what the destination holds.
  SmallVector<Value> initialSums(Value destination) {
    SmallVector<Value> sums;
    if (start)
      sums.assign(rows * matmul.count, vector::BroadcastOp::create(b, loc, type, start));
    else
      forEachSum(matmul.count, [&](int64_t row, int64_t panel, int64_t) {
        sums.push_back(read(type, destination, {rowAt(row), index(panel), zero}));
      });
    return sums;
  }

  /// sums[row, panel] += panels[first + panel, column, :] * input[row, column]
  void addColumn(int64_t first, Value column, SmallVectorImpl<Value> &sums) {
    SmallVector<Value> weights, factors;
    int64_t width = matmul.pairs ? 2 * matmul.height : matmul.height;
    auto stored = VectorType::get({width}, getElementTypeOrSelf(matmul.panels));
    for (int64_t panel = 0; panel < passPanels; ++panel) {
      Value numbers = read(stored, matmul.panels, {index(first + panel), column, zero});
      weights.push_back(matmul.pairs ? numbers : widen(b, loc, numbers));
    }
    if (matmul.pairs && getElementTypeOrSelf(matmul.input).isF32())
      return addWidePair(weights, column, sums);
    for (int64_t row = 0; row < rows; ++row)
      factors.push_back(matmul.pairs ? pair(row, column) : scalar({rowAt(row), column}));
    forEachSum(passPanels, [&](int64_t row, int64_t panel, int64_t number) {
      if (matmul.pairs)
        sums[number] = kernel::DotOp::create(b, loc, type, sums[number], weights[panel], factors[row]);
      else
        sums[number] = vector::FMAOp::create(b, loc, weights[panel], factors[row], sums[number]);
    });
  }

  /// What `kernel.dot` says of pairs of BF16, whose input is F32 already.
  void addWidePair(ArrayRef<Value> weights, Value column, SmallVectorImpl<Value> &sums) {
    for (bool upper : {true, false}) {
      SmallVector<Value> halves;
      for (Value pairs : weights) {
        Value words = vector::BitCastOp::create(b, loc, type.clone(b.getI32Type()), pairs);
        halves.push_back(kernel::widenHalf(b, loc, words, upper));
      }
      SmallVector<Value> factors;
      for (int64_t row = 0; row < rows; ++row)
        factors.push_back(scalar({rowAt(row), column, index(upper)}));
      forEachSum(passPanels, [&](int64_t row, int64_t panel, int64_t number) {
        sums[number] = vector::FMAOp::create(b, loc, halves[panel], factors[row], sums[number]);
      });
    }
  }

  /// A number of the input in every lane.
  Value scalar(ArrayRef<Value> place) {
    Value scalar = tensor::ExtractOp::create(b, loc, matmul.input, place);
    return vector::BroadcastOp::create(b, loc, type, widen(b, loc, scalar));
  }

  /// The pair input[row, column, :] as 32 bits.
  Value pair(int64_t row, Value column) {
    auto stored = VectorType::get({2}, getElementTypeOrSelf(matmul.input));
    Value numbers = read(stored, matmul.input, {rowAt(row), column, zero});
    Value word = vector::BitCastOp::create(b, loc, VectorType::get({1}, b.getI32Type()), numbers);
    return vector::ExtractOp::create(b, loc, word, 0);
  }

  /// Tiles share the next panels' numbers, line by line over the columns; a single row fetches what is
  /// `ahead` bytes further on in each panel.
  void prefetch(int64_t first, Value column) {
    auto panels = cast<RankedTensorType>(inMemory.getType());
    int64_t bits = panels.getElementTypeBitWidth();
    if (matmul.m == 1 && ahead) {
      Value here = arith::MulIOp::create(b, loc, column, index(panels.getDimSize(2)));
      for (int64_t panel = first; panel < first + passPanels; ++panel)
        fetch(inMemory, {index(panel), zero, plus(here, ahead * 8 / bits)}, panels.getDimSize(2) * unroll, cache);
    }
    if (tileNumber) {
      Value share = shareOfTile(panels.getDimSize(2) * matmul.count, matmul.m, tileRows);
      fetchShare(inMemory, matmul.count, share, {tileNumber, column, matmul.columns, index(unroll)});
    }
  }

  PackedMatmul matmul;
  int64_t unroll, passPanels;        ///< columns; panels that meet the rows together
  int64_t ahead, cache;              ///< bytes; see Schedule
  int64_t tileRows, rows;            ///< of the tiles that rows are cut into; of the one that is made
  Value tileNumber, firstRow;        ///< null: the rows are one tile
  Value start;                       ///< null: sums start from what the destination holds
  bool widenOnce;
  Value inMemory; ///< the panels before they were widened
  VectorType type;
  Value zero;
};

struct VectorizeMatmul : cria::impl::VectorizeMatmulBase<VectorizeMatmul> {
  void runOnOperation() override {
    FailureOr<ChipRef> chip = chipOf(getOperation()->getParentOfType<ModuleOp>());
    if (failed(chip))
      return signalPassFailure();
    SmallVector<PackedMatmul> matmuls;
    getOperation().walk([&](linalg::GenericOp op) {
      if (std::optional<PackedMatmul> matmul = matchPackedMatmul(op))
        matmuls.push_back(*matmul);
    });
    IRRewriter rewriter(&getContext());
    for (PackedMatmul matmul : matmuls) {
      Schedule schedule = chip->target->schedule(*chip->chip, keyOf(matmul));
      if (schedule.tileMatmul && matmul.pairs)
        toTileMatmul(matmul, rewriter);
      else
        MicroKernel(matmul, schedule, rewriter).build();
      ++tileCount;
    }
  }
};

} // namespace
