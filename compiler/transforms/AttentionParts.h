//===- AttentionParts.h - How parts of one attention share the context -*- C++ -*-===//
//
// A step is what attention takes between two changes of the maximum. The steps that a
// position sees, whole or in part, are cut into as even parts as can be: part p of S takes
// steps [p n / S, (p + 1) n / S) of n. So the cut, and with it the order of every sum,
// depends on the position alone, all parts have work at any length, and those of a
// context of fewer than S steps that have none can be told.
//
//===----------------------------------------------------------------------===//
#ifndef CRIA_COMPILER_TRANSFORMS_ATTENTIONPARTS_H
#define CRIA_COMPILER_TRANSFORMS_ATTENTIONPARTS_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"

namespace cria {

/// The cut of one step's attention, as values that ops compute.
struct AttentionParts {
  /// Of the steps, `stepPositions` positions each, that `position` sees through `window`
  /// (0: all before it), in `parts` parts.
  AttentionParts(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value position, int64_t window,
                 int64_t stepPositions, int64_t parts);

  /// The first step of part number `part`; of part S: the first that is not seen.
  mlir::Value begin(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value part) const;
  /// How many parts have a step.
  mlir::Value active(mlir::OpBuilder &builder, mlir::Location loc) const;
  /// The number of the `which`-th of the `active` parts that have a step.
  mlir::Value number(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value which, mlir::Value active) const;

  int64_t parts;      ///< S
  mlir::Value first;  ///< the first step that is seen
  mlir::Value count;  ///< n, at least 1
};

} // namespace cria

#endif // CRIA_COMPILER_TRANSFORMS_ATTENTIONPARTS_H
