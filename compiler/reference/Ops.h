//===- Ops.h - The scalar meaning of each llama op ---------------*- C++ -*-===//
//
// One overload of `evaluate` per op that computes a tensor from tensors. The
// verifiers have run: static shapes fit. Checked here, as diagnostics at the
// op, is what only the values tell (a token's number, a position).
//
//===----------------------------------------------------------------------===//
#ifndef CRIA_COMPILER_REFERENCE_OPS_H
#define CRIA_COMPILER_REFERENCE_OPS_H

#include "compiler/reference/Tensor.h"
#include "dialects/llama/Llama.h"

namespace cria::reference {

/// The operands of an `Op`, by their names, as tensors: `operands.getInput()`.
template <typename Op>
using Operands = typename Op::template GenericAdaptor<llvm::ArrayRef<TensorRef>>;

// Weights (Weights.cpp).
mlir::FailureOr<Tensor> evaluate(llama::CastOp op, Operands<llama::CastOp> operands);
mlir::FailureOr<Tensor> evaluate(llama::SplitRopeRowsOp op,
                                 Operands<llama::SplitRopeRowsOp> operands);
mlir::FailureOr<Tensor> evaluate(llama::ConcatRowsOp op, Operands<llama::ConcatRowsOp> operands);
mlir::FailureOr<Tensor> evaluate(llama::PackOp op, Operands<llama::PackOp> operands);
mlir::FailureOr<Tensor> evaluate(llama::QuantizeOp op, Operands<llama::QuantizeOp> operands);
mlir::FailureOr<Tensor> evaluate(llama::RowNormsOp op, Operands<llama::RowNormsOp> operands);
mlir::FailureOr<Tensor> evaluate(llama::RopeTableOp op, Operands<llama::RopeTableOp> operands);

// Computation (Ops.cpp).
mlir::FailureOr<Tensor> evaluate(llama::EmbedOp op, Operands<llama::EmbedOp> operands);
mlir::FailureOr<Tensor> evaluate(llama::RmsNormOp op, Operands<llama::RmsNormOp> operands);
mlir::FailureOr<Tensor> evaluate(llama::LinearOp op, Operands<llama::LinearOp> operands);
mlir::FailureOr<Tensor> evaluate(llama::ScreenOp op, Operands<llama::ScreenOp> operands);
mlir::FailureOr<Tensor> evaluate(llama::QuantizeRowsOp op,
                                 Operands<llama::QuantizeRowsOp> operands);
mlir::FailureOr<Tensor> evaluate(llama::RoundOp op, Operands<llama::RoundOp> operands);
mlir::FailureOr<Tensor> evaluate(llama::RopeOp op, Operands<llama::RopeOp> operands);
mlir::FailureOr<Tensor> evaluate(llama::AttentionOp op, Operands<llama::AttentionOp> operands);
mlir::FailureOr<Tensor> evaluate(llama::SwigluOp op, Operands<llama::SwigluOp> operands);
mlir::FailureOr<Tensor> evaluate(llama::AddOp op, Operands<llama::AddOp> operands);
mlir::FailureOr<Tensor> evaluate(llama::CacheUpdateOp op,
                                 Operands<llama::CacheUpdateOp> operands);

/// The stored tensor of `source`, decoded from `bytes` (as many as
/// `source.getStoredBytes()`).
Tensor decode(llama::SourceOp source, llvm::ArrayRef<uint8_t> bytes);

/// Element `index` of the blocks of `encoding` (not `plain`) in `bytes`, exactly.
double decodeElement(llama::Encoding encoding, llvm::ArrayRef<uint8_t> bytes, size_t index);

/// The tensor of random numbers that `synthetic` describes.
Tensor generate(llama::SyntheticOp synthetic);

/// `value` rounded to f32, f16 or bf16: to nearest, ties to even.
double roundTo(mlir::Type type, double value);

} // namespace cria::reference

#endif // CRIA_COMPILER_REFERENCE_OPS_H
