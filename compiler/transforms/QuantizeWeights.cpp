//===- QuantizeWeights.cpp - Matrices at few bits --------------------------===//

#include "compiler/transforms/EntryFunctions.h"
#include "compiler/transforms/Passes.h"
#include "compiler/transforms/QuantizeRules.h"

using namespace mlir;

namespace cria {
#define GEN_PASS_DEF_QUANTIZEWEIGHTS
#include "compiler/transforms/Passes.h.inc"
} // namespace cria

using namespace cria;

namespace {

bool isHead(llama::LinearOp linear) {
  return isOfHead(linear->getParentOfType<func::FuncOp>());
}

/// What rules call the matrix of `linear`: "layers.0.q_proj", "lm_head".
std::string nameOf(llama::LinearOp linear) {
  StringRef source = llama::sourceOf(linear.getWeight());
  return isHead(linear) ? kHeadRole.str() : source.empty() ? "" : source.str() + "_proj";
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
    getOperation().walk([&](llama::LinearOp linear) {
      if (std::optional<llama::Format> wanted = rules.formatOf(nameOf(linear)))
        quantize(linear, *wanted);
      else if (std::optional<llama::Format> stored = llama::codeFormat(linear.getWeight()); keepStored && stored)
        roundInput(linear, *stored); // a weight that is codes in its file stays so; what meets it becomes codes
    });
    // Behind the products: an embedding may be what the head has become.
    getOperation().walk([&](llama::EmbedOp embed) { quantize(embed, rules); });
    // What has been recorded need not be observed again.
    getOperation().walk([](llama::ObserveOp observe) {
      if (isRecorded(observe))
        observe.erase();
    });
    if (llvm::Error error = rules.checkUsed()) {
      getOperation().emitError("quantization ") << llvm::toString(std::move(error));
      signalPassFailure();
    }
  }

private:
  void quantize(llama::LinearOp linear, llama::Format wanted) {
    FlatSymbolRefAttr guide = guideOf(linear.getInput());
    roundInput(linear, wanted);
    quantize(linear.getWeightMutable(), wanted, guide);
  }

  /// A matrix becomes codes for one of its users.
  void quantize(OpOperand &weight, llama::Format wanted, FlatSymbolRefAttr guide) {
    OpBuilder builder(weight.getOwner());
    auto type = cast<RankedTensorType>(weight.get().getType());
    weight.set(llama::QuantizeOp::create(builder, weight.getOwner()->getLoc(), type.clone(builder.getF32Type()),
                                         weight.get(), wanted, guide));
  }

  void quantize(llama::EmbedOp embed, QuantizeRules &rules) {
    bool isNamed = rules.isNamed(kEmbedRole);
    if (llama::LinearOp head = isNamed ? llama::LinearOp() : headOf(embed)) {
      if (auto codes = head.getWeight().getDefiningOp<llama::QuantizeOp>())
        quantize(embed.getTableMutable(), codes.getFormat(), codes.getGuideAttr());
    } else if (isNamed || !llama::codeFormat(embed.getTable())) {
      if (std::optional<llama::Format> wanted = rules.formatOf(kEmbedRole))
        quantize(embed.getTableMutable(), *wanted, {});
    }
  }

  /// The head, if its matrix is the table of `embed`.
  llama::LinearOp headOf(llama::EmbedOp embed) {
    StringRef source = llama::sourceOf(embed.getTable());
    llama::LinearOp head;
    getOperation().walk([&](llama::LinearOp linear) {
      if (isHead(linear) && !source.empty() && llama::sourceOf(linear.getWeight()) == source)
        head = linear;
    });
    return head;
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

  /// What meets codes of up to 5 bits is rounded by scales that cost nothing: its error stays
  /// small beside theirs (Rationale.md, "Rows that are multiplied by codes are rounded with scales of few bits").
  void roundInput(llama::LinearOp linear, llama::Format format) {
    OpBuilder builder(linear);
    bool microscaled = llama::traits(format).bits <= 5;
    linear.getInputMutable().set(
        llama::QuantizeRowsOp::create(builder, linear.getLoc(), linear.getInput(), microscaled));
  }
};

} // namespace
