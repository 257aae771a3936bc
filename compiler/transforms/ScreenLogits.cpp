//===- ScreenLogits.cpp - Logits that matter, by a rough copy of the head --===//
//
// Whoever samples looks at the best logits only. A step of a small model with a large
// vocabulary mostly reads its head, so a copy of a quarter of the bytes, or half, says first which
// rows can be among the best: bounded is what it errs, so nothing is lost. The
// exact rows are the same products in the same order as without it.
//
//===----------------------------------------------------------------------===//

#include "compiler/transforms/EntryFunctions.h"
#include "compiler/transforms/Passes.h"

#include "dialects/llama/Quantization.h"

#include "mlir/IR/Builders.h"

using namespace mlir;

namespace cria {
#define GEN_PASS_DEF_SCREENLOGITS
#include "compiler/transforms/Passes.h.inc"
} // namespace cria

using namespace cria;

namespace {

/// Rows of no more columns take 6 bits. What a copy may err grows faster with a row's length than what
/// logits differ by: of 512 columns of 6 bits, or of 2048 of 8, it is about one standard deviation of the logits
/// of random rows, to both sides. Then few rows are left, and more bits would only be read.
constexpr int64_t kShortRow = 512;

struct ScreenLogits : cria::impl::ScreenLogitsBase<ScreenLogits> {
  using ScreenLogitsBase::ScreenLogitsBase;

  void runOnOperation() override {
    FailureOr<func::FuncOp> logits = lookupEntry(getOperation(), (llama::kLogitsName + "_one").str());
    if (failed(logits))
      return signalPassFailure();
    auto head = end(*logits)->getOperand(0).getDefiningOp<llama::LinearOp>();
    if (!head || !canScreen(head) || !logits->getOps<llama::ObserveOp>().empty() || !isWorthIt(head))
      return;
    OpBuilder builder(*logits);
    builder.setInsertionPointAfter(*logits);
    func::FuncOp screened = logits->clone();
    screened.setName(llama::kScreenedName);
    builder.insert(screened);
    addScreen(screened);
  }

private:
  static Operation *end(func::FuncOp func) { return func.getBody().front().getTerminator(); }

  static bool canScreen(llama::LinearOp head) {
    // Codes of a file are multiplied as floats, too, unless what meets them becomes codes.
    return !head.getBias() && !head.getInput().getDefiningOp<llama::QuantizeRowsOp>() &&
           head.getWeight().getType().getDimSize(1) % llama::kGroup == 0;
  }

  static int64_t numbers(llama::LinearOp op) { return op.getWeight().getType().getNumElements(); }

  /// A small head takes no longer than a screen, and of a large model it is the smallest part.
  bool isWorthIt(llama::LinearOp head) {
    int64_t all = numbers(head);
    if (auto forward = getOperation().lookupSymbol<func::FuncOp>((llama::kForwardName + "_one").str()))
      forward.walk([&](llama::LinearOp op) { all += numbers(op); });
    return numbers(head) >= least && numbers(head) * part >= all;
  }

  static void addScreen(func::FuncOp func) {
    Operation *last = end(func);
    auto head = last->getOperand(0).getDefiningOp<llama::LinearOp>();
    OpBuilder builder(last);
    Location loc = head.getLoc();
    auto marginType = RankedTensorType::get({1}, builder.getF32Type());
    func.getBody().front().addArgument(marginType, loc);
    func.setFunctionType(builder.getFunctionType(func.getBody().getArgumentTypes(), func.getResultTypes()));

    Value input = head.getInput();
    if (auto round = input.getDefiningOp<llama::RoundOp>())
      input = round.getInput();
    Value rounded = llama::QuantizeRowsOp::create(builder, loc, input, /*microscaled=*/false);
    RankedTensorType type = head.getWeight().getType(); // [V, D]
    llama::Format format = type.getDimSize(1) <= kShortRow ? llama::Format::Q6 : llama::Format::Q8;
    Value rough = llama::QuantizeOp::create(builder, loc, type.clone(builder.getF32Type()), head.getWeight(), format,
                                            /*guide=*/FlatSymbolRefAttr(), /*rough=*/true);
    Value approximation = llama::LinearOp::create(builder, loc, rounded, rough, /*bias=*/Value());
    last->setOperand(0, llama::ScreenOp::create(builder, loc, head.getResult(), approximation,
                                                func.getArguments().back()));
  }
};

} // namespace
