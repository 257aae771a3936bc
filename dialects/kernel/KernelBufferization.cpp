//===- KernelBufferization.cpp - Storage becomes memory --------------------===//
//
// `kernel.get` of a tensor becomes `kernel.get` of a memref, `kernel.set` a copy
// into such a memref, which folds away where both are the same buffer: the rule,
// since kernels write in place. `kernel.prefetch` becomes `memref.prefetch`. A tensor's
// pitch becomes a stride. Where the segments lie is not known yet; the pass that plans
// memory turns each `kernel.get` into a view.
//
// The analysis knows of a state only what it sees of its `kernel.get`. So a state is written in
// place only where it is set, too; a function that sets one has at most one value of it, got before.
// Behind the set nothing changes it in place, and where another buffer's value has been copied over
// it nothing reads it.
//
//===----------------------------------------------------------------------===//

#include "dialects/kernel/Kernel.h"

#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::bufferization;
using namespace cria::kernel;

namespace {

MemRefType bufferType(Type tensor) { return cria::kernel::bufferType(cast<RankedTensorType>(tensor)); }

/// The gets, or the sets, of `storage` in the function around `op`.
template <typename Op> SmallVector<Op> usersOf(Operation *op, StringRef storage) {
  SmallVector<Op> users;
  if (auto function = op->getParentOfType<FunctionOpInterface>())
    function->walk([&](Op user) {
      if (user.getStorage() == storage)
        users.push_back(user);
    });
  return users;
}

struct GetModel : BufferizableOpInterface::ExternalModel<GetModel, GetOp> {
  bool bufferizesToMemoryRead(Operation *, OpOperand &, const AnalysisState &) const { return false; }
  bool bufferizesToMemoryWrite(Operation *, OpOperand &, const AnalysisState &) const { return false; }
  AliasingValueList getAliasingValues(Operation *, OpOperand &, const AnalysisState &) const { return {}; }

  /// State that is set may be written in place; constants are not.
  bool isWritable(Operation *op, Value, const AnalysisState &) const {
    return !usersOf<SetOp>(op, cast<GetOp>(op).getStorage()).empty();
  }

  FailureOr<BufferLikeType> getBufferType(Operation *, Value value, const BufferizationOptions &,
                                          const BufferizationState &, SmallVector<Value> &) const {
    return cast<BufferLikeType>(bufferType(value.getType()));
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &,
                          BufferizationState &) const {
    auto get = cast<GetOp>(op);
    replaceOpWithNewBufferizedOp<GetOp>(rewriter, op, bufferType(get.getResult().getType()),
                                        get.getStorageAttr());
    return success();
  }
};

struct SetModel : BufferizableOpInterface::ExternalModel<SetModel, SetOp> {
  bool bufferizesToMemoryRead(Operation *, OpOperand &, const AnalysisState &) const { return true; }
  bool bufferizesToMemoryWrite(Operation *, OpOperand &, const AnalysisState &) const { return false; }
  AliasingValueList getAliasingValues(Operation *, OpOperand &, const AnalysisState &) const { return {}; }

  LogicalResult verifyAnalysis(Operation *op, const AnalysisState &state) const {
    auto set = cast<SetOp>(op);
    SmallVector<GetOp> gets = usersOf<GetOp>(op, set.getStorage()); // (C2)
    if (gets.empty())
      return success();
    if (gets.size() > 1)
      return op->emitOpError("expects one kernel.get of ")
             << set.getStorageAttr() << " in its function, but got " << gets.size();
    GetOp get = gets.front();
    if (get->getBlock() != op->getBlock() || !get->isBeforeInBlock(op))
      return op->emitOpError("expects the kernel.get of ")
             << set.getStorageAttr() << " before it in its block, but got one elsewhere";
    bool there = state.areEquivalentBufferizedValues(get.getResult(), set.getValue());
    Operation *late = nullptr; // (C3)
    static_cast<const OneShotAnalysisState &>(state).applyOnAliases(get.getResult(), [&](Value alias) {
      for (OpOperand &use : alias.getUses()) {
        Operation *here = op->getBlock()->findAncestorOpInBlock(*use.getOwner());
        bool writes = state.bufferizesToMemoryWrite(use) && state.isInPlace(use);
        if (here && op->isBeforeInBlock(here) && (writes || !there))
          late = here;
      }
    });
    if (late)
      return op->emitOpError("expects that what ")
             << set.getStorageAttr() << " held is not " << (there ? "changed" : "used") << " behind it, but got "
             << late->getName();
    return success();
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto set = cast<SetOp>(op);
    FailureOr<Value> source = getBuffer(rewriter, set.getValue(), options, state);
    if (failed(source))
      return failure();
    Value destination =
        GetOp::create(rewriter, op->getLoc(), bufferType(set.getValue().getType()), set.getStorageAttr());
    replaceOpWithNewBufferizedOp<memref::CopyOp>(rewriter, op, *source, destination);
    return success();
  }
};

struct PrefetchModel : BufferizableOpInterface::ExternalModel<PrefetchModel, PrefetchOp> {
  bool bufferizesToMemoryRead(Operation *, OpOperand &, const AnalysisState &) const { return false; }
  bool bufferizesToMemoryWrite(Operation *, OpOperand &, const AnalysisState &) const { return false; }
  AliasingValueList getAliasingValues(Operation *, OpOperand &, const AnalysisState &) const { return {}; }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto prefetch = cast<PrefetchOp>(op);
    FailureOr<Value> buffer = getBuffer(rewriter, prefetch.getTensor(), options, state);
    if (failed(buffer))
      return failure();
    replaceOpWithNewBufferizedOp<memref::PrefetchOp>(rewriter, op, *buffer, prefetch.getIndices(), /*isWrite=*/false,
                                                     /*localityHint=*/4 - prefetch.getCache(), /*isDataCache=*/true);
    return success();
  }
};

/// In place: the destination's buffer is the result's.
struct TileMatmulModel : DstBufferizableOpInterfaceExternalModel<TileMatmulModel, TileMatmulOp> {
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand, const AnalysisState &) const {
    auto matmul = cast<TileMatmulOp>(op);
    return matmul.isDpsInput(&operand) || matmul.getAccumulate();
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto matmul = cast<TileMatmulOp>(op);
    SmallVector<Value> buffers;
    for (Value operand : op->getOperands()) {
      FailureOr<Value> buffer = getBuffer(rewriter, operand, options, state);
      if (failed(buffer))
        return failure();
      buffers.push_back(*buffer);
    }
    TileMatmulOp::create(rewriter, op->getLoc(), TypeRange(), buffers[0], buffers[1], buffers[2],
                         matmul.getAccumulate());
    replaceOpWithBufferizedValues(rewriter, op, buffers[2]);
    return success();
  }
};

} // namespace

MemRefType cria::kernel::bufferType(RankedTensorType type) {
  auto pitch = dyn_cast_if_present<PitchAttr>(type.getEncoding());
  if (!pitch)
    return MemRefType::get(type.getShape(), type.getElementType());
  SmallVector<int64_t> strides = computeSuffixProduct(type.getShape());
  strides.front() = pitch.getElements();
  return MemRefType::get(type.getShape(), type.getElementType(),
                         StridedLayoutAttr::get(type.getContext(), /*offset=*/0, strides));
}

int64_t cria::kernel::spanBytes(MemRefType type) {
  if (!type.getNumElements())
    return 0;
  auto [strides, offset] = type.getStridesAndOffset();
  int64_t elements = 1;
  for (auto [size, stride] : llvm::zip_equal(type.getShape(), strides))
    elements += (size - 1) * stride;
  return elements * llvm::divideCeil(type.getElementTypeBitWidth(), 8);
}

void cria::kernel::registerBufferizableOpInterfaceModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, KernelDialect *) {
    GetOp::attachInterface<GetModel>(*context);
    SetOp::attachInterface<SetModel>(*context);
    TileMatmulOp::attachInterface<TileMatmulModel>(*context);
    PrefetchOp::attachInterface<PrefetchModel>(*context);
  });
}
