//===- KernelBufferization.cpp - Storage becomes memory --------------------===//
//
// `kernel.get` of a tensor becomes `kernel.get` of a memref, `kernel.set` a copy
// into such a memref, which folds away where both are the same buffer: the rule,
// since kernels write in place. `kernel.prefetch` becomes `memref.prefetch`. A tensor's
// pitch becomes a stride. Where the segments lie is not known yet; the pass that plans
// memory turns each `kernel.get` into a view.
//
//===----------------------------------------------------------------------===//

#include "dialects/kernel/Kernel.h"

#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::bufferization;
using namespace cria::kernel;

namespace {

MemRefType bufferType(Type tensor) { return cria::kernel::bufferType(cast<RankedTensorType>(tensor)); }

struct GetModel : BufferizableOpInterface::ExternalModel<GetModel, GetOp> {
  bool bufferizesToMemoryRead(Operation *, OpOperand &, const AnalysisState &) const { return false; }
  bool bufferizesToMemoryWrite(Operation *, OpOperand &, const AnalysisState &) const { return false; }
  AliasingValueList getAliasingValues(Operation *, OpOperand &, const AnalysisState &) const { return {}; }

  /// State may be written in place, constants never.
  bool isWritable(Operation *op, Value, const AnalysisState &) const {
    auto get = cast<GetOp>(op);
    return SymbolTable::lookupNearestSymbolFrom<StateOp>(op, get.getStorageAttr()) != nullptr;
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
