// RUN: cria-opt %s | cria-opt | FileCheck %s

// CHECK-LABEL: func.func @block_matmul
func.func @block_matmul(%q: tensor<1x2x32xi8>, %s: tensor<1x4xf32>, %n: tensor<1x2xf32>, %w: tensor<3x2x288xi8>,
                        %o: tensor<1x3x16xf32>) -> tensor<1x3x16xf32> {
  // CHECK: kernel.block_matmul %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} format{{ +}}q4 into %{{.*}} :
  %y = kernel.block_matmul %q, %s, %n, %w format q4 into %o
    : (tensor<1x2x32xi8>, tensor<1x4xf32>, tensor<1x2xf32>, tensor<3x2x288xi8>, tensor<1x3x16xf32>) -> tensor<1x3x16xf32>
  return %y : tensor<1x3x16xf32>
}

// CHECK-LABEL: func.func @dot
func.func @dot(%s: vector<16xi32>, %w: vector<64xi8>, %a: i32) -> vector<16xi32> {
  // CHECK: kernel.dot %{{.*}}, %{{.*}}, %{{.*}} : vector<16xi32>, vector<64xi8>
  %r = kernel.dot %s, %w, %a : vector<16xi32>, vector<64xi8>
  return %r : vector<16xi32>
}

// CHECK-LABEL: func.func @prefetch
func.func @prefetch(%w: tensor<3x2x288xi8>, %i: index) {
  // CHECK: kernel.prefetch %{{.*}}[%[[I:.*]], %[[I]], %[[I]]] : tensor<3x2x288xi8>
  kernel.prefetch %w[%i, %i, %i] : tensor<3x2x288xi8>
  // CHECK: kernel.prefetch %{{.*}}[%[[I]], %[[I]], %[[I]]] {cache = 1 : i64} : tensor<3x2x288xi8>
  kernel.prefetch %w[%i, %i, %i] {cache = 1 : i64} : tensor<3x2x288xi8>
  return
}

// CHECK-LABEL: func.func @dot_bf16
func.func @dot_bf16(%s: vector<16xf32>, %w: vector<32xbf16>, %a: i32) -> vector<16xf32> {
  // CHECK: kernel.dot %{{.*}}, %{{.*}}, %{{.*}} : vector<16xf32>, vector<32xbf16>
  %r = kernel.dot %s, %w, %a : vector<16xf32>, vector<32xbf16>
  return %r : vector<16xf32>
}

// CHECK-LABEL: func.func @quantize_rows
func.func @quantize_rows(%x: tensor<1x4x16xf32>, %q: tensor<1x2x32xi8>, %s: tensor<1x4xf32>, %n: tensor<1x2xf32>) -> tensor<1x2x32xi8> {
  // CHECK: kernel.quantize_rows %{{.*}} into %{{.*}}, %{{.*}}, %{{.*}} : (tensor<1x4x16xf32>, tensor<1x2x32xi8>, tensor<1x4xf32>, tensor<1x2xf32>) -> (tensor<1x2x32xi8>, tensor<1x4xf32>, tensor<1x2xf32>)
  %a, %b, %c = kernel.quantize_rows %x into %q, %s, %n
    : (tensor<1x4x16xf32>, tensor<1x2x32xi8>, tensor<1x4xf32>, tensor<1x2xf32>) -> (tensor<1x2x32xi8>, tensor<1x4xf32>, tensor<1x2xf32>)
  return %a : tensor<1x2x32xi8>
}

// CHECK-LABEL: func.func @microscaled
func.func @microscaled(%x: tensor<1x4x16xf32>, %q: tensor<1x2x32xi8>, %s: tensor<1x2xf32>, %n: tensor<1x2xf32>,
                       %w: tensor<3x2x288xi8>, %o: tensor<1x3x16xf32>) -> tensor<1x3x16xf32> {
  // CHECK: kernel.quantize_rows %{{.*}} microscaled offset 8 into
  %a, %b, %c = kernel.quantize_rows %x microscaled offset 8 into %q, %s, %n
    : (tensor<1x4x16xf32>, tensor<1x2x32xi8>, tensor<1x2xf32>, tensor<1x2xf32>) -> (tensor<1x2x32xi8>, tensor<1x2xf32>, tensor<1x2xf32>)
  // CHECK: kernel.block_matmul %{{.*}} format{{ +}}q4 microscaled into
  %y = kernel.block_matmul %a, %b, %c, %w format q4 microscaled into %o
    : (tensor<1x2x32xi8>, tensor<1x2xf32>, tensor<1x2xf32>, tensor<3x2x288xi8>, tensor<1x3x16xf32>) -> tensor<1x3x16xf32>
  return %y : tensor<1x3x16xf32>
}

// Two levels, groups of 16: twice as many sums.
// CHECK-LABEL: func.func @q6_k
func.func @q6_k(%q: tensor<1x8x32xi8>, %s: tensor<1x16xf32>, %n: tensor<1x16xf32>, %w: tensor<3x1x3360xi8>,
                %o: tensor<1x3x16xf32>) -> tensor<1x3x16xf32> {
  // CHECK: kernel.block_matmul %{{.*}} format{{ +}}q6_k into %{{.*}} :
  %y = kernel.block_matmul %q, %s, %n, %w format q6_k into %o
    : (tensor<1x8x32xi8>, tensor<1x16xf32>, tensor<1x16xf32>, tensor<3x1x3360xi8>, tensor<1x3x16xf32>) -> tensor<1x3x16xf32>
  return %y : tensor<1x3x16xf32>
}

// CHECK-LABEL: func.func @lookup
func.func @lookup(%i: vector<64xi8>) -> vector<64xi8> {
  // CHECK: kernel.lookup %{{.*}} in [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12] : vector<64xi8>
  %r = kernel.lookup %i in [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12] : vector<64xi8>
  return %r : vector<64xi8>
}

// Six groups of 32 columns reach into a second block of 128.
// CHECK-LABEL: func.func @partial
func.func @partial(%q: tensor<1x6x32xi8>, %s: tensor<1x12xf32>, %n: tensor<1x6xf32>, %w: tensor<3x2x1056xi8>,
                   %o: tensor<1x3x16xf32>) -> tensor<1x3x16xf32> {
  // CHECK: kernel.block_matmul %{{.*}} format{{ +}}q4_128 into %{{.*}} :
  %y = kernel.block_matmul %q, %s, %n, %w format q4_128 into %o
    : (tensor<1x6x32xi8>, tensor<1x12xf32>, tensor<1x6xf32>, tensor<3x2x1056xi8>, tensor<1x3x16xf32>) -> tensor<1x3x16xf32>
  return %y : tensor<1x3x16xf32>
}
