//===- QuantizeWeights.cpp - Matrices at few bits --------------------------===//

#include "compiler/transforms/Passes.h"
#include "compiler/transforms/QuantizeRules.h"

using namespace mlir;

namespace cria {
#define GEN_PASS_DEF_QUANTIZEWEIGHTS
#include "compiler/transforms/Passes.h.inc"
} // namespace cria

using namespace cria;

namespace {

/// What rules call the matrix of `linear`: "layers.0.q_proj", "lm_head".
std::string nameOf(llama::LinearOp linear) {
  if (linear->getParentOfType<func::FuncOp>().getName() == llama::kLogitsName)
    return kHeadRole.str();
  Value weight = linear.getWeight();
  while (Operation *op = weight.getDefiningOp()) {
    if (auto leaf = dyn_cast<llama::WeightOp>(op))
      return leaf.getSource().str() + "_proj";
    if (op->getNumOperands() != 1)
      break;
    weight = op->getOperand(0);
  }
  return "";
}

struct QuantizeWeights : cria::impl::QuantizeWeightsBase<QuantizeWeights> {
  using QuantizeWeightsBase::QuantizeWeightsBase;

  void runOnOperation() override {
    QuantizeRules rules;
    if (!format.empty()) {
      llvm::Expected<QuantizeRules> parsed = QuantizeRules::parse(format);
      if (!parsed) {
        getOperation().emitError("quantization ") << llvm::toString(parsed.takeError());
        return signalPassFailure();
      }
      rules = std::move(*parsed);
    }
    WalkResult result = getOperation().walk([&](llama::LinearOp linear) {
      std::string name = nameOf(linear);
      std::optional<llama::Format> wanted = rules.formatOf(name);
      return WalkResult(wanted ? quantize(linear, name, *wanted) : keep(linear));
    });
    if (result.wasInterrupted())
      return signalPassFailure();
    // What has been recorded need not be observed again.
    getOperation().walk([](llama::ObserveOp observe) {
      if (isRecorded(observe))
        observe.erase();
    });
    if (StringRef name = rules.unused(); !name.empty()) {
      getOperation().emitError("quantization expects the name of a matrix, but none is called '") << name << "'";
      signalPassFailure();
    }
  }

private:
  LogicalResult quantize(llama::LinearOp linear, StringRef name, llama::Format wanted) {
    RankedTensorType type = linear.getWeight().getType();
    int64_t group = traits(wanted).group;
    if (type.getDimSize(1) % group)
      return linear.emitOpError("expects rows that are a multiple of ")
             << group << " long to be quantized to " << stringifyFormat(wanted) << ", but got " << type << " for '"
             << name << "'";
    OpBuilder builder(linear);
    FlatSymbolRefAttr guide = guideOf(linear.getInput());
    roundInput(linear);
    linear.getWeightMutable().set(llama::QuantizeOp::create(builder, linear.getLoc(), type.clone(builder.getF32Type()),
                                                            linear.getWeight(), wanted, guide));
    return success();
  }

  /// A weight that is codes in its file stays so; what meets it becomes codes.
  LogicalResult keep(llama::LinearOp linear) {
    if (keepStored && llama::codeFormat(linear.getWeight()))
      roundInput(linear);
    return success();
  }

  /// The observation of `input`, if that has been recorded.
  static FlatSymbolRefAttr guideOf(Value input) {
    for (Operation *user : input.getUsers())
      if (auto observe = dyn_cast<llama::ObserveOp>(user))
        if (isRecorded(observe))
          return observe.getObservationAttr();
    return {};
  }
  static bool isRecorded(llama::ObserveOp observe) {
    auto observation = SymbolTable::lookupNearestSymbolFrom<llama::ObservationOp>(observe, observe.getObservationAttr());
    return observation && observation.getFile();
  }

  void roundInput(llama::LinearOp linear) {
    OpBuilder builder(linear);
    linear.getInputMutable().set(llama::QuantizeRowsOp::create(builder, linear.getLoc(), linear.getInput()));
  }
};

} // namespace
