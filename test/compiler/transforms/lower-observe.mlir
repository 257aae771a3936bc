// RUN: cria-opt %s --llama-lower-to-kernels | FileCheck %s

module attributes {kernel.target = "x86-64-v4", llama.model = #llama.model<name = "t", architecture = "llama",
    vocabulary = 32, width = 512, ffn = 512, layers = 1, heads = 2, kvHeads = 1, headSize = 16, contextSize = 30,
    chunk = 8, bosId = 1, addBos = true, eosIds = [2], parameters = 1, inputHash = "0">} {
  llama.source @embed in "m" at 0 : tensor<32x512xf16>

  // A state in parts of at most 256 numbers takes the observation's name and number.
  // CHECK-NOT: llama.observation
  // CHECK: kernel.state @a at {{[0-9]+}} {kernel.observation = 3 : i64} : tensor<1x2x8x256xf32>
  // CHECK-NOT: llama.observation
  llama.observation @a number 3 width 512

  // CHECK-LABEL: func.func @cria_forward_one
  // CHECK: %[[BEFORE:.*]] = kernel.get @a : tensor<1x2x8x256xf32>
  // CHECK: %[[ROWS:.*]] = tensor.expand_shape %{{.*}} output_shape [1, 2, 256]
  // CHECK: %[[ZERO:.*]] = arith.constant 0 : index
  // CHECK: %[[AFTER:.*]] = kernel.append %[[ROWS]] at %[[ZERO]] into %[[BEFORE]]
  // CHECK: kernel.set @a, %[[AFTER]]
  func.func @forward_one(%tokens: tensor<1xi32>, %p: index) -> tensor<1x512xf32> {
    %e = llama.weight @embed : tensor<32x512xf16>
    %x = llama.embed %tokens, %e : (tensor<1xi32>, tensor<32x512xf16>) -> tensor<1x512xf32>
    llama.observe @a, %x : tensor<1x512xf32>
    %y = llama.swiglu %x, %x : tensor<1x512xf32>
    return %y : tensor<1x512xf32>
  }
  // CHECK-LABEL: func.func @cria_forward_chunk
  // CHECK: kernel.append {{.*}} : (tensor<8x2x256xf32>, index, tensor<1x2x8x256xf32>)
  func.func @forward_chunk(%tokens: tensor<8xi32>, %p: index) -> tensor<8x512xf32> {
    %e = llama.weight @embed : tensor<32x512xf16>
    %x = llama.embed %tokens, %e : (tensor<8xi32>, tensor<32x512xf16>) -> tensor<8x512xf32>
    llama.observe @a, %x : tensor<8x512xf32>
    %y = llama.swiglu %x, %x : tensor<8x512xf32>
    return %y : tensor<8x512xf32>
  }
  func.func @logits_one(%x: tensor<1x512xf32>) -> tensor<1x32xf32> {
    %e = llama.weight @embed : tensor<32x512xf16>
    %y = llama.linear %x, %e : (tensor<1x512xf32>, tensor<32x512xf16>) -> tensor<1x32xf32>
    return %y : tensor<1x32xf32>
  }
  func.func @logits_chunk(%x: tensor<8x512xf32>) -> tensor<8x32xf32> {
    %e = llama.weight @embed : tensor<32x512xf16>
    %y = llama.linear %x, %e : (tensor<8x512xf32>, tensor<32x512xf16>) -> tensor<8x32xf32>
    return %y : tensor<8x32xf32>
  }
}
