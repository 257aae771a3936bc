//===- Evaluator.h - Weight expressions become bytes -------------*- C++ -*-===//
#ifndef CRIA_COMPILER_WEIGHTS_EVALUATOR_H
#define CRIA_COMPILER_WEIGHTS_EVALUATOR_H

#include "mlir/IR/BuiltinOps.h"

#include <cstdint>
#include <functional>

namespace cria {

/// Called, by one thread at a time, as tensors are written: how many and how many
/// bytes of how many.
using Progress = std::function<void(uint64_t tensors, uint64_t allTensors, uint64_t bytes, uint64_t allBytes)>;

/// Bytes of the weights segment of `module`: the end of its last `kernel.constant`.
uint64_t constantsBytes(mlir::ModuleOp module);

/// Evaluates every `kernel.constant` of `module` and writes it to `file` at
/// `segment` plus its offset, on all cores, a few rows at a time. The bytes do not
/// depend on the number of threads. Problems are diagnostics; `name` is what they
/// call the file.
mlir::LogicalResult writeConstants(mlir::ModuleOp module, int file, uint64_t segment, llvm::StringRef name,
                                   const Progress &progress, unsigned threads = 0);

} // namespace cria

#endif // CRIA_COMPILER_WEIGHTS_EVALUATOR_H
