//===- Kernel.h - The kernel dialect -----------------------------*- C++ -*-===//
#ifndef CRIA_DIALECTS_KERNEL_KERNEL_H
#define CRIA_DIALECTS_KERNEL_KERNEL_H

#include "dialects/llama/Llama.h"

#include "mlir/Dialect/SCF/IR/DeviceMappingInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/IR/TensorEncoding.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/TilingInterface.h"

namespace cria::kernel {

// The dialect's attributes on ops: KernelDialect.td has a table of them.

/// The name under which a kernel's root carries its `#kernel.schedule`.
inline constexpr llvm::StringLiteral kScheduleAttrName = "kernel.schedule";
/// The name under which a module carries the target it is compiled for.
inline constexpr llvm::StringLiteral kTargetAttrName = "kernel.target";

/// The name under which a module carries the sizes of its segments once memory is
/// planned: a dictionary of `weights`, `state`, `workspace`, `scratch` in bytes.
inline constexpr llvm::StringLiteral kSegmentsAttrName = "kernel.segments";
/// The name under which an uninitialized tensor carries a number of its own, which
/// keeps CSE from making one buffer of two.
inline constexpr llvm::StringLiteral kBufferAttrName = "kernel.buffer";

/// On an op whose result is minus infinity wherever its second operand, a bound, is below its third, and
/// the rows of its first one elsewhere: see `kernel-skip-screened`.
inline constexpr llvm::StringLiteral kScreenedAttrName = "kernel.screened";

/// On an allocation of a function: each thread has its own.
inline constexpr llvm::StringLiteral kOwnAttrName = "kernel.own";

/// The name under which a state that is observed (`llama.observe`) carries its number.
inline constexpr llvm::StringLiteral kObservationAttrName = "kernel.observation";

/// The name under which a state that is a KV cache [P, Hkv, ...] carries L, the positions
/// that a block of it holds.
inline constexpr llvm::StringLiteral kPositionsAttrName = "kernel.positions";

/// On the function of a chunk step: T, the most tokens it can take. Of tensors [T, ...] only the first
/// `kernel.live_rows` rows are needed.
inline constexpr llvm::StringLiteral kChunkAttrName = "kernel.chunk";

/// T of the function that `op` is in, or is; 0 where all rows are wanted.
int64_t chunkOf(mlir::Operation *op);
/// How many of `rows` rows, of a tensor's first dimension, are wanted where `builder` stands; null if all
/// are: then they are not a chunk's.
mlir::Value liveRows(mlir::OpBuilder &builder, mlir::Location loc, int64_t rows);

/// The buffer that a tensor in storage or at a function's boundary becomes: row-major, but for
/// the pitch that it may have.
mlir::MemRefType bufferType(mlir::RankedTensorType type);
/// From the first byte of such a buffer behind its last one.
int64_t spanBytes(mlir::MemRefType type);
inline int64_t spanBytes(mlir::RankedTensorType type) { return spanBytes(bufferType(type)); }

/// The upper or the lower BF16 of every lane of `words` (vector of i32), as F32.
mlir::Value widenHalf(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value words, bool upper);

/// Makes storage and kernels known to one-shot bufferization.
void registerBufferizableOpInterfaceModels(mlir::DialectRegistry &registry);

} // namespace cria::kernel

#include "dialects/kernel/KernelDialect.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/kernel/KernelAttributes.h.inc"
#define GET_OP_CLASSES
#include "dialects/kernel/KernelOps.h.inc"

#endif // CRIA_DIALECTS_KERNEL_KERNEL_H
