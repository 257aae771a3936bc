//===- LayOutWeights.cpp - Every weight gets its place in the artifact -----===//

#include "compiler/transforms/EntryFunctions.h"
#include "compiler/transforms/Passes.h"
#include "compiler/transforms/WeightExpressions.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace cria {
#define GEN_PASS_DEF_LAYOUTWEIGHTS
#include "compiler/transforms/Passes.h.inc"
} // namespace cria

using namespace cria;

namespace {

/// A name that tells where the expression's value comes from; "output.value" of a matrix
/// that was not met before the logits, even if it comes from the embedding table.
std::string nameOf(Operation *op) {
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  if (type.getRank() > 1 && isOfHead(op->getParentOfType<func::FuncOp>())) {
    auto pack = dyn_cast<llama::PackBlocksOp>(op);
    auto quantize = pack ? pack.getInput().getDefiningOp<llama::QuantizeOp>() : llama::QuantizeOp();
    return quantize && quantize.getRough() ? kRoughHeadName.str() : "output.value";
  }
  while (op->getNumOperands())
    op = op->getOperand(0).getDefiningOp();
  if (auto weight = dyn_cast<llama::WeightOp>(op))
    return (weight.getSource() + ".value").str();
  return op->getName().stripDialect().str();
}

struct LayOutWeights : cria::impl::LayOutWeightsBase<LayOutWeights> {
  void runOnOperation() override {
    constants.clear();
    bytes = 0;
    SymbolTable symbols(getOperation());
    SmallVector<Operation *> roots, all;
    getOperation().walk([&](Operation *op) {
      if (!isExpression(op) || op->getParentOfType<kernel::ConstantOp>())
        return;
      all.push_back(op);
      if (llvm::any_of(op->getUsers(), [](Operation *user) { return !isExpression(user); }))
        roots.push_back(op);
    });
    for (Operation *root : roots)
      if (failed(check(root)))
        return signalPassFailure();
    for (Operation *root : roots)
      replace(root, symbols);
    for (Operation *op : llvm::reverse(all))
      if (op->use_empty())
        op->erase();
  }

private:
  /// Whether `root` can be evaluated.
  static LogicalResult check(Operation *root) {
    Value foreign = foreignPart(root->getResult(0));
    if (!foreign)
      return success();
    InFlightDiagnostic error = root->emitOpError("expects to be made of weights alone, but got ");
    if (Operation *op = foreign.getDefiningOp())
      return error << "'" << op->getName() << "'";
    return error << "a block argument";
  }

  void replace(Operation *root, SymbolTable &symbols) {
    kernel::ConstantOp &constant = constants[root->getResult(0)];
    if (!constant)
      constant = makeConstant(root, symbols);
    OpBuilder builder(root);
    auto get = kernel::GetOp::create(builder, root->getLoc(), root->getResult(0).getType(), constant.getSymName());
    root->getResult(0).replaceUsesWithIf(get.getResult(),
                                         [](OpOperand &use) { return !isExpression(use.getOwner()); });
  }

  kernel::ConstantOp makeConstant(Operation *root, SymbolTable &symbols) {
    auto type = cast<RankedTensorType>(root->getResult(0).getType());
    OpBuilder builder(root->getContext());
    auto constant = kernel::ConstantOp::create(builder, root->getLoc(), nameOf(root), bytes, type);
    builder.setInsertionPointToEnd(&constant.getBody().emplaceBlock());
    IRMapping map;
    kernel::YieldOp::create(builder, root->getLoc(), copyExpression(root->getResult(0), builder, map));
    auto funcs = getOperation().getOps<func::FuncOp>();
    symbols.insert(constant, funcs.empty() ? getOperation().getBody()->end() : Block::iterator(*funcs.begin()));
    bytes += llvm::alignTo(type.getNumElements() * llvm::divideCeil(type.getElementTypeBitWidth(), 8), 64);
    return constant;
  }

  llvm::DenseMap<Value, kernel::ConstantOp, ExpressionInfo> constants; ///< by what they hold
  int64_t bytes = 0;
};

} // namespace
