// RUN: cria-opt %s --llama-lower-to-kernels -split-input-file -verify-diagnostics
// RUN: not cria-opt %s --llama-lower-to-kernels -split-input-file 2>/dev/null | FileCheck %s --check-prefix=FAILED --allow-empty

// What fails leaves nothing to print.
// FAILED-NOT: module

// Codes twice.
module attributes {kernel.target = "x86-64-v3", llama.model = #llama.model<name = "t", architecture = "llama",
    vocabulary = 40, width = 64, ffn = 64, layers = 1, heads = 2, kvHeads = 1, headSize = 32, contextSize = 30,
    chunk = 8, bosId = 1, addBos = true, eosIds = [2], parameters = 1, inputHash = "0">} {
  llama.source @embed in "m" at 0 : tensor<40x64xf32>
  func.func @forward_one(%tokens: tensor<1xi32>, %p: index) -> tensor<1x64xf32> {
    %e = llama.weight @embed : tensor<40x64xf32>
    %x = llama.embed %tokens, %e : (tensor<1xi32>, tensor<40x64xf32>) -> tensor<1x64xf32>
    return %x : tensor<1x64xf32>
  }
  func.func @logits_one(%h: tensor<1x64xf32>) -> tensor<1x40xf32> {
    %e = llama.weight @embed : tensor<40x64xf32>
    %l = llama.linear %h, %e : (tensor<1x64xf32>, tensor<40x64xf32>) -> tensor<1x40xf32>
    return %l : tensor<1x40xf32>
  }
  func.func @logits_screened(%h: tensor<1x64xf32>, %m: tensor<1xf32>) -> tensor<1x40xf32> {
    %e = llama.weight @embed : tensor<40x64xf32>
    %r = llama.quantize_rows %h : tensor<1x64xf32>
    %q = llama.quantize %e format q8 rough : tensor<40x64xf32> -> tensor<40x64xf32>
    %a = llama.linear %r, %q : (tensor<1x64xf32>, tensor<40x64xf32>) -> tensor<1x40xf32>
    // expected-error @+1 {{expects the exact numbers to be a product with floats, without a bias}}
    %s = llama.screen %a by %a margin %m : tensor<1x40xf32>, tensor<1xf32>
    return %s : tensor<1x40xf32>
  }
  func.func @forward_chunk(%tokens: tensor<8xi32>, %p: index) -> tensor<8x64xf32> {
    %e = llama.weight @embed : tensor<40x64xf32>
    %x = llama.embed %tokens, %e : (tensor<8xi32>, tensor<40x64xf32>) -> tensor<8x64xf32>
    return %x : tensor<8x64xf32>
  }
  func.func @logits_chunk(%h: tensor<8x64xf32>) -> tensor<8x40xf32> {
    %e = llama.weight @embed : tensor<40x64xf32>
    %l = llama.linear %h, %e : (tensor<8x64xf32>, tensor<40x64xf32>) -> tensor<8x40xf32>
    return %l : tensor<8x40xf32>
  }
}

// -----

// Of minimums the bound knows nothing.
module attributes {kernel.target = "x86-64-v3", llama.model = #llama.model<name = "t", architecture = "llama",
    vocabulary = 40, width = 64, ffn = 64, layers = 1, heads = 2, kvHeads = 1, headSize = 32, contextSize = 30,
    chunk = 8, bosId = 1, addBos = true, eosIds = [2], parameters = 1, inputHash = "0">} {
  llama.source @embed in "m" at 0 : tensor<40x64xf32>
  func.func @forward_one(%tokens: tensor<1xi32>, %p: index) -> tensor<1x64xf32> {
    %e = llama.weight @embed : tensor<40x64xf32>
    %x = llama.embed %tokens, %e : (tensor<1xi32>, tensor<40x64xf32>) -> tensor<1x64xf32>
    return %x : tensor<1x64xf32>
  }
  func.func @logits_one(%h: tensor<1x64xf32>) -> tensor<1x40xf32> {
    %e = llama.weight @embed : tensor<40x64xf32>
    %l = llama.linear %h, %e : (tensor<1x64xf32>, tensor<40x64xf32>) -> tensor<1x40xf32>
    return %l : tensor<1x40xf32>
  }
  func.func @logits_screened(%h: tensor<1x64xf32>, %m: tensor<1xf32>) -> tensor<1x40xf32> {
    %e = llama.weight @embed : tensor<40x64xf32>
    %y = llama.linear %h, %e : (tensor<1x64xf32>, tensor<40x64xf32>) -> tensor<1x40xf32>
    %r = llama.quantize_rows %h : tensor<1x64xf32>
    %q = llama.quantize %e format q4z rough : tensor<40x64xf32> -> tensor<40x64xf32>
    %a = llama.linear %r, %q : (tensor<1x64xf32>, tensor<40x64xf32>) -> tensor<1x40xf32>
    // expected-error @+1 {{expects an approximation by quantized copies, without microscales and minimums, of the same row and matrix, of whole groups of 32 columns}}
    %s = llama.screen %y by %a margin %m : tensor<1x40xf32>, tensor<1xf32>
    return %s : tensor<1x40xf32>
  }
  func.func @forward_chunk(%tokens: tensor<8xi32>, %p: index) -> tensor<8x64xf32> {
    %e = llama.weight @embed : tensor<40x64xf32>
    %x = llama.embed %tokens, %e : (tensor<8xi32>, tensor<40x64xf32>) -> tensor<8x64xf32>
    return %x : tensor<8x64xf32>
  }
  func.func @logits_chunk(%h: tensor<8x64xf32>) -> tensor<8x40xf32> {
    %e = llama.weight @embed : tensor<40x64xf32>
    %l = llama.linear %h, %e : (tensor<8x64xf32>, tensor<40x64xf32>) -> tensor<8x40xf32>
    return %l : tensor<8x40xf32>
  }
}

// -----

// Another row.
module attributes {kernel.target = "x86-64-v3", llama.model = #llama.model<name = "t", architecture = "llama",
    vocabulary = 40, width = 64, ffn = 64, layers = 1, heads = 2, kvHeads = 1, headSize = 32, contextSize = 30,
    chunk = 8, bosId = 1, addBos = true, eosIds = [2], parameters = 1, inputHash = "0">} {
  llama.source @embed in "m" at 0 : tensor<40x64xf32>
  func.func @forward_one(%tokens: tensor<1xi32>, %p: index) -> tensor<1x64xf32> {
    %e = llama.weight @embed : tensor<40x64xf32>
    %x = llama.embed %tokens, %e : (tensor<1xi32>, tensor<40x64xf32>) -> tensor<1x64xf32>
    return %x : tensor<1x64xf32>
  }
  func.func @logits_one(%h: tensor<1x64xf32>) -> tensor<1x40xf32> {
    %e = llama.weight @embed : tensor<40x64xf32>
    %l = llama.linear %h, %e : (tensor<1x64xf32>, tensor<40x64xf32>) -> tensor<1x40xf32>
    return %l : tensor<1x40xf32>
  }
  func.func @logits_screened(%h: tensor<1x64xf32>, %m: tensor<1xf32>) -> tensor<1x40xf32> {
    %e = llama.weight @embed : tensor<40x64xf32>
    %y = llama.linear %h, %e : (tensor<1x64xf32>, tensor<40x64xf32>) -> tensor<1x40xf32>
    %g = llama.add %h, %h : tensor<1x64xf32>
    %r = llama.quantize_rows %g : tensor<1x64xf32>
    %q = llama.quantize %e format q8 rough : tensor<40x64xf32> -> tensor<40x64xf32>
    %a = llama.linear %r, %q : (tensor<1x64xf32>, tensor<40x64xf32>) -> tensor<1x40xf32>
    // expected-error @+1 {{expects an approximation by quantized copies, without microscales and minimums, of the same row and matrix, of whole groups of 32 columns}}
    %s = llama.screen %y by %a margin %m : tensor<1x40xf32>, tensor<1xf32>
    return %s : tensor<1x40xf32>
  }
  func.func @forward_chunk(%tokens: tensor<8xi32>, %p: index) -> tensor<8x64xf32> {
    %e = llama.weight @embed : tensor<40x64xf32>
    %x = llama.embed %tokens, %e : (tensor<8xi32>, tensor<40x64xf32>) -> tensor<8x64xf32>
    return %x : tensor<8x64xf32>
  }
  func.func @logits_chunk(%h: tensor<8x64xf32>) -> tensor<8x40xf32> {
    %e = llama.weight @embed : tensor<40x64xf32>
    %l = llama.linear %h, %e : (tensor<8x64xf32>, tensor<40x64xf32>) -> tensor<8x40xf32>
    return %l : tensor<8x40xf32>
  }
}

// -----

// Nothing is rounded.
module attributes {kernel.target = "x86-64-v3", llama.model = #llama.model<name = "t", architecture = "llama",
    vocabulary = 40, width = 64, ffn = 64, layers = 1, heads = 2, kvHeads = 1, headSize = 32, contextSize = 30,
    chunk = 8, bosId = 1, addBos = true, eosIds = [2], parameters = 1, inputHash = "0">} {
  llama.source @embed in "m" at 0 : tensor<40x64xf32>
  func.func @forward_one(%tokens: tensor<1xi32>, %p: index) -> tensor<1x64xf32> {
    %e = llama.weight @embed : tensor<40x64xf32>
    %x = llama.embed %tokens, %e : (tensor<1xi32>, tensor<40x64xf32>) -> tensor<1x64xf32>
    return %x : tensor<1x64xf32>
  }
  func.func @logits_one(%h: tensor<1x64xf32>) -> tensor<1x40xf32> {
    %e = llama.weight @embed : tensor<40x64xf32>
    %l = llama.linear %h, %e : (tensor<1x64xf32>, tensor<40x64xf32>) -> tensor<1x40xf32>
    return %l : tensor<1x40xf32>
  }
  func.func @logits_screened(%h: tensor<1x64xf32>, %m: tensor<1xf32>) -> tensor<1x40xf32> {
    %e = llama.weight @embed : tensor<40x64xf32>
    %y = llama.linear %h, %e : (tensor<1x64xf32>, tensor<40x64xf32>) -> tensor<1x40xf32>
    %r = llama.quantize_rows %h : tensor<1x64xf32>
    %q = llama.quantize %e format q8 rough : tensor<40x64xf32> -> tensor<40x64xf32>
    %a = llama.linear %h, %e : (tensor<1x64xf32>, tensor<40x64xf32>) -> tensor<1x40xf32>
    // expected-error @+1 {{expects an approximation by quantized copies, without microscales and minimums, of the same row and matrix, of whole groups of 32 columns}}
    %s = llama.screen %y by %a margin %m : tensor<1x40xf32>, tensor<1xf32>
    return %s : tensor<1x40xf32>
  }
  func.func @forward_chunk(%tokens: tensor<8xi32>, %p: index) -> tensor<8x64xf32> {
    %e = llama.weight @embed : tensor<40x64xf32>
    %x = llama.embed %tokens, %e : (tensor<8xi32>, tensor<40x64xf32>) -> tensor<8x64xf32>
    return %x : tensor<8x64xf32>
  }
  func.func @logits_chunk(%h: tensor<8x64xf32>) -> tensor<8x40xf32> {
    %e = llama.weight @embed : tensor<40x64xf32>
    %l = llama.linear %h, %e : (tensor<8x64xf32>, tensor<40x64xf32>) -> tensor<8x40xf32>
    return %l : tensor<8x40xf32>
  }
}

// -----

// Microscales, which are stored otherwise.
module attributes {kernel.target = "x86-64-v3", llama.model = #llama.model<name = "t", architecture = "llama",
    vocabulary = 40, width = 64, ffn = 64, layers = 1, heads = 2, kvHeads = 1, headSize = 32, contextSize = 30,
    chunk = 8, bosId = 1, addBos = true, eosIds = [2], parameters = 1, inputHash = "0">} {
  llama.source @embed in "m" at 0 : tensor<40x64xf32>
  func.func @forward_one(%tokens: tensor<1xi32>, %p: index) -> tensor<1x64xf32> {
    %e = llama.weight @embed : tensor<40x64xf32>
    %x = llama.embed %tokens, %e : (tensor<1xi32>, tensor<40x64xf32>) -> tensor<1x64xf32>
    return %x : tensor<1x64xf32>
  }
  func.func @logits_one(%h: tensor<1x64xf32>) -> tensor<1x40xf32> {
    %e = llama.weight @embed : tensor<40x64xf32>
    %l = llama.linear %h, %e : (tensor<1x64xf32>, tensor<40x64xf32>) -> tensor<1x40xf32>
    return %l : tensor<1x40xf32>
  }
  func.func @logits_screened(%h: tensor<1x64xf32>, %m: tensor<1xf32>) -> tensor<1x40xf32> {
    %e = llama.weight @embed : tensor<40x64xf32>
    %y = llama.linear %h, %e : (tensor<1x64xf32>, tensor<40x64xf32>) -> tensor<1x40xf32>
    %r = llama.quantize_rows %h microscaled : tensor<1x64xf32>
    %q = llama.quantize %e format q8 rough : tensor<40x64xf32> -> tensor<40x64xf32>
    %a = llama.linear %r, %q : (tensor<1x64xf32>, tensor<40x64xf32>) -> tensor<1x40xf32>
    // expected-error @+1 {{expects an approximation by quantized copies, without microscales and minimums, of the same row and matrix, of whole groups of 32 columns}}
    %s = llama.screen %y by %a margin %m : tensor<1x40xf32>, tensor<1xf32>
    return %s : tensor<1x40xf32>
  }
  func.func @forward_chunk(%tokens: tensor<8xi32>, %p: index) -> tensor<8x64xf32> {
    %e = llama.weight @embed : tensor<40x64xf32>
    %x = llama.embed %tokens, %e : (tensor<8xi32>, tensor<40x64xf32>) -> tensor<8x64xf32>
    return %x : tensor<8x64xf32>
  }
  func.func @logits_chunk(%h: tensor<8x64xf32>) -> tensor<8x40xf32> {
    %e = llama.weight @embed : tensor<40x64xf32>
    %l = llama.linear %h, %e : (tensor<8x64xf32>, tensor<40x64xf32>) -> tensor<8x40xf32>
    return %l : tensor<8x40xf32>
  }
}
