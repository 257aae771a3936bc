//===- Passes.td - Lowerings that all CPUs share ---------------------------===//
#ifndef CRIA_TARGETS_CPU_PASSES_TD
#define CRIA_TARGETS_CPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def LowerVectors : Pass<"cpu-lower-vectors", "::mlir::func::FuncOp"> {
  let summary = "vectors as a CPU's registers hold them";
  let description = [{
    Drops unit dimensions, turns transfers into plain loads and stores, sums over
    several dimensions into one, and replaces exponentials by polynomials: what
    remains are one-dimensional vectors that LLVM maps to registers.

    ```mlir
    %v = vector.transfer_read %m[%i, %j], %c {in_bounds = [true]} : memref<4x64xf32>, vector<16xf32>
    // becomes
    %v = vector.load %m[%i, %j] : memref<4x64xf32>, vector<16xf32>
    ```
  }];
  let dependentDialects = ["::mlir::vector::VectorDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
                           "::mlir::affine::AffineDialect", "::mlir::scf::SCFDialect"];
}

#endif // CRIA_TARGETS_CPU_PASSES_TD
