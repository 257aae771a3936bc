//===- VectorizeQuantizeRows.cpp - Rows of numbers as codes ----------------===//
//
// A loop over the tile's rows and groups; a group of 32 numbers is one vector. The
// largest magnitude is that of the bits without their sign, as integers: exact, one
// instruction an element, and NaN is above everything. The bits of its exponent alone are
// the power of two that microscaled rows need; those of other rows' scales are cut behind two of the mantissa.
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
    Scale scale = op.getMicroscaled() ? microscale(largest) : shortScale(largest);
    Value inverse = vector::BroadcastOp::create(b, loc, numberType, scale.inverse);
    Value scaled = arith::MulFOp::create(b, loc, numbers, inverse);
    Value wide = nearestIntegers(scaled, largest);
    if (op.getMicroscaled())
      wide = clamped(wide, 127);
    Value codes = arith::TruncIOp::create(b, loc, VectorType::get({kGroup}, b.getI8Type()), wide);

    Value newCodes = write(codes, destinations[0], {row, number, zero});
    Value origin = arith::MulFOp::create(b, loc, scale.unit, f32(b, loc, 1.5 * 0x1p23));
    Value newScales = destinations[1];
    if (op.getMicroscaled()) {
      newScales = tensor::InsertOp::create(b, loc, origin, newScales, ValueRange{row, number});
    } else {
      Value place = arith::MulIOp::create(b, loc, number, index(2)), next = plus(place, 1);
      newScales = tensor::InsertOp::create(b, loc, origin, newScales, ValueRange{row, place});
      newScales = tensor::InsertOp::create(b, loc, scale.multiple, newScales, ValueRange{row, next});
    }
    Value newSums = destinations[2];
    Value first = arith::MulIOp::create(b, loc, number, index(sumsPerGroup));
    for (int64_t part = 0, columns = kGroup / sumsPerGroup; part < sumsPerGroup; ++part) {
      Value some = vector::ExtractStridedSliceOp::create(b, loc, wide, ArrayRef<int64_t>{part * columns},
                                                         ArrayRef<int64_t>{columns}, ArrayRef<int64_t>{1});
      Value sum = vector::ReductionOp::create(b, loc, vector::CombiningKind::ADD, some);
      sum = sumAsNumber(sum, scale, origin);
      Value place = arith::AddIOp::create(b, loc, first, index(part));
      newSums = tensor::InsertOp::create(b, loc, sum, newSums, ValueRange{row, place});
    }
    return {newCodes, newScales, newSums};
  }

  /// What codes are multiples of: `multiple` times `unit`, a power of two. `inverse` has no meaning where
  /// codes will be zero.
  struct Scale {
    Value unit, multiple, inverse; ///< F32; multiple is null for 1
  };

  /// The smallest that is 4, 5, 6 or 7 times a power of two and not below a 127th of `largest`. Of what is infinite or
  /// NaN: infinite.
  Scale shortScale(Value largest) {
    Value fraction = arith::DivFOp::create(b, loc, largest, f32(b, loc, 127.0));
    Value bits = arith::BitcastOp::create(b, loc, b.getI32Type(), fraction);
    bits = arith::MinUIOp::create(b, loc, bits, integer(kExponent));
    bits = arith::AddIOp::create(b, loc, bits, integer(kCut - 1));
    bits = arith::AndIOp::create(b, loc, bits, integer(~(kCut - 1)));
    Value exponent = arith::AndIOp::create(b, loc, bits, integer(kExponent));
    Value power = arith::BitcastOp::create(b, loc, b.getF32Type(), exponent);
    Value scale = arith::BitcastOp::create(b, loc, b.getF32Type(), bits);
    // The mantissa as that of a number in [4, 8).
    Value mantissa = arith::AndIOp::create(b, loc, bits, integer((1 << kMantissa) - 1));
    Value multiple = arith::OrIOp::create(b, loc, mantissa, integer((kBias + 2LL) << kMantissa));
    return {arith::MulFOp::create(b, loc, power, f32(b, loc, 0.25)),
            arith::BitcastOp::create(b, loc, b.getF32Type(), multiple),
            arith::DivFOp::create(b, loc, f32(b, loc, 1.0), scale)};
  }

  /// 2^(e - 6), if `largest` is in [2^e, 2^(e + 1)).
  Scale microscale(Value largest) {
    Value bits = arith::BitcastOp::create(b, loc, b.getI32Type(), largest);
    Value exponent = arith::AndIOp::create(b, loc, bits, integer(kExponent));
    Value power = arith::BitcastOp::create(b, loc, b.getF32Type(), exponent); // 2^e
    Value inverseBits = arith::SubIOp::create(b, loc, integer((2 * kBias + 6LL) << kMantissa), exponent);
    return {arith::MulFOp::create(b, loc, power, f32(b, loc, 0x1p-6)), Value(),
            arith::BitcastOp::create(b, loc, b.getF32Type(), inverseBits)};
  }

  Value integer(int64_t value) { return arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(int32_t(value))); }

  /// `sum` of codes as a number; with an offset as what products count from, in units.
  Value sumAsNumber(Value sum, const Scale &scale, Value origin) {
    Value number = arith::MulFOp::create(b, loc, arith::SIToFPOp::create(b, loc, b.getF32Type(), sum), scale.unit);
    if (!op.getOffset())
      return scale.multiple ? arith::MulFOp::create(b, loc, number, scale.multiple).getResult() : number;
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

  static constexpr int kMantissa = 23, kBias = 127;         ///< of an F32
  static constexpr int64_t kExponent = 0xffLL << kMantissa; ///< its bits
  static constexpr int64_t kCut = 1LL << (kMantissa - 2);   ///< the last bit of a short scale
  kernel::QuantizeRowsOp op;
  int64_t tokens = 0, groups = 0, width = 0, sumsPerGroup = 1;
  VectorType numberType;
  Value zero;
};

struct VectorizeQuantizeRows : cria::impl::VectorizeQuantizeRowsBase<VectorizeQuantizeRows> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    for (auto op : collect<kernel::QuantizeRowsOp>(getOperation())) {
      if (failed(requireStatic(op)))
        return signalPassFailure();
      GroupKernel(op, rewriter).build();
    }
  }
};

} // namespace
