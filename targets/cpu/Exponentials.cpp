//===- Exponentials.cpp - math.exp and math.exp2 as polynomials ------------===//
//
// x is split into an integer n and a rest f: 2^x = 2^n 2^f with |f| <= 1/2, and
// e^x = 2^n e^f with |f| <= ln(2) / 2, where n ln(2) is taken off x in two parts, so
// that f keeps its bits. A polynomial of degree 6 (minimax of the relative error, 1 at
// f = 0) gives the second factor, the exponent's bits the first.
//
// The largest relative error, found by trying every float whose result is normal, is
// 1.15 * 2^-24 for exp2 and 1.30 * 2^-24 for exp, with fused multiply-adds. Results below
// 2^-126.5 are 0, those above 2^127.5 infinity, that of a NaN is NaN.
//
//===----------------------------------------------------------------------===//

#include "targets/cpu/Cpu.h"

#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace {

/// What tells 2^x and e^x apart.
struct Exponential {
  double lowest, highest;  ///< x where the result is 0 and infinity
  double turns;            ///< n is x times this, rounded
  double high, low;        ///< what n takes off x, in two parts
  double coefficients[6];  ///< of f^6 … f^1
};

constexpr Exponential kExp2 = {
    -127, 128, 1, 1, 0,
    {1.53243149e-4, 1.33909588e-3, 9.61851794e-3, 5.55035956e-2, 0.240226477, 0.693147182}};
constexpr Exponential kExp = {
    -88.0296919, 88.7228394, 1.44269502, 0.693359375, -2.12194440e-4,
    {1.38145988e-3, 8.36871658e-3, 4.1668389e-2, 0.166665211, 0.49999994, 1}};

template <typename Op>
struct ExpandExponential : OpRewritePattern<Op> {
  ExpandExponential(MLIRContext *context, const Exponential &form) : OpRewritePattern<Op>(context), form(form) {}

  LogicalResult matchAndRewrite(Op op, PatternRewriter &b) const override {
    Location loc = op.getLoc();
    Type type = op.getType();
    if (!getElementTypeOrSelf(type).isF32())
      return failure();
    Type integers = b.getI32Type();
    if (auto vector = dyn_cast<VectorType>(type))
      integers = vector.clone(integers);
    auto number = [&](double value) { return constant(b, loc, type, b.getF32FloatAttr(float(value))); };
    auto integer = [&](int32_t value) { return constant(b, loc, integers, b.getI32IntegerAttr(value)); };
    // In this order a NaN stays one.
    auto limit = [&](Value x, arith::CmpFPredicate beyond, double value) -> Value {
      Value limited = number(value);
      return arith::SelectOp::create(b, loc, arith::CmpFOp::create(b, loc, beyond, x, limited), limited, x);
    };
    Value x = limit(op.getOperand(), arith::CmpFPredicate::OLT, form.lowest);
    x = limit(x, arith::CmpFPredicate::OGT, form.highest);
    Value turns = form.turns == 1 ? x : arith::MulFOp::create(b, loc, x, number(form.turns)).getResult();
    // Added to 1.5 * 2^23, whose last bit counts 1, it is rounded to an integer, and the last bits are n's.
    Value shifted = arith::AddFOp::create(b, loc, turns, number(0x1.8p23));
    Value n = arith::SubFOp::create(b, loc, shifted, number(0x1.8p23));
    Value f;
    if (form.low == 0) {
      f = arith::SubFOp::create(b, loc, x, n);
    } else {
      f = math::FmaOp::create(b, loc, n, number(-form.high), x);
      f = math::FmaOp::create(b, loc, n, number(-form.low), f);
    }
    Value power = number(form.coefficients[0]);
    for (double coefficient : llvm::ArrayRef(form.coefficients).drop_front())
      power = math::FmaOp::create(b, loc, power, f, number(coefficient));
    power = math::FmaOp::create(b, loc, power, f, number(1));
    // 2^n: 0 for n = -127, infinity for n = 128. What lies above n's bits is shifted out.
    Value exponent = arith::AddIOp::create(b, loc, arith::BitcastOp::create(b, loc, integers, shifted), integer(127));
    Value factor =
        arith::BitcastOp::create(b, loc, type, arith::ShLIOp::create(b, loc, exponent, integer(23)).getResult());
    b.replaceOpWithNewOp<arith::MulFOp>(op, power, factor);
    return success();
  }

private:
  static Value constant(OpBuilder &b, Location loc, Type type, TypedAttr value) {
    if (auto vector = dyn_cast<VectorType>(type))
      return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(vector, Attribute(value)));
    return arith::ConstantOp::create(b, loc, value);
  }

  const Exponential &form;
};

} // namespace

void cria::cpu::populateExponentialPatterns(RewritePatternSet &patterns) {
  patterns.add<ExpandExponential<math::Exp2Op>>(patterns.getContext(), kExp2);
  patterns.add<ExpandExponential<math::ExpOp>>(patterns.getContext(), kExp);
}
