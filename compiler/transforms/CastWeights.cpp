//===- CastWeights.cpp - Decide the type of every weight -------------------===//

#include "compiler/transforms/Passes.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;

namespace cria {
#define GEN_PASS_DEF_CASTWEIGHTS
#include "compiler/transforms/Passes.h.inc"
} // namespace cria

using namespace cria;

namespace {

struct CastWeights : cria::impl::CastWeightsBase<CastWeights> {
  using CastWeightsBase::CastWeightsBase;

  void runOnOperation() override {
    Builder builder(&getContext());
    Type matrixType = llvm::StringSwitch<Type>(type)
                          .Case("f32", builder.getF32Type())
                          .Case("f16", builder.getF16Type())
                          .Case("bf16", builder.getBF16Type())
                          .Default(Type());
    if (!matrixType && !type.empty()) {
      getOperation().emitError("expects a weight type of f32, f16 or bf16, but got '") << type << "'";
      return signalPassFailure();
    }

    SmallVector<llama::WeightOp> weights;
    getOperation().walk([&](llama::WeightOp weight) { weights.push_back(weight); });
    for (llama::WeightOp weight : weights) {
      auto stored = cast<RankedTensorType>(weight.getType());
      Type wanted = stored.getRank() == 1 ? builder.getF32Type() : matrixType;
      if (!wanted || wanted == stored.getElementType())
        continue;
      OpBuilder at(weight->getContext());
      at.setInsertionPointAfter(weight);
      auto cast = llama::CastOp::create(at, weight.getLoc(), stored.clone(wanted), weight);
      weight.getResult().replaceAllUsesExcept(cast.getResult(), cast);
    }
  }
};

} // namespace
