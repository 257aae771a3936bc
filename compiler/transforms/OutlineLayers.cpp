//===- OutlineLayers.cpp - Layers that are alike become one function -------===//

#include "compiler/transforms/Passes.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/OperationSupport.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;

namespace cria {
#define GEN_PASS_DEF_OUTLINELAYERS
#include "compiler/transforms/Passes.h.inc"
} // namespace cria

using namespace cria;

namespace {

/// Moves what names this layer's storage out of its body, so that bodies of
/// layers that are alike become equal: weights and reads to before the layer,
/// writes to behind it. Returns the writes, still using values of the body.
SmallVector<kernel::SetOp> hoistStorage(llama::LayerOp layer) {
  SmallVector<kernel::SetOp> writes;
  for (Operation &op : llvm::make_early_inc_range(layer.getBody().front())) {
    if (op.hasTrait<llama::WeightExpression>() || isa<kernel::GetOp>(op)) {
      op.moveBefore(layer);
    } else if (auto write = dyn_cast<kernel::SetOp>(op)) {
      writes.push_back(write);
      write->remove();
    }
  }
  return writes;
}

/// The body of `layer` as a function of its input [T, D] and everything that it
/// uses from above (`captured`), returning its output and the written values.
func::FuncOp makeFunction(llama::LayerOp layer, StringRef name, ArrayRef<Value> captured,
                          ArrayRef<kernel::SetOp> writes) {
  OpBuilder builder(layer.getContext());
  Block &body = layer.getBody().front();
  SmallVector<Type> arguments = {layer.getInput().getType()}, results = {layer.getType()};
  for (Value value : captured)
    arguments.push_back(value.getType());
  for (kernel::SetOp write : writes)
    results.push_back(write.getValue().getType());

  auto func = func::FuncOp::create(builder, layer.getLoc(), name, builder.getFunctionType(arguments, results));
  func.setPrivate();
  Block *entry = func.addEntryBlock();
  IRMapping map;
  map.map(body.getArgument(0), entry->getArgument(0));
  for (auto [value, argument] : llvm::zip_equal(captured, entry->getArguments().drop_front()))
    map.map(value, argument);
  builder.setInsertionPointToEnd(entry);
  for (Operation &op : body.without_terminator())
    builder.clone(op, map);
  SmallVector<Value> values = {map.lookup(cast<llama::YieldOp>(body.getTerminator()).getValue())};
  for (kernel::SetOp write : writes)
    values.push_back(map.lookup(write.getValue()));
  func::ReturnOp::create(builder, layer.getLoc(), values);
  return func;
}

struct OutlineLayers : cria::impl::OutlineLayersBase<OutlineLayers> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    SmallVector<llama::LayerOp> layers;
    getOperation().walk([&](llama::LayerOp layer) { layers.push_back(layer); });
    for (llama::LayerOp layer : layers)
      outline(layer, symbols);
    layerCount += layers.size();
    functionCount += functions.size();
  }

private:
  void outline(llama::LayerOp layer, SymbolTable &symbols) {
    auto caller = layer->getParentOfType<func::FuncOp>();
    SmallVector<kernel::SetOp> writes = hoistStorage(layer);
    SetVector<Value> captured;
    getUsedValuesDefinedAbove(layer.getBody(), captured);

    StringRef step = caller.getName();
    step.consume_front(kEntryPrefix);
    step.consume_front(llama::kForwardName);
    func::FuncOp func = makeFunction(layer, ("layer" + step).str(), captured.getArrayRef(), writes);
    if (Attribute rows = caller->getAttr(kernel::kChunkAttrName))
      func->setAttr(kernel::kChunkAttrName, rows);
    func::FuncOp callee = reuse(func);
    if (callee == func) {
      symbols.insert(func, Block::iterator(caller)); // makes the name unique
      functions.push_back(func);
    } else {
      func.erase();
    }

    OpBuilder builder(layer);
    SmallVector<Value> operands = {layer.getInput()};
    llvm::append_range(operands, captured);
    auto call = func::CallOp::create(builder, layer.getLoc(), callee, operands);
    for (auto [write, value] : llvm::zip_equal(writes, call.getResults().drop_front())) {
      builder.insert(write);
      write.getValueMutable().set(value);
    }
    layer.getResult().replaceAllUsesWith(call.getResult(0));
    layer.erase();
  }

  /// An earlier function with the same body, or `func` itself.
  func::FuncOp reuse(func::FuncOp func) {
    for (func::FuncOp earlier : functions)
      if (earlier.getFunctionType() == func.getFunctionType() &&
          OperationEquivalence::isRegionEquivalentTo(&earlier.getBody(), &func.getBody(),
                                                     OperationEquivalence::IgnoreLocations))
        return earlier;
    return func;
  }

  SmallVector<func::FuncOp> functions;
};

} // namespace
