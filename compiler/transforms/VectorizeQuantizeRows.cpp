//===- VectorizeQuantizeRows.cpp - Rows of numbers as codes ----------------===//
//
// A loop over the tile's rows and groups; a group of 32 numbers is one vector. The
// largest magnitude is that of the bits without their sign, as integers: exact, one
// instruction an element, and NaN is above everything.
//
//===----------------------------------------------------------------------===//

#include "compiler/transforms/KernelBuilder.h"
#include "compiler/transforms/Passes.h"

#include "dialects/llama/Quantization.h"

using namespace mlir;

namespace cria {
#define GEN_PASS_DEF_VECTORIZEQUANTIZEROWS
#include "compiler/transforms/Passes.h.inc"
} // namespace cria

using namespace cria;
using llama::kGroup;

namespace {

class GroupKernel {
public:
  GroupKernel(kernel::QuantizeRowsOp op, RewriterBase &rewriter) : op(op), b(rewriter), loc(op.getLoc()) {
    auto codes = cast<RankedTensorType>(op.getCodes().getType());
    tokens = codes.getDimSize(0);
    groups = codes.getDimSize(1);
    width = cast<RankedTensorType>(op.getRows().getType()).getDimSize(2);
    sumsPerGroup = cast<RankedTensorType>(op.getSums().getType()).getDimSize(1) / groups;
    numberType = VectorType::get({kGroup}, b.getF32Type());
    integerType = VectorType::get({kGroup}, b.getI32Type());
  }

  void build() {
    b.setInsertionPoint(op);
    zero = index(0);
    SmallVector<Value> destinations(op.getDpsInits());
    scf::LoopNest nest = scf::buildLoopNest(
        b, loc, {zero, zero}, {index(tokens), index(groups)}, {index(1), index(1)}, destinations,
        [&](OpBuilder &, Location, ValueRange place, ValueRange destinations) -> scf::ValueVector {
          return group(place[0], place[1], destinations);
        });
    b.replaceOp(op, nest.results);
  }

private:
  Value index(int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); }
  Value integer(int32_t value) {
    return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(integerType, value));
  }

  Value read(int64_t count, Value row, Value part, Value column) {
    return vector::TransferReadOp::create(b, loc, VectorType::get({count}, b.getF32Type()), op.getRows(),
                                          ValueRange{row, part, column}, std::nullopt, ArrayRef<bool>{true});
  }

  /// Group `number` of row `row` [32].
  Value readGroup(Value row, Value number) {
    if (width >= kGroup) {
      Value groupsOfPart = index(width / kGroup);
      Value part = arith::DivUIOp::create(b, loc, number, groupsOfPart);
      Value within = arith::RemUIOp::create(b, loc, number, groupsOfPart);
      return read(kGroup, row, part, arith::MulIOp::create(b, loc, within, index(kGroup)));
    }
    Value numbers = arith::ConstantOp::create(b, loc, b.getZeroAttr(numberType));
    Value first = arith::MulIOp::create(b, loc, number, index(kGroup / width));
    for (int64_t part = 0; part < kGroup / width; ++part) {
      Value some = read(width, row, arith::AddIOp::create(b, loc, first, index(part)), zero);
      numbers = vector::InsertStridedSliceOp::create(b, loc, some, numbers, ArrayRef<int64_t>{part * width},
                                                     ArrayRef<int64_t>{1});
    }
    return numbers;
  }

  scf::ValueVector group(Value row, Value number, ValueRange destinations) {
    b.setInsertionPointToEnd(b.getInsertionBlock());
    Type f32Type = b.getF32Type();
    Value numbers = readGroup(row, number);
    Value bits = vector::BitCastOp::create(b, loc, integerType, numbers);
    Value magnitudes = arith::AndIOp::create(b, loc, bits, integer(0x7fffffff));
    Value largestBits = vector::ReductionOp::create(b, loc, vector::CombiningKind::MAXSI, magnitudes);
    Value largest = arith::BitcastOp::create(b, loc, f32Type, largestBits);
    Value limit = f32(b, loc, 127.0);
    Value scale = arith::DivFOp::create(b, loc, largest, limit);
    Value inverse = arith::DivFOp::create(b, loc, limit, largest);
    Value isLarge = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGE, largest, f32(b, loc, 0x1p-100));
    Value isFinite = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, largest, f32(b, loc, INFINITY));
    Value usable = arith::AndIOp::create(b, loc, isLarge, isFinite);

    Value scaled = arith::MulFOp::create(b, loc, numbers, vector::BroadcastOp::create(b, loc, numberType, inverse));
    Value zeros = arith::ConstantOp::create(b, loc, b.getZeroAttr(numberType));
    Value safe = arith::SelectOp::create(b, loc, usable, scaled, zeros);
    Value rounded = math::RoundEvenOp::create(b, loc, safe);
    Value wide = arith::FPToSIOp::create(b, loc, integerType, rounded);
    Value codes = arith::TruncIOp::create(b, loc, VectorType::get({kGroup}, b.getI8Type()), wide);

    Value newCodes = vector::TransferWriteOp::create(b, loc, codes, destinations[0], ValueRange{row, number, zero},
                                                     ArrayRef<bool>{true})
                         .getResult();
    Value newScales = tensor::InsertOp::create(b, loc, scale, destinations[1], ValueRange{row, number});
    Value newSums = destinations[2];
    Value first = arith::MulIOp::create(b, loc, number, index(sumsPerGroup));
    for (int64_t part = 0, columns = kGroup / sumsPerGroup; part < sumsPerGroup; ++part) {
      Value some = vector::ExtractStridedSliceOp::create(b, loc, wide, ArrayRef<int64_t>{part * columns},
                                                         ArrayRef<int64_t>{columns}, ArrayRef<int64_t>{1});
      Value sum = vector::ReductionOp::create(b, loc, vector::CombiningKind::ADD, some);
      Value place = arith::AddIOp::create(b, loc, first, index(part));
      newSums = tensor::InsertOp::create(b, loc, sum, newSums, ValueRange{row, place});
    }
    return {newCodes, newScales, newSums};
  }

  kernel::QuantizeRowsOp op;
  RewriterBase &b;
  Location loc;
  int64_t tokens = 0, groups = 0, width = 0, sumsPerGroup = 1;
  VectorType numberType, integerType;
  Value zero;
};

struct VectorizeQuantizeRows : cria::impl::VectorizeQuantizeRowsBase<VectorizeQuantizeRows> {
  void runOnOperation() override {
    SmallVector<kernel::QuantizeRowsOp> ops;
    getOperation().walk([&](kernel::QuantizeRowsOp op) { ops.push_back(op); });
    IRRewriter rewriter(&getContext());
    for (kernel::QuantizeRowsOp op : ops)
      GroupKernel(op, rewriter).build();
  }
};

} // namespace
