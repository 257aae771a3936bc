//===- Bufferize.cpp - Tensors become buffers ------------------------------===//

#include "compiler/transforms/Passes.h"

#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotModuleBufferize.h"

using namespace mlir;

namespace cria {
#define GEN_PASS_DEF_BUFFERIZE
#include "compiler/transforms/Passes.h.inc"
} // namespace cria

using namespace cria;

namespace {

struct Bufferize : cria::impl::BufferizeBase<Bufferize> {
  void runOnOperation() override {
    bufferization::OneShotBufferizationOptions options;
    options.bufferizeFunctionBoundaries = true;
    options.inferFunctionResultLayout = false;
    options.functionArgTypeConverterFn = [](bufferization::TensorLikeType type, Attribute, func::FuncOp,
                                            const bufferization::BufferizationOptions &) {
      return cast<bufferization::BufferLikeType>(kernel::bufferType(cast<RankedTensorType>(type)));
    };
    // Weight expressions are evaluated, never run.
    options.opFilter.denyOperation([](Operation *op) {
      return isa<kernel::ConstantOp>(op) || op->getParentOfType<kernel::ConstantOp>();
    });
    bufferization::BufferizationState state;
    if (failed(bufferization::runOneShotModuleBufferize(getOperation(), options, state)))
      signalPassFailure();
  }
};

} // namespace
