//===- EntryFunctions.h - The functions that a model is called by -*- C++ -*-===//
//
// What Llama.h names, as imported and once there is one for a single token and one for a chunk
// (`forward`, `forward_one`, `forward_chunk`).
//
//===----------------------------------------------------------------------===//
#ifndef CRIA_COMPILER_TRANSFORMS_ENTRYFUNCTIONS_H
#define CRIA_COMPILER_TRANSFORMS_ENTRYFUNCTIONS_H

#include "dialects/llama/Llama.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

#include <optional>

namespace cria {

enum class EntryKind {
  Forward,  ///< (tokens [T], position) -> hidden [T, D]
  Finish,   ///< (hidden [T, D], position) -> hidden [T, D]
  Logits,   ///< (hidden [T, D]) -> logits [T, V]
  Screened, ///< (hidden [1, D], margin [1]) -> logits [1, V]
};

/// What a function of this name is; nothing if it is another one.
std::optional<EntryKind> entryKind(llvm::StringRef name);

/// Whether products in `func`, which may be null, are with the model's head.
bool isOfHead(mlir::func::FuncOp func);

/// The entry function `name` of `module`: one block, which takes and returns what its kind says. Fails, with a
/// diagnostic, if there is none.
mlir::FailureOr<mlir::func::FuncOp> lookupEntry(mlir::ModuleOp module, llvm::StringRef name);

/// Whether entry function `func` takes and returns what `model` has, `tokens` at a time; a diagnostic says what not.
mlir::LogicalResult checkSizes(mlir::func::FuncOp func, llama::ModelAttr model, int64_t tokens);

} // namespace cria

#endif // CRIA_COMPILER_TRANSFORMS_ENTRYFUNCTIONS_H
