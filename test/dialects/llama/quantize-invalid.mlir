// RUN: cria-opt %s -split-input-file -verify-diagnostics

// llama.quantize (C1)
func.func @f(%w: tensor<4x40xf32>) {
  // expected-error @+1 {{'llama.quantize' op expects rows that are a multiple of 32 long, but got 'tensor<4x40xf32>'}}
  %q = llama.quantize %w format q8 : tensor<4x40xf32> -> tensor<4x40xf32>
  return
}

// -----

// llama.quantize (C2)
func.func @f(%w: tensor<4x64xf32>) {
  // expected-error @+1 {{'llama.quantize' op expects a result of the input's shape, but got 'tensor<8x32xf32>'}}
  %q = llama.quantize %w format q8 : tensor<4x64xf32> -> tensor<8x32xf32>
  return
}

// -----

// llama.pack_blocks (C1)
func.func @f(%w: tensor<4x64xf32>) {
  // expected-error @+1 {{'llama.pack_blocks' op expects rows that are a multiple of 32 long, in blocks of 1 to 64}}
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

// llama.quantize_rows (C1)
func.func @f(%x: tensor<?x40xf32>) {
  // expected-error @+1 {{'llama.quantize_rows' op expects rows that are a multiple of 32 long, but got 'tensor<?x40xf32>'}}
  %r = llama.quantize_rows %x : tensor<?x40xf32>
  return
}

// -----

// llama.round: only to narrower types
func.func @f(%x: tensor<?x64xf32>) {
  // expected-error @+1 {{attribute 'narrow' failed to satisfy constraint: type attribute of 16-bit float or bfloat16 type}}
  %r = llama.round %x to f32 : tensor<?x64xf32>
  return
}
