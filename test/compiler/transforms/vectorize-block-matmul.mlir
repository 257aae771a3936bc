// RUN: cria-opt %s --kernel-vectorize-block-matmul -split-input-file -verify-diagnostics | FileCheck %s

// Two rows of codes: 16 scales, then four vectors, each unpacked once into two of
// bytes that meet four codes of either row. The offset is 8 times the codes' sum.
// CHECK-LABEL: func.func @q4
// CHECK: scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>)
// CHECK:   vector.bitcast {{.*}} : vector<32xi8> to vector<16xf16>
// CHECK:   arith.extf
// CHECK:   arith.constant -8 : i32
// CHECK:   vector.transfer_read {{.*}} : tensor<1x2x288xi8>, vector<64xi8>
// CHECK:   arith.andi
// CHECK-COUNT-2: kernel.dot
// CHECK:   arith.shrui
// CHECK-COUNT-14: kernel.dot
// CHECK-NOT: kernel.dot
// CHECK:   arith.sitofp
// CHECK-COUNT-2: vector.fma
func.func @q4(%q: tensor<2x2x32xi8>, %s: tensor<2x2xf32>, %n: tensor<2x2xi32>, %w: tensor<1x2x288xi8>,
              %o: tensor<2x1x16xf32>) -> tensor<2x1x16xf32> {
  %y = kernel.block_matmul %q, %s, %n, %w format q4 into %o
    : (tensor<2x2x32xi8>, tensor<2x2xf32>, tensor<2x2xi32>, tensor<1x2x288xi8>, tensor<2x1x16xf32>) -> tensor<2x1x16xf32>
  return %y : tensor<2x1x16xf32>
}

// CHECK-LABEL: func.func @q8
// CHECK: arith.constant -128 : i32
// CHECK-NOT: arith.andi
// CHECK-COUNT-8: kernel.dot
func.func @q8(%q: tensor<1x2x32xi8>, %s: tensor<1x2xf32>, %n: tensor<1x2xi32>, %w: tensor<1x2x544xi8>,
              %o: tensor<1x1x16xf32>) -> tensor<1x1x16xf32> {
  %y = kernel.block_matmul %q, %s, %n, %w format q8 into %o
    : (tensor<1x2x32xi8>, tensor<1x2xf32>, tensor<1x2xi32>, tensor<1x2x544xi8>, tensor<1x1x16xf32>) -> tensor<1x1x16xf32>
  return %y : tensor<1x1x16xf32>
}

// -----

func.func @two(%q: tensor<1x2x32xi8>, %s: tensor<1x2xf32>, %n: tensor<1x2xi32>, %w: tensor<2x2x288xi8>, %o: tensor<1x2x16xf32>) -> tensor<1x2x16xf32> {
  // expected-error @+1 {{expects a tile of one panel to be vectorized, but got 'tensor<2x2x288xi8>'}}
  %y = kernel.block_matmul %q, %s, %n, %w format q4 into %o
    : (tensor<1x2x32xi8>, tensor<1x2xf32>, tensor<1x2xi32>, tensor<2x2x288xi8>, tensor<1x2x16xf32>) -> tensor<1x2x16xf32>
  return %y : tensor<1x2x16xf32>
}
