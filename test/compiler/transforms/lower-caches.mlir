// RUN: cria-opt %s --llama-lower-to-kernels -split-input-file -verify-diagnostics
// RUN: not cria-opt %s --llama-lower-to-kernels -split-input-file 2>/dev/null | FileCheck %s --check-prefix=FAILED --allow-empty

// What fails leaves nothing to print.
// FAILED-NOT: module

// A block of positions of every cache lies beside those of the others: they all have as many.
module attributes {kernel.target = "x86-64-v4", llama.model = #llama.model<name = "t", architecture = "llama",
    vocabulary = 40, width = 64, ffn = 64, layers = 1, heads = 1, kvHeads = 1, headSize = 64, contextSize = 30,
    chunk = 8, bosId = 1, addBos = true, eosIds = [2], parameters = 1, inputHash = "0">} {
  llama.cache @keys : tensor<38x1x64xf32>
  // expected-error @+1 {{'llama.cache' op expects as many positions as in other caches, 64, but got 128}}
  llama.cache @values : tensor<100x1x64xf32>
}

// -----

// The last chunk of a prompt may overhang the context.
module attributes {kernel.target = "x86-64-v4", llama.model = #llama.model<name = "t", architecture = "llama",
    vocabulary = 40, width = 64, ffn = 64, layers = 1, heads = 1, kvHeads = 1, headSize = 64, contextSize = 30,
    chunk = 8, bosId = 1, addBos = true, eosIds = [2], parameters = 1, inputHash = "0">} {
  // expected-error @+1 {{'llama.cache' op expects room for a context of 30 and a chunk of 8 positions, but got 37}}
  llama.cache @keys : tensor<37x1x64xf32>
}

// -----

// So do the positions that are looked up.
module attributes {kernel.target = "x86-64-v4", llama.model = #llama.model<name = "t", architecture = "llama",
    vocabulary = 40, width = 64, ffn = 64, layers = 1, heads = 1, kvHeads = 1, headSize = 64, contextSize = 30,
    chunk = 8, bosId = 1, addBos = true, eosIds = [2], parameters = 1, inputHash = "0">} {
  func.func @forward_one(%x: tensor<1x64xf32>, %p: index) -> tensor<1x64xf32> {
    %t = llama.rope_table theta 1.0e4 : tensor<37x2x32xf32>
    // expected-error @+1 {{'llama.rope' op expects a table for a context of 30 and a chunk of 8 positions, but got 37}}
    %y = llama.rope %x, %t at %p layout half : (tensor<1x64xf32>, tensor<37x2x32xf32>, index) -> tensor<1x64xf32>
    return %y : tensor<1x64xf32>
  }
}

// -----

// Keys lie otherwise than values.
module attributes {kernel.target = "x86-64-v3", llama.model = #llama.model<name = "t", architecture = "llama",
    vocabulary = 32, width = 64, ffn = 64, layers = 1, heads = 1, kvHeads = 1, headSize = 64, contextSize = 56,
    chunk = 8, bosId = 1, addBos = true, eosIds = [2], parameters = 1, inputHash = "0">} {
  // expected-error @+1 {{'llama.cache' op expects to hold keys or values, but got attention that takes it for both}}
  llama.cache @keys : tensor<64x1x64xf32>
  func.func @forward_one(%x: tensor<1x64xf32>, %p: index) -> tensor<1x64xf32> {
    %k0 = llama.cache_read @keys : tensor<64x1x64xf32>
    %k1 = llama.cache_update %k0, %x at %p : (tensor<64x1x64xf32>, tensor<1x64xf32>, index) -> tensor<64x1x64xf32>
    llama.cache_write @keys, %k1 : tensor<64x1x64xf32>
    %a = llama.attention %x, %k1, %k1 at %p scale 0.125 : (tensor<1x64xf32>, tensor<64x1x64xf32>, tensor<64x1x64xf32>, index) -> tensor<1x64xf32>
    return %a : tensor<1x64xf32>
  }
}

// -----

// Even if it is attention of another function.
module attributes {kernel.target = "x86-64-v3", llama.model = #llama.model<name = "t", architecture = "llama",
    vocabulary = 32, width = 64, ffn = 64, layers = 1, heads = 1, kvHeads = 1, headSize = 64, contextSize = 56,
    chunk = 8, bosId = 1, addBos = true, eosIds = [2], parameters = 1, inputHash = "0">} {
  llama.cache @a : tensor<64x1x64xf32>
  // expected-error @+1 {{'llama.cache' op expects to hold keys or values, but got attention that takes it for both}}
  llama.cache @b : tensor<64x1x64xf32>
  llama.cache @c : tensor<64x1x64xf32>
  func.func @forward_one(%x: tensor<1x64xf32>, %p: index) -> tensor<1x64xf32> {
    %a = llama.cache_read @a : tensor<64x1x64xf32>
    %b = llama.cache_read @b : tensor<64x1x64xf32>
    %y = llama.attention %x, %a, %b at %p scale 0.125 : (tensor<1x64xf32>, tensor<64x1x64xf32>, tensor<64x1x64xf32>, index) -> tensor<1x64xf32>
    return %y : tensor<1x64xf32>
  }
  func.func @forward_chunk(%x: tensor<8x64xf32>, %p: index) -> tensor<8x64xf32> {
    %b = llama.cache_read @b : tensor<64x1x64xf32>
    %c = llama.cache_read @c : tensor<64x1x64xf32>
    %y = llama.attention %x, %b, %c at %p scale 0.125 : (tensor<8x64xf32>, tensor<64x1x64xf32>, tensor<64x1x64xf32>, index) -> tensor<8x64xf32>
    return %y : tensor<8x64xf32>
  }
}
