// RUN: cria-opt %s --pass-pipeline='builtin.module(func.func(kernel-vectorize-matmul))' | FileCheck %s

#x = affine_map<(t, p, k, r) -> (t, k)>
#w = affine_map<(t, p, k, r) -> (p, k, r)>
#y = affine_map<(t, p, k, r) -> (t, p, r)>

module attributes {kernel.target = "x86-64-v3"} {
  // Two rows, 10 columns by four: one loop over 8 of them, then two more. Weights
  // are read and widened once for both rows.
  // CHECK-LABEL: func.func @tile
  // CHECK: %[[WHOLE:.*]] = arith.constant 8 : index
  // CHECK: %[[STEP:.*]] = arith.constant 4 : index
  // CHECK: scf.for %{{.*}} = %{{.*}} to %[[WHOLE]] step %[[STEP]] {{.*}} -> (vector<16xf32>, vector<16xf32>)
  // CHECK:   vector.transfer_read {{.*}} : tensor<1x10x16xf16>, vector<16xf16>
  // CHECK:   arith.extf
  // CHECK-COUNT-8: vector.fma
  // CHECK:   scf.yield
  // CHECK-COUNT-4: vector.fma
  // CHECK-COUNT-2: vector.transfer_write {{.*}} : vector<16xf32>, tensor<2x1x16xf32>
  // CHECK-NOT: linalg.generic
  func.func @tile(%x: tensor<2x10xf32>, %w: tensor<1x10x16xf16>, %o: tensor<2x1x16xf32>) -> tensor<2x1x16xf32> {
    %r = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction", "parallel"]}
        ins(%x, %w : tensor<2x10xf32>, tensor<1x10x16xf16>) outs(%o : tensor<2x1x16xf32>) {
    ^bb0(%a: f32, %b: f16, %c: f32):
      %0 = arith.extf %b : f16 to f32
      %1 = arith.mulf %a, %0 : f32
      %2 = arith.addf %c, %1 : f32
      linalg.yield %2 : f32
    } -> tensor<2x1x16xf32>
    return %r : tensor<2x1x16xf32>
  }

  // Zeros are not written and read back: the sums start from the filled value.
  // CHECK-LABEL: func.func @filled
  // CHECK-SAME: %[[O:[^:]*]]: tensor<1x1x16xf32>
  // CHECK: %[[Z:.*]] = vector.broadcast %{{.*}} : f32 to vector<16xf32>
  // CHECK: scf.for {{.*}} iter_args(%{{.*}} = %[[Z]])
  // CHECK: vector.transfer_write %{{.*}}, %[[O]]
  func.func @filled(%x: tensor<1x8xf32>, %w: tensor<1x8x16xf32>, %o: tensor<1x1x16xf32>) -> tensor<1x1x16xf32> {
    %zero = arith.constant 0.0 : f32
    %f = linalg.fill ins(%zero : f32) outs(%o : tensor<1x1x16xf32>) -> tensor<1x1x16xf32>
    %r = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction", "parallel"]}
        ins(%x, %w : tensor<1x8xf32>, tensor<1x8x16xf32>) outs(%f : tensor<1x1x16xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %1 = arith.mulf %a, %b : f32
      %2 = arith.addf %c, %1 : f32
      linalg.yield %2 : f32
    } -> tensor<1x1x16xf32>
    return %r : tensor<1x1x16xf32>
  }
}
