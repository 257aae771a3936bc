// RUN: cria-opt %s --pass-pipeline='builtin.module(func.func(x86-lower-dot{vector-bytes=64}))' | FileCheck %s --check-prefix=WIDE
// RUN: cria-opt %s --pass-pipeline='builtin.module(func.func(x86-lower-dot{vector-bytes=32}))' | FileCheck %s --check-prefix=AVX2
// RUN: cria-opt %s --pass-pipeline='builtin.module(func.func(x86-lower-dot))' | FileCheck %s --check-prefix=SSE

// Signed weights: magnitudes, and activations with their signs, one sum of pairs at a time.
// AVX2-LABEL: func.func @signed
// AVX2: %[[T:.*]] = llvm.call_intrinsic "llvm.x86.avx2.psign.b"(%[[A:.*]], %[[W:.*]]) : (vector<32xi8>, vector<32xi8>) -> vector<32xi8>
// AVX2: %[[M:.*]] = math.absi %[[W]]
// AVX2: %[[P:.*]] = llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"(%[[M]], %[[T]])
// AVX2: llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"(%[[P]], %{{.*}})
// AVX2-COUNT-2: llvm.call_intrinsic "llvm.x86.avx2.psign.b"
// AVX2-NOT: llvm.x86.avx2.psign.b
// AVX2: return
// SSE-LABEL: func.func @signed
// SSE-COUNT-8: llvm.call_intrinsic "llvm.x86.ssse3.psign.b.128"
// SSE-NOT: llvm.x86.ssse3.psign.b.128
// SSE: return
// There is no such instruction on wider registers.
// WIDE-LABEL: func.func @signed
// WIDE-COUNT-2: arith.shrsi
// WIDE: llvm.call_intrinsic "llvm.x86.avx512.pmaddw.d.512"
// WIDE-NOT: arith.shrui
// WIDE: return
func.func @signed(%s: vector<16xi32>, %w: vector<64xi8>, %a: i32) -> vector<16xi32> {
  %1 = kernel.dot %s, %w, %a signed : vector<16xi32>, vector<64xi8>
  %2 = kernel.dot %1, %w, %a signed : vector<16xi32>, vector<64xi8>
  return %2 : vector<16xi32>
}
