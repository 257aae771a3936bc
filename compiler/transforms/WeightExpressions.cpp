//===- WeightExpressions.cpp - Weight expressions, walked through ----------===//

#include "compiler/transforms/WeightExpressions.h"

#include "mlir/IR/OperationSupport.h"

using namespace mlir;
using namespace cria;

Value cria::copyExpression(Value value, OpBuilder &builder, IRMapping &map) {
  if (!map.contains(value)) {
    for (Value operand : value.getDefiningOp()->getOperands())
      copyExpression(operand, builder, map);
    builder.clone(*value.getDefiningOp(), map);
  }
  return map.lookup(value);
}

Value cria::foreignPart(Value value) {
  Operation *op = value.getDefiningOp();
  if (!isExpression(op))
    return value;
  for (Value operand : op->getOperands())
    if (Value foreign = foreignPart(operand))
      return foreign;
  return {};
}

bool cria::areEqualExpressions(Value one, Value other) {
  Operation *a = one.getDefiningOp(), *b = other.getDefiningOp();
  if (a == b)
    return isExpression(a);
  if (!isExpression(a) || !isExpression(b))
    return false;
  return OperationEquivalence::isEquivalentTo(
      a, b, [](Value x, Value y) { return success(areEqualExpressions(x, y)); }, /*markEquivalent=*/nullptr,
      OperationEquivalence::IgnoreLocations);
}

unsigned ExpressionInfo::getHashValue(Value value) {
  return OperationEquivalence::computeHash(
      value.getDefiningOp(), [](Value operand) -> llvm::hash_code { return getHashValue(operand); },
      OperationEquivalence::ignoreHashValue, OperationEquivalence::IgnoreLocations);
}

bool ExpressionInfo::isEqual(Value one, Value other) {
  auto isNone = [](Value value) { return value == getEmptyKey() || value == getTombstoneKey(); };
  return one == other || (!isNone(one) && !isNone(other) && areEqualExpressions(one, other));
}
