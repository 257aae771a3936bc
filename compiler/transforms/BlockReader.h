//===- BlockReader.h - Quantized blocks as vectors ---------------*- C++ -*-===//
//
// What a kernel sees of a matrix in blocks (see Quantization.h): 32 columns of one
// panel at a time (a step), as vectors of unsigned bytes that `kernel.dot` takes, and
// the scales and minimums of the groups of columns. How a format lays out and cuts its
// codes is known here and nowhere else in a kernel.
//
//===----------------------------------------------------------------------===//
#ifndef CRIA_COMPILER_TRANSFORMS_BLOCKREADER_H
#define CRIA_COMPILER_TRANSFORMS_BLOCKREADER_H

#include "dialects/llama/Quantization.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"

namespace cria {

class BlockReader {
public:
  /// Reads from `panels` [P, K / S, B], blocks of `rows` (R) rows of `format`.
  BlockReader(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value panels, llama::Format format, int64_t rows);

  /// Goes to columns 32 * step … 32 * step + 31 of a panel. What is asked for next is
  /// read where the builder stands then, and each byte once.
  void moveTo(mlir::Value panel, mlir::Value step);

  /// Groups of a step: 2 in formats with groups of 16, else 1, which may be part of
  /// a longer one.
  int64_t groups() const;
  /// The vectors of four columns that belong to group `group` of a step: columns 4 v
  /// to 4 v + 3 for v in [0, 8), in the order in which bytes are used up.
  llvm::SmallVector<int64_t> vectors(int64_t group) const;
  /// Columns 4 v to 4 v + 3 of R rows as i8 [4 R], 4 r + k for row r: levels + offset(), unsigned.
  mlir::Value codes(int64_t vector);
  int64_t offset() const { return layout.format.offset; }
  /// The scales, and the minimums, of the rows [R], F32, in group `group` of a step.
  mlir::Value scales(int64_t group);
  mlir::Value minimums(int64_t group); ///< null in formats without

private:
  /// `count` bytes of the block from byte `offset` on, plus `step` for every step
  /// of the block before this one.
  mlir::Value bytes(int64_t offset, int64_t count, int64_t step = 0);
  /// R F16 numbers at `offset`, in formats with two levels times the bytes that begin at
  /// `factorOffset` in every group.
  mlir::Value numbers(int64_t offset, int64_t group, int64_t factorOffset, bool isSigned);

  mlir::OpBuilder *b;
  mlir::Location loc;
  mlir::Value panels;
  llama::BlockLayout layout;
  mlir::Value panel, block; ///< where it stands
  mlir::Value part;         ///< the step's number in its block; null: a block has one
  llvm::DenseMap<int64_t, mlir::Value> read; ///< by offset: vectors of codes since `moveTo`
};

} // namespace cria

#endif // CRIA_COMPILER_TRANSFORMS_BLOCKREADER_H
