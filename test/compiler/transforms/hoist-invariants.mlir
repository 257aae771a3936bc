// RUN: cria-opt %s --pass-pipeline='builtin.module(func.func(kernel-hoist-invariants))' | FileCheck %s

// The sum becomes a vector that the loop carries.
// CHECK-LABEL: func.func @sum
// CHECK: %[[FIRST:.*]] = vector.transfer_read
// CHECK: scf.for {{.*}} iter_args({{.*}} = %[[FIRST]]) -> (tensor<4xf32>, vector<4xf32>)
// CHECK: vector.transfer_write
func.func @sum(%o: tensor<4xf32>, %v: vector<4xf32>, %n: index) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %pad = arith.constant 0.0 : f32
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%t = %o) -> (tensor<4xf32>) {
    %a = vector.transfer_read %t[%c0], %pad {in_bounds = [true]} : tensor<4xf32>, vector<4xf32>
    %b = arith.addf %a, %v : vector<4xf32>
    %w = vector.transfer_write %b, %t[%c0] {in_bounds = [true]} : vector<4xf32>, tensor<4xf32>
    scf.yield %w : tensor<4xf32>
  }
  return %r : tensor<4xf32>
}

// What is the same in every turn leaves the loop, and the one around it.
// CHECK-LABEL: func.func @same
// CHECK: arith.mulf
// CHECK: scf.for
// CHECK: scf.for
// CHECK: arith.addf
func.func @same(%s: vector<4xf32>, %v: vector<4xf32>, %n: index) -> vector<4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%a = %s) -> (vector<4xf32>) {
    %q = scf.for %j = %c0 to %n step %c1 iter_args(%b = %a) -> (vector<4xf32>) {
      %m = arith.mulf %v, %v : vector<4xf32>
      %d = arith.addf %b, %m : vector<4xf32>
      scf.yield %d : vector<4xf32>
    }
    scf.yield %q : vector<4xf32>
  }
  return %r : vector<4xf32>
}

// What is invariant in an scf.forall stays: outside, every thread would do it.
// CHECK-LABEL: func.func @forall
// CHECK: scf.forall
// CHECK: linalg.fill
func.func @forall(%o: tensor<4xf32>, %x: f32) -> tensor<4xf32> {
  %r = scf.forall (%i) in (1) shared_outs(%t = %o) -> (tensor<4xf32>) {
    %e = tensor.empty() : tensor<4xf32>
    %f = linalg.fill ins(%x : f32) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %f into %t[0] [4] [1] : tensor<4xf32> into tensor<4xf32>
    }
  } {mapping = [#kernel.thread<0>]}
  return %r : tensor<4xf32>
}
