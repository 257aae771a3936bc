//===- LowerLookup.cpp - Tables of bytes as the chip has them --------------===//

#include "targets/x86_64/Registers.h"
#include "targets/x86_64/X86.h"

#include "dialects/kernel/Kernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace cria::x86 {
#define GEN_PASS_DEF_LOWERLOOKUP
#include "targets/x86_64/Passes.h.inc"
} // namespace cria::x86

using namespace cria;
using namespace cria::x86;

namespace {

/// One `pshufb` to a register, or to the largest part of one that there are bytes for: it
/// looks up within 16 bytes, all of which are the table.
struct LookupToShuffle : OpRewritePattern<kernel::LookupOp> {
  LookupToShuffle(MLIRContext *context, int64_t vectorBytes) : OpRewritePattern(context), vectorBytes(vectorBytes) {}

  LogicalResult matchAndRewrite(kernel::LookupOp op, PatternRewriter &b) const override {
    Location loc = op.getLoc();
    int64_t count = cast<VectorType>(op.getType()).getNumElements(), width = vectorBytes;
    while (count % width && width > 16)
      width /= 2;
    if (count % width)
      return failure();
    auto bytes = VectorType::get({width}, b.getI8Type());
    SmallVector<int8_t> entries;
    for (int64_t i = 0; i < width; i += 16)
      entries.append(op.getTable().begin(), op.getTable().end());
    Value table = arith::ConstantOp::create(b, loc, DenseElementsAttr::get(bytes, ArrayRef<int8_t>(entries)));
    StringRef name = width == 64   ? "llvm.x86.avx512.pshuf.b.512"
                     : width == 32 ? "llvm.x86.avx2.pshuf.b"
                                   : "llvm.x86.ssse3.pshuf.b.128";
    SmallVector<Value> found;
    for (Value part : parts(b, loc, op.getIndices(), width))
      found.push_back(intrinsic(b, loc, name, bytes, {table, part}));
    b.replaceOp(op, joined(b, loc, found, op.getIndices()));
    return success();
  }

private:
  int64_t vectorBytes; ///< of a register
};

struct LowerLookup : x86::impl::LowerLookupBase<LowerLookup> {
  using LowerLookupBase::LowerLookupBase;

  void runOnOperation() override {
    if (vectorBytes != 64 && vectorBytes != 32 && vectorBytes != 16) {
      getOperation().emitError("expects vectors of 16, 32 or 64 bytes, but got ") << int64_t(vectorBytes);
      return signalPassFailure();
    }
    RewritePatternSet patterns(&getContext());
    patterns.add<LookupToShuffle>(&getContext(), vectorBytes);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
    getOperation().walk([&](kernel::LookupOp op) {
      op.emitOpError("expects whole registers of 16 bytes, but got ") << op.getType();
      signalPassFailure();
    });
  }
};

} // namespace
