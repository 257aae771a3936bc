//===- WeightExpressions.h - Weight expressions, walked through -*- C++ -*-===//
#ifndef CRIA_COMPILER_TRANSFORMS_WEIGHTEXPRESSIONS_H
#define CRIA_COMPILER_TRANSFORMS_WEIGHTEXPRESSIONS_H

#include "dialects/llama/Llama.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/DenseMapInfo.h"

namespace cria {

/// Whether `op` is part of a weight expression; null is not.
inline bool isExpression(mlir::Operation *op) { return op && op->hasTrait<llama::WeightExpression>(); }

/// A copy of weight expression `value`, where `builder` stands. What it is made of is copied
/// first, each op once: `map` says what already is.
mlir::Value copyExpression(mlir::Value value, mlir::OpBuilder &builder, mlir::IRMapping &map);

/// What `value` is made of that is no weight expression; null if there is nothing, and it can be evaluated.
mlir::Value foreignPart(mlir::Value value);

/// Whether two weight expressions, maybe of different functions, are the same op for op.
bool areEqualExpressions(mlir::Value one, mlir::Value other);

/// Finds equal weight expressions in a DenseMap.
struct ExpressionInfo : llvm::DenseMapInfo<mlir::Value> {
  static unsigned getHashValue(mlir::Value value);
  static bool isEqual(mlir::Value one, mlir::Value other);
};

} // namespace cria

#endif // CRIA_COMPILER_TRANSFORMS_WEIGHTEXPRESSIONS_H
