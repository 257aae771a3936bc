//===- Accesses.h - Which bytes a kernel may touch ---------------*- C++ -*-===//
//
// What a kernel reads and writes is found in two steps: which buffers, and which bytes
// those are. The second tells `kernel-lower-forall` whether two kernels need a barrier
// between them. Memory is planned by then: a buffer is a view into a segment at
// a constant place, or an argument of the function.
//
//===----------------------------------------------------------------------===//
#ifndef CRIA_COMPILER_TRANSFORMS_ACCESSES_H
#define CRIA_COMPILER_TRANSFORMS_ACCESSES_H

#include "compiler/transforms/Passes.h"

namespace cria {

/// What is known about the arguments of a function.
struct ArgumentFacts {
  /// (weights, state, workspace, scratch) are the first four (see PlanMemory.cpp).
  bool segments = false;
  /// No two of the others that are buffers share bytes that are ever written.
  bool disjoint = false;
};

/// The facts that hold at every call of `func` in its module.
ArgumentFacts argumentFacts(mlir::func::FuncOp func);

/// Calls `visit` with every buffer that `root` and what is inside it may touch, and whether it may write
/// it; with null if that may be anything.
void forEachAccess(mlir::Operation *root, llvm::function_ref<void(mlir::Value, bool)> visit);

/// Whether `op` is a kernel that every thread runs from end to end (`#kernel.each`).
bool runsOnEachThread(mlir::Operation *op);

/// Bytes that some kernels of one function read and write, scratch and weights left
/// out: the first is the thread's own, the second never change.
class Accesses {
public:
  explicit Accesses(ArgumentFacts facts) : facts(facts) {}

  /// Adds everything that `op` and what is inside it may touch.
  void add(mlir::Operation *op);
  void add(const Accesses &other) { regions.append(other.regions); }
  void clear() { regions.clear(); }
  bool empty() const { return regions.empty(); }

  /// Whether one writes what the other touches, or may do so for all that is known.
  bool conflictWith(const Accesses &other) const;

private:
  /// Bytes [begin, end) of an argument; of no argument: anything. With a pitch only the
  /// first `slice` of every `pitch` bytes.
  struct Region {
    mlir::BlockArgument base;
    int64_t begin, end;
    bool written;
    int64_t pitch = 0, slice = 0;
  };
  static Region regionOf(mlir::Value buffer, bool written);
  bool overlap(const Region &a, const Region &b) const;
  void add(const Region &region);

  friend ArgumentFacts argumentFacts(mlir::func::FuncOp func);

  ArgumentFacts facts;
  llvm::SmallVector<Region> regions;
};

} // namespace cria

#endif // CRIA_COMPILER_TRANSFORMS_ACCESSES_H
