// RUN: cria-opt %s --pass-pipeline='builtin.module(func.func(kernel-vectorize-elementwise))' | FileCheck %s
// RUN: cria-opt %s --pass-pipeline='builtin.module(func.func(kernel-vectorize-elementwise))' \
// RUN:   --remarks-filter='.*' --remark-format=emitRemark 2>&1 | FileCheck %s --check-prefix=REMARK

#id = affine_map<(t, n) -> (t, n)>

module attributes {kernel.target = "x86-64-v3"} {
  // 8 lanes, but 12 columns: a vector of 4 divides both.
  // CHECK-LABEL: func.func @divisor
  // CHECK: %[[STEP:.*]] = arith.constant 4 : index
  // CHECK: scf.for %{{.*}} = %{{.*}} to %{{.*}} step %[[STEP]]
  // CHECK: arith.addf {{.*}} : vector<1x4xf32>
  func.func @divisor(%x: tensor<1x12xf32>, %o: tensor<1x12xf32>) -> tensor<1x12xf32> {
    %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x : tensor<1x12xf32>) outs(%o : tensor<1x12xf32>) {
    ^bb0(%a: f32, %c: f32):
      %0 = arith.addf %a, %c : f32
      linalg.yield %0 : f32
    } -> tensor<1x12xf32>
    return %r : tensor<1x12xf32>
  }

  // REMARK: its innermost loop has no common divisor with the vector length
  // CHECK-LABEL: func.func @odd
  // CHECK: linalg.generic
  func.func @odd(%x: tensor<1x7xf32>, %o: tensor<1x7xf32>) -> tensor<1x7xf32> {
    %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x : tensor<1x7xf32>) outs(%o : tensor<1x7xf32>) {
    ^bb0(%a: f32, %c: f32):
      %0 = arith.addf %a, %c : f32
      linalg.yield %0 : f32
    } -> tensor<1x7xf32>
    return %r : tensor<1x7xf32>
  }

  // REMARK: its loops have no turns
  // CHECK-LABEL: func.func @none
  // CHECK: linalg.generic
  func.func @none(%x: tensor<0x8xf32>, %o: tensor<0x8xf32>) -> tensor<0x8xf32> {
    %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x : tensor<0x8xf32>) outs(%o : tensor<0x8xf32>) {
    ^bb0(%a: f32, %c: f32):
      %0 = arith.addf %a, %c : f32
      linalg.yield %0 : f32
    } -> tensor<0x8xf32>
    return %r : tensor<0x8xf32>
  }
}
