// RUN: cria-opt %s --pass-pipeline="builtin.module(func.func(x86-lower-lookup{vector-bytes=64}))" | FileCheck %s --check-prefix=WIDE
// RUN: cria-opt %s --pass-pipeline="builtin.module(func.func(x86-lower-lookup{vector-bytes=16}))" | FileCheck %s --check-prefix=NARROW
// RUN: not cria-opt %s --pass-pipeline="builtin.module(func.func(x86-lower-lookup{vector-bytes=8}))" 2>&1 | FileCheck %s --check-prefix=ERROR

// ERROR: error: expects vectors of 16, 32 or 64 bytes, but got 8

// WIDE-LABEL: func.func @lookup(
// WIDE: %[[T:.*]] = arith.constant dense<[0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12, 0, {{.*}}]> : vector<64xi8>
// WIDE: llvm.call_intrinsic "llvm.x86.avx512.pshuf.b.512"(%[[T]], %{{.*}}) : (vector<64xi8>, vector<64xi8>) -> vector<64xi8>
// NARROW-LABEL: func.func @lookup(
// NARROW-COUNT-4: llvm.call_intrinsic "llvm.x86.ssse3.pshuf.b.128"
// NARROW-NOT: llvm.call_intrinsic
func.func @lookup(%i: vector<64xi8>) -> vector<64xi8> {
  %r = kernel.lookup %i in [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12] : vector<64xi8>
  return %r : vector<64xi8>
}

// Less than a register: half of one, or as many of the smallest as it takes.
// WIDE-LABEL: func.func @lookup_32
// WIDE: llvm.call_intrinsic "llvm.x86.avx2.pshuf.b"(%{{.*}}) : (vector<32xi8>, vector<32xi8>) -> vector<32xi8>
// NARROW-LABEL: func.func @lookup_32
// NARROW-COUNT-2: llvm.call_intrinsic "llvm.x86.ssse3.pshuf.b.128"
func.func @lookup_32(%i: vector<32xi8>) -> vector<32xi8> {
  %r = kernel.lookup %i in [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12] : vector<32xi8>
  return %r : vector<32xi8>
}
