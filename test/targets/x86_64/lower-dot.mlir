// RUN: cria-opt %s --pass-pipeline='builtin.module(func.func(x86-lower-dot{vnni=true wide=true}))' | FileCheck %s --check-prefix=VNNI
// RUN: cria-opt %s --pass-pipeline='builtin.module(func.func(x86-lower-dot{wide=true}))' | FileCheck %s --check-prefix=WIDE
// RUN: cria-opt %s --pass-pipeline='builtin.module(func.func(x86-lower-dot))' | FileCheck %s --check-prefix=AVX2

// VNNI: %[[A:.*]] = vector.broadcast %{{.*}} : i32 to vector<16xi32>
// VNNI: %[[B:.*]] = vector.bitcast %[[A]] : vector<16xi32> to vector<64xi8>
// VNNI: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"(%{{.*}}, %{{.*}}, %[[B]])
// VNNI-NOT: kernel.dot

// Even bytes, then odd ones; weights without sign, activations with theirs.
// WIDE: arith.andi {{.*}} : vector<32xi16>
// WIDE: arith.shli
// WIDE: arith.shrsi
// WIDE: llvm.call_intrinsic "llvm.x86.avx512.pmaddw.d.512"
// WIDE: arith.shrui
// WIDE: llvm.call_intrinsic "llvm.x86.avx512.pmaddw.d.512"
// WIDE-NOT: kernel.dot

// AVX2-COUNT-4: llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"
// AVX2-NOT: kernel.dot
func.func @dot(%s: vector<16xi32>, %w: vector<64xi8>, %a: i32) -> vector<16xi32> {
  %r = kernel.dot %s, %w, %a : vector<16xi32>, vector<64xi8>
  return %r : vector<16xi32>
}
