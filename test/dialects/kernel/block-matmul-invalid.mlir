// RUN: cria-opt %s -split-input-file -verify-diagnostics

// kernel.block_matmul (C1): blocks of q8 are longer
func.func @f(%q: tensor<1x2x32xi8>, %s: tensor<1x4xf32>, %n: tensor<1x2xf32>, %w: tensor<3x2x288xi8>, %o: tensor<1x3x16xf32>) {
  // expected-error @+1 {{'kernel.block_matmul' op expects blocks of the destination's rows in format q8}}
  %y = kernel.block_matmul %q, %s, %n, %w format q8 into %o
    : (tensor<1x2x32xi8>, tensor<1x4xf32>, tensor<1x2xf32>, tensor<3x2x288xi8>, tensor<1x3x16xf32>) -> tensor<1x3x16xf32>
  return
}

// -----

// kernel.block_matmul (C2): three groups of codes, two of panels
func.func @f(%q: tensor<1x3x32xi8>, %s: tensor<1x6xf32>, %n: tensor<1x3xf32>, %w: tensor<3x2x288xi8>, %o: tensor<1x3x16xf32>) {
  // expected-error @+1 {{'kernel.block_matmul' op expects codes [T, G, 32], scales [T, 2 G], sums [T, G] or [T, 2 G], panels [P, 32 G / 32 rounded up, B] and destination [T, P, R]}}
  %y = kernel.block_matmul %q, %s, %n, %w format q4 into %o
    : (tensor<1x3x32xi8>, tensor<1x6xf32>, tensor<1x3xf32>, tensor<3x2x288xi8>, tensor<1x3x16xf32>) -> tensor<1x3x16xf32>
  return
}

// -----

// kernel.block_matmul (C2): groups of 16 columns have sums of their own
func.func @f(%q: tensor<1x8x32xi8>, %s: tensor<1x16xf32>, %n: tensor<1x8xf32>, %w: tensor<3x1x3360xi8>, %o: tensor<1x3x16xf32>) {
  // expected-error @+1 {{'kernel.block_matmul' op expects codes [T, G, 32], scales [T, 2 G], sums [T, 2 G], panels [P, 32 G / 256 rounded up, B]}}
  %y = kernel.block_matmul %q, %s, %n, %w format q6_k into %o
    : (tensor<1x8x32xi8>, tensor<1x16xf32>, tensor<1x8xf32>, tensor<3x1x3360xi8>, tensor<1x3x16xf32>) -> tensor<1x3x16xf32>
  return
}

// -----

// kernel.lookup (C1)
func.func @f(%i: vector<64xi8>) {
  // expected-error @+1 {{'kernel.lookup' op expects a table of 16 entries, but got 2}}
  %r = kernel.lookup %i in [1, 2] : vector<64xi8>
  return
}

// -----

// kernel.dot (C1)
func.func @f(%s: vector<16xi32>, %w: vector<32xi8>, %a: i32) {
  // expected-error @+1 {{'kernel.dot' op expects four bytes to a sum, but got 32 for 16}}
  %r = kernel.dot %s, %w, %a : vector<16xi32>, vector<32xi8>
  return
}

// -----

// kernel.dot (C1)
func.func @f(%s: vector<16xf32>, %w: vector<64xbf16>, %a: i32) {
  // expected-error @+1 {{'kernel.dot' op expects two BF16 to a sum, but got 64 for 16}}
  %r = kernel.dot %s, %w, %a : vector<16xf32>, vector<64xbf16>
  return
}

// -----

// kernel.dot (C2)
func.func @f(%s: vector<16xi32>, %w: vector<32xbf16>, %a: i32) {
  // expected-error @+1 {{'kernel.dot' op expects sums of f32 for 'vector<32xbf16>', but got 'vector<16xi32>'}}
  %r = kernel.dot %s, %w, %a : vector<16xi32>, vector<32xbf16>
  return
}

// -----

// kernel.dot (C2)
func.func @f(%s: vector<16xf32>, %w: vector<64xi8>, %a: i32) {
  // expected-error @+1 {{'kernel.dot' op expects sums of i32 for 'vector<64xi8>', but got 'vector<16xf32>'}}
  %r = kernel.dot %s, %w, %a : vector<16xf32>, vector<64xi8>
  return
}

// -----

// kernel.dot (C3)
func.func @f(%s: vector<16xi32>, %w: vector<64xi8>, %a: i32) {
  // expected-error @+1 {{'kernel.dot' op expects the largest of unsigned bytes to be 1 to 255, but got 256 for 'vector<64xi8>'}}
  %r = kernel.dot %s, %w, %a {largest = 256 : i32} : vector<16xi32>, vector<64xi8>
  return
}

// -----

// kernel.dot (C3)
func.func @f(%s: vector<16xf32>, %w: vector<32xbf16>, %a: i32) {
  // expected-error @+1 {{'kernel.dot' op expects the largest of unsigned bytes to be 1 to 255, but got 15 for 'vector<32xbf16>'}}
  %r = kernel.dot %s, %w, %a {largest = 15 : i32} : vector<16xf32>, vector<32xbf16>
  return
}

// -----

// kernel.dot (C3)
func.func @f(%s: vector<16xi32>, %w: vector<64xi8>, %a: i32) {
  // expected-error @+1 {{'kernel.dot' op expects the largest of unsigned bytes to be 1 to 255, but got 15 for signed 'vector<64xi8>'}}
  %r = kernel.dot %s, %w, %a signed {largest = 15 : i32} : vector<16xi32>, vector<64xi8>
  return
}

// -----

// kernel.dot (C3)
func.func @f(%s: vector<16xf32>, %w: vector<32xbf16>, %a: i32) {
  // expected-error @+1 {{'kernel.dot' op expects signed weights to be bytes, but got 'vector<32xbf16>'}}
  %r = kernel.dot %s, %w, %a signed : vector<16xf32>, vector<32xbf16>
  return
}

// -----

// kernel.prefetch (C1)
func.func @f(%w: tensor<3x2x288xi8>, %i: index) {
  // expected-error @+1 {{'kernel.prefetch' op expects 3 indices, but got 1}}
  kernel.prefetch %w[%i] : tensor<3x2x288xi8>
  return
}

// -----

// kernel.prefetch (C2)
func.func @f(%w: tensor<3x2x288xi8>, %i: index) {
  // expected-error @+1 {{'kernel.prefetch' op expects cache 1 or 2, but got 3}}
  kernel.prefetch %w[%i, %i, %i] {cache = 3 : i64} : tensor<3x2x288xi8>
  return
}

// -----

// kernel.block_matmul (C2): rows that are not microscaled have two numbers to a scale
func.func @f(%q: tensor<1x2x32xi8>, %s: tensor<1x2xf32>, %n: tensor<1x2xf32>, %w: tensor<3x2x288xi8>, %o: tensor<1x3x16xf32>) {
  // expected-error @+1 {{'kernel.block_matmul' op expects codes [T, G, 32], scales [T, 2 G], sums [T, G] or [T, 2 G]}}
  %y = kernel.block_matmul %q, %s, %n, %w format q4 into %o
    : (tensor<1x2x32xi8>, tensor<1x2xf32>, tensor<1x2xf32>, tensor<3x2x288xi8>, tensor<1x3x16xf32>) -> tensor<1x3x16xf32>
  return
}

// -----

// kernel.block_matmul (C3): two rows share the bytes of factors of 6 bits
func.func @f(%q: tensor<1x8x32xi8>, %s: tensor<1x16xf32>, %n: tensor<1x8xf32>, %w: tensor<3x1x?xi8>, %o: tensor<1x3x15xf32>) {
  // expected-error @+1 {{'kernel.block_matmul' op expects an even number of rows, two of which share bytes in q4_k, but got 15}}
  %y = kernel.block_matmul %q, %s, %n, %w format q4_k into %o
    : (tensor<1x8x32xi8>, tensor<1x16xf32>, tensor<1x8xf32>, tensor<3x1x?xi8>, tensor<1x3x15xf32>) -> tensor<1x3x15xf32>
  return
}
