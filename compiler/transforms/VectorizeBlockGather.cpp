//===- VectorizeBlockGather.cpp - Rows of quantized matrices as numbers ----===//
//
// A loop over the tile's rows and their steps of 32 columns. What belongs to a row lies
// four bytes at a time in its panel (see BlockReader); put beside each other they are a
// vector of codes in the order of the columns. Few rows are read in a step of the model,
// so that picking bytes is cheap beside keeping a table of floats in the artifact.
//
//===----------------------------------------------------------------------===//

#include "compiler/transforms/BlockReader.h"
#include "compiler/transforms/Passes.h"
#include "compiler/transforms/VectorBuilder.h"

using namespace mlir;

namespace cria {
#define GEN_PASS_DEF_VECTORIZEBLOCKGATHER
#include "compiler/transforms/Passes.h.inc"
} // namespace cria

using namespace cria;
using llama::kGroup;

namespace {

class GatherKernel : VectorBuilder {
public:
  GatherKernel(kernel::BlockGatherOp op, RewriterBase &rewriter)
      : VectorBuilder(rewriter, op.getLoc()), op(op) {
    auto type = cast<RankedTensorType>(op.getDestination().getType());
    count = type.getDimSize(0);
    columns = type.getDimSize(1);
  }

  void build() {
    b.setInsertionPoint(op);
    int64_t whole = columns / kGroup;
    Value result = op.getDestination();
    if (whole)
      result = steps(0, whole, kGroup, result);
    if (columns % kGroup)
      result = steps(whole, whole + 1, columns % kGroup, result);
    b.replaceOp(op, result);
  }

private:
  /// `destination` with steps [first, last) of every row in place: `width` columns of each.
  Value steps(int64_t first, int64_t last, int64_t width, Value destination) {
    b.setInsertionPoint(op);
    scf::LoopNest nest = scf::buildLoopNest(
        b, loc, {index(0), index(first)}, {index(count), index(last)}, {index(1), index(1)}, destination,
        [&](OpBuilder &, Location, ValueRange place, ValueRange destinations) -> scf::ValueVector {
          b.setInsertionPointToEnd(b.getInsertionBlock());
          return {step(place[0], place[1], width, destinations[0])};
        });
    return nest.results[0];
  }

  /// `destination` with columns 32 * number … of row `at`, `width` of them.
  Value step(Value at, Value number, int64_t width, Value destination) {
    Value row = arith::IndexCastOp::create(b, loc, b.getIndexType(),
                                           tensor::ExtractOp::create(b, loc, op.getIndices(), at));
    Value rows = index(op.getRows());
    Value panel = arith::DivUIOp::create(b, loc, row, rows), lane = arith::RemUIOp::create(b, loc, row, rows);
    BlockReader reader(b, loc, op.getPanels(), op.getFormat(), op.getRows(), lane);
    reader.moveTo(panel, number);
    Value begin = arith::MulIOp::create(b, loc, number, index(kGroup));
    int64_t groups = reader.groups(), size = kGroup / groups;
    for (int64_t group = 0; group * size < width; ++group) {
      Value numbers = this->numbers(reader, group, size), first = begin;
      if (group)
        first = arith::AddIOp::create(b, loc, begin, index(group * size));
      if (int64_t left = width - group * size; left < size)
        numbers = vector::ExtractStridedSliceOp::create(b, loc, numbers, ArrayRef<int64_t>{0}, ArrayRef<int64_t>{left},
                                                        ArrayRef<int64_t>{1});
      destination = write(numbers, destination, {at, first});
    }
    return destination;
  }

  /// What the codes of group `group` of a step stand for, `size` numbers.
  Value numbers(BlockReader &reader, int64_t group, int64_t size) {
    auto bytes = VectorType::get({size}, b.getI8Type()), floats = VectorType::get({size}, b.getF32Type()),
         integers = VectorType::get({size}, b.getI32Type());
    Value codes = arith::ConstantOp::create(b, loc, b.getZeroAttr(bytes));
    for (int64_t vector = 0; vector < size / 4; ++vector)
      codes = vector::InsertStridedSliceOp::create(b, loc, reader.bareCodes(group * size / 4 + vector), codes,
                                                   ArrayRef<int64_t>{4 * vector}, ArrayRef<int64_t>{1});
    Value wide = arith::ExtUIOp::create(b, loc, integers, reader.levels(codes));
    Value offset = arith::ConstantOp::create(b, loc, DenseElementsAttr::get(integers, int32_t(reader.offset())));
    Value levels = arith::SIToFPOp::create(b, loc, floats, arith::SubIOp::create(b, loc, wide, offset));
    auto spread = [&](Value one) -> Value {
      return vector::BroadcastOp::create(b, loc, floats, vector::ExtractOp::create(b, loc, one, 0).getResult());
    };
    Value result = arith::MulFOp::create(b, loc, spread(reader.scales(group)), levels);
    if (Value minimum = reader.minimums(group))
      result = arith::SubFOp::create(b, loc, result, spread(minimum));
    return result;
  }

  kernel::BlockGatherOp op;
  int64_t count = 0, columns = 0;
};

struct VectorizeBlockGather : cria::impl::VectorizeBlockGatherBase<VectorizeBlockGather> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    for (auto op : collect<kernel::BlockGatherOp>(getOperation())) {
      if (failed(requireStatic(op)))
        return signalPassFailure();
      GatherKernel(op, rewriter).build();
    }
  }
};

} // namespace
