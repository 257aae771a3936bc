//===- Passes.td - Lowerings of x86-64 -------------------------------------===//
#ifndef CRIA_TARGETS_X86_64_PASSES_TD
#define CRIA_TARGETS_X86_64_PASSES_TD

include "mlir/Pass/PassBase.td"

def LowerDot : Pass<"x86-lower-dot", "::mlir::func::FuncOp"> {
  let summary = "dot products as the chip has them";
  let description = [{
    With VNNI one `vpdpbusd` to a register. Else one `pmaddubsw`, and an addition of what
    it makes, sums of pairs in 16 bits, as long as no sum can saturate, then one `pmaddwd`
    adds those to the sums: eight dots of weights up to 15 fit. A loop carries the 16 bits
    where all of its iterations fit. Signed weights meet activations with their signs there
    (`psignb`), magnitudes and one sum at a time. Of unsigned weights above 127 the even and
    the odd bytes of a lane meet theirs as 16-bit numbers in two `pmaddwd`. Pairs of BF16 are
    one `vdpbf16ps`, or else are widened and multiplied as F32, in the same order.

    ```mlir
    %r = kernel.dot %s, %w, %a : vector<16xi32>, vector<64xi8>
    // becomes
    %b = vector.bitcast … (the four activations in every lane)
    %r = llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"(%s, %w, %b) : …
    ```
  }];
  let options = [Option<"vectorBytes", "vector-bytes", "int64_t", "16", "of a register: 16, 32 or 64">,
                 Option<"vnni", "vnni", "bool", "false", "the chip has VNNI at that width">,
                 Option<"bf16", "bf16", "bool", "false", "the chip has AVX-512 BF16">];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::vector::VectorDialect", "::mlir::scf::SCFDialect",
                           "::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

def LowerLookup : Pass<"x86-lower-lookup", "::mlir::func::FuncOp"> {
  let summary = "tables of bytes as the chip has them";
  let description = [{
    A `pshufb` to a register, which holds the table once for every 16 bytes.

    ```mlir
    %r = kernel.lookup %i in [0, 1, …] : vector<64xi8>
    // becomes
    %r = llvm.call_intrinsic "llvm.x86.avx512.pshuf.b.512"(%table, %i) : …
    ```
  }];
  let options = [Option<"vectorBytes", "vector-bytes", "int64_t", "16", "of a register: 16, 32 or 64">];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::vector::VectorDialect",
                           "::mlir::arith::ArithDialect"];
}

def LowerTiles : Pass<"x86-lower-tiles", "::mlir::func::FuncOp"> {
  let summary = "products of tiles on AMX";
  let description = [{
    A `kernel.tile_matmul` on memrefs becomes loads of tiles, `tdpbf16ps` or `tdpbssd`,
    and stores. Sums of BF16 stay in tile registers over a loop on the columns, four
    tiles of them at once where the shapes of the function's other tiles leave eight
    registers. Panels of more than 16 rows stay as they are.

    ```mlir
    kernel.tile_matmul %x, %w into %y : memref<16x64xbf16>, memref<1x32x32xbf16>, memref<16x1x16xf32>
    // becomes
    %z = llvm.call_intrinsic "llvm.x86.tilezero.internal"(%rows, %bytes)
    %r = scf.for %k = %c0 to %c2 step %c1 iter_args(%s = %z) -> (!llvm.x86_amx) {
      … llvm.x86.tileloadd64.internal, twice, and llvm.x86.tdpbf16ps.internal
    }
    llvm.call_intrinsic "llvm.x86.tilestored64.internal"(%rows, %bytes, %pointer, %stride, %r)
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect"];
}

#endif // CRIA_TARGETS_X86_64_PASSES_TD
