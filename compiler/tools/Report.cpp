//===- Report.cpp - What became of every matrix ----------------------------===//

#include "compiler/tools/Report.h"

#include "llvm/Support/Format.h"

#include <cmath>

using namespace cria;

namespace {

/// The tensor [N, K] of so many elements, and what it takes.
void printLine(llvm::raw_ostream &out, llvm::StringRef name, const llvm::Twine &shape, llvm::StringRef format,
               int64_t elements, int64_t bytes, double errors, double squares) {
  out << llvm::left_justify(name, 28) << ' ' << llvm::right_justify(shape.str(), 14) << ' '
      << llvm::right_justify(format, 8)
      << llvm::format(" %6.2f %10.3f   %.6f\n", 8.0 * double(bytes) / double(elements), double(bytes) / 1e6,
                      squares == 0 ? 0.0 : std::fabs(std::sqrt(errors / squares))); // no -nan
}

} // namespace

void cria::printReport(llvm::ArrayRef<MatrixReport> matrices, llvm::raw_ostream &out) {
  out << llvm::left_justify("matrix", 28) << ' ' << llvm::right_justify("shape", 14) << ' '
      << llvm::right_justify("format", 8) << "   bits         MB   error\n";
  int64_t elements = 0, bytes = 0;
  double errors = 0, squares = 0;
  for (const MatrixReport &matrix : matrices) {
    printLine(out, matrix.name, llvm::Twine(matrix.rows) + "x" + llvm::Twine(matrix.columns), matrix.format,
              matrix.rows * matrix.columns, matrix.bytes, matrix.errors, matrix.squares);
    elements += matrix.rows * matrix.columns;
    bytes += matrix.bytes;
    errors += matrix.errors;
    squares += matrix.squares;
  }
  if (elements > 0)
    printLine(out, "all", "", "", elements, bytes, errors, squares);
}
