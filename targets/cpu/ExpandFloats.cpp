//===- ExpandFloats.cpp - Float operations that a chip lacks ---------------===//

#include "targets/cpu/Cpu.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace cria::cpu {
#define GEN_PASS_DEF_EXPANDFLOATS
#include "targets/cpu/Passes.h.inc"
} // namespace cria::cpu

namespace {

/// Integer arithmetic on the bits of floats, scalars and vectors alike. `like` gives
/// the shape.
class Bits {
public:
  Bits(OpBuilder &builder, Location loc, Type like) : b(builder), loc(loc), like(like) {}

  Type shaped(Type element) const {
    auto vector = dyn_cast<VectorType>(like);
    return vector ? Type(vector.clone(element)) : element;
  }
  Value constant(uint32_t value) {
    Type type = shaped(b.getI32Type());
    if (auto vector = dyn_cast<VectorType>(type))
      return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(vector, APInt(32, value)));
    return arith::ConstantOp::create(b, loc, b.getIntegerAttr(type, APInt(32, value)));
  }
  Value floats(Value bits) { return arith::BitcastOp::create(b, loc, shaped(b.getF32Type()), bits); }
  Value bits(Value floats) { return arith::BitcastOp::create(b, loc, shaped(b.getI32Type()), floats); }
  template <typename Op> Value make(Value x, Value y) { return Op::create(b, loc, x, y).getResult(); }
  template <typename Op> Value make(Value x, uint32_t y) { return make<Op>(x, constant(y)); }
  Value choose(arith::CmpIPredicate predicate, Value x, uint32_t y, Value yes, Value no) {
    Value holds = arith::CmpIOp::create(b, loc, predicate, x, constant(y));
    return arith::SelectOp::create(b, loc, holds, yes, no);
  }

  OpBuilder &b;
  Location loc;
  Type like;
};

/// The exponent's bias moves from 15 to 127 by a product with 2^112, which makes
/// numbers of F16's denormals, too; infinities and NaN keep the largest exponent.
struct WidenF16 : OpRewritePattern<arith::ExtFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::ExtFOp op, PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getIn()).isF16() || !getElementTypeOrSelf(op.getType()).isF32())
      return failure();
    Bits b(rewriter, op.getLoc(), op.getType());
    Value half = arith::BitcastOp::create(rewriter, op.getLoc(), b.shaped(rewriter.getI16Type()), op.getIn());
    Value word = arith::ExtUIOp::create(rewriter, op.getLoc(), b.shaped(rewriter.getI32Type()), half);
    Value sign = b.make<arith::ShLIOp>(b.make<arith::AndIOp>(word, 0x8000), 16);
    Value magnitude = b.make<arith::ShLIOp>(b.make<arith::AndIOp>(word, 0x7fff), 13);
    Value finite = b.bits(b.make<arith::MulFOp>(b.floats(magnitude), b.floats(b.constant((127 + 112) << 23))));
    Value special = b.make<arith::OrIOp>(magnitude, 0x7f800000);
    Value value = b.choose(arith::CmpIPredicate::uge, magnitude, 0x7c00 << 13, special, finite);
    rewriter.replaceOp(op, b.floats(b.make<arith::OrIOp>(value, sign)));
    return success();
  }
};

/// To nearest, ties to even: by adding half a unit (and the last bit kept) where F16
/// is normal, by the float adder where it is denormal.
struct NarrowToF16 : OpRewritePattern<arith::TruncFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::TruncFOp op, PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getIn()).isF32() || !getElementTypeOrSelf(op.getType()).isF16())
      return failure();
    constexpr uint32_t kSmallestNormal = 113u << 23, kTooLarge = 143u << 23, kInfinity = 255u << 23;
    // Adding 0.5 leaves a denormal's units, 2^-24, in the last place.
    constexpr uint32_t kHalf = 126u << 23;
    Bits b(rewriter, op.getLoc(), op.getType());
    Value word = b.bits(op.getIn());
    Value magnitude = b.make<arith::AndIOp>(word, 0x7fffffff);
    Value sign = b.make<arith::ShRUIOp>(b.make<arith::AndIOp>(word, 0x80000000), 16);

    Value last = b.make<arith::AndIOp>(b.make<arith::ShRUIOp>(magnitude, 13), 1);
    Value rounded = b.make<arith::AddIOp>(b.make<arith::AddIOp>(magnitude, 0xfff - (112u << 23)), last);
    Value normal = b.make<arith::ShRUIOp>(rounded, 13);
    Value added = b.make<arith::AddFOp>(b.floats(magnitude), b.floats(b.constant(kHalf)));
    Value denormal = b.make<arith::SubIOp>(b.bits(added), kHalf);
    Value special = b.choose(arith::CmpIPredicate::ugt, magnitude, kInfinity, b.constant(0x7e00), b.constant(0x7c00));

    Value value = b.choose(arith::CmpIPredicate::ult, magnitude, kSmallestNormal, denormal, normal);
    value = b.choose(arith::CmpIPredicate::uge, magnitude, kTooLarge, special, value);
    Value half = arith::TruncIOp::create(rewriter, op.getLoc(), b.shaped(rewriter.getI16Type()),
                                         b.make<arith::OrIOp>(value, sign));
    rewriter.replaceOpWithNewOp<arith::BitcastOp>(op, op.getType(), half);
    return success();
  }
};

/// The upper half, rounded to nearest, ties to even; NaN stays one. Of BF16 itself LLVM
/// sees only bits: it has no instructions for it on most chips.
struct NarrowToBf16 : OpRewritePattern<arith::TruncFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::TruncFOp op, PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getIn()).isF32() || !getElementTypeOrSelf(op.getType()).isBF16())
      return failure();
    Bits b(rewriter, op.getLoc(), op.getType());
    Value word = b.bits(op.getIn());
    Value last = b.make<arith::AndIOp>(b.make<arith::ShRUIOp>(word, 16), 1);
    Value rounded = b.make<arith::AddIOp>(b.make<arith::AddIOp>(word, 0x7fff), last);
    Value quiet = b.make<arith::OrIOp>(word, 0x400000);
    Value magnitude = b.make<arith::AndIOp>(word, 0x7fffffff);
    Value value = b.choose(arith::CmpIPredicate::ugt, magnitude, 0x7f800000, quiet, rounded);
    Value half = arith::TruncIOp::create(rewriter, op.getLoc(), b.shaped(rewriter.getI16Type()),
                                         b.make<arith::ShRUIOp>(value, 16));
    rewriter.replaceOpWithNewOp<arith::BitcastOp>(op, op.getType(), half);
    return success();
  }
};

/// The upper half of an F32.
struct WidenBf16 : OpRewritePattern<arith::ExtFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::ExtFOp op, PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getIn()).isBF16() || !getElementTypeOrSelf(op.getType()).isF32())
      return failure();
    Bits b(rewriter, op.getLoc(), op.getType());
    Value half = arith::BitcastOp::create(rewriter, op.getLoc(), b.shaped(rewriter.getI16Type()), op.getIn());
    Value word = arith::ExtUIOp::create(rewriter, op.getLoc(), b.shaped(rewriter.getI32Type()), half);
    rewriter.replaceOp(op, b.floats(b.make<arith::ShLIOp>(word, 16)));
    return success();
  }
};

template <typename Fma> struct SplitFma : OpRewritePattern<Fma> {
  using OpRewritePattern<Fma>::OpRewritePattern;
  LogicalResult matchAndRewrite(Fma op, PatternRewriter &rewriter) const override {
    Value product = arith::MulFOp::create(rewriter, op.getLoc(), op->getOperand(0), op->getOperand(1));
    rewriter.replaceOpWithNewOp<arith::AddFOp>(op, product, op->getOperand(2));
    return success();
  }
};

struct ExpandFloats : cria::cpu::impl::ExpandFloatsBase<ExpandFloats> {
  using ExpandFloatsBase::ExpandFloatsBase;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<NarrowToBf16, WidenBf16>(&getContext());
    if (!fma)
      patterns.add<SplitFma<vector::FMAOp>, SplitFma<math::FmaOp>>(&getContext());
    if (!f16)
      patterns.add<WidenF16, NarrowToF16>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
