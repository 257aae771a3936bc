//===- Cpu.h - What all CPU targets share ------------------------*- C++ -*-===//
#ifndef CRIA_TARGETS_CPU_CPU_H
#define CRIA_TARGETS_CPU_CPU_H

#include "dialects/kernel/Kernel.h"
#include "targets/Target.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Pass/Pass.h"

namespace cria::cpu {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "targets/cpu/Passes.h.inc"

/// `math.exp` and `math.exp2` at F32, of scalars and vectors, as polynomials (see
/// Exponentials.cpp for their errors).
void populateExponentialPatterns(mlir::RewritePatternSet &patterns);
/// Lowers `kernel.dot` of BF16 to multiply-adds of F32, in the order that it defines.
void populateWidenDotPatterns(mlir::RewritePatternSet &patterns);

/// Optimizes `module` at -O3 for `chip` of `triple` and writes a position-independent
/// object. LLVM may use what its CPU `baseline` has and the chip's features, and vectors
/// as wide as `chip.vectorBytes`. Fails if the code would call more than cria's own
/// functions and what every C library has.
llvm::Error emitObject(llvm::Module &module, llvm::StringRef triple, llvm::StringRef baseline, const Chip &chip,
                       llvm::raw_pwrite_stream &stream);

} // namespace cria::cpu

#endif // CRIA_TARGETS_CPU_CPU_H
