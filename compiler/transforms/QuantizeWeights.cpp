//===- QuantizeWeights.cpp - Matrices at few bits --------------------------===//

#include "compiler/transforms/Passes.h"

#include "dialects/llama/Quantization.h"

using namespace mlir;

namespace cria {
#define GEN_PASS_DEF_QUANTIZEWEIGHTS
#include "compiler/transforms/Passes.h.inc"
} // namespace cria

using namespace cria;

namespace {

struct QuantizeWeights : cria::impl::QuantizeWeightsBase<QuantizeWeights> {
  using QuantizeWeightsBase::QuantizeWeightsBase;

  void runOnOperation() override {
    if (format.empty())
      return keepStored ? roundStored() : void();
    std::optional<llama::Format> wanted = llama::symbolizeFormat(format);
    if (!wanted) {
      getOperation().emitError("expects a format of q8 or q4, but got '") << format << "'";
      return signalPassFailure();
    }
    WalkResult result = getOperation().walk([&](llama::LinearOp linear) {
      RankedTensorType type = linear.getWeight().getType();
      if (type.getDimSize(1) % llama::kGroup) {
        linear.emitOpError("expects rows that are a multiple of 32 long to be quantized, but got ") << type;
        return WalkResult::interrupt();
      }
      // The head decides between words: it keeps 8 bits.
      bool head = linear->getParentOfType<func::FuncOp>().getName() == llama::kLogitsName;
      OpBuilder builder(linear);
      auto f32 = type.clone(builder.getF32Type());
      linear.getInputMutable().set(llama::QuantizeRowsOp::create(builder, linear.getLoc(), linear.getInput()));
      linear.getWeightMutable().set(llama::QuantizeOp::create(builder, linear.getLoc(), f32, linear.getWeight(),
                                                              head ? llama::Format::Q8 : *wanted));
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }

private:
  /// Weights that are codes in their file stay so; what meets them becomes codes.
  void roundStored() {
    getOperation().walk([](llama::LinearOp linear) {
      if (!llama::codeFormat(linear.getWeight()))
        return;
      OpBuilder builder(linear);
      linear.getInputMutable().set(llama::QuantizeRowsOp::create(builder, linear.getLoc(), linear.getInput()));
    });
  }
};

} // namespace
