//===- ModelTable.h - The compiler's half of runtime/Abi.h -------*- C++ -*-===//
#ifndef CRIA_COMPILER_ARTIFACT_MODELTABLE_H
#define CRIA_COMPILER_ARTIFACT_MODELTABLE_H

#include "targets/Target.h"

#include "mlir/IR/BuiltinOps.h"

#include <string>

namespace llvm {
class Module;
} // namespace llvm

namespace cria {

/// What `--info` says of the types of numbers.
struct ShownTypes {
  std::string weights;
  std::string caches; ///< of keys and values
};

/// Adds the `CriaModel` of `module` (after the last phase), which is number `level` of
/// an artifact's `levels`, to its code, and to the first level's `cria_models()`; all
/// else becomes local to the object. Fails, with a diagnostic, if the module lacks what
/// the table says: hyperparameters, segment sizes, the state called `tokens` [T] and
/// `logits` [T, Vp], or an entry point.
mlir::LogicalResult addModelTable(mlir::ModuleOp module, const ChipRef &chip, const ShownTypes &types,
                                  unsigned level, unsigned levels, llvm::Module &code);

} // namespace cria

#endif // CRIA_COMPILER_ARTIFACT_MODELTABLE_H
