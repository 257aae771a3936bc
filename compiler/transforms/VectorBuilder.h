//===- VectorBuilder.h - Short words for micro-kernels -----------*- C++ -*-===//
//
// What the vector phase says over and over: a loop that carries values, a vector of a
// tensor, an index. A micro-kernel is a class on top of this one.
//
//===----------------------------------------------------------------------===//
#ifndef CRIA_COMPILER_TRANSFORMS_VECTORBUILDER_H
#define CRIA_COMPILER_TRANSFORMS_VECTORBUILDER_H

#include "compiler/transforms/KernelBuilder.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/PatternMatch.h"

namespace cria {

/// All ops of a kind below `root`, in program order, so that they can be replaced.
template <typename Op> llvm::SmallVector<Op> collect(mlir::Operation *root) {
  llvm::SmallVector<Op> ops;
  root->walk([&](Op op) { ops.push_back(op); });
  return ops;
}

/// What micro-kernels have in common: a place to build at, and the words.
class VectorBuilder {
public:
  VectorBuilder(const VectorBuilder &) = delete;

protected:
  /// `buffers` numbers the tensors of the thread's own.
  VectorBuilder(mlir::RewriterBase &rewriter, mlir::Location loc, int64_t &buffers)
      : b(rewriter), loc(loc), buffers(buffers) {}
  VectorBuilder(mlir::RewriterBase &rewriter, mlir::Location loc) : VectorBuilder(rewriter, loc, ownBuffers) {}

  mlir::Value index(int64_t value);
  mlir::Value plus(mlir::Value value, int64_t offset); ///< `value` itself for 0
  mlir::Value plus(mlir::Value value, mlir::Value offset);
  mlir::Value times(mlir::Value value, int64_t factor);
  mlir::Value ceilDiv(mlir::Value count, mlir::Value size);

  /// Elements from `place` on, and the way back: `tensor` with them there. All within it.
  mlir::Value read(mlir::VectorType type, mlir::Value tensor, mlir::ValueRange place);
  mlir::Value write(mlir::Value vector, mlir::Value tensor, mlir::ValueRange place);

  static constexpr int64_t kLine = 64; ///< bytes of a cache line
  /// Asks for the cache lines of `count` elements of `tensor` from `place` on, which may lie
  /// outside of it (see `kernel.prefetch`), into cache number `cache`.
  void fetch(mlir::Value tensor, llvm::ArrayRef<mlir::Value> place, int64_t count, int64_t cache);

  /// What each tile has to fetch of `elements`, where `rows` rows are cut into tiles of `height`; of a chunk those
  /// rows that have tokens.
  mlir::Value shareOfTile(int64_t elements, int64_t rows, int64_t height);

  /// Where a micro-kernel is: at `step`, `together` of them at once, of `steps` of tile number `tile`.
  struct Turn {
    mlir::Value tile, step;
    int64_t steps;
    mlir::Value together;
  };
  /// Asks for a share of panels [panel, 0, ...] of `tensor`, which come next, `share` elements to a step: over
  /// all turns of all tiles each of their lines once, into the second cache.
  void fetchShare(mlir::Value tensor, int64_t panel, mlir::Value share, const Turn &turn);

  /// The results of a loop over [from, to) that starts with `values`.
  llvm::SmallVector<mlir::Value>
  loop(mlir::Value from, mlir::Value to, mlir::Value step, mlir::ValueRange values,
       llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value, mlir::ValueRange)> body);
  llvm::SmallVector<mlir::Value>
  loop(mlir::Value from, mlir::Value to, int64_t step, mlir::ValueRange values,
       llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value, mlir::ValueRange)> body) {
    return loop(from, to, index(step), values, body);
  }

  /// Rows of a tile where `all` are cut into as few of at most `limit` as can be, about evenly.
  static int64_t tileHeight(int64_t all, int64_t limit);
  /// `tensor` as `body(number, rows, tensor)` leaves it behind each tile of `height` of `all` rows:
  /// a loop, and behind it the last one, where that is lower. Of a chunk the tiles that have tokens.
  mlir::Value overTiles(int64_t all, int64_t height, mlir::Value tensor,
                        llvm::function_ref<mlir::Value(mlir::Value, int64_t, mlir::Value)> body);

  /// How many of `all` rows are to be computed: of a chunk those that have tokens.
  mlir::Value rowsOf(int64_t all);

  /// A tensor of the thread's own, uninitialized.
  mlir::Value scratch(llvm::ArrayRef<int64_t> shape, mlir::Type element) {
    return emptyBuffer(b, loc, shape, element, buffers++);
  }

  /// (x, y) turned by the angle of cosine c and sine s: (x c - y s, y c + x s). Scalars or vectors.
  std::pair<mlir::Value, mlir::Value> turned(mlir::Value x, mlir::Value y, mlir::Value c, mlir::Value s);

  /// The largest magnitude of `numbers` (vector of F32), exactly; NaN is above everything.
  mlir::Value largestMagnitude(mlir::Value numbers);
  /// `multiples` (vector of F32) to the nearest integers, i32; all 0 where `largest`, what
  /// they were scaled by, is below 2^-100 or not finite.
  mlir::Value nearestIntegers(mlir::Value multiples, mlir::Value largest);

  mlir::RewriterBase &b;
  mlir::Location loc;

private:
  int64_t ownBuffers = 0;
  int64_t &buffers;
};

} // namespace cria

#endif // CRIA_COMPILER_TRANSFORMS_VECTORBUILDER_H
