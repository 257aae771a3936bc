// RUN: cria-opt %s --kernel-split-attention | FileCheck %s
// RUN: cria-opt %s --kernel-split-attention="pieces=4 positions=64" | FileCheck %s --check-prefix=FEW

module attributes {kernel.target = "x86-64-v4"} {
  // Two heads of a cache of 512 positions are 32 pieces if each has 16 parts; but there
  // are only 8 steps of 64. Scales and tables go along.
  // CHECK-LABEL: func.func @one
  // CHECK-SAME: %[[Q:[^:]*]]: tensor<1x4x32xf32>, %[[K:[^:]*]]: tensor<8x2x32x64xi8>
  // CHECK: %[[PARTS:.*]] = tensor.empty() {kernel.buffer = 0 : i64} : tensor<8x4x64xf32>
  // CHECK: %[[FIRST:.*]] = arith.constant 0 : index
  // CHECK: %[[FOUND:.*]] = kernel.attention %[[Q]], %[[K]], {{.*}} at %[[P:.*]] scale 1.250000e-01 window 100 part %[[FIRST]] of 8 into %[[PARTS]] rotated %{{.*}} scales %{{.*}}, %{{.*}} :
  // CHECK: %[[A:.*]] = kernel.merge_parts %[[FOUND]] at %[[P]] window 100 into %[[Q]] : (tensor<8x4x64xf32>, index, tensor<1x4x32xf32>) -> tensor<1x4x32xf32>
  // CHECK: return %[[A]]
  // FEW-LABEL: func.func @one
  // FEW: kernel.attention {{.*}} of 2 into
  func.func @one(%q: tensor<1x4x32xf32>, %k: tensor<8x2x32x64xi8>, %v: tensor<8x2x64x32xi8>, %p: index, %t: tensor<512x2x16xf32>, %s: tensor<8x2x1x64xbf16>) -> tensor<1x4x32xf32> {
    %a = kernel.attention %q, %k, %v at %p scale 0.125 window 100 into %q rotated %t scales %s, %s
      : (tensor<1x4x32xf32>, tensor<8x2x32x64xi8>, tensor<8x2x64x32xi8>, index, tensor<1x4x32xf32>, tensor<512x2x16xf32>, tensor<8x2x1x64xbf16>, tensor<8x2x1x64xbf16>) -> tensor<1x4x32xf32>
    return %a : tensor<1x4x32xf32>
  }

  // A chunk has pieces enough.
  // CHECK-LABEL: func.func @chunk
  // CHECK-NOT: part
  // FEW-LABEL: func.func @chunk
  // FEW-NOT: part
  func.func @chunk(%q: tensor<2x4x32xf32>, %k: tensor<8x2x32x64xf32>, %v: tensor<8x2x64x32xf32>, %p: index) -> tensor<2x4x32xf32> {
    %a = kernel.attention %q, %k, %v at %p scale 0.125 into %q
      : (tensor<2x4x32xf32>, tensor<8x2x32x64xf32>, tensor<8x2x64x32xf32>, index, tensor<2x4x32xf32>) -> tensor<2x4x32xf32>
    return %a : tensor<2x4x32xf32>
  }

  // A short cache is not worth it.
  // CHECK-LABEL: func.func @short
  // CHECK-NOT: part
  // FEW-LABEL: func.func @short
  // FEW: kernel.attention {{.*}} of 2 into
  func.func @short(%q: tensor<1x4x32xf32>, %k: tensor<7x2x32x64xf32>, %v: tensor<7x2x64x32xf32>, %p: index) -> tensor<1x4x32xf32> {
    %a = kernel.attention %q, %k, %v at %p scale 0.125 into %q
      : (tensor<1x4x32xf32>, tensor<7x2x32x64xf32>, tensor<7x2x64x32xf32>, index, tensor<1x4x32xf32>) -> tensor<1x4x32xf32>
    return %a : tensor<1x4x32xf32>
  }

  // 32 heads are pieces enough.
  // CHECK-LABEL: func.func @many
  // CHECK-NOT: part
  func.func @many(%q: tensor<1x32x32xf32>, %k: tensor<8x32x32x64xf32>, %v: tensor<8x32x64x32xf32>, %p: index) -> tensor<1x32x32xf32> {
    %a = kernel.attention %q, %k, %v at %p scale 0.125 into %q
      : (tensor<1x32x32xf32>, tensor<8x32x32x64xf32>, tensor<8x32x64x32xf32>, index, tensor<1x32x32xf32>) -> tensor<1x32x32xf32>
    return %a : tensor<1x32x32xf32>
  }
}
