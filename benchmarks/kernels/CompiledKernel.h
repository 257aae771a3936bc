//===- CompiledKernel.h - A few ops of a model, ready to run -----*- C++ -*-===//
#ifndef CRIA_BENCHMARKS_KERNELS_COMPILEDKERNEL_H
#define CRIA_BENCHMARKS_KERNELS_COMPILEDKERNEL_H

#include "compiler/pipeline/Pipeline.h"
#include "runtime/Abi.h"

#include "llvm/Support/Error.h"

#include <memory>
#include <string>

namespace llvm::orc {
class LLJIT;
} // namespace llvm::orc

namespace cria {

/// A module of `llama` IR that went through all phases for this machine, as a model
/// would, and is in memory instead of a file.
class CompiledKernel {
public:
  /// `source`: what a frontend would have imported (`@forward`, `@logits`, weights).
  /// Diagnostics go to standard error.
  static llvm::Expected<std::unique_ptr<CompiledKernel>> make(const std::string &source,
                                                              const CompileOptions &options);
  ~CompiledKernel();

  const CriaModel *getModel() const { return model; }
  /// The weights segment, mapped as an artifact maps it.
  const void *getWeights() const { return weights; }

private:
  CompiledKernel() = default;

  std::unique_ptr<llvm::orc::LLJIT> jit;
  const CriaModel *model = nullptr;
  void *weights = nullptr;
};

} // namespace cria

#endif // CRIA_BENCHMARKS_KERNELS_COMPILEDKERNEL_H
