//===- Llama.h - The llama dialect -------------------------------*- C++ -*-===//
#ifndef CRIA_DIALECTS_LLAMA_LLAMA_H
#define CRIA_DIALECTS_LLAMA_LLAMA_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace cria::llama {

/// The op computes a weight from weights alone (see LlamaInterfaces.td).
template <typename ConcreteOp>
class WeightExpression : public mlir::OpTrait::TraitBase<ConcreteOp, WeightExpression> {};

/// Whether every static dimension of `type` is positive and their product at
/// most 2^48: what every tensor of a `llama` op keeps to, so that sizes in bytes
/// and products of two dimensions fit into an int64_t. A dynamic dimension is
/// not counted.
bool isBounded(mlir::Type type);

/// The name under which a module carries its `#llama.model` attribute.
inline constexpr llvm::StringLiteral kModelAttrName = "llama.model";

/// The entry function of an imported model:
/// (tokens [T] i32, position index) -> hidden [T, D] f32.
inline constexpr llvm::StringLiteral kForwardName = "forward";
/// The last layer, once `llama-defer-last-layer` took it out of the entry function.
inline constexpr llvm::StringLiteral kFinishName = "finish";
/// The head of an imported model: (hidden [T, D] f32) -> logits [T, V] f32.
inline constexpr llvm::StringLiteral kLogitsName = "logits";
/// The head of one token, where only the largest logits matter (`llama-screen-logits`):
/// (hidden [1, D] f32, margin [1] f32) -> logits [1, V] f32.
inline constexpr llvm::StringLiteral kScreenedName = "logits_screened";

} // namespace cria::llama

#include "dialects/llama/LlamaEnums.h.inc"
#include "dialects/llama/LlamaDialect.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/llama/LlamaAttributes.h.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/llama/LlamaTypes.h.inc"
#define GET_OP_CLASSES
#include "dialects/llama/LlamaOps.h.inc"

namespace cria::llama {

/// The symbol of the cache that `value` is, before or after updates; empty if it is none that the model keeps.
llvm::StringRef cacheOf(mlir::Value value);

/// Whether blocks of a format may have `rows` rows: two share the bytes of factors of 6 bits. An error on `op` says not.
llvm::LogicalResult verifyBlockRows(mlir::Operation *op, Format format, int64_t rows);

} // namespace cria::llama

#endif // CRIA_DIALECTS_LLAMA_LLAMA_H
