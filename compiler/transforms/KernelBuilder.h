//===- KernelBuilder.h - Short words for linalg and tensor ops ---*- C++ -*-===//
//
// What the lowering of a model says over and over: a generic over named loops,
// a reshape, a slice. Shapes are static, which passes on kernels rely on (`requireStatic`).
// What it makes of a product with a matrix of floats is known again here, too (`matchPackedMatmul`).
//
//===----------------------------------------------------------------------===//
#ifndef CRIA_COMPILER_TRANSFORMS_KERNELBUILDER_H
#define CRIA_COMPILER_TRANSFORMS_KERNELBUILDER_H

#include "dialects/kernel/Kernel.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"

#include <optional>

namespace cria {

struct KernelKey;

/// The scalar constant `value` at F32.
mlir::Value f32(mlir::OpBuilder &builder, mlir::Location loc, double value);
/// `value` (F16, BF16, F32 or signed i8, scalar or vector) at F32.
mlir::Value widen(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value);
/// `value` (F32, scalar or vector) rounded to `element`, to nearest, ties to even.
mlir::Value narrow(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value, mlir::Type element);

/// An uninitialized tensor of `shape`. It carries a number of its own as `kernel.buffer`: two
/// kernels that write to tensors of one shape would otherwise be given one by CSE, and a
/// copy by bufferization.
mlir::Value emptyBuffer(mlir::OpBuilder &builder, mlir::Location loc, llvm::ArrayRef<int64_t> shape,
                        mlir::Type element, int64_t number);

/// Builds the ops of kernels on tensors: structured ones, and views of their operands.
struct KernelBuilder {
  /// Builds before `op`, at its location. `buffers` numbers the uninitialized
  /// tensors of a function (see `empty`).
  KernelBuilder(mlir::Operation *op, int64_t &buffers) : builder(op), loc(op->getLoc()), buffers(buffers) {}

  /// A tensor and the loops that index its dimensions.
  struct Operand {
    mlir::Value tensor;
    llvm::SmallVector<mlir::AffineExpr> loops;
  };
  /// Computes a scalar from the inputs' scalars and, last, the destination's.
  using Body = llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Location, mlir::ValueRange)>;

  /// A `linalg.generic` into `destination`. Its loops are all those named by an
  /// operand, parallel except the `reductions`.
  mlir::Value generic(llvm::ArrayRef<Operand> inputs, const Operand &destination,
                      llvm::ArrayRef<mlir::AffineExpr> reductions, Body body);

  /// An uninitialized (of F32 unless said), a zeroed and a filled tensor of `shape`; see `emptyBuffer`.
  mlir::Value empty(llvm::ArrayRef<int64_t> shape, mlir::Type element = {});
  mlir::Value zeros(llvm::ArrayRef<int64_t> shape) { return filled(shape, 0.0); }
  mlir::Value filled(llvm::ArrayRef<int64_t> shape, double value);

  /// `tensor` with dimensions split (to `shape`) or joined.
  mlir::Value expand(mlir::Value tensor, llvm::ArrayRef<int64_t> shape,
                     llvm::ArrayRef<mlir::ReassociationIndices> groups);
  mlir::Value collapse(mlir::Value tensor, llvm::ArrayRef<mlir::ReassociationIndices> groups);

  /// The first `sizes` of every dimension; nothing if that is all.
  mlir::Value slice(mlir::Value tensor, llvm::ArrayRef<int64_t> sizes);
  /// The same from row `offset` of the first dimension on.
  mlir::Value sliceFrom(mlir::Value tensor, mlir::Value offset, llvm::ArrayRef<int64_t> sizes);
  /// The same from `offsets` on.
  mlir::Value sliceFrom(mlir::Value tensor, llvm::ArrayRef<int64_t> offsets, llvm::ArrayRef<int64_t> sizes);
  /// `target` with `source` at its beginning.
  mlir::Value insert(mlir::Value source, mlir::Value target);

  /// Rows [position, position + tokens) of plane `which` of a table [C, 2, N]: [tokens, N].
  mlir::Value plane(mlir::Value table, mlir::Value position, int64_t which, int64_t tokens);
  /// Half `which` of [T, H, 2, N]: [T, H, N]; and the way back.
  mlir::Value half(mlir::Value tensor, int64_t which);
  mlir::Value insertHalf(mlir::Value source, mlir::Value target, int64_t which);

  mlir::OpBuilder builder;
  mlir::Location loc;
  int64_t &buffers;
};

/// Fails, with an error on `op`, unless all its tensors have static shapes without a dimension of 0: sizes are
/// numbers to whoever cuts or vectorizes a kernel.
llvm::LogicalResult requireStatic(mlir::Operation *op);

/// The product of rows and a packed matrix of floats, as `ModelLowering::multiply` makes it, or a tile of that. Sums
/// [m, P, R], F32, start from what they are and get input [m, K] times panels [P, K, R], by loops (t, p, k, r); or, in
/// pairs of columns, input [m, K / 2, 2] times panels [P, K / 2, R, 2], by loops (t, p, k, r, c).
struct PackedMatmul {
  mlir::linalg::GenericOp op;
  mlir::Value input, panels, sums;
  int64_t m, count, columns, height; ///< m, P, columns of the loop (K or K / 2), R
  bool pairs;
};

/// `op` as such a product; nothing if it is another op, has its loops or operands in another order, other types, or
/// sizes that are unknown or 0.
std::optional<PackedMatmul> matchPackedMatmul(mlir::Operation *op);

/// What a target is asked for the schedule of a product. It is the same for all of it and for a tile of several rows.
KernelKey keyOf(const PackedMatmul &matmul);
KernelKey keyOf(kernel::BlockMatmulOp matmul);

} // namespace cria

#endif // CRIA_COMPILER_TRANSFORMS_KERNELBUILDER_H
