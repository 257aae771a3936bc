//===- OutlineLayers.cpp - Layers that are alike become one function -------===//

#include "compiler/transforms/Passes.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/OperationSupport.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace cria {
#define GEN_PASS_DEF_OUTLINELAYERS
#include "compiler/transforms/Passes.h.inc"
} // namespace cria

using namespace cria;

namespace {

/// Moves weights and reads, which name this layer's storage, out of its body to before the
/// layer, so that bodies of layers that are alike become equal. A read behind a write is what was written.
void hoistReads(llama::LayerOp layer) {
  llvm::StringMap<Value> written;
  for (Operation &op : llvm::make_early_inc_range(layer.getBody().front())) {
    if (auto write = dyn_cast<kernel::SetOp>(op))
      written[write.getStorage()] = write.getValue();
    auto read = dyn_cast<kernel::GetOp>(op);
    if (Value value = read ? written.lookup(read.getStorage()) : Value()) {
      read.getResult().replaceAllUsesWith(value);
      read.erase();
    } else if (read || op.hasTrait<llama::WeightExpression>()) {
      op.moveBefore(layer);
    }
  }
}

/// Takes the writes, which name it, too, out of the body; they still use values of it.
SmallVector<kernel::SetOp> takeWrites(llama::LayerOp layer) {
  auto writes = llvm::to_vector(layer.getBody().front().getOps<kernel::SetOp>());
  for (kernel::SetOp write : writes)
    write->remove();
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
    functions.clear();
    SymbolTable symbols(getOperation());
    SmallVector<llama::LayerOp> layers;
    getOperation().walk([&](llama::LayerOp layer) { layers.push_back(layer); });
    for (llama::LayerOp layer : layers) {
      if (!layer->getParentOfType<func::FuncOp>()) {
        layer.emitOpError("expects to lie in a function");
        return signalPassFailure();
      }
      outline(layer, symbols);
    }
    layerCount += layers.size();
    functionCount += functions.size();
  }

private:
  void outline(llama::LayerOp layer, SymbolTable &symbols) {
    auto caller = layer->getParentOfType<func::FuncOp>();
    hoistReads(layer);
    SetVector<Value> captured; // what is only written, too
    getUsedValuesDefinedAbove(layer.getBody(), captured);
    SmallVector<kernel::SetOp> writes = takeWrites(layer);

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
