// RUN: cria-opt %s --pass-pipeline='builtin.module(func.func(x86-lower-dot{vector-bytes=64 vnni=true}))' | FileCheck %s --check-prefix=VNNI
// RUN: cria-opt %s --pass-pipeline='builtin.module(func.func(x86-lower-dot{vector-bytes=32 vnni=true}))' | FileCheck %s --check-prefix=AVXVNNI
// RUN: cria-opt %s --pass-pipeline='builtin.module(func.func(x86-lower-dot{vector-bytes=64}))' | FileCheck %s --check-prefix=WIDE
// RUN: cria-opt %s --pass-pipeline='builtin.module(func.func(x86-lower-dot{vector-bytes=32}))' | FileCheck %s --check-prefix=AVX2
// RUN: cria-opt %s --pass-pipeline='builtin.module(func.func(x86-lower-dot))' | FileCheck %s --check-prefix=SSE
// RUN: cria-opt %s --pass-pipeline='builtin.module(func.func(x86-lower-dot{vector-bytes=64 bf16=true}))' | FileCheck %s --check-prefix=BF16
// RUN: not cria-opt %s --pass-pipeline='builtin.module(func.func(x86-lower-dot{vnni=true}))' 2>&1 | FileCheck %s --check-prefix=NONE

// NONE: error: expects vectors of 16, 32 or 64 bytes, with VNNI of 32 or 64, but got 16

// VNNI: %[[A:.*]] = vector.broadcast %{{.*}} : i32 to vector<16xi32>
// VNNI: %[[B:.*]] = vector.bitcast %[[A]] : vector<16xi32> to vector<64xi8>
// VNNI: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"(%{{.*}}, %{{.*}}, %[[B]])
// VNNI-NOT: kernel.dot

// Two registers of 8 sums.
// AVXVNNI: vector.extract_strided_slice {{.*}}offsets = [0], sizes = [8]
// AVXVNNI: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.256"({{.*}}) : (vector<8xi32>, vector<32xi8>, vector<32xi8>) -> vector<8xi32>
// AVXVNNI: vector.insert_strided_slice {{.*}}offsets = [0]
// AVXVNNI: vector.extract_strided_slice {{.*}}offsets = [8], sizes = [8]
// AVXVNNI: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.256"
// AVXVNNI: vector.insert_strided_slice {{.*}}offsets = [8]
// AVXVNNI-NOT: kernel.dot

// Even bytes, then odd ones; weights without sign, activations with theirs.
// WIDE: arith.andi {{.*}} : vector<32xi16>
// WIDE: arith.shli
// WIDE: arith.shrsi
// WIDE: llvm.call_intrinsic "llvm.x86.avx512.pmaddw.d.512"
// WIDE: arith.shrui
// WIDE: llvm.call_intrinsic "llvm.x86.avx512.pmaddw.d.512"
// WIDE-NOT: kernel.dot

// AVX2-COUNT-4: llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"{{.*}} -> vector<8xi32>
// AVX2-NOT: kernel.dot

// SSE-COUNT-8: llvm.call_intrinsic "llvm.x86.sse2.pmadd.wd"{{.*}} -> vector<4xi32>
// SSE-NOT: kernel.dot
func.func @dot(%s: vector<16xi32>, %w: vector<64xi8>, %a: i32) -> vector<16xi32> {
  %r = kernel.dot %s, %w, %a : vector<16xi32>, vector<64xi8>
  return %r : vector<16xi32>
}

// BF16-LABEL: func.func @dot_bf16
// BF16: %[[A:.*]] = vector.broadcast %{{.*}} : i32 to vector<16xi32>
// BF16: %[[B:.*]] = vector.bitcast %[[A]] : vector<16xi32> to vector<32xbf16>
// BF16: llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"(%{{.*}}, %{{.*}}, %[[B]])
// BF16-NOT: kernel.dot

// Without the instruction: upper halves first, as it does.
// WIDE-LABEL: func.func @dot_bf16
// WIDE-SAME: (%[[S:.*]]: vector<16xf32>
// WIDE: arith.andi {{.*}} : vector<16xi32>
// WIDE: arith.andi {{.*}} : vector<16xi32>
// WIDE: %[[ODD:.*]] = vector.fma %{{.*}}, %{{.*}}, %[[S]] : vector<16xf32>
// WIDE: arith.shli {{.*}} : vector<16xi32>
// WIDE: arith.shli {{.*}} : vector<16xi32>
// WIDE: %[[ALL:.*]] = vector.fma %{{.*}}, %{{.*}}, %[[ODD]] : vector<16xf32>
// WIDE: return %[[ALL]]
func.func @dot_bf16(%s: vector<16xf32>, %w: vector<32xbf16>, %a: i32) -> vector<16xf32> {
  %r = kernel.dot %s, %w, %a : vector<16xf32>, vector<32xbf16>
  return %r : vector<16xf32>
}
