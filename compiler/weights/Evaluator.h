//===- Evaluator.h - Weight expressions become bytes -------------*- C++ -*-===//
#ifndef CRIA_COMPILER_WEIGHTS_EVALUATOR_H
#define CRIA_COMPILER_WEIGHTS_EVALUATOR_H

#include "compiler/weights/OutputFile.h"

#include "mlir/IR/BuiltinOps.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace cria {

/// Called, by one thread at a time, as tensors are written: how many and how many
/// bytes of how many.
using Progress = std::function<void(uint64_t tensors, uint64_t allTensors, uint64_t bytes, uint64_t allBytes)>;

/// What became of a matrix [rows, columns].
struct MatrixReport {
  std::string name; ///< of its source
  int64_t rows, columns;
  std::string format; ///< of its codes, or the type of its numbers
  int64_t bytes;      ///< in the artifact
  double errors;      ///< sum of (number in the artifact - number before any rounding)^2
  double squares;     ///< sum of (number before any rounding)^2
};

/// Bytes of the weights segment of `module`: the end of its last `kernel.constant`.
uint64_t constantsBytes(mlir::ModuleOp module);

/// Evaluates every `kernel.constant` of `module` and writes it to `file` at
/// `segment` plus its offset, on all cores, a few rows at a time. The bytes do not
/// depend on the number of threads. Each matrix adds a line to `report`, if there is
/// one. Problems are diagnostics; `name` is what they call the file.
mlir::LogicalResult writeConstants(mlir::ModuleOp module, OutputFile &file, uint64_t segment, llvm::StringRef name,
                                   const Progress &progress, unsigned threads = 0,
                                   std::vector<MatrixReport> *report = nullptr);

} // namespace cria

#endif // CRIA_COMPILER_WEIGHTS_EVALUATOR_H
