//===- Calibrate.h - What a text shows about a model -------------*- C++ -*-===//
//
// The model itself, compiled for this machine before any quantization, reads a text
// and records what its matrices are multiplied by; the records then guide the choice
// of codes.
//
//===----------------------------------------------------------------------===//
#ifndef CRIA_COMPILER_TOOLS_CALIBRATE_H
#define CRIA_COMPILER_TOOLS_CALIBRATE_H

#include "compiler/artifact/TemporaryPath.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace cria {

/// What a text has shown.
struct Calibration {
  TemporaryPath records; ///< as runtime/Record.h describes them
  double perplexity = 0; ///< of the text, before quantization
};

/// Tokens that a calibration's text must have at least: fewer say nothing about the
/// hundreds of columns of a matrix.
inline constexpr int64_t kLeastCalibrationTokens = 128;

/// Runs, on `text`, the observed model that `compile` writes to where it is told.
/// Problems (a text that is too short, a model that fails) are diagnostics at
/// `module`. Nothing but the records is left.
mlir::FailureOr<Calibration> calibrate(mlir::ModuleOp module, llvm::StringRef text,
                                       llvm::function_ref<mlir::LogicalResult(llvm::StringRef)> compile);

/// The perplexity that the artifact `program` has on `text`; with `records` it records,
/// too. An error has what the program says.
llvm::Expected<double> measurePerplexity(llvm::StringRef program, llvm::StringRef text, llvm::StringRef records = "");

} // namespace cria

#endif // CRIA_COMPILER_TOOLS_CALIBRATE_H
