// RUN: cria-opt %s --pass-pipeline='builtin.module(func.func(x86-lower-dot{vector-bytes=64}))' | FileCheck %s --check-prefix=WIDE
// RUN: cria-opt %s --pass-pipeline='builtin.module(func.func(x86-lower-dot{vector-bytes=32}))' | FileCheck %s --check-prefix=AVX2

// Behind each register of sums of pairs stands what LLVM moves nothing across; 32 registers do without.
// AVX2-LABEL: func.func @in_order
// AVX2: %[[P0:.*]] = llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"
// AVX2: %[[P1:.*]] = llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"
// AVX2: llvm.call_intrinsic "llvm.fake.use"(%[[P0]])
// AVX2: llvm.call_intrinsic "llvm.fake.use"(%[[P1]])
// AVX2: %[[Q0:.*]] = llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"
// AVX2: %[[S0:.*]] = arith.addi %[[P0]], %[[Q0]]
// AVX2: %[[Q1:.*]] = llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"
// AVX2: %[[S1:.*]] = arith.addi %[[P1]], %[[Q1]]
// AVX2: llvm.call_intrinsic "llvm.fake.use"(%[[S0]])
// AVX2: llvm.call_intrinsic "llvm.fake.use"(%[[S1]])
// AVX2: llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"(%[[S0]],
// WIDE-LABEL: func.func @in_order
// WIDE-NOT: llvm.fake.use
// WIDE: return
func.func @in_order(%s: vector<16xi32>, %w: vector<64xi8>, %a: i32) -> vector<16xi32> {
  %1 = kernel.dot %s, %w, %a in_order {largest = 15 : i32} : vector<16xi32>, vector<64xi8>
  %2 = kernel.dot %1, %w, %a in_order {largest = 15 : i32} : vector<16xi32>, vector<64xi8>
  return %2 : vector<16xi32>
}

// AVX2-LABEL: func.func @in_any_order
// AVX2-NOT: llvm.fake.use
// AVX2: return
func.func @in_any_order(%s: vector<16xi32>, %w: vector<64xi8>, %a: i32) -> vector<16xi32> {
  %1 = kernel.dot %s, %w, %a {largest = 15 : i32} : vector<16xi32>, vector<64xi8>
  return %1 : vector<16xi32>
}
