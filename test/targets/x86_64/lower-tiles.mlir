// RUN: cria-opt %s --pass-pipeline='builtin.module(func.func(x86-lower-tiles),canonicalize)' | FileCheck %s

// Four tiles of sums, two of rows, two of panels; rows lie 256 bytes apart, a panel's are
// 64 bytes, and sums 128.
// CHECK-LABEL: func.func @floats
// CHECK-DAG: %[[H:.*]] = arith.constant 16 : i16
// CHECK-DAG: %[[W:.*]] = arith.constant 64 : i16
// CHECK-DAG: %[[ROWS:.*]] = arith.constant 256 : i64
// CHECK-DAG: %[[PANELS:.*]] = arith.constant 64 : i64
// CHECK-DAG: %[[SUMS:.*]] = arith.constant 128 : i64
// CHECK-COUNT-4: llvm.call_intrinsic "llvm.x86.tilezero.internal"(%[[H]], %[[W]])
// CHECK: scf.for {{.*}} -> (!llvm.x86_amx, !llvm.x86_amx, !llvm.x86_amx, !llvm.x86_amx)
// CHECK-COUNT-2: llvm.x86.tileloadd64.internal"(%[[H]], %[[W]], %{{.*}}, %[[ROWS]])
// CHECK-COUNT-2: llvm.x86.tileloadd64.internal"(%[[H]], %[[W]], %{{.*}}, %[[PANELS]])
// CHECK-COUNT-4: llvm.x86.tdpbf16ps.internal"(%[[H]], %[[W]], %[[W]],
// CHECK: scf.yield
// CHECK-COUNT-4: llvm.x86.tilestored64.internal"(%[[H]], %[[W]], %{{.*}}, %[[SUMS]],
// CHECK-NOT: kernel.tile_matmul
func.func @floats(%x: memref<32x128xbf16>, %w: memref<2x64x32xbf16>, %y: memref<32x2x16xf32>) {
  kernel.tile_matmul %x, %w into %y : memref<32x128xbf16>, memref<2x64x32xbf16>, memref<32x2x16xf32>
  return
}

// One group of 32 columns of bytes: no loop. 24 rows are two tiles of 12.
// CHECK-LABEL: func.func @bytes
// CHECK-DAG: %[[H:.*]] = arith.constant 12 : i16
// CHECK-DAG: %[[W:.*]] = arith.constant 64 : i16
// CHECK-DAG: %[[K:.*]] = arith.constant 32 : i16
// CHECK-DAG: %[[D:.*]] = arith.constant 8 : i16
// CHECK-NOT: scf.for
// CHECK-COUNT-2: llvm.x86.tileloadd64.internal"(%[[H]], %[[W]],
// CHECK-COUNT-2: llvm.x86.tileloadd64.internal"(%[[H]], %[[K]],
// CHECK: llvm.x86.tileloadd64.internal"(%[[D]], %[[W]],
// CHECK-COUNT-2: llvm.x86.tdpbssd.internal"(%[[H]], %[[W]], %[[K]],
// CHECK-COUNT-2: llvm.x86.tilestored64.internal
func.func @bytes(%x: memref<24x32xi8>, %w: memref<1x8x64xi8>, %y: memref<24x1x16xi32>) {
  kernel.tile_matmul %x, %w into %y accumulate : memref<24x32xi8>, memref<1x8x64xi8>, memref<24x1x16xi32>
  return
}

// A register has one shape in a function: three of bytes leave five registers, so BF16
// has two tiles of sums at a time.
// CHECK-LABEL: func.func @both
// CHECK: scf.for {{.*}} -> (!llvm.x86_amx, !llvm.x86_amx) {
// CHECK: scf.for {{.*}} -> (!llvm.x86_amx, !llvm.x86_amx) {
func.func @both(%x: memref<32x128xbf16>, %w: memref<2x64x32xbf16>, %y: memref<32x2x16xf32>,
                %c: memref<16x32xi8>, %q: memref<1x8x64xi8>, %s: memref<16x1x16xi32>) {
  kernel.tile_matmul %x, %w into %y : memref<32x128xbf16>, memref<2x64x32xbf16>, memref<32x2x16xf32>
  kernel.tile_matmul %c, %q into %s : memref<16x32xi8>, memref<1x8x64xi8>, memref<16x1x16xi32>
  return
}

// Sums of 32 rows of a panel are wider than a tile.
// CHECK-LABEL: func.func @wide
// CHECK: kernel.tile_matmul
func.func @wide(%x: memref<16x32xbf16>, %w: memref<1x16x64xbf16>, %y: memref<16x1x32xf32>) {
  kernel.tile_matmul %x, %w into %y : memref<16x32xbf16>, memref<1x16x64xbf16>, memref<16x1x32xf32>
  return
}
