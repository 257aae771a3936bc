// RUN: cria-opt %s -split-input-file -verify-diagnostics

// llama.quantize (C2)
func.func @f(%w: tensor<4x256xf32>) {
  // expected-error @+1 {{'llama.quantize' op expects a format of q8, q6, q5, q5z, q4, q4_64, q4_128, q4z, q4z_64, q4z_128, nf4, mxfp4, q3, q2, ternary, but got q4_k, which only files hold}}
  %q = llama.quantize %w format q4_k : tensor<4x256xf32> -> tensor<4x256xf32>
  return
}

// -----

// llama.quantize (C1)
func.func @f(%w: tensor<4x64xf32>) {
  // expected-error @+1 {{'llama.quantize' op expects a result of the input's shape, but got 'tensor<8x32xf32>'}}
  %q = llama.quantize %w format q8 : tensor<4x64xf32> -> tensor<8x32xf32>
  return
}

// -----

// llama.pack_blocks (C1)
func.func @f(%w: tensor<4x64xf32>) {
  // expected-error @+1 {{'llama.pack_blocks' op expects blocks of 1 to 64 rows, but got 65}}
  %q = llama.pack_blocks %w rows 65 format q8 : tensor<4x64xf32> -> tensor<1x2x2210xi8>
  return
}

// -----

// llama.pack_blocks (C2)
func.func @f(%w: tensor<4x64xf32>) {
  // expected-error @+1 {{'llama.pack_blocks' op expects a result of shape [1, 2, 544], but got 'tensor<1x2x288xi8>'}}
  %q = llama.pack_blocks %w rows 16 format q8 : tensor<4x64xf32> -> tensor<1x2x288xi8>
  return
}

// -----

// llama.round: only to narrower types
func.func @f(%x: tensor<?x64xf32>) {
  // expected-error @+1 {{attribute 'narrow' failed to satisfy constraint: type attribute of 16-bit float or bfloat16 type}}
  %r = llama.round %x to f32 : tensor<?x64xf32>
  return
}

// -----

// llama.pack_blocks (C3)
llama.source @k in "m" at 0 as q3_k : tensor<4x256xf32>
func.func @f() {
  %w = llama.weight @k : tensor<4x256xf32>
  // expected-error @+1 {{'llama.pack_blocks' op expects an even number of rows, two of which share bytes in q3_k, but got 5}}
  %q = llama.pack_blocks %w rows 5 format q3_k : tensor<4x256xf32> -> tensor<1x1x550xi8>
  return
}

// -----

// llama.row_norms (C1)
func.func @f(%w: tensor<4x64xf32>) {
  // expected-error @+1 {{'llama.row_norms' op expects rows in [1, 4096], but got 0}}
  %n = llama.row_norms %w rows 0 : (tensor<4x64xf32>) -> tensor<1xf32>
  return
}

// -----

// llama.row_norms (C2)
func.func @f(%w: tensor<4x64xf32>, %v: tensor<4x32xf32>) {
  // expected-error @+1 {{'llama.row_norms' op expects to take away a matrix of the input's shape, but got 'tensor<4x32xf32>' for 'tensor<4x64xf32>'}}
  %n = llama.row_norms %w minus %v rows 4 : (tensor<4x64xf32>, tensor<4x32xf32>) -> tensor<1xf32>
  return
}

// -----

// llama.row_norms (C3)
func.func @f(%w: tensor<5x64xf32>) {
  // expected-error @+1 {{'llama.row_norms' op expects a result of 2 norms, but got 'tensor<1xf32>'}}
  %n = llama.row_norms %w rows 4 : (tensor<5x64xf32>) -> tensor<1xf32>
  return
}
