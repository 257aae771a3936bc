// A chunk's matrix of keys that is not what a single token's is made of, though it is of the same source, type and
// format, takes no panels from there.
//
// RUN: cria-opt %s --llama-lower-to-kernels -split-input-file | FileCheck %s
// RUN: cria-opt %s --llama-lower-to-kernels --llama-lay-out-weights -split-input-file | FileCheck %s --check-prefix=STORED

// STORED-LABEL: module @order
// STORED: kernel.constant @q.value at {{[0-9]+}} : tensor<3x1x288xi8>
// STORED: kernel.constant @k.value at {{[0-9]+}} : tensor<1x1x288xi8>
// STORED: llama.split_rope_rows

// Rows in another order.
// CHECK-LABEL: module @order
// CHECK-LABEL: func.func @cria_forward_one
// CHECK: llama.concat_rows
// CHECK-LABEL: func.func @cria_forward_chunk
// CHECK-NOT: llama.concat_rows
// CHECK: llama.split_rope_rows
// CHECK: llama.pack_blocks %{{.*}} : tensor<16x32xf32> -> tensor<1x1x288xi8>
module @order attributes {kernel.target = "x86-64-v4", llama.model = #llama.model<name = "t", architecture = "llama",
    vocabulary = 48, width = 32, ffn = 32, layers = 1, heads = 2, kvHeads = 1, headSize = 16, contextSize = 24,
    chunk = 8, bosId = 1, addBos = true, eosIds = [2], parameters = 1, inputHash = "0">} {
  llama.source @embed in "m" at 0 : tensor<48x32xf32>
  llama.source @q in "m" at 6144 : tensor<32x32xf32>
  llama.source @k in "m" at 10240 : tensor<16x32xf32>
  llama.source @norm in "m" at 12288 : tensor<32xf32>
  llama.cache @keys : tensor<32x1x16xf32>
  func.func @forward_one(%tokens: tensor<1xi32>, %p: index) -> tensor<1x32xf32> {
    %e = llama.weight @embed : tensor<48x32xf32>
    %x = llama.embed %tokens, %e : (tensor<1xi32>, tensor<48x32xf32>) -> tensor<1x32xf32>
    %r = llama.quantize_rows %x : tensor<1x32xf32>
    %q = llama.weight @q : tensor<32x32xf32>
    %q4 = llama.quantize %q format q4 : tensor<32x32xf32> -> tensor<32x32xf32>
    %query = llama.linear %r, %q4 : (tensor<1x32xf32>, tensor<32x32xf32>) -> tensor<1x32xf32>
    %k = llama.weight @k : tensor<16x32xf32>
    %k4 = llama.quantize %k format q4 : tensor<16x32xf32> -> tensor<16x32xf32>
    %key = llama.linear %r, %k4 : (tensor<1x32xf32>, tensor<16x32xf32>) -> tensor<1x16xf32>
    %keys0 = llama.cache_read @keys : tensor<32x1x16xf32>
    %keys = llama.cache_update %keys0, %key at %p : (tensor<32x1x16xf32>, tensor<1x16xf32>, index) -> tensor<32x1x16xf32>
    llama.cache_write @keys, %keys : tensor<32x1x16xf32>
    %n = llama.weight @norm : tensor<32xf32>
    %a = llama.rms_norm %query, %n epsilon 1.0e-5 : (tensor<1x32xf32>, tensor<32xf32>) -> tensor<1x32xf32>
    %y = llama.add %x, %a : tensor<1x32xf32>
    return %y : tensor<1x32xf32>
  }
  func.func @logits_one(%h: tensor<1x32xf32>) -> tensor<1x48xf32> {
    %e = llama.weight @embed : tensor<48x32xf32>
    %l = llama.linear %h, %e : (tensor<1x32xf32>, tensor<48x32xf32>) -> tensor<1x48xf32>
    return %l : tensor<1x48xf32>
  }
  func.func @forward_chunk(%tokens: tensor<8xi32>, %p: index) -> tensor<8x32xf32> {
    %e = llama.weight @embed : tensor<48x32xf32>
    %x = llama.embed %tokens, %e : (tensor<8xi32>, tensor<48x32xf32>) -> tensor<8x32xf32>
    %r = llama.quantize_rows %x : tensor<8x32xf32>
    %k = llama.weight @k : tensor<16x32xf32>
    %ks = llama.split_rope_rows %k heads 1 : tensor<16x32xf32>
    %k4 = llama.quantize %ks format q4 : tensor<16x32xf32> -> tensor<16x32xf32>
    %key = llama.linear %r, %k4 : (tensor<8x32xf32>, tensor<16x32xf32>) -> tensor<8x16xf32>
    %keys0 = llama.cache_read @keys : tensor<32x1x16xf32>
    %keys = llama.cache_update %keys0, %key at %p : (tensor<32x1x16xf32>, tensor<8x16xf32>, index) -> tensor<32x1x16xf32>
    llama.cache_write @keys, %keys : tensor<32x1x16xf32>
    return %x : tensor<8x32xf32>
  }
  func.func @logits_chunk(%h: tensor<8x32xf32>) -> tensor<8x48xf32> {
    %e = llama.weight @embed : tensor<48x32xf32>
    %l = llama.linear %h, %e : (tensor<8x32xf32>, tensor<48x32xf32>) -> tensor<8x48xf32>
    return %l : tensor<8x48xf32>
  }
}

// -----

// Codes that something else guides.
// CHECK-LABEL: module @guide
// CHECK-LABEL: func.func @cria_forward_one
// CHECK: llama.concat_rows
// CHECK-LABEL: func.func @cria_forward_chunk
// CHECK-NOT: llama.concat_rows
// CHECK: guided by @seen
// CHECK: llama.pack_blocks %{{.*}} : tensor<16x32xf32> -> tensor<1x1x288xi8>
module @guide attributes {kernel.target = "x86-64-v4", llama.model = #llama.model<name = "t", architecture = "llama",
    vocabulary = 48, width = 32, ffn = 32, layers = 1, heads = 2, kvHeads = 1, headSize = 16, contextSize = 24,
    chunk = 8, bosId = 1, addBos = true, eosIds = [2], parameters = 1, inputHash = "0">} {
  llama.source @embed in "m" at 0 : tensor<48x32xf32>
  llama.source @q in "m" at 6144 : tensor<32x32xf32>
  llama.source @k in "m" at 10240 : tensor<16x32xf32>
  llama.observation @seen in "records" number 0 width 32
  func.func @forward_one(%tokens: tensor<1xi32>, %p: index) -> tensor<1x32xf32> {
    %e = llama.weight @embed : tensor<48x32xf32>
    %x = llama.embed %tokens, %e : (tensor<1xi32>, tensor<48x32xf32>) -> tensor<1x32xf32>
    %r = llama.quantize_rows %x : tensor<1x32xf32>
    %q = llama.weight @q : tensor<32x32xf32>
    %q4 = llama.quantize %q format q4 : tensor<32x32xf32> -> tensor<32x32xf32>
    %query = llama.linear %r, %q4 : (tensor<1x32xf32>, tensor<32x32xf32>) -> tensor<1x32xf32>
    %k = llama.weight @k : tensor<16x32xf32>
    %k4 = llama.quantize %k format q4 : tensor<16x32xf32> -> tensor<16x32xf32>
    %key = llama.linear %r, %k4 : (tensor<1x32xf32>, tensor<16x32xf32>) -> tensor<1x16xf32>
    return %x : tensor<1x32xf32>
  }
  func.func @logits_one(%h: tensor<1x32xf32>) -> tensor<1x48xf32> {
    %e = llama.weight @embed : tensor<48x32xf32>
    %l = llama.linear %h, %e : (tensor<1x32xf32>, tensor<48x32xf32>) -> tensor<1x48xf32>
    return %l : tensor<1x48xf32>
  }
  func.func @forward_chunk(%tokens: tensor<8xi32>, %p: index) -> tensor<8x32xf32> {
    %e = llama.weight @embed : tensor<48x32xf32>
    %x = llama.embed %tokens, %e : (tensor<8xi32>, tensor<48x32xf32>) -> tensor<8x32xf32>
    %r = llama.quantize_rows %x : tensor<8x32xf32>
    %k = llama.weight @k : tensor<16x32xf32>
    %k4 = llama.quantize %k format q4 guided by @seen : tensor<16x32xf32> -> tensor<16x32xf32>
    %key = llama.linear %r, %k4 : (tensor<8x32xf32>, tensor<16x32xf32>) -> tensor<8x16xf32>
    return %x : tensor<8x32xf32>
  }
  func.func @logits_chunk(%h: tensor<8x32xf32>) -> tensor<8x48xf32> {
    %e = llama.weight @embed : tensor<48x32xf32>
    %l = llama.linear %h, %e : (tensor<8x32xf32>, tensor<48x32xf32>) -> tensor<8x48xf32>
    return %l : tensor<8x48xf32>
  }
}
