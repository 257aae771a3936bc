//===- WeightExpressions.cpp - Copies of weight expressions ----------------===//

#include "compiler/transforms/WeightExpressions.h"

using namespace mlir;

Value cria::copyExpression(Value value, OpBuilder &builder, IRMapping &map) {
  if (!map.contains(value)) {
    for (Value operand : value.getDefiningOp()->getOperands())
      copyExpression(operand, builder, map);
    builder.clone(*value.getDefiningOp(), map);
  }
  return map.lookup(value);
}
