//===- Link.h - Generated code and runtime become a program ------*- C++ -*-===//
#ifndef CRIA_COMPILER_ARTIFACT_LINK_H
#define CRIA_COMPILER_ARTIFACT_LINK_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/MemoryBuffer.h"

#include <memory>

namespace cria {

/// A static, position-independent ELF executable of `objects` and the runtime in
/// `runtimeFolder`, linked in this process. Fails with a diagnostic on `module`.
mlir::FailureOr<std::unique_ptr<llvm::MemoryBuffer>>
linkProgram(mlir::ModuleOp module, llvm::ArrayRef<llvm::StringRef> objects, llvm::StringRef runtimeFolder);

} // namespace cria

#endif // CRIA_COMPILER_ARTIFACT_LINK_H
