// LLVM has a register for every tile, though one has a single shape in a function: here
// there are BF16, bytes in groups of 32 and of 16, 12 rows high.
// RUN: cria-opt %s --pass-pipeline='builtin.module(func.func(x86-lower-tiles),lower-affine,convert-scf-to-cf,convert-arith-to-llvm,finalize-memref-to-llvm,convert-func-to-llvm{use-bare-ptr-memref-call-conv=1},convert-cf-to-llvm,reconcile-unrealized-casts)' \
// RUN:   | mlir-translate --mlir-to-llvmir | opt -O3 -mtriple=x86_64-linux | llc -O3 -relocation-model=pic -mattr=+amx-tile,+amx-bf16,+amx-int8,+avx512f -mtriple=x86_64-linux \
// RUN:   | FileCheck %s

// CHECK-LABEL: all:
// CHECK: ldtilecfg
// CHECK: tdpbf16ps
// CHECK: tilestored
// CHECK: tdpbssd
// CHECK: tilestored
// CHECK: tdpbssd
// CHECK: tilestored
// CHECK: tilerelease
func.func @all(%x: memref<24x4096xbf16>, %w: memref<2x2048x32xbf16>, %y: memref<24x2x16xf32>,
               %c: memref<12x32xi8>, %q: memref<1x8x64xi8>, %s: memref<12x1x16xi32>,
               %c16: memref<12x16xi8>, %q16: memref<1x4x64xi8>) {
  kernel.tile_matmul %x, %w into %y : memref<24x4096xbf16>, memref<2x2048x32xbf16>, memref<24x2x16xf32>
  kernel.tile_matmul %c, %q into %s : memref<12x32xi8>, memref<1x8x64xi8>, memref<12x1x16xi32>
  kernel.tile_matmul %c16, %q16 into %s accumulate : memref<12x16xi8>, memref<1x4x64xi8>, memref<12x1x16xi32>
  return
}

// The same without bytes: all eight.
// CHECK-LABEL: floats:
// CHECK: tdpbf16ps {{.*}}%tmm0
// CHECK: tilerelease
func.func @floats(%x: memref<24x4096xbf16>, %w: memref<2x2048x32xbf16>, %y: memref<24x2x16xf32>) {
  kernel.tile_matmul %x, %w into %y accumulate : memref<24x4096xbf16>, memref<2x2048x32xbf16>, memref<24x2x16xf32>
  return
}
