// RUN: cria-opt %s --llama-lower-to-kernels -split-input-file -verify-diagnostics
// RUN: not cria-opt %s --llama-lower-to-kernels -split-input-file 2>/dev/null | FileCheck %s --check-prefix=FAILED --allow-empty

// What fails leaves nothing to print.
// FAILED-NOT: module

// A head whose last panel is not full has no room for a bias.
module attributes {kernel.target = "x86-64-v3", llama.model = #llama.model<name = "t", architecture = "llama",
    vocabulary = 20, width = 64, ffn = 64, layers = 1, heads = 2, kvHeads = 1, headSize = 32, contextSize = 30,
    chunk = 8, bosId = 1, addBos = true, eosIds = [2], parameters = 1, inputHash = "0">} {
  llama.source @embed in "m" at 0 : tensor<20x64xf32>
  llama.source @bias in "m" at 9000 : tensor<20xf32>
  func.func @forward_one(%tokens: tensor<1xi32>, %p: index) -> tensor<1x64xf32> {
    %e = llama.weight @embed : tensor<20x64xf32>
    %x = llama.embed %tokens, %e : (tensor<1xi32>, tensor<20x64xf32>) -> tensor<1x64xf32>
    return %x : tensor<1x64xf32>
  }
  func.func @logits_one(%h: tensor<1x64xf32>) -> tensor<1x20xf32> {
    %e = llama.weight @embed : tensor<20x64xf32>
    %b = llama.weight @bias : tensor<20xf32>
    // expected-error @+1 {{expects no bias beside a vocabulary that does not fill panels of 16 rows, but got one for 20}}
    %l = llama.linear %h, %e bias %b : (tensor<1x64xf32>, tensor<20x64xf32>, tensor<20xf32>) -> tensor<1x20xf32>
    return %l : tensor<1x20xf32>
  }
  func.func @forward_chunk(%tokens: tensor<8xi32>, %p: index) -> tensor<8x64xf32> {
    %e = llama.weight @embed : tensor<20x64xf32>
    %x = llama.embed %tokens, %e : (tensor<8xi32>, tensor<20x64xf32>) -> tensor<8x64xf32>
    return %x : tensor<8x64xf32>
  }
  func.func @logits_chunk(%h: tensor<8x64xf32>) -> tensor<8x20xf32> {
    %e = llama.weight @embed : tensor<20x64xf32>
    %b = llama.weight @bias : tensor<20xf32>
    %l = llama.linear %h, %e bias %b : (tensor<8x64xf32>, tensor<20x64xf32>, tensor<20xf32>) -> tensor<8x20xf32>
    return %l : tensor<8x20xf32>
  }
}

// -----

// Rows of queries and keys are ordered by halves before.
module attributes {kernel.target = "x86-64-v3", llama.model = #llama.model<name = "t", architecture = "llama",
    vocabulary = 32, width = 64, ffn = 64, layers = 1, heads = 2, kvHeads = 1, headSize = 32, contextSize = 30,
    chunk = 8, bosId = 1, addBos = true, eosIds = [2], parameters = 1, inputHash = "0">} {
  llama.source @embed in "m" at 0 : tensor<32x64xf32>
  func.func @forward_one(%tokens: tensor<1xi32>, %p: index) -> tensor<1x64xf32> {
    %e = llama.weight @embed : tensor<32x64xf32>
    %x = llama.embed %tokens, %e : (tensor<1xi32>, tensor<32x64xf32>) -> tensor<1x64xf32>
    %t = llama.rope_table theta 1.0e4 : tensor<38x2x16xf32>
    // expected-error @+1 {{expects layout half, as llama-split-rope leaves it}}
    %y = llama.rope %x, %t at %p layout interleaved : (tensor<1x64xf32>, tensor<38x2x16xf32>, index) -> tensor<1x64xf32>
    return %y : tensor<1x64xf32>
  }
  func.func @logits_one(%h: tensor<1x64xf32>) -> tensor<1x32xf32> {
    %e = llama.weight @embed : tensor<32x64xf32>
    %l = llama.linear %h, %e : (tensor<1x64xf32>, tensor<32x64xf32>) -> tensor<1x32xf32>
    return %l : tensor<1x32xf32>
  }
  func.func @forward_chunk(%tokens: tensor<8xi32>, %p: index) -> tensor<8x64xf32> {
    %e = llama.weight @embed : tensor<32x64xf32>
    %x = llama.embed %tokens, %e : (tensor<8xi32>, tensor<32x64xf32>) -> tensor<8x64xf32>
    return %x : tensor<8x64xf32>
  }
  func.func @logits_chunk(%h: tensor<8x64xf32>) -> tensor<8x32xf32> {
    %e = llama.weight @embed : tensor<32x64xf32>
    %l = llama.linear %h, %e : (tensor<8x64xf32>, tensor<32x64xf32>) -> tensor<8x32xf32>
    return %l : tensor<8x32xf32>
  }
}

// -----

// Only products take codes for the numbers that they stand for.
module attributes {kernel.target = "x86-64-v3", llama.model = #llama.model<name = "t", architecture = "llama",
    vocabulary = 32, width = 64, ffn = 64, layers = 1, heads = 2, kvHeads = 1, headSize = 32, contextSize = 30,
    chunk = 8, bosId = 1, addBos = true, eosIds = [2], parameters = 1, inputHash = "0">} {
  func.func @forward_one(%x: tensor<1x64xf32>) -> tensor<1x64xf32> {
    // expected-error @+1 {{expects to be read by products with codes only, but got 'llama.add'}}
    %r = llama.quantize_rows %x : tensor<1x64xf32>
    %y = llama.add %x, %r : tensor<1x64xf32>
    return %y : tensor<1x64xf32>
  }
}

// -----

// Not so, where the matrix is floats; though another one is codes.
module attributes {kernel.target = "x86-64-v3", llama.model = #llama.model<name = "t", architecture = "llama",
    vocabulary = 32, width = 64, ffn = 64, layers = 1, heads = 2, kvHeads = 1, headSize = 32, contextSize = 30,
    chunk = 8, bosId = 1, addBos = true, eosIds = [2], parameters = 1, inputHash = "0">} {
  llama.source @w in "m" at 0 : tensor<32x64xf32>
  func.func @forward_one(%x: tensor<1x64xf32>) -> tensor<1x32xf32> {
    %w = llama.weight @w : tensor<32x64xf32>
    %q = llama.quantize %w format q8 : tensor<32x64xf32> -> tensor<32x64xf32>
    // expected-error @+1 {{expects to be read by products with codes only, but got one with floats}}
    %r = llama.quantize_rows %x : tensor<1x64xf32>
    %z = llama.linear %r, %q : (tensor<1x64xf32>, tensor<32x64xf32>) -> tensor<1x32xf32>
    %y = llama.linear %r, %w : (tensor<1x64xf32>, tensor<32x64xf32>) -> tensor<1x32xf32>
    return %y : tensor<1x32xf32>
  }
}

// -----

// Nothing but products takes numbers of a narrower type, either.
module attributes {kernel.target = "x86-64-v3", llama.model = #llama.model<name = "t", architecture = "llama",
    vocabulary = 32, width = 64, ffn = 64, layers = 1, heads = 2, kvHeads = 1, headSize = 32, contextSize = 30,
    chunk = 8, bosId = 1, addBos = true, eosIds = [2], parameters = 1, inputHash = "0">} {
  func.func @forward_one(%x: tensor<1x64xf32>) -> tensor<1x64xf32> {
    // expected-error @+1 {{expects to be read by products only, but got 'func.return'}}
    %r = llama.round %x to bf16 : tensor<1x64xf32>
    return %r : tensor<1x64xf32>
  }
}

// -----

// As its matrix, a product does not.
module attributes {kernel.target = "x86-64-v3", llama.model = #llama.model<name = "t", architecture = "llama",
    vocabulary = 32, width = 64, ffn = 64, layers = 1, heads = 2, kvHeads = 1, headSize = 32, contextSize = 30,
    chunk = 8, bosId = 1, addBos = true, eosIds = [2], parameters = 1, inputHash = "0">} {
  func.func @forward_one(%x: tensor<1x64xf32>) -> tensor<1x1xf32> {
    // expected-error @+1 {{expects to be read by products only, but got 'llama.linear'}}
    %r = llama.round %x to bf16 : tensor<1x64xf32>
    %y = llama.linear %x, %r : (tensor<1x64xf32>, tensor<1x64xf32>) -> tensor<1x1xf32>
    return %y : tensor<1x1xf32>
  }
}

// -----

// What the lowering does not know is not left out.
module attributes {kernel.target = "x86-64-v3", llama.model = #llama.model<name = "t", architecture = "llama",
    vocabulary = 32, width = 64, ffn = 64, layers = 1, heads = 2, kvHeads = 1, headSize = 32, contextSize = 30,
    chunk = 8, bosId = 1, addBos = true, eosIds = [2], parameters = 1, inputHash = "0">} {
  llama.source @embed in "m" at 0 : tensor<32x64xf32>
  func.func @forward_one(%tokens: tensor<1xi32>, %p: index) -> tensor<1x64xf32> {
    %e = llama.weight @embed : tensor<32x64xf32>
    %x = llama.embed %tokens, %e : (tensor<1xi32>, tensor<32x64xf32>) -> tensor<1x64xf32>
    // expected-error @+1 {{'arith.negf' op has no lowering to kernels}}
    %y = arith.negf %x : tensor<1x64xf32>
    return %y : tensor<1x64xf32>
  }
  func.func @logits_one(%h: tensor<1x64xf32>) -> tensor<1x32xf32> {
    %e = llama.weight @embed : tensor<32x64xf32>
    %l = llama.linear %h, %e : (tensor<1x64xf32>, tensor<32x64xf32>) -> tensor<1x32xf32>
    return %l : tensor<1x32xf32>
  }
  func.func @forward_chunk(%tokens: tensor<8xi32>, %p: index) -> tensor<8x64xf32> {
    %e = llama.weight @embed : tensor<32x64xf32>
    %x = llama.embed %tokens, %e : (tensor<8xi32>, tensor<32x64xf32>) -> tensor<8x64xf32>
    return %x : tensor<8x64xf32>
  }
  func.func @logits_chunk(%h: tensor<8x64xf32>) -> tensor<8x32xf32> {
    %e = llama.weight @embed : tensor<32x64xf32>
    %l = llama.linear %h, %e : (tensor<8x64xf32>, tensor<32x64xf32>) -> tensor<8x32xf32>
    return %l : tensor<8x32xf32>
  }
}
