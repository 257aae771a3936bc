//===- Interpreter.h - The oracle: llama IR evaluated op by op ---*- C++ -*-===//
#ifndef CRIA_COMPILER_REFERENCE_INTERPRETER_H
#define CRIA_COMPILER_REFERENCE_INTERPRETER_H

#include "compiler/reference/Tensor.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/MemoryBuffer.h"

namespace cria::reference {

/// Evaluates the functions of a module of `func`, `llama` and `arith` ops, in
/// F64. It keeps the module's caches from call to call; weights are read on
/// first use. The module must outlive it and not change. Problems are
/// diagnostics at the op: an op without a meaning here, a file that is too
/// short, a token outside the vocabulary, a position outside the cache.
class Interpreter {
public:
  /// Fails on a cache that is too large to be held.
  static mlir::FailureOr<Interpreter> create(mlir::ModuleOp module);

  /// One step of a model: the logits [T, V], row-major, of `tokens` [T] at
  /// `position` and after. Calls @forward, then @logits.
  mlir::FailureOr<std::vector<double>> step(llvm::ArrayRef<int32_t> tokens, int64_t position);

  /// The results of `func` for `arguments`, which must have the shapes that its
  /// type asks for (an index: none).
  mlir::FailureOr<llvm::SmallVector<TensorRef>> call(mlir::func::FuncOp func,
                                                     llvm::ArrayRef<TensorRef> arguments);

  /// The function called `name`; fails, with a diagnostic, if there is none.
  mlir::FailureOr<mlir::func::FuncOp> lookup(llvm::StringRef name);

private:
  /// Values by the SSA value that they belong to, in one call of a function.
  using Frame = llvm::DenseMap<mlir::Value, TensorRef>;

  explicit Interpreter(mlir::ModuleOp module) : module(module) {}

  /// Runs the ops of `block` up to its terminator; returns that one's operands.
  mlir::FailureOr<llvm::SmallVector<TensorRef>> run(mlir::Block &block, Frame &frame);
  mlir::LogicalResult run(mlir::Operation &op, Frame &frame);

  /// The tensor of the source symbol that `name` refers to.
  mlir::FailureOr<TensorRef> weight(mlir::Operation *user, mlir::FlatSymbolRefAttr name);
  /// The bytes of `file`, mapped.
  mlir::FailureOr<llvm::StringRef> contents(mlir::Operation *user, llvm::StringRef file);

  mlir::ModuleOp module;
  int64_t callDepth = 0;
  llvm::StringMap<TensorRef> caches;
  llvm::StringMap<TensorRef> weights;
  llvm::DenseMap<mlir::Operation *, TensorRef> constants; ///< weight expressions, once each
  llvm::StringMap<std::unique_ptr<llvm::MemoryBuffer>> files;
};

} // namespace cria::reference

#endif // CRIA_COMPILER_REFERENCE_INTERPRETER_H
