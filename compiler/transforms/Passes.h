//===- Passes.h - Every pass of ours -----------------------------*- C++ -*-===//
#ifndef CRIA_COMPILER_TRANSFORMS_PASSES_H
#define CRIA_COMPILER_TRANSFORMS_PASSES_H

#include "dialects/kernel/Kernel.h"
#include "dialects/llama/Llama.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace cria {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "compiler/transforms/Passes.h.inc"

/// What the name of a specialized model's function begins with once that is an entry point
/// of `runtime/Abi.h`.
inline constexpr llvm::StringLiteral kEntryPrefix = "cria_";

/// The constant [P, K / S, B] i8 that a screen of the head (`llama-screen-logits`) reads.
inline constexpr llvm::StringLiteral kRoughHeadName = "output.rough";

} // namespace cria

#endif // CRIA_COMPILER_TRANSFORMS_PASSES_H
