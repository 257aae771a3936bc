// RUN: cria-opt %s --llama-lower-to-kernels -split-input-file | FileCheck %s

// A table of codes is gathered from the blocks that the head multiplies by.
module attributes {kernel.target = "x86-64-v4", llama.model = #llama.model<name = "t", architecture = "llama",
    vocabulary = 40, width = 64, ffn = 32, layers = 1, heads = 2, kvHeads = 1, headSize = 16, contextSize = 30,
    chunk = 8, bosId = 1, addBos = true, eosIds = [2], parameters = 1, inputHash = "0">} {
  llama.source @embed in "m" at 0 as q4_0 : tensor<40x64xf32>

  // CHECK-LABEL: func.func @cria_forward_one
  // CHECK: kernel.get @tokens
  // CHECK: %[[PANELS:.*]] = llama.pack_blocks %{{.*}} rows 16 format{{ +}}q4 : tensor<40x64xf32> -> tensor<3x2x288xi8>
  // CHECK: kernel.block_gather %{{.*}} of %[[PANELS]] rows 16 format{{ +}}q4 into %{{.*}} : (tensor<1xi32>, tensor<3x2x288xi8>, tensor<1x64xf32>)
  func.func @forward_one(%tokens: tensor<1xi32>, %p: index) -> tensor<1x64xf32> {
    %e = llama.weight @embed : tensor<40x64xf32>
    %x = llama.embed %tokens, %e : (tensor<1xi32>, tensor<40x64xf32>) -> tensor<1x64xf32>
    return %x : tensor<1x64xf32>
  }
  // CHECK-LABEL: func.func @cria_logits_one
  // CHECK: llama.pack_blocks %{{.*}} rows 16 format{{ +}}q4 : tensor<40x64xf32> -> tensor<3x2x288xi8>
  // CHECK: kernel.block_matmul
  func.func @logits_one(%h: tensor<1x64xf32>) -> tensor<1x40xf32> {
    %e = llama.weight @embed : tensor<40x64xf32>
    %r = llama.quantize_rows %h : tensor<1x64xf32>
    %l = llama.linear %r, %e : (tensor<1x64xf32>, tensor<40x64xf32>) -> tensor<1x40xf32>
    return %l : tensor<1x40xf32>
  }
  // CHECK-LABEL: func.func @cria_forward_chunk
  // CHECK: kernel.get @tokens
  // CHECK: %[[PANELS:.*]] = llama.pack_blocks %{{.*}} rows 16 format{{ +}}q4 : tensor<40x64xf32> -> tensor<3x2x288xi8>
  // CHECK: kernel.block_gather %{{.*}} of %[[PANELS]] rows 16 format{{ +}}q4 into %{{.*}} : (tensor<8xi32>, tensor<3x2x288xi8>, tensor<8x64xf32>)
  func.func @forward_chunk(%tokens: tensor<8xi32>, %p: index) -> tensor<8x64xf32> {
    %e = llama.weight @embed : tensor<40x64xf32>
    %x = llama.embed %tokens, %e : (tensor<8xi32>, tensor<40x64xf32>) -> tensor<8x64xf32>
    return %x : tensor<8x64xf32>
  }
  // CHECK-LABEL: func.func @cria_logits_chunk
  // CHECK: llama.pack_blocks %{{.*}} rows 16 format{{ +}}q4 : tensor<40x64xf32> -> tensor<3x2x288xi8>
  // CHECK: kernel.block_matmul
  func.func @logits_chunk(%h: tensor<8x64xf32>) -> tensor<8x40xf32> {
    %e = llama.weight @embed : tensor<40x64xf32>
    %r = llama.quantize_rows %h : tensor<8x64xf32>
    %l = llama.linear %r, %e : (tensor<8x64xf32>, tensor<40x64xf32>) -> tensor<8x40xf32>
    return %l : tensor<8x40xf32>
  }
}

// -----

// A head of floats wants the table as floats, and then it lies there as such, once.
module attributes {kernel.target = "x86-64-v4", llama.model = #llama.model<name = "t", architecture = "llama",
    vocabulary = 40, width = 64, ffn = 32, layers = 1, heads = 2, kvHeads = 1, headSize = 16, contextSize = 30,
    chunk = 8, bosId = 1, addBos = true, eosIds = [2], parameters = 1, inputHash = "0">} {
  llama.source @embed in "m" at 0 as q4_0 : tensor<40x64xf32>

  // CHECK-LABEL: func.func @cria_forward_one
  // CHECK-NOT: kernel.block_gather
  // CHECK: llama.pack %{{.*}} rows 16 : tensor<40x64xf32> -> tensor<3x64x16xf32>
  // CHECK-NOT: kernel.block_gather
  func.func @forward_one(%tokens: tensor<1xi32>, %p: index) -> tensor<1x64xf32> {
    %e = llama.weight @embed : tensor<40x64xf32>
    %x = llama.embed %tokens, %e : (tensor<1xi32>, tensor<40x64xf32>) -> tensor<1x64xf32>
    return %x : tensor<1x64xf32>
  }
  // CHECK-LABEL: func.func @cria_logits_one
  // CHECK: llama.pack %{{.*}} rows 16 : tensor<40x64xf32> -> tensor<3x64x16xf32>
  func.func @logits_one(%h: tensor<1x64xf32>) -> tensor<1x40xf32> {
    %e = llama.weight @embed : tensor<40x64xf32>
    %l = llama.linear %h, %e : (tensor<1x64xf32>, tensor<40x64xf32>) -> tensor<1x40xf32>
    return %l : tensor<1x40xf32>
  }
  // CHECK-LABEL: func.func @cria_forward_chunk
  // CHECK-NOT: kernel.block_gather
  // CHECK: llama.pack %{{.*}} rows 16 : tensor<40x64xf32> -> tensor<3x64x16xf32>
  // CHECK-NOT: kernel.block_gather
  func.func @forward_chunk(%tokens: tensor<8xi32>, %p: index) -> tensor<8x64xf32> {
    %e = llama.weight @embed : tensor<40x64xf32>
    %x = llama.embed %tokens, %e : (tensor<8xi32>, tensor<40x64xf32>) -> tensor<8x64xf32>
    return %x : tensor<8x64xf32>
  }
  // CHECK-LABEL: func.func @cria_logits_chunk
  // CHECK: llama.pack %{{.*}} rows 16 : tensor<40x64xf32> -> tensor<3x64x16xf32>
  func.func @logits_chunk(%h: tensor<8x64xf32>) -> tensor<8x40xf32> {
    %e = llama.weight @embed : tensor<40x64xf32>
    %l = llama.linear %h, %e : (tensor<8x64xf32>, tensor<40x64xf32>) -> tensor<8x40xf32>
    return %l : tensor<8x40xf32>
  }
}
