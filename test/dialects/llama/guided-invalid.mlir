// RUN: cria-opt %s -split-input-file -verify-diagnostics

// llama.quantize (C3)
func.func @f(%w: tensor<4x64xf32>) {
  // expected-error @+1 {{'llama.quantize' op expects @x to name a llama.observation op, but got nothing}}
  %q = llama.quantize %w format q4 guided by @x : tensor<4x64xf32> -> tensor<4x64xf32>
  return
}

// -----

// llama.quantize (C3)
llama.observation @x in "records" number 0 width 32
func.func @f(%w: tensor<4x64xf32>) {
  // expected-error @+1 {{expects vectors of the width of @x, 32, but got 'tensor<4x64xf32>'}}
  %q = llama.quantize %w format q4 guided by @x : tensor<4x64xf32> -> tensor<4x64xf32>
  return
}
