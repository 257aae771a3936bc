//===- Registers.h - Vectors, a register at a time ---------------*- C++ -*-===//
//
// What lowerings to single instructions share: a vector is cut into parts as wide as a
// register, each meets its instruction, and the results are one vector again.
//
//===----------------------------------------------------------------------===//
#ifndef CRIA_TARGETS_X86_64_REGISTERS_H
#define CRIA_TARGETS_X86_64_REGISTERS_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace cria::x86 {

/// A call of LLVM's intrinsic `name`, which gives `result`.
inline mlir::Value intrinsic(mlir::OpBuilder &b, mlir::Location loc, llvm::StringRef name, mlir::Type result,
                             mlir::ValueRange operands) {
  return mlir::LLVM::CallIntrinsicOp::create(b, loc, result, b.getStringAttr(name), operands).getResult(0);
}

/// `vector` in parts of `width` elements, of which it has a multiple.
inline llvm::SmallVector<mlir::Value> parts(mlir::OpBuilder &b, mlir::Location loc, mlir::Value vector, int64_t width) {
  int64_t count = mlir::cast<mlir::VectorType>(vector.getType()).getNumElements();
  if (count == width)
    return {vector};
  llvm::SmallVector<mlir::Value> result;
  for (int64_t begin = 0; begin < count; begin += width)
    result.push_back(mlir::vector::ExtractStridedSliceOp::create(
        b, loc, vector, llvm::ArrayRef<int64_t>{begin}, llvm::ArrayRef<int64_t>{width}, llvm::ArrayRef<int64_t>{1}));
  return result;
}

/// The way back: `whole` with `parts`, all of it, instead of what it had.
inline mlir::Value joined(mlir::OpBuilder &b, mlir::Location loc, mlir::ValueRange parts, mlir::Value whole) {
  if (parts.size() == 1)
    return parts[0];
  int64_t begin = 0;
  for (mlir::Value part : parts) {
    whole = mlir::vector::InsertStridedSliceOp::create(b, loc, part, whole, llvm::ArrayRef<int64_t>{begin},
                                                       llvm::ArrayRef<int64_t>{1});
    begin += mlir::cast<mlir::VectorType>(part.getType()).getNumElements();
  }
  return whole;
}

} // namespace cria::x86

#endif // CRIA_TARGETS_X86_64_REGISTERS_H
