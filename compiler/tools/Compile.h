//===- Compile.h - From a model's path to an artifact ------------*- C++ -*-===//
#ifndef CRIA_COMPILER_TOOLS_COMPILE_H
#define CRIA_COMPILER_TOOLS_COMPILE_H

#include "compiler/tools/Options.h"
#include "frontends/Frontend.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/StringRef.h"

#include <string>

namespace cria {

/// Where the files that belong to cria lie, given its own path.
class Installation {
public:
  explicit Installation(const char *program);
  /// Startup objects and runtime of a target.
  std::string runtimeFolder(llvm::StringRef target) const;
  /// The model that ships with cria.
  std::string storyteller() const;

  /// When this program, and the runtime of a target, were built: for names that must not outlive
  /// them. 0 if that cannot be found out.
  uint64_t buildTime() const;
  uint64_t runtimeBuildTime(llvm::StringRef target) const;

private:
  std::string program;
  std::string root; ///< the folder above the one of the program
};

/// Reads the model that `options` name, once it is clear that they name targets and, if any, a text to calibrate by
/// that can be read more than once. Problems are diagnostics of `context`.
mlir::FailureOr<ImportedModel> importModel(mlir::MLIRContext &context, const DriverOptions &options,
                                           const Installation &installation);

/// Compiles `imported`, which `importModel` has read by the same options, to `output`. Problems are diagnostics; what
/// can be known to fail fails before what takes long.
mlir::LogicalResult compileModel(ImportedModel &imported, const DriverOptions &options,
                                 const Installation &installation, llvm::StringRef output);

/// A name for what `compileModel` would make: equal inputs and options give equal
/// names.
mlir::FailureOr<std::string> cacheName(ImportedModel &imported, const DriverOptions &options,
                                       const Installation &installation);

} // namespace cria

#endif // CRIA_COMPILER_TOOLS_COMPILE_H
