//===- ObserveInputs.cpp - Look at what matrices are multiplied by ---------===//

#include "compiler/transforms/Passes.h"
#include "dialects/llama/Quantization.h"

#include "mlir/IR/Builders.h"

using namespace mlir;

namespace cria {
#define GEN_PASS_DEF_OBSERVEINPUTS
#include "compiler/transforms/Passes.h.inc"
} // namespace cria

using namespace cria;

namespace {

/// A name for what meets `linear`'s matrix, by the matrix's own.
std::string nameOf(llama::LinearOp linear) {
  StringRef source = llama::sourceOf(linear.getWeight());
  return source.empty() ? "input" : (source + ".input").str();
}

struct ObserveInputs : cria::impl::ObserveInputsBase<ObserveInputs> {
  using ObserveInputsBase::ObserveInputsBase;

  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    llvm::DenseSet<Value> observed;
    int64_t number = 0;
    auto file = records.empty() ? StringAttr() : StringAttr::get(&getContext(), records);
    // The runtime numbers them in this order, too: the same model gives the same numbers.
    getOperation().walk([&](llama::LinearOp linear) {
      if (!observed.insert(linear.getInput()).second)
        return;
      OpBuilder builder(linear), detached(&getContext());
      auto observation = llama::ObservationOp::create(detached, linear.getLoc(), nameOf(linear), file,
                                                      number++, linear.getInput().getType().getDimSize(1));
      Operation *function = linear->getParentOfType<func::FuncOp>();
      symbols.insert(observation, Block::iterator(function)); // makes the name unique
      llama::ObserveOp::create(builder, linear.getLoc(), observation.getSymName(), linear.getInput());
    });
  }
};

} // namespace
