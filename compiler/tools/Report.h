//===- Report.h - What became of every matrix --------------------*- C++ -*-===//
#ifndef CRIA_COMPILER_TOOLS_REPORT_H
#define CRIA_COMPILER_TOOLS_REPORT_H

#include "compiler/weights/Evaluator.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/raw_ostream.h"

namespace cria {

/// Prints a table: a line for each of `matrices` (name, shape, format, bits per weight,
/// bytes, relative error), and one for all of them.
void printReport(llvm::ArrayRef<MatrixReport> matrices, llvm::raw_ostream &out);

} // namespace cria

#endif // CRIA_COMPILER_TOOLS_REPORT_H
