//===- Artifact.h - One file that runs by itself -----------------*- C++ -*-===//
#ifndef CRIA_COMPILER_ARTIFACT_ARTIFACT_H
#define CRIA_COMPILER_ARTIFACT_ARTIFACT_H

#include "compiler/artifact/AtomicFile.h"
#include "compiler/weights/Evaluator.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace cria {

/// What an artifact is made of, besides the weights.
struct ArtifactParts {
  llvm::ArrayRef<llvm::StringRef> objects;  ///< ELF objects with the generated code and `cria_models`
  llvm::ArrayRef<uint8_t> tokenizer;        ///< tables; empty: none
  llvm::StringRef runtimeFolder;            ///< startup objects, runtime archive, C library
};

/// Links `parts` with the runtime, evaluates the constants of `module` behind it,
/// and keeps the result as `output`, executable, or fails with a diagnostic. The layout is that of runtime/Abi.h.
/// Each matrix adds a line to `report`, if there is one.
mlir::LogicalResult writeArtifact(mlir::ModuleOp module, const ArtifactParts &parts, AtomicFile &output,
                                  const Progress &progress, std::vector<MatrixReport> *report = nullptr);

/// Whether an artifact is at `path`, to its last byte.
bool isWholeArtifact(llvm::StringRef path);

} // namespace cria

#endif // CRIA_COMPILER_ARTIFACT_ARTIFACT_H
