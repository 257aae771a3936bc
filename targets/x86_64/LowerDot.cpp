//===- LowerDot.cpp - Dot products as the chip has them --------------------===//

#include "targets/cpu/Cpu.h"
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

bool isOfBytes(kernel::DotOp op) { return cast<VectorType>(op.getWeights().getType()).getElementType().isInteger(8); }

Value slice(OpBuilder &b, Location loc, Value vector, int64_t begin, int64_t width) {
  if (cast<VectorType>(vector.getType()).getNumElements() == width)
    return vector;
  return vector::ExtractStridedSliceOp::create(b, loc, vector, ArrayRef<int64_t>{begin}, ArrayRef<int64_t>{width},
                                               ArrayRef<int64_t>{1});
}

/// Cuts `op` into registers of `width` sums: `part(sums, weights)` gives the new sums of
/// one, `weights` being 32-bit lanes of narrow numbers.
template <typename Part>
LogicalResult byRegisters(kernel::DotOp op, int64_t width, PatternRewriter &b, Part part) {
  Location loc = op.getLoc();
  auto sums = cast<VectorType>(op.getType());
  int64_t lanes = sums.getNumElements();
  if (lanes % width)
    return failure();
  Value words = vector::BitCastOp::create(b, loc, sums.clone(b.getI32Type()), op.getWeights());
  Value result = op.getSums();
  for (int64_t begin = 0; begin < lanes; begin += width) {
    Value done = part(slice(b, loc, op.getSums(), begin, width), slice(b, loc, words, begin, width));
    result = lanes == width ? done
                            : vector::InsertStridedSliceOp::create(b, loc, done, result, ArrayRef<int64_t>{begin},
                                                                   ArrayRef<int64_t>{1})
                                  .getResult();
  }
  b.replaceOp(op, result);
  return success();
}

/// One instruction to a register.
struct DotToVnni : OpRewritePattern<kernel::DotOp> {
  DotToVnni(MLIRContext *context, int64_t width) : OpRewritePattern(context), width(width) {}

  LogicalResult matchAndRewrite(kernel::DotOp op, PatternRewriter &b) const override {
    Location loc = op.getLoc();
    auto words = VectorType::get({width}, b.getI32Type());
    auto bytes = VectorType::get({4 * width}, b.getI8Type());
    StringRef name = width == 16 ? "llvm.x86.avx512.vpdpbusd.512" : "llvm.x86.avx512.vpdpbusd.256";
    if (!isOfBytes(op))
      return failure();
    return byRegisters(op, width, b, [&](Value sums, Value weights) -> Value {
      Value activations = vector::BroadcastOp::create(b, loc, words, op.getActivations());
      return intrinsic(b, loc, name, words,
                       {sums, vector::BitCastOp::create(b, loc, bytes, weights),
                        vector::BitCastOp::create(b, loc, bytes, activations)});
    });
  }

private:
  int64_t width; ///< lanes of a register
};

/// Pairs of 16-bit products, of the even bytes and of the odd.
struct DotToPairs : OpRewritePattern<kernel::DotOp> {
  DotToPairs(MLIRContext *context, int64_t width) : OpRewritePattern(context), width(width) {}

  LogicalResult matchAndRewrite(kernel::DotOp op, PatternRewriter &b) const override {
    if (!isOfBytes(op))
      return failure();
    return byRegisters(op, width, b, [&](Value sums, Value weights) {
      for (bool odd : {false, true})
        sums = arith::AddIOp::create(b, op.getLoc(), sums,
                                     products(b, op.getLoc(), weights, op.getActivations(), odd));
      return sums;
    });
  }

private:
  /// Bytes 0 and 2 (or 1 and 3) of every lane of `weights`, unsigned, times those of
  /// `activations`, signed; the two products added.
  Value products(OpBuilder &b, Location loc, Value weights, Value activations, bool odd) const {
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
    StringRef name = width == 16  ? "llvm.x86.avx512.pmaddw.d.512"
                     : width == 8 ? "llvm.x86.avx2.pmadd.wd"
                                  : "llvm.x86.sse2.pmadd.wd";
    return intrinsic(b, loc, name, words, {unsignedShorts, signedShorts});
  }

  int64_t width; ///< lanes of a register
};

/// One instruction for 16 sums of pairs of BF16.
struct DotToBf16 : OpRewritePattern<kernel::DotOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(kernel::DotOp op, PatternRewriter &b) const override {
    if (isOfBytes(op))
      return failure();
    Location loc = op.getLoc();
    auto words = VectorType::get({16}, b.getI32Type()), pairs = VectorType::get({32}, b.getBF16Type());
    return byRegisters(op, 16, b, [&](Value sums, Value weights) -> Value {
      Value activations = vector::BroadcastOp::create(b, loc, words, op.getActivations());
      return intrinsic(b, loc, "llvm.x86.avx512bf16.dpbf16ps.512", sums.getType(),
                       {sums, vector::BitCastOp::create(b, loc, pairs, weights),
                        vector::BitCastOp::create(b, loc, pairs, activations)});
    });
  }
};

struct LowerDot : x86::impl::LowerDotBase<LowerDot> {
  using LowerDotBase::LowerDotBase;

  void runOnOperation() override {
    if (vectorBytes != 64 && vectorBytes != 32 && (vectorBytes != 16 || vnni)) {
      getOperation().emitError("expects vectors of 16, 32 or 64 bytes, with VNNI of 32 or 64, but got ")
          << int64_t(vectorBytes);
      return signalPassFailure();
    }
    RewritePatternSet patterns(&getContext());
    if (vnni)
      patterns.add<DotToVnni>(&getContext(), vectorBytes / 4);
    else
      patterns.add<DotToPairs>(&getContext(), vectorBytes / 4);
    if (bf16)
      patterns.add<DotToBf16>(&getContext());
    else
      cpu::populateWidenDotPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
