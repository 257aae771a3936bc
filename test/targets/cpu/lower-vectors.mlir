// RUN: cria-opt %s --pass-pipeline='builtin.module(func.func(cpu-lower-vectors))' | FileCheck %s

// CHECK-LABEL: func.func @transfer
// CHECK: vector.load {{.*}} : memref<1x4x16xf32>, vector<16xf32>
// CHECK-NOT: vector.transfer_read
func.func @transfer(%m: memref<1x4x16xf32>, %i: index) -> vector<1x16xf32> {
  %c0 = arith.constant 0 : index
  %pad = arith.constant 0.0 : f32
  %v = vector.transfer_read %m[%c0, %i, %c0], %pad {in_bounds = [true, true]} : memref<1x4x16xf32>, vector<1x16xf32>
  return %v : vector<1x16xf32>
}

// A view's index becomes one of what it views; that of collapsed dimensions stays whole.
// CHECK-LABEL: func.func @views
// CHECK-SAME: %[[M:[^:]*]]: memref<8x4x16xf32>, %[[T:[^:]*]]: index, %[[I:[^:]*]]: index
// CHECK: %[[C:.*]] = memref.collapse_shape %[[M]]
// CHECK-NOT: affine.delinearize_index
// CHECK: memref.load %[[C]][%[[T]], %[[I]]]
func.func @views(%m: memref<8x4x16xf32>, %t: index, %i: index) -> f32 {
  %c0 = arith.constant 0 : index
  %c = memref.collapse_shape %m [[0], [1, 2]] : memref<8x4x16xf32> into memref<8x64xf32>
  %s = memref.subview %c[%t, 0] [2, 64] [1, 1] : memref<8x64xf32> to memref<2x64xf32, strided<[64, 1], offset: ?>>
  %v = memref.load %s[%c0, %i] : memref<2x64xf32, strided<[64, 1], offset: ?>>
  return %v : f32
}

// x is limited, split into n and f, a polynomial of f is multiplied by 2^n.
// CHECK-LABEL: func.func @exponential
// CHECK-NOT: math.exp
// CHECK-COUNT-2: arith.select
// CHECK: %[[SHIFTED:.*]] = arith.addf %{{.*}}, %[[MANY:.*]] : vector<16xf32>
// CHECK: arith.subf %[[SHIFTED]], %[[MANY]]
// CHECK-COUNT-8: math.fma
// CHECK-NOT: arith.fptosi
// CHECK: arith.bitcast %[[SHIFTED]] : vector<16xf32> to vector<16xi32>
// CHECK: arith.shli
// CHECK: arith.mulf
func.func @exponential(%v: vector<16xf32>) -> vector<16xf32> {
  %e = math.exp %v : vector<16xf32>
  return %e : vector<16xf32>
}

// CHECK-LABEL: func.func @exponential_of_two
// CHECK-NOT: math.exp2
// CHECK: %[[SHIFTED:.*]] = arith.addf %[[X:.*]], %[[MANY:.*]] : f32
// CHECK: %[[N:.*]] = arith.subf %[[SHIFTED]], %[[MANY]]
// CHECK: arith.subf %[[X]], %[[N]]
// CHECK-COUNT-6: math.fma
func.func @exponential_of_two(%x: f32) -> f32 {
  %e = math.exp2 %x : f32
  return %e : f32
}

// CHECK-LABEL: func.func @sum
// CHECK-NOT: vector.multi_reduction
// CHECK: vector.reduction <add>
func.func @sum(%v: vector<1x1x16xf32>, %s: vector<1x1xf32>) -> vector<1x1xf32> {
  %r = vector.multi_reduction <add>, %v, %s [2] : vector<1x1x16xf32> to vector<1x1xf32>
  return %r : vector<1x1xf32>
}
