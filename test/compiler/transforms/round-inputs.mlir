// RUN: cria-opt %s --pass-pipeline='builtin.module(func.func(llama-round-inputs),cse)' | FileCheck %s

// Once for two matrices; not for F16, nor for an odd number of columns.
// CHECK-LABEL: func.func @forward
// CHECK-SAME: (%[[X:.*]]: tensor<?x64xf32>, %[[Y:.*]]: tensor<?x5xf32>
// CHECK: %[[R:.*]] = llama.round %[[X]] to bf16 : tensor<?x64xf32>
// CHECK-NOT: llama.round
// CHECK: llama.linear %[[R]], %{{.*}} : (tensor<?x64xf32>, tensor<32x64xbf16>)
// CHECK: llama.linear %[[R]], %{{.*}} : (tensor<?x64xf32>, tensor<16x64xbf16>)
// CHECK: llama.linear %[[X]], %{{.*}} : (tensor<?x64xf32>, tensor<32x64xf16>)
// CHECK: llama.linear %[[Y]], %{{.*}} : (tensor<?x5xf32>, tensor<8x5xbf16>)
func.func @forward(%x: tensor<?x64xf32>, %y: tensor<?x5xf32>, %a: tensor<32x64xbf16>, %b: tensor<16x64xbf16>,
                   %c: tensor<32x64xf16>, %d: tensor<8x5xbf16>)
    -> (tensor<?x32xf32>, tensor<?x16xf32>, tensor<?x32xf32>, tensor<?x8xf32>) {
  %0 = llama.linear %x, %a : (tensor<?x64xf32>, tensor<32x64xbf16>) -> tensor<?x32xf32>
  %1 = llama.linear %x, %b : (tensor<?x64xf32>, tensor<16x64xbf16>) -> tensor<?x16xf32>
  %2 = llama.linear %x, %c : (tensor<?x64xf32>, tensor<32x64xf16>) -> tensor<?x32xf32>
  %3 = llama.linear %y, %d : (tensor<?x5xf32>, tensor<8x5xbf16>) -> tensor<?x8xf32>
  return %0, %1, %2, %3 : tensor<?x32xf32>, tensor<?x16xf32>, tensor<?x32xf32>, tensor<?x8xf32>
}
