// RUN: cria-opt %s --llama-lower-to-kernels -split-input-file | FileCheck %s

// A product whose residual comes after it starts from zero, and is added.
module attributes {kernel.target = "x86-64-v3", llama.model = #llama.model<name = "t", architecture = "llama",
    vocabulary = 32, width = 64, ffn = 64, layers = 1, heads = 2, kvHeads = 1, headSize = 32, contextSize = 30,
    chunk = 8, bosId = 1, addBos = true, eosIds = [2], parameters = 1, inputHash = "0">} {
  llama.source @embed in "m" at 0 : tensor<32x64xf32>
  llama.source @w in "m" at 9000 : tensor<64x64xf32>
  llama.source @g in "m" at 30000 : tensor<64xf32>

  // CHECK-LABEL: func.func @cria_forward_one
  // CHECK: %[[ZERO:.*]] = linalg.fill
  // CHECK: %[[PANELS:.*]] = linalg.generic {{.*}} outs(%[[ZERO]] : tensor<1x4x16xf32>)
  // CHECK: %[[A:.*]] = tensor.collapse_shape %[[PANELS]]
  // CHECK: math.sqrt
  // CHECK: linalg.generic {{.*}} ins(%[[A]] : tensor<1x64xf32>)
  // CHECK: arith.addf
  func.func @forward_one(%tokens: tensor<1xi32>, %p: index) -> tensor<1x64xf32> {
    %e = llama.weight @embed : tensor<32x64xf32>
    %x = llama.embed %tokens, %e : (tensor<1xi32>, tensor<32x64xf32>) -> tensor<1x64xf32>
    %w = llama.weight @w : tensor<64x64xf32>
    %g = llama.weight @g : tensor<64xf32>
    %a = llama.linear %x, %w : (tensor<1x64xf32>, tensor<64x64xf32>) -> tensor<1x64xf32>
    %n = llama.rms_norm %x, %g epsilon 1.0e-5 : (tensor<1x64xf32>, tensor<64xf32>) -> tensor<1x64xf32>
    %y = llama.add %n, %a : tensor<1x64xf32>
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

// So does one in front of a layer that is added to what comes into it.
module attributes {kernel.target = "x86-64-v3", llama.model = #llama.model<name = "t", architecture = "llama",
    vocabulary = 32, width = 64, ffn = 64, layers = 1, heads = 2, kvHeads = 1, headSize = 32, contextSize = 30,
    chunk = 8, bosId = 1, addBos = true, eosIds = [2], parameters = 1, inputHash = "0">} {
  llama.source @embed in "m" at 0 : tensor<32x64xf32>
  llama.source @w in "m" at 9000 : tensor<64x64xf32>

  // CHECK-LABEL: func.func @cria_forward_one
  // CHECK: %[[ZERO:.*]] = linalg.fill
  // CHECK: %[[PANELS:.*]] = linalg.generic {{.*}} outs(%[[ZERO]] : tensor<1x4x16xf32>)
  // CHECK: %[[A:.*]] = tensor.collapse_shape %[[PANELS]]
  // CHECK: llama.layer
  // CHECK: ^bb0(%[[H:.*]]: tensor<1x64xf32>):
  // CHECK: linalg.generic {{.*}} ins(%[[A]] : tensor<1x64xf32>) outs(%[[H]] : tensor<1x64xf32>)
  func.func @forward_one(%tokens: tensor<1xi32>, %p: index) -> tensor<1x64xf32> {
    %e = llama.weight @embed : tensor<32x64xf32>
    %x = llama.embed %tokens, %e : (tensor<1xi32>, tensor<32x64xf32>) -> tensor<1x64xf32>
    %w = llama.weight @w : tensor<64x64xf32>
    %a = llama.linear %x, %w : (tensor<1x64xf32>, tensor<64x64xf32>) -> tensor<1x64xf32>
    %y = llama.layer "l" (%x : tensor<1x64xf32>) -> tensor<1x64xf32> {
    ^bb0(%h: tensor<1x64xf32>):
      %z = llama.add %h, %a : tensor<1x64xf32>
      llama.yield %z : tensor<1x64xf32>
    }
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
