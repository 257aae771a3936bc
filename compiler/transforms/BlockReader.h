//===- BlockReader.h - Quantized blocks as vectors ---------------*- C++ -*-===//
//
// What a kernel sees of a matrix in blocks (see `llama.pack_blocks`): 32 columns of
// one panel at a time, as vectors of unsigned bytes that `kernel.dot` takes, and
// the factors of every group of columns. How a format lays out and cuts its codes is
// known here and nowhere else in a kernel.
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

  /// The vectors of four columns that belong to group `group` of a step: columns 4 v
  /// to 4 v + 3 for v in [0, 8), in the order in which bytes are used up.
  llvm::SmallVector<int64_t> vectors(int64_t group) const;
  /// Columns 4 v to 4 v + 3 of R rows, 4 r + c in one vector of i8 [4 R]: unsigned codes.
  mlir::Value codes(int64_t vector);
  /// What is to be subtracted of every unsigned code.
  int64_t offset() const;
  /// The factor of every row [R], F32, in group `group` of a step.
  mlir::Value scales(int64_t group);

private:
  /// `count` bytes of the block from byte `offset` on.
  mlir::Value bytes(int64_t offset, int64_t count);
  /// The 4 R bytes that are vector `number` of the block's codes, read once.
  mlir::Value codeBytes(int64_t number);

  mlir::OpBuilder *b;
  mlir::Location loc;
  mlir::Value panels;
  llama::Format format;
  int64_t rows;
  mlir::Value panel, block;
  llvm::DenseMap<int64_t, mlir::Value> read; ///< by number: what `codeBytes` gave since `moveTo`
};

} // namespace cria

#endif // CRIA_COMPILER_TRANSFORMS_BLOCKREADER_H
