//===- RoundInputs.cpp - What meets BF16 weights becomes BF16 --------------===//

#include "compiler/transforms/Passes.h"

#include "mlir/IR/Builders.h"

using namespace mlir;

namespace cria {
#define GEN_PASS_DEF_ROUNDINPUTS
#include "compiler/transforms/Passes.h.inc"
} // namespace cria

using namespace cria;

namespace {

struct RoundInputs : cria::impl::RoundInputsBase<RoundInputs> {
  void runOnOperation() override {
    getOperation().walk([](llama::LinearOp linear) {
      RankedTensorType type = linear.getWeight().getType();
      if (!type.getElementType().isBF16() || type.getDimSize(1) % 2)
        return;
      OpBuilder builder(linear);
      linear.getInputMutable().set(
          llama::RoundOp::create(builder, linear.getLoc(), linear.getInput(), builder.getBF16Type()));
    });
  }
};

} // namespace
