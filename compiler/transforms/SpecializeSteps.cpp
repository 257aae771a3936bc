//===- SpecializeSteps.cpp - One token, or a chunk -------------------------===//

#include "compiler/transforms/EntryFunctions.h"
#include "compiler/transforms/Passes.h"

using namespace mlir;

namespace cria {
#define GEN_PASS_DEF_SPECIALIZESTEPS
#include "compiler/transforms/Passes.h.inc"
} // namespace cria

using namespace cria;

namespace {

/// `type` with its dynamic dimensions, which are all T, set to `tokens`.
Type withTokens(Type type, int64_t tokens) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || tensor.hasStaticShape())
    return type;
  SmallVector<int64_t> shape(tensor.getShape());
  for (int64_t &size : shape)
    if (ShapedType::isDynamic(size))
      size = tokens;
  return tensor.clone(shape);
}

/// A copy of `func` named `name` in which T is `tokens`.
void specialize(func::FuncOp func, StringRef name, int64_t tokens) {
  OpBuilder builder(func);
  func::FuncOp copy = func.clone();
  copy.setName(name);
  builder.insert(copy);
  // Every shape of the dialect is a function of T, so setting T everywhere is
  // what inferring each op's type again would give; the verifiers check it.
  copy.walk([&](Block *block) {
    for (BlockArgument argument : block->getArguments())
      argument.setType(withTokens(argument.getType(), tokens));
  });
  copy.walk([&](Operation *op) {
    for (OpResult result : op->getResults())
      result.setType(withTokens(result.getType(), tokens));
  });
  SmallVector<Type> results;
  for (Type type : func.getResultTypes())
    results.push_back(withTokens(type, tokens));
  copy.setFunctionType(builder.getFunctionType(copy.getBody().getArgumentTypes(), results));
}

struct SpecializeSteps : cria::impl::SpecializeStepsBase<SpecializeSteps> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto model = module->getAttrOfType<llama::ModelAttr>(llama::kModelAttrName);
    if (!model) {
      module.emitError("expects a '") << llama::kModelAttrName << "' attribute";
      return signalPassFailure();
    }
    for (StringRef name : {llama::kForwardName, llama::kLogitsName}) {
      FailureOr<func::FuncOp> func = lookupEntry(module, name);
      if (failed(func))
        return signalPassFailure();
      specialize(*func, (name + "_one").str(), 1);
      specialize(*func, (name + "_chunk").str(), model.getChunk());
      func->erase();
    }
  }
};

} // namespace
