// RUN: cria-opt %s --kernel-vectorize-attention -split-input-file -verify-diagnostics | FileCheck %s

// CHECK-LABEL: func.func @causal
// CHECK-SAME: %[[P:[^:]*]]: index
// The last block is that of the row's own position, the first is number 0.
// CHECK: %[[LAST:.*]] = arith.divui %[[P]], %{{.*}}
// CHECK: %[[END:.*]] = arith.addi %[[LAST]], %{{.*}}
// CHECK: %[[R:.*]]:3 = scf.for %{{.*}} = %{{.*}} to %[[END]] {{.*}} -> (f32, f32, vector<8xf32>)
// CHECK:   vector.step : vector<4xindex>
// CHECK:   arith.cmpi sle
// CHECK-NOT: arith.cmpi sgt
// CHECK:   scf.for {{.*}} -> (vector<4xf32>, vector<4xf32>, vector<4xf32>, vector<4xf32>)
// CHECK:     vector.fma
// CHECK:   vector.reduction <maxnumf>
// CHECK:   math.exp {{.*}} : f32
// CHECK:   math.exp {{.*}} : vector<4xf32>
// CHECK:   vector.reduction <add>
// CHECK-COUNT-4: vector.fma {{.*}} : vector<8xf32>
// CHECK: %[[D:.*]] = vector.broadcast %[[R]]#1
// CHECK: arith.divf %[[R]]#2, %[[D]]
func.func @causal(%p: index, %q: tensor<1x1x8xf32>, %k: tensor<1x3x8x4xf32>, %v: tensor<1x12x8xf32>) -> tensor<1x1x8xf32> {
  %a = kernel.attention %q, %k, %v at %p scale 0.125 into %q
    : (tensor<1x1x8xf32>, tensor<1x3x8x4xf32>, tensor<1x12x8xf32>, index, tensor<1x1x8xf32>) -> tensor<1x1x8xf32>
  return %a : tensor<1x1x8xf32>
}

// With a window the loop begins at the block of position p - 4, and lanes before it are masked.
// CHECK-LABEL: func.func @windowed
// CHECK-SAME: %[[P:[^:]*]]: index
// CHECK: %[[FIRST:.*]] = arith.subi %[[P]], %c4
// CHECK: %[[CLAMPED:.*]] = arith.maxsi %[[FIRST]]
// CHECK: %[[BEGIN:.*]] = arith.divui %[[CLAMPED]]
// CHECK: scf.for %{{.*}} = %[[BEGIN]] to
// CHECK: arith.cmpi sgt
func.func @windowed(%p: index, %q: tensor<1x1x8xf32>, %k: tensor<1x3x8x4xf32>, %v: tensor<1x12x8xf32>) -> tensor<1x1x8xf32> {
  %a = kernel.attention %q, %k, %v at %p scale 0.125 window 5 into %q
    : (tensor<1x1x8xf32>, tensor<1x3x8x4xf32>, tensor<1x12x8xf32>, index, tensor<1x1x8xf32>) -> tensor<1x1x8xf32>
  return %a : tensor<1x1x8xf32>
}

// -----

func.func @two_rows(%p: index, %q: tensor<2x1x8xf32>, %k: tensor<1x3x8x4xf32>, %v: tensor<1x12x8xf32>) -> tensor<2x1x8xf32> {
  // expected-error @+1 {{expects a tile of one row and one head to be vectorized, but got 'tensor<2x1x8xf32>'}}
  %a = kernel.attention %q, %k, %v at %p scale 0.125 into %q
    : (tensor<2x1x8xf32>, tensor<1x3x8x4xf32>, tensor<1x12x8xf32>, index, tensor<2x1x8xf32>) -> tensor<2x1x8xf32>
  return %a : tensor<2x1x8xf32>
}
