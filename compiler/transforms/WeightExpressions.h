//===- WeightExpressions.h - Copies of weight expressions -------*- C++ -*-===//
#ifndef CRIA_COMPILER_TRANSFORMS_WEIGHTEXPRESSIONS_H
#define CRIA_COMPILER_TRANSFORMS_WEIGHTEXPRESSIONS_H

#include "dialects/llama/Llama.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"

namespace cria {

/// Whether `op` is part of a weight expression; null is not.
inline bool isExpression(mlir::Operation *op) { return op && op->hasTrait<llama::WeightExpression>(); }

/// A copy of weight expression `value`, where `builder` stands. What it is made of is copied
/// first, each op once: `map` says what already is.
mlir::Value copyExpression(mlir::Value value, mlir::OpBuilder &builder, mlir::IRMapping &map);

} // namespace cria

#endif // CRIA_COMPILER_TRANSFORMS_WEIGHTEXPRESSIONS_H
