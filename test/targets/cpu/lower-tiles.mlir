// RUN: cria-opt %s --pass-pipeline='builtin.module(func.func(cpu-lower-tiles))' | FileCheck %s

// A loop over rows, one over panels; a step's even and odd columns have sums of their own.
// CHECK-LABEL: func.func @floats
// CHECK: scf.for
// CHECK:   scf.for
// CHECK:     %[[START:.*]] = vector.load {{.*}} : memref<4x2x16xf32>, vector<16xf32>
// CHECK:     scf.for {{.*}} iter_args(%[[SUM:.*]] = %[[START]]) -> (vector<16xf32>)
// CHECK:       %[[PARTS:.*]]:2 = scf.for {{.*}} iter_args(%[[EVEN:.*]] = %{{.*}}, %[[ODD:.*]] = %{{.*}})
// CHECK:         arith.shli
// CHECK:         %[[E:.*]] = vector.fma %{{.*}}, %{{.*}}, %[[EVEN]]
// CHECK:         arith.andi
// CHECK:         %[[O:.*]] = vector.fma %{{.*}}, %{{.*}}, %[[ODD]]
// CHECK:         scf.yield %[[E]], %[[O]]
// CHECK:       %[[BOTH:.*]] = arith.addf %[[PARTS]]#0, %[[PARTS]]#1
// CHECK:       arith.addf %[[SUM]], %[[BOTH]]
// CHECK:     vector.store
// CHECK-NOT: kernel.tile_matmul
func.func @floats(%x: memref<4x64xbf16>, %w: memref<2x32x32xbf16>, %y: memref<4x2x16xf32>) {
  kernel.tile_matmul %x, %w into %y accumulate : memref<4x64xbf16>, memref<2x32x32xbf16>, memref<4x2x16xf32>
  return
}

// CHECK-LABEL: func.func @bytes
// CHECK: scf.for
// CHECK:   scf.for
// CHECK-NOT: vector.load {{.*}}xi32>, vector<16xi32>
// CHECK:     scf.for
// CHECK:       arith.xori {{.*}} : vector<64xi8>
// CHECK-COUNT-2: kernel.dot {{.*}} : vector<16xi32>, vector<64xi8>
// CHECK:     arith.subi
// CHECK:     vector.store
func.func @bytes(%x: memref<4x32xi8>, %w: memref<1x8x64xi8>, %y: memref<4x1x16xi32>) {
  kernel.tile_matmul %x, %w into %y : memref<4x32xi8>, memref<1x8x64xi8>, memref<4x1x16xi32>
  return
}
