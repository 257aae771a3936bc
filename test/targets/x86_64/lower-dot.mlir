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
// AVXVNNI: vector.extract_strided_slice {{.*}}offsets = [8], sizes = [8]
// AVXVNNI: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.256"({{.*}}) : (vector<8xi32>, vector<32xi8>, vector<32xi8>) -> vector<8xi32>
// AVXVNNI: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.256"
// AVXVNNI: vector.insert_strided_slice {{.*}}offsets = [0]
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

// Four sums of pairs of weights up to 31 fit into 16 bits (4 * 2 * 31 * 128 = 31744), the
// fifth begins anew.
// WIDE-LABEL: func.func @small
// WIDE-SAME: (%[[S:.*]]: vector<16xi32>
// WIDE: %[[P1:.*]] = llvm.call_intrinsic "llvm.x86.avx512.pmaddubs.w.512"({{.*}}) : (vector<64xi8>, vector<64xi8>) -> vector<32xi16>
// WIDE: %[[P2:.*]] = llvm.call_intrinsic "llvm.x86.avx512.pmaddubs.w.512"
// WIDE: %[[A2:.*]] = arith.addi %[[P1]], %[[P2]] : vector<32xi16>
// WIDE: %[[P3:.*]] = llvm.call_intrinsic "llvm.x86.avx512.pmaddubs.w.512"
// WIDE: %[[A3:.*]] = arith.addi %[[A2]], %[[P3]]
// WIDE: %[[P4:.*]] = llvm.call_intrinsic "llvm.x86.avx512.pmaddubs.w.512"
// WIDE: %[[A4:.*]] = arith.addi %[[A3]], %[[P4]]
// WIDE: %[[W1:.*]] = llvm.call_intrinsic "llvm.x86.avx512.pmaddw.d.512"(%[[A4]], %{{.*}})
// WIDE: %[[S1:.*]] = arith.addi %[[S]], %[[W1]] : vector<16xi32>
// WIDE: %[[P5:.*]] = llvm.call_intrinsic "llvm.x86.avx512.pmaddubs.w.512"
// WIDE: %[[W2:.*]] = llvm.call_intrinsic "llvm.x86.avx512.pmaddw.d.512"(%[[P5]], %{{.*}})
// WIDE: %[[S2:.*]] = arith.addi %[[S1]], %[[W2]]
// WIDE: return %[[S2]]

// AVX2-LABEL: func.func @small
// AVX2-COUNT-10: llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"
// AVX2: return
// SSE-LABEL: func.func @small
// SSE-COUNT-20: llvm.call_intrinsic "llvm.x86.ssse3.pmadd.ub.sw.128"
// SSE: return
func.func @small(%s: vector<16xi32>, %w: vector<64xi8>, %a: i32) -> vector<16xi32> {
  %1 = kernel.dot %s, %w, %a {largest = 31 : i32} : vector<16xi32>, vector<64xi8>
  %2 = kernel.dot %1, %w, %a {largest = 31 : i32} : vector<16xi32>, vector<64xi8>
  %3 = kernel.dot %2, %w, %a {largest = 31 : i32} : vector<16xi32>, vector<64xi8>
  %4 = kernel.dot %3, %w, %a {largest = 31 : i32} : vector<16xi32>, vector<64xi8>
  %5 = kernel.dot %4, %w, %a {largest = 31 : i32} : vector<16xi32>, vector<64xi8>
  return %5 : vector<16xi32>
}

// Four times two sums of pairs up to 15 fit: what the loop carries is in 16 bits.
// WIDE-LABEL: func.func @loop
// WIDE: %[[ZERO:.*]] = arith.constant dense<0> : vector<32xi16>
// WIDE: %[[LOOP:.*]] = scf.for {{.*}} iter_args({{.*}}%[[C:.*]] = %[[ZERO]])
// WIDE: %[[P1:.*]] = llvm.call_intrinsic "llvm.x86.avx512.pmaddubs.w.512"
// WIDE: %[[A1:.*]] = arith.addi %[[C]], %[[P1]]
// WIDE: %[[P2:.*]] = llvm.call_intrinsic "llvm.x86.avx512.pmaddubs.w.512"
// WIDE: %[[A2:.*]] = arith.addi %[[A1]], %[[P2]]
// WIDE-NOT: llvm.call_intrinsic
// WIDE: scf.yield {{.*}}%[[A2]]
// WIDE: llvm.call_intrinsic "llvm.x86.avx512.pmaddw.d.512"
// WIDE: arith.addi

// One iteration more does not: each ends with its sums.
// WIDE-LABEL: func.func @longer
// WIDE: scf.for
// WIDE-COUNT-2: llvm.call_intrinsic "llvm.x86.avx512.pmaddubs.w.512"
// WIDE: llvm.call_intrinsic "llvm.x86.avx512.pmaddw.d.512"
// WIDE: scf.yield
func.func @loop(%s: vector<16xi32>, %w: vector<64xi8>, %a: i32) -> vector<16xi32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %r = scf.for %i = %c0 to %c4 step %c1 iter_args(%x = %s) -> vector<16xi32> {
    %1 = kernel.dot %x, %w, %a {largest = 15 : i32} : vector<16xi32>, vector<64xi8>
    %2 = kernel.dot %1, %w, %a {largest = 15 : i32} : vector<16xi32>, vector<64xi8>
    scf.yield %2 : vector<16xi32>
  }
  return %r : vector<16xi32>
}

func.func @longer(%s: vector<16xi32>, %w: vector<64xi8>, %a: i32) -> vector<16xi32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c5 = arith.constant 5 : index
  %r = scf.for %i = %c0 to %c5 step %c1 iter_args(%x = %s) -> vector<16xi32> {
    %1 = kernel.dot %x, %w, %a {largest = 15 : i32} : vector<16xi32>, vector<64xi8>
    %2 = kernel.dot %1, %w, %a {largest = 15 : i32} : vector<16xi32>, vector<64xi8>
    scf.yield %2 : vector<16xi32>
  }
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
