//===- Passes.td - Lowerings of x86-64 -------------------------------------===//
#ifndef CRIA_TARGETS_X86_64_PASSES_TD
#define CRIA_TARGETS_X86_64_PASSES_TD

include "mlir/Pass/PassBase.td"

def LowerDot : Pass<"x86-lower-dot", "::mlir::func::FuncOp"> {
  let summary = "byte products as the chip has them";
  let description = [{
    With AVX-512 VNNI one `vpdpbusd`. Else the even and the odd bytes of a lane meet
    theirs as 16-bit numbers in two `vpmaddwd`, which add a pair exactly: unlike
    `vpmaddubsw`, nothing can saturate.

    ```mlir
    %r = kernel.dot %s, %w, %a : vector<16xi32>, vector<64xi8>
    // becomes
    %b = vector.bitcast … (the four activations in every lane)
    %r = llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"(%s, %w, %b) : …
    ```
  }];
  let options = [Option<"vnni", "vnni", "bool", "false", "the chip has AVX-512 VNNI">,
                 Option<"wide", "wide", "bool", "false", "the chip has AVX-512 BW">];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::vector::VectorDialect",
                           "::mlir::arith::ArithDialect"];
}

#endif // CRIA_TARGETS_X86_64_PASSES_TD
