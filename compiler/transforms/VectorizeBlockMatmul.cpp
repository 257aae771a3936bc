//===- VectorizeBlockMatmul.cpp - The micro-kernel of quantized products ---===//
//
// A few panels of R rows meet m rows of codes. Per group of 32 columns: each vector of
// 4 R codes, as a BlockReader gives it, meets four codes of every input row in one
// `kernel.dot`; the exact sums are converted and added, times both scales, to the F32
// sums, which live in registers throughout. The offset of unsigned codes is in the
// start value of the integer sums. Blocks of several groups are a loop around that: their
// F16 numbers are read once. (Not unrolled: an instruction that reads at every 300th byte
// is one whose addresses a core can foretell, at every 2400th it is not.) Two panels halve the loads: four codes of a row,
// spread over a register once, serve both. A single row takes one panel after the
// other instead: memory is read as one stream, which on what was measured is a third
// faster than two.
//
// Where tiles of rows follow each other, each fetches its share of the panels that
// come after these, so that their first tile does not wait for memory.
//
//===----------------------------------------------------------------------===//

#include "compiler/transforms/BlockReader.h"
#include "compiler/transforms/Passes.h"

using namespace mlir;

namespace cria {
#define GEN_PASS_DEF_VECTORIZEBLOCKMATMUL
#include "compiler/transforms/Passes.h.inc"
} // namespace cria

using namespace cria;

namespace {

class BlockKernel {
public:
  BlockKernel(kernel::BlockMatmulOp op, RewriterBase &rewriter) : op(op), b(rewriter), loc(op.getLoc()) {
    auto codes = cast<RankedTensorType>(op.getCodes().getType());
    tokens = codes.getDimSize(0);
    groups = codes.getDimSize(1);
    auto sums = cast<RankedTensorType>(op.getDestination().getType());
    allPanels = sums.getDimSize(1);
    rows = sums.getDimSize(2);
    panels = tokens > 1 ? allPanels : 1;
    readers.append(panels, BlockReader(b, loc, op.getPanels(), op.getFormat(), rows));
    sumType = VectorType::get({rows}, b.getF32Type());
    integerType = VectorType::get({rows}, b.getI32Type());
  }

  void build() {
    b.setInsertionPoint(op);
    zero = index(0);
    Value result = op.getDestination();
    for (firstPanel = 0; firstPanel < allPanels; firstPanel += panels)
      result = multiplyPanels(result);
    b.replaceOp(op, result);
  }

private:
  /// `destination` with the products of panels firstPanel … firstPanel + panels - 1 in place.
  Value multiplyPanels(Value destination) {
    SmallVector<Value> sums;
    for (int64_t t = 0; t < tokens; ++t)
      for (int64_t p = 0; p < panels; ++p)
        sums.push_back(read(sumType, destination, {index(t), index(firstPanel + p), zero}));
    int64_t steps = readers[0].steps();
    SmallVector<Value> results = loopOver(groups / steps, sums, [&](Value block, ValueRange sums) {
      return multiplyBlock(block, steps, sums);
    });
    if (groups % steps) // a row ends within a block
      results = multiplyBlock(index(groups / steps), groups % steps, results);
    for (int64_t t = 0; t < tokens; ++t)
      for (int64_t p = 0; p < panels; ++p)
        destination = vector::TransferWriteOp::create(b, loc, results[t * panels + p], destination,
                                                      ValueRange{index(t), index(firstPanel + p), zero},
                                                      ArrayRef<bool>{true})
                          .getResult();
    return destination;
  }

  /// The results of a loop from 0 to `count` that starts with `values`.
  SmallVector<Value> loopOver(int64_t count, ValueRange values,
                              llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) {
    auto loop = scf::ForOp::create(b, loc, zero, index(count), index(1), values);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    scf::YieldOp::create(b, loc, body(loop.getInductionVar(), loop.getRegionIterArgs()));
    return loop.getResults();
  }

  Value index(int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); }
  Value read(VectorType type, Value tensor, ValueRange place) {
    return vector::TransferReadOp::create(b, loc, type, tensor, place, std::nullopt, ArrayRef<bool>{true});
  }

  /// `sums` with the products of the first `count` steps of a block added.
  SmallVector<Value> multiplyBlock(Value block, int64_t count, ValueRange sums) {
    for (int64_t p = 0; p < panels; ++p)
      readers[p].moveToBlock(index(firstPanel + p), block);
    int64_t steps = readers[0].steps();
    if (steps == 1)
      return multiplyStep(block, zero, sums);
    Value first = arith::MulIOp::create(b, loc, block, index(steps));
    return loopOver(count, sums, [&](Value step, ValueRange sums) {
      return multiplyStep(arith::AddIOp::create(b, loc, first, step), step, sums);
    });
  }

  /// `sums` with the products of columns 32 * step … 32 * step + 31 added; the step is number
  /// `part` of its block.
  SmallVector<Value> multiplyStep(Value step, Value part, ValueRange sums) {
    prefetch(step);
    for (BlockReader &reader : readers)
      reader.moveToStep(part);
    SmallVector<Value> result(sums);
    for (int64_t group = 0; group < readers[0].groups(); ++group)
      multiplyGroup(step, group, result);
    return result;
  }

  /// Group `group` of a step; `sums[t, p]` are updated.
  void multiplyGroup(Value step, int64_t group, SmallVectorImpl<Value> &sums) {
    SmallVector<Value> codeSums, exact;
    Value offset = arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(-int32_t(readers[0].offset())));
    for (int64_t t = 0; t < tokens; ++t) {
      codeSums.push_back(codeSum(t, step, group));
      Value start = arith::MulIOp::create(b, loc, codeSums[t], offset);
      exact.append(panels, vector::BroadcastOp::create(b, loc, integerType, start));
    }
    for (int64_t vector : readers[0].vectors(group)) {
      SmallVector<Value> codes;
      for (BlockReader &reader : readers)
        codes.push_back(reader.codes(vector));
      multiply(codes, step, 4 * vector, exact);
    }
    SmallVector<Value> scales, minimums;
    for (BlockReader &reader : readers) {
      scales.push_back(reader.scales(group));
      minimums.push_back(reader.minimums(group));
    }
    for (int64_t t = 0; t < tokens; ++t) {
      Value scale = tensor::ExtractOp::create(b, loc, op.getScales(), ValueRange{index(t), step}), taken;
      if (minimums[0]) {
        Value sum = arith::SIToFPOp::create(b, loc, b.getF32Type(), codeSums[t]);
        Value negative = arith::NegFOp::create(b, loc, arith::MulFOp::create(b, loc, scale, sum));
        taken = vector::BroadcastOp::create(b, loc, sumType, negative);
      }
      Value factor = vector::BroadcastOp::create(b, loc, sumType, scale);
      for (int64_t p = 0; p < panels; ++p) {
        Value &sum = sums[t * panels + p];
        if (taken)
          sum = vector::FMAOp::create(b, loc, minimums[p], taken, sum);
        Value both = arith::MulFOp::create(b, loc, scales[p], factor);
        Value product = arith::SIToFPOp::create(b, loc, sumType, exact[t * panels + p]);
        sum = vector::FMAOp::create(b, loc, product, both, sum);
      }
    }
  }

  /// The sum of row t's codes in group `group` of a step, or in all of it.
  Value codeSum(int64_t t, Value step, int64_t group) {
    int64_t perStep = cast<RankedTensorType>(op.getSums().getType()).getDimSize(1) / groups;
    Value first = step;
    if (perStep > 1)
      first = arith::MulIOp::create(b, loc, step, index(perStep));
    Value result;
    for (int64_t number = 0; number < perStep; ++number) {
      if (readers[0].groups() > 1 && number != group)
        continue;
      Value place = number ? arith::AddIOp::create(b, loc, first, index(number)).getResult() : first;
      Value sum = tensor::ExtractOp::create(b, loc, op.getSums(), ValueRange{index(t), place});
      result = result ? arith::AddIOp::create(b, loc, result, sum).getResult() : sum;
    }
    return result;
  }

  /// Tile number i of n fetches the next panels' bytes from i / n to (i + 1) / n, in
  /// equal steps over the groups.
  void prefetch(Value number) {
    auto loop = op->getParentOfType<scf::ForOp>();
    std::optional<llvm::APInt> tiles = loop ? loop.getStaticTripCount() : std::nullopt;
    if (!tiles || tiles->getSExtValue() < 2)
      return;
    auto type = cast<RankedTensorType>(op.getPanels().getType());
    int64_t bytes = type.getDimSize(1) * type.getDimSize(2) / groups * panels; // of a step
    Value tile = arith::DivUIOp::create(b, loc, loop.getInductionVar(), loop.getStep());
    Value steps = arith::AddIOp::create(b, loc, arith::MulIOp::create(b, loc, tile, index(groups)), number);
    Value ahead = arith::MulIOp::create(b, loc, steps, index(std::max<int64_t>(bytes / tiles->getSExtValue(), 1)));
    kernel::PrefetchOp::create(b, loc, op.getPanels(), ValueRange{index(panels), zero, ahead});
  }

  /// exact[t, p] += weights[p] times the four codes of row t from `column` of the group on
  void multiply(ArrayRef<Value> weights, Value number, int64_t column, SmallVectorImpl<Value> &exact) {
    for (int64_t t = 0; t < tokens; ++t) {
      Value four = read(VectorType::get({4}, b.getI8Type()), op.getCodes(), {index(t), number, index(column)});
      Value word = vector::BitCastOp::create(b, loc, VectorType::get({1}, b.getI32Type()), four);
      Value activations = vector::ExtractOp::create(b, loc, word, 0);
      for (int64_t p = 0; p < panels; ++p)
        exact[t * panels + p] = kernel::DotOp::create(b, loc, integerType, exact[t * panels + p], weights[p], activations);
    }
  }

  kernel::BlockMatmulOp op;
  RewriterBase &b;
  Location loc;
  int64_t tokens = 0, groups = 0, rows = 0;
  int64_t allPanels = 0, panels = 0, firstPanel = 0; ///< of the op; of one pass over the groups; where it begins
  SmallVector<BlockReader> readers; ///< one for each panel
  VectorType sumType, integerType;
  Value zero;
};

struct VectorizeBlockMatmul : cria::impl::VectorizeBlockMatmulBase<VectorizeBlockMatmul> {
  void runOnOperation() override {
    SmallVector<kernel::BlockMatmulOp> ops;
    getOperation().walk([&](kernel::BlockMatmulOp op) { ops.push_back(op); });
    IRRewriter rewriter(&getContext());
    for (kernel::BlockMatmulOp op : ops) {
      BlockKernel(op, rewriter).build();
    }
  }
};

} // namespace
