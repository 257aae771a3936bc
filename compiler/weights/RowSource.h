//===- RowSource.h - A weight expression, some rows at a time ----*- C++ -*-===//
//
// The ops of an expression become a chain of objects, each of which gives any
// range of its rows as F32 by asking the one before it. So a whole tensor is never
// in memory, however many ops stand between the file and the artifact.
//
//===----------------------------------------------------------------------===//
#ifndef CRIA_COMPILER_WEIGHTS_ROWSOURCE_H
#define CRIA_COMPILER_WEIGHTS_ROWSOURCE_H

#include "compiler/weights/Convert.h"
#include "compiler/weights/Guide.h"

#include "dialects/llama/Quantization.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/MemoryBuffer.h"

#include <memory>

namespace cria {

/// The shape of a weight as rows: [N, …] is N rows of the product of the rest, a
/// vector [N] is N rows of one element.
struct RowShape {
  int64_t rows, columns;
};
RowShape rowShape(mlir::RankedTensorType type);

/// The storage that corresponds to an element type (F32, F16 or BF16).
Storage storageOf(mlir::Type elementType);

/// Where a row comes from: its number in a tensor as that is stored.
struct StoredRow {
  llvm::StringRef file; ///< empty: none
  llvm::StringRef tensor;
  int64_t row;
};

/// Rows of a tensor, computed when asked for. Reading is safe from several threads.
class RowSource {
public:
  virtual ~RowSource() = default;
  /// Rows [begin, begin + count) into `out` [count, columns].
  virtual void read(int64_t begin, int64_t count, float *out) const = 0;
  /// Whether the numbers of every row are given by codes of `format`.
  virtual bool hasCodes(llama::Format format) const { return false; }
  /// Whether codes are chosen here, and not read, and have to say what is there.
  virtual bool choosesCodes() const { return false; }
  /// The codes of row `row`, where there are some.
  virtual void readCodes(int64_t row, llama::CodeRow &out) const { llvm_unreachable("asked for codes of numbers"); }
  /// Row `row` as it was before any rounding: what a report compares with.
  virtual void readExact(int64_t row, float *out) const { read(row, 1, out); }
  /// Where row `row` comes from, if the rows are but read, moved and rounded; what that names lives as long as the
  /// module.
  virtual StoredRow storedRow(int64_t row) const { llvm_unreachable("asked for the origin of numbers that are made"); }
};

/// The files that sources name, each mapped once, for as long as this lives. What is read of a tensor leaves memory
/// again, now and then and once its rows are gone: a file never is in memory as a whole.
class MappedFiles {
public:
  /// All bytes of `path`; an error, on `user`, names it.
  mlir::FailureOr<const llvm::MemoryBuffer *> contents(mlir::Operation *user, llvm::StringRef path);

  Guides guides; ///< from the records that observations name

private:
  llvm::StringMap<std::unique_ptr<llvm::MemoryBuffer>> files;
};

/// The rows of `value`, the result of a weight expression, for as long as `files` live; the
/// guides of their codes are in memory as long as they. A diagnostic names the
/// file, the tensor and both sizes where a source is shorter than it was said to be,
/// and the op that cannot be streamed by rows.
mlir::FailureOr<std::unique_ptr<RowSource>> makeRowSource(mlir::Value value, MappedFiles &files);

} // namespace cria

#endif // CRIA_COMPILER_WEIGHTS_ROWSOURCE_H
