//===- LowerDot.cpp - Byte products as the chip has them -------------------===//

#include "targets/x86_64/X86.h"

#include "dialects/kernel/Kernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace cria::x86 {
#define GEN_PASS_DEF_LOWERDOT
#include "targets/x86_64/Passes.h.inc"
} // namespace cria::x86

using namespace cria;

namespace {

Value intrinsic(OpBuilder &b, Location loc, StringRef name, Type result, ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(b, loc, result, b.getStringAttr(name), operands).getResult(0);
}

/// One instruction: 16 sums.
struct DotToVnni : OpRewritePattern<kernel::DotOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(kernel::DotOp op, PatternRewriter &b) const override {
    auto sums = cast<VectorType>(op.getType());
    if (sums.getNumElements() != 16)
      return failure();
    Value lanes = vector::BroadcastOp::create(b, op.getLoc(), sums, op.getActivations());
    Value bytes = vector::BitCastOp::create(b, op.getLoc(), op.getWeights().getType(), lanes);
    b.replaceOp(op, intrinsic(b, op.getLoc(), "llvm.x86.avx512.vpdpbusd.512", sums,
                              {op.getSums(), op.getWeights(), bytes}));
    return success();
  }
};

/// Pairs of 16-bit products: as many lanes as a register has.
struct DotToPairs : OpRewritePattern<kernel::DotOp> {
  DotToPairs(MLIRContext *context, bool wide) : OpRewritePattern(context), wide(wide) {}

  LogicalResult matchAndRewrite(kernel::DotOp op, PatternRewriter &b) const override {
    Location loc = op.getLoc();
    auto sums = cast<VectorType>(op.getType());
    int64_t lanes = sums.getNumElements(), width = wide ? 16 : 8;
    if (lanes % width)
      return failure();
    Value words = vector::BitCastOp::create(b, loc, sums, op.getWeights());
    Value result = op.getSums();
    for (int64_t begin = 0; begin < lanes; begin += width) {
      Value part = slice(b, loc, words, begin, width), sum = slice(b, loc, op.getSums(), begin, width);
      for (bool odd : {false, true})
        sum = arith::AddIOp::create(b, loc, sum, products(b, loc, part, op.getActivations(), odd, width));
      result = lanes == width ? sum
                              : vector::InsertStridedSliceOp::create(b, loc, sum, result, ArrayRef<int64_t>{begin},
                                                                     ArrayRef<int64_t>{1})
                                    .getResult();
    }
    b.replaceOp(op, result);
    return success();
  }

private:
  static Value slice(OpBuilder &b, Location loc, Value vector, int64_t begin, int64_t width) {
    if (cast<VectorType>(vector.getType()).getNumElements() == width)
      return vector;
    return vector::ExtractStridedSliceOp::create(b, loc, vector, ArrayRef<int64_t>{begin}, ArrayRef<int64_t>{width},
                                                 ArrayRef<int64_t>{1});
  }

  /// Bytes 0 and 2 (or 1 and 3) of every lane of `weights`, unsigned, times those of
  /// `activations`, signed; the two products added.
  Value products(OpBuilder &b, Location loc, Value weights, Value activations, bool odd, int64_t width) const {
    auto words = VectorType::get({width}, b.getI32Type());
    auto shorts = VectorType::get({2 * width}, b.getI16Type());
    auto constant = [&](VectorType type, int64_t value) {
      return arith::ConstantOp::create(
          b, loc, DenseElementsAttr::get(type, APInt(type.getElementTypeBitWidth(), uint64_t(value))));
    };
    // Weights: the wanted byte of each 16 bits, zero above it.
    Value unsignedShorts = vector::BitCastOp::create(b, loc, shorts, weights);
    unsignedShorts = odd ? arith::ShRUIOp::create(b, loc, unsignedShorts, constant(shorts, 8)).getResult()
                         : arith::AndIOp::create(b, loc, unsignedShorts, constant(shorts, 0xff)).getResult();
    // Activations: the same bytes, with their sign.
    Value lanes = vector::BroadcastOp::create(b, loc, words, activations);
    Value signedShorts = vector::BitCastOp::create(b, loc, shorts, lanes);
    if (!odd)
      signedShorts = arith::ShLIOp::create(b, loc, signedShorts, constant(shorts, 8));
    signedShorts = arith::ShRSIOp::create(b, loc, signedShorts, constant(shorts, 8));
    StringRef name = wide ? "llvm.x86.avx512.pmaddw.d.512" : "llvm.x86.avx2.pmadd.wd";
    return intrinsic(b, loc, name, words, {unsignedShorts, signedShorts});
  }

  bool wide;
};

struct LowerDot : x86::impl::LowerDotBase<LowerDot> {
  using LowerDotBase::LowerDotBase;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    if (vnni)
      patterns.add<DotToVnni>(&getContext());
    else
      patterns.add<DotToPairs>(&getContext(), wide);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
