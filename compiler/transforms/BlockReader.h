//===- BlockReader.h - Quantized blocks as vectors ---------------*- C++ -*-===//
//
// What a kernel sees of a matrix in blocks (see Quantization.h): 32 columns of one
// panel at a time (a step), as vectors of unsigned bytes that `kernel.dot` takes, and
// the scales and minimums of the groups of columns; or the same of a single row. How a format lays out and cuts its
// codes is known here and nowhere else in a kernel.
//
//===----------------------------------------------------------------------===//
#ifndef CRIA_COMPILER_TRANSFORMS_BLOCKREADER_H
#define CRIA_COMPILER_TRANSFORMS_BLOCKREADER_H

#include "dialects/llama/Quantization.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"

namespace cria {

/// Stands at some columns of a panel, and builds the ops that read there.
class BlockReader {
public:
  /// Reads from `panels` [P, K / S, B], blocks of `rows` (R) rows of `format`.
  /// With a `lane` it reads row number `lane` of each panel alone: R is 1 in what follows.
  BlockReader(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value panels, llama::Format format, int64_t rows,
              mlir::Value lane = {});

  /// Steps of a block: how often 32 columns share F16 numbers.
  int64_t steps() const { return layout.format.block / llama::kGroup; }
  /// Goes to block `block` of a panel, and reads the F16 numbers.
  void moveToBlock(mlir::Value panel, mlir::Value block);
  /// Goes to columns 32 * step … 32 * step + 31 of that block. What is asked for next is
  /// read where the builder stands then, and each byte once.
  void moveToStep(mlir::Value step);
  /// Both: to step number `step` of a panel.
  void moveTo(mlir::Value panel, mlir::Value step);
  /// Goes on, in a loop, to vector number `first` of the `beside()` that share no byte: from
  /// here on vector v is vector first + v, which v must be a multiple of `beside()`. Of codes that
  /// are simple.
  void moveToVector(mlir::Value first);
  int64_t beside() const { return layout.format.bits; }
  /// Whether a vector of codes is a mask and a shift at most, and few share a byte: 4 or 8 bits, no levels.
  bool isSimple() const {
    return (layout.format.bits == 4 || layout.format.bits == 8) && layout.format.levels.empty();
  }

  /// Groups of a step: 2 in formats with groups of 16, else 1, which may be part of
  /// a longer one.
  int64_t groups() const;
  /// The vectors of four columns that belong to group `group` of a step: columns 4 v
  /// to 4 v + 3 for v in [0, 8), in the order in which bytes are used up.
  llvm::SmallVector<int64_t> vectors(int64_t group) const;
  /// Columns 4 v to 4 v + 3 of R rows as i8 [4 R], 4 r + k for row r: levels + offset(), unsigned.
  mlir::Value codes(int64_t vector) { return levels(bareCodes(vector)); }
  /// The same in two steps: as they are stored, then by the table of formats that have one.
  mlir::Value bareCodes(int64_t vector);
  mlir::Value levels(mlir::Value codes);
  int64_t offset() const { return layout.format.offset; }
  /// No unsigned code is larger.
  int64_t largest() const { return layout.format.largest(); }
  /// Whether the scales and minimums take more than to be read and widened.
  bool areNumbersMade() const { return layout.format.twoLevels() || layout.format.exponents; }
  /// The scales, and the minimums, of the rows [R], F32, in group `group` of a step.
  mlir::Value scales(int64_t group);
  mlir::Value minimums(int64_t group); ///< null in formats without

private:
  int64_t width() const { return lane ? 1 : layout.rows; } ///< R
  /// `count` bytes of the block, from byte `offset` on; and as many to a row.
  mlir::Value bytesAt(mlir::Value offset, int64_t count);
  mlir::Value bytes(mlir::Value offset, int64_t count);
  /// Where in the block a byte of the step is, which is at `offset` in the first one.
  mlir::Value placeOf(int64_t offset);
  /// `count` bytes to a row of what belongs to the step. In the block's first step they begin at byte `offset`, or,
  /// where `more` is not null, at `offset + more`; in a later one as much further on as its bytes are.
  mlir::Value stepBytes(int64_t offset, int64_t count, mlir::Value more = {});
  /// The bits of `field` at their places in the codes, as words [R].
  mlir::Value bitsOf(const llama::BlockLayout::Field &field);
  /// Vector `number` of the bytes that hold a step's codes. When it is read, `pieces` get what it holds of
  /// codes that are cut up, so that it need not wait in a register for the rest of them.
  mlir::Value storedBytes(int64_t number);
  /// R scales of the block that are powers of two.
  mlir::Value powers();
  /// R F16 numbers at `offset` of the block, F32.
  mlir::Value halves(int64_t offset);
  /// `numbers`, in formats with two levels times factor `factor` of the step's, less `offset`.
  mlir::Value timesFactor(mlir::Value numbers, int64_t factor, int64_t offset);
  /// Factor number `factor` of the step's as it is packed, i32 [R].
  mlir::Value factorBits(int64_t factor);
  /// The upper four bits of the second factor of 6 bits, i32 [R].
  mlir::Value upperBits();
  mlir::Value word(int64_t value); ///< in all lanes, i32 [R]

  mlir::OpBuilder *b;
  mlir::Location loc;
  mlir::Value panels;
  llama::BlockLayout layout;
  mlir::Value lane;               ///< null: all rows
  mlir::Value panel, block, step; ///< where it stands
  mlir::Value first;              ///< null: vectors have their own numbers
  mlir::Value blockScales, blockMinimums; ///< null: none
  llvm::DenseMap<int64_t, mlir::Value> read;   ///< by number: vectors of bytes since it went where it stands
  llvm::DenseMap<int64_t, mlir::Value> pieces; ///< by vector: what those hold of codes that are cut up, as words
};

} // namespace cria

#endif // CRIA_COMPILER_TRANSFORMS_BLOCKREADER_H
