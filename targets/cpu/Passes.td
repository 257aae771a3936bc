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

def LowerTiles : Pass<"cpu-lower-tiles", "::mlir::func::FuncOp"> {
  let summary = "products of tiles, on vectors";
  let description = [{
    What a `kernel.tile_matmul` means, step by step, for chips without a matrix unit: the
    way to see what a chip with one computes. A row of BF16 has two sums, of even and of
    odd columns; signed bytes meet `kernel.dot`, which wants one side unsigned, with 128
    added, and that times the row's sum is taken off again.

    ```mlir
    kernel.tile_matmul %x, %w into %y : memref<16x32xi8>, memref<1x8x64xi8>, memref<16x1x16xi32>
    // becomes
    scf.for %t = %c0 to %c16 step %c1 { scf.for %p = … { … kernel.dot … } }
    ```
  }];
  let dependentDialects = ["::mlir::vector::VectorDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect",
                           "::cria::kernel::KernelDialect"];
}

def ExpandFloats : Pass<"cpu-expand-floats", "::mlir::func::FuncOp"> {
  let summary = "float operations that a chip lacks, by those that it has";
  let description = [{
    What LLVM would otherwise call a library for, lane by lane. Without FMA a product
    is rounded before it is added. F16 is widened and narrowed by integer operations,
    exactly and to nearest even; so is F32 to BF16, on every chip: the instructions
    that do it flush denormals, and one model should mean one thing.

    ```mlir
    %r = vector.fma %a, %b, %c : vector<16xf32>
    // becomes
    %p = arith.mulf %a, %b : vector<16xf32>
    %r = arith.addf %p, %c : vector<16xf32>
    ```
  }];
  let options = [Option<"fma", "fma", "bool", "false", "the chip multiplies and adds in one">,
                 Option<"f16", "f16", "bool", "false", "the chip converts between F16 and F32">];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

#endif // CRIA_TARGETS_CPU_PASSES_TD
