//===- VectorizeQuantizeRows.cpp - Rows of numbers as codes ----------------===//
//
// A loop over the tile's rows and groups; a group of 32 numbers is one vector. The
// largest magnitude is that of the bits without their sign, as integers: exact, one
// instruction an element, and NaN is above everything. The bits of its exponent alone are
// the power of two that microscaled rows need.
//
//===----------------------------------------------------------------------===//

#include "compiler/transforms/KernelBuilder.h"
#include "compiler/transforms/Passes.h"
#include "compiler/transforms/VectorBuilder.h"

#include "dialects/llama/Quantization.h"

using namespace mlir;

namespace cria {
#define GEN_PASS_DEF_VECTORIZEQUANTIZEROWS
#include "compiler/transforms/Passes.h.inc"
} // namespace cria

using namespace cria;
using llama::kGroup;

namespace {

class GroupKernel : VectorBuilder {
public:
  GroupKernel(kernel::QuantizeRowsOp op, RewriterBase &rewriter)
      : VectorBuilder(rewriter, op.getLoc()), op(op) {
    auto codes = cast<RankedTensorType>(op.getCodes().getType());
    tokens = codes.getDimSize(0);
    groups = codes.getDimSize(1);
    width = cast<RankedTensorType>(op.getRows().getType()).getDimSize(2);
    sumsPerGroup = cast<RankedTensorType>(op.getSums().getType()).getDimSize(1) / groups;
    numberType = VectorType::get({kGroup}, b.getF32Type());
  }

  void build() {
    b.setInsertionPoint(op);
    zero = index(0);
    SmallVector<Value> destinations(op.getDpsInits());
    scf::LoopNest nest = scf::buildLoopNest(
        b, loc, {zero, zero}, {rowsOf(tokens), index(groups)}, {index(1), index(1)}, destinations,
        [&](OpBuilder &, Location, ValueRange place, ValueRange destinations) -> scf::ValueVector {
          return group(place[0], place[1], destinations);
        });
    b.replaceOp(op, nest.results);
  }

private:
  Value read(int64_t count, Value row, Value part, Value column) {
    return VectorBuilder::read(VectorType::get({count}, b.getF32Type()), op.getRows(), {row, part, column});
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
    Value numbers = readGroup(row, number);
    Value largest = largestMagnitude(numbers);
    auto [scale, inverse] = op.getMicroscaled() ? microscale(largest) : exactScale(largest);
    Value scaled = arith::MulFOp::create(b, loc, numbers, vector::BroadcastOp::create(b, loc, numberType, inverse));
    Value wide = nearestIntegers(scaled, largest);
    if (op.getMicroscaled())
      wide = clamped(wide, 127);
    Value codes = arith::TruncIOp::create(b, loc, VectorType::get({kGroup}, b.getI8Type()), wide);

    Value newCodes = write(codes, destinations[0], {row, number, zero});
    Value stored = scale; // 1.5 * 2^23 of the scale, in microscaled rows
    if (op.getMicroscaled())
      stored = arith::MulFOp::create(b, loc, scale, f32(b, loc, 1.5 * 0x1p23));
    Value newScales = tensor::InsertOp::create(b, loc, stored, destinations[1], ValueRange{row, number});
    Value newSums = destinations[2];
    Value first = arith::MulIOp::create(b, loc, number, index(sumsPerGroup));
    for (int64_t part = 0, columns = kGroup / sumsPerGroup; part < sumsPerGroup; ++part) {
      Value some = vector::ExtractStridedSliceOp::create(b, loc, wide, ArrayRef<int64_t>{part * columns},
                                                         ArrayRef<int64_t>{columns}, ArrayRef<int64_t>{1});
      Value sum = vector::ReductionOp::create(b, loc, vector::CombiningKind::ADD, some);
      if (op.getMicroscaled())
        sum = microscaledSum(sum, scale, stored);
      else if (op.getOffset())
        sum = arith::MulIOp::create(b, loc, sum, integer(-int64_t(op.getOffset())));
      Value place = arith::AddIOp::create(b, loc, first, index(part));
      newSums = tensor::InsertOp::create(b, loc, sum, newSums, ValueRange{row, place});
    }
    return {newCodes, newScales, newSums};
  }

  /// What codes are multiples of if `largest` is to be 127 of it, and its reciprocal.
  std::pair<Value, Value> exactScale(Value largest) {
    Value limit = f32(b, loc, 127.0);
    return {arith::DivFOp::create(b, loc, largest, limit), arith::DivFOp::create(b, loc, limit, largest)};
  }

  /// 2^(e - 6) and its reciprocal, if `largest` is in [2^e, 2^(e + 1)). The latter has no meaning
  /// where codes will be zero.
  std::pair<Value, Value> microscale(Value largest) {
    constexpr int kMantissa = 23, kBias = 127;
    Value bits = arith::BitcastOp::create(b, loc, b.getI32Type(), largest);
    Value exponent = arith::AndIOp::create(b, loc, bits, integer(int64_t(0xff) << kMantissa));
    Value power = arith::BitcastOp::create(b, loc, b.getF32Type(), exponent); // 2^e
    Value inverseBits = arith::SubIOp::create(b, loc, integer((2 * kBias + 6LL) << kMantissa), exponent);
    return {arith::MulFOp::create(b, loc, power, f32(b, loc, 0x1p-6)),
            arith::BitcastOp::create(b, loc, b.getF32Type(), inverseBits)};
  }

  Value integer(int64_t value) { return arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(int32_t(value))); }

  /// `sum` of codes as numbers, which count from `origin` if there is an offset.
  Value microscaledSum(Value sum, Value scale, Value origin) {
    Value number = arith::MulFOp::create(b, loc, arith::SIToFPOp::create(b, loc, b.getF32Type(), sum), scale);
    if (!op.getOffset())
      return number;
    Value part = arith::MulFOp::create(b, loc, number, f32(b, loc, op.getOffset()));
    return arith::AddFOp::create(b, loc, part, origin);
  }

  /// `integers` [32], i32, at most `limit` in magnitude.
  Value clamped(Value integers, int32_t limit) {
    auto all = [&](int32_t value) -> Value {
      auto type = cast<VectorType>(integers.getType());
      return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, value));
    };
    return arith::MaxSIOp::create(b, loc, arith::MinSIOp::create(b, loc, integers, all(limit)), all(-limit));
  }

  kernel::QuantizeRowsOp op;
  int64_t tokens = 0, groups = 0, width = 0, sumsPerGroup = 1;
  VectorType numberType;
  Value zero;
};

struct VectorizeQuantizeRows : cria::impl::VectorizeQuantizeRowsBase<VectorizeQuantizeRows> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    for (auto op : collect<kernel::QuantizeRowsOp>(getOperation()))
      GroupKernel(op, rewriter).build();
  }
};

} // namespace
