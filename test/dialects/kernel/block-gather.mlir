// RUN: cria-opt %s | cria-opt | FileCheck %s

// CHECK-LABEL: func.func @block_gather
func.func @block_gather(%i: tensor<2xi32>, %w: tensor<3x2x288xi8>, %o: tensor<2x64xf32>) -> tensor<2x64xf32> {
  // CHECK: kernel.block_gather %{{.*}} of %{{.*}} rows 16 format{{ +}}q4 into %{{.*}} :
  %y = kernel.block_gather %i of %w rows 16 format q4 into %o
    : (tensor<2xi32>, tensor<3x2x288xi8>, tensor<2x64xf32>) -> tensor<2x64xf32>
  return %y : tensor<2x64xf32>
}

// The last block of a row need not be full.
// CHECK-LABEL: func.func @partial
func.func @partial(%i: tensor<1xi32>, %w: tensor<3x2x288xi8>, %o: tensor<1x44xf32>) -> tensor<1x44xf32> {
  // CHECK: kernel.block_gather
  %y = kernel.block_gather %i of %w rows 16 format q4 into %o
    : (tensor<1xi32>, tensor<3x2x288xi8>, tensor<1x44xf32>) -> tensor<1x44xf32>
  return %y : tensor<1x44xf32>
}
