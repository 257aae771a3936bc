//===- DeferLastLayer.cpp - What only logits need, when they do ------------===//
//
// Of the last layer, later tokens only need keys and values. So a chunk of a prompt ends
// with these, and what comes into that layer; the whole layer, and what follows, is in
// functions of its own, which the runtime calls for the rows that need logits: mostly one
// of a prompt. They are the same layer again, so that its code is that of the others. What is
// dead in the chunk then is left for the next simplification to remove.
//
//===----------------------------------------------------------------------===//

#include "compiler/transforms/EntryFunctions.h"
#include "compiler/transforms/Passes.h"
#include "compiler/transforms/WeightExpressions.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;

namespace cria {
#define GEN_PASS_DEF_DEFERLASTLAYER
#include "compiler/transforms/Passes.h.inc"
} // namespace cria

using namespace cria;

namespace {

/// The last layer of a function, and what follows it up to the function's result.
class Ending {
public:
  explicit Ending(func::FuncOp forward) : forward(forward) {
    for (auto layer : forward.getOps<llama::LayerOp>())
      last = layer;
    if (last)
      for (Operation *op = last->getNextNode(); op != end(); op = op->getNextNode())
        behind.push_back(op);
  }

  /// Whether leaving the ending out loses nothing but what is observed, which is when it is done.
  LogicalResult check() {
    for (Operation *op : behind)
      if (!isa<llama::ObserveOp>(op) && !isMemoryEffectFree(op))
        return op->emitOpError("expects to have no memory effects behind the last layer");
    return success();
  }

  /// A function `name` (hidden [T, D], position) of the ending alone, from what comes into the
  /// last layer on; without layers, of nothing. Fails if it needs more.
  LogicalResult makeFunction(const Twine &name) {
    OpBuilder builder(forward->getContext());
    builder.setInsertionPointAfter(forward);
    Type hidden = end()->getOperand(0).getType();
    auto type = builder.getFunctionType({hidden, builder.getIndexType()}, {hidden});
    auto func = func::FuncOp::create(builder, forward.getLoc(), name.str(), type);
    Block *body = func.addEntryBlock();
    builder.setInsertionPointToEnd(body);
    Value result = body->getArgument(0);
    if (last) {
      IRMapping map;
      map.map(last.getInput(), body->getArgument(0));
      map.map(position(), body->getArgument(1));
      if (failed(copy(last, map, builder)))
        return failure();
      for (Operation *op : behind)
        if (failed(copy(op, map, builder)))
          return failure();
      result = map.lookup(end()->getOperand(0));
    }
    func::ReturnOp::create(builder, forward.getLoc(), result);
    return success();
  }

  /// Leaves what comes into the last layer as the function's result.
  void remove() {
    if (!last)
      return;
    end()->setOperand(0, last.getInput());
    for (Operation *op : llvm::reverse(behind))
      op->erase();
    Block &body = last.getBody().front();
    for (auto observe : llvm::make_early_inc_range(body.getOps<llama::ObserveOp>()))
      observe.erase();
    body.getTerminator()->setOperand(0, body.getArgument(0));
  }

private:
  Operation *end() { return forward.getBody().front().getTerminator(); }
  Value position() { return forward.getArgument(1); }

  /// A copy of `op`, behind copies of the weights that it takes.
  LogicalResult copy(Operation *op, IRMapping &map, OpBuilder &builder) {
    SetVector<Value> taken;
    taken.insert_range(op->getOperands());
    getUsedValuesDefinedAbove(op->getRegions(), taken);
    for (Value value : taken) {
      if (!map.contains(value) && foreignPart(value))
        return op->emitError("expects nothing but weights and the position from in front of the last layer");
      copyExpression(value, builder, map);
    }
    builder.clone(*op, map);
    return success();
  }

  func::FuncOp forward;
  llama::LayerOp last;
  SmallVector<Operation *> behind; ///< the last layer, in order
};

struct DeferLastLayer : cria::impl::DeferLastLayerBase<DeferLastLayer> {
  void runOnOperation() override {
    for (StringRef step : {"_one", "_chunk"}) {
      FailureOr<func::FuncOp> forward = lookupEntry(getOperation(), (llama::kForwardName + step).str());
      if (failed(forward))
        return signalPassFailure();
      Ending ending(*forward);
      if (failed(ending.check()) || failed(ending.makeFunction(llama::kFinishName + step)))
        return signalPassFailure();
      if (step == "_chunk")
        ending.remove();
    }
  }
};

} // namespace
