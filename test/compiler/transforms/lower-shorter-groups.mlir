// RUN: cria-opt %s --llama-lower-to-kernels | FileCheck %s

// Rows of 44 numbers are two groups, the second filled up with zeros.
module attributes {kernel.target = "x86-64-v4", llama.model = #llama.model<name = "t", architecture = "llama",
    vocabulary = 40, width = 44, ffn = 32, layers = 1, heads = 2, kvHeads = 1, headSize = 16, contextSize = 30,
    chunk = 8, bosId = 1, addBos = true, eosIds = [2], parameters = 1, inputHash = "0">} {
  llama.source @embed in "m" at 0 : tensor<40x44xf32>

  // CHECK-LABEL: func.func @cria_forward_one
  // CHECK: llama.pack_blocks %{{.*}} rows 16 format{{ +}}q4 : tensor<40x44xf32> -> tensor<3x2x288xi8>
  // CHECK: kernel.block_gather %{{.*}} : (tensor<1xi32>, tensor<3x2x288xi8>, tensor<1x44xf32>) -> tensor<1x44xf32>
  func.func @forward_one(%tokens: tensor<1xi32>, %p: index) -> tensor<1x44xf32> {
    %e = llama.weight @embed : tensor<40x44xf32>
    %q = llama.quantize %e format q4 : tensor<40x44xf32> -> tensor<40x44xf32>
    %x = llama.embed %tokens, %q : (tensor<1xi32>, tensor<40x44xf32>) -> tensor<1x44xf32>
    return %x : tensor<1x44xf32>
  }
  // CHECK-LABEL: func.func @cria_logits_one
  // CHECK: %[[X:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<1x1x64xf32>)
  // CHECK:   %[[K:.*]] = linalg.index 2
  // CHECK:   %[[THERE:.*]] = arith.cmpi ult, %[[K]], %c44
  // CHECK:   %[[PLACE:.*]] = arith.select %[[THERE]], %[[K]], %c43
  // CHECK:   %[[NUMBER:.*]] = tensor.extract %{{.*}}[%{{.*}}, %[[PLACE]]]
  // CHECK:   arith.select %[[THERE]], %[[NUMBER]], %cst
  // CHECK: kernel.quantize_rows %[[X]] offset 8 into {{.*}} : (tensor<1x1x64xf32>, tensor<1x2x32xi8>, tensor<1x4xf32>, tensor<1x2xf32>)
  // CHECK: kernel.block_matmul {{.*}} tensor<3x2x288xi8>
  func.func @logits_one(%h: tensor<1x44xf32>) -> tensor<1x40xf32> {
    %e = llama.weight @embed : tensor<40x44xf32>
    %q = llama.quantize %e format q4 : tensor<40x44xf32> -> tensor<40x44xf32>
    %r = llama.quantize_rows %h : tensor<1x44xf32>
    %l = llama.linear %r, %q : (tensor<1x44xf32>, tensor<40x44xf32>) -> tensor<1x40xf32>
    return %l : tensor<1x40xf32>
  }
  // CHECK-LABEL: func.func @cria_forward_chunk
  // CHECK: llama.pack_blocks %{{.*}} rows 16 format{{ +}}q4 : tensor<40x44xf32> -> tensor<3x2x288xi8>
  // CHECK: kernel.block_gather %{{.*}} : (tensor<8xi32>, tensor<3x2x288xi8>, tensor<8x44xf32>) -> tensor<8x44xf32>
  func.func @forward_chunk(%tokens: tensor<8xi32>, %p: index) -> tensor<8x44xf32> {
    %e = llama.weight @embed : tensor<40x44xf32>
    %q = llama.quantize %e format q4 : tensor<40x44xf32> -> tensor<40x44xf32>
    %x = llama.embed %tokens, %q : (tensor<8xi32>, tensor<40x44xf32>) -> tensor<8x44xf32>
    return %x : tensor<8x44xf32>
  }
  // CHECK-LABEL: func.func @cria_logits_chunk
  // CHECK: %[[X:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<8x1x64xf32>)
  // CHECK:   %[[K:.*]] = linalg.index 2
  // CHECK:   %[[THERE:.*]] = arith.cmpi ult, %[[K]], %c44
  // CHECK:   %[[PLACE:.*]] = arith.select %[[THERE]], %[[K]], %c43
  // CHECK:   %[[NUMBER:.*]] = tensor.extract %{{.*}}[%{{.*}}, %[[PLACE]]]
  // CHECK:   arith.select %[[THERE]], %[[NUMBER]], %cst
  // CHECK: kernel.quantize_rows %[[X]] offset 8 into {{.*}} : (tensor<8x1x64xf32>, tensor<8x2x32xi8>, tensor<8x4xf32>, tensor<8x2xf32>)
  // CHECK: kernel.block_matmul {{.*}} tensor<3x2x288xi8>
  func.func @logits_chunk(%h: tensor<8x44xf32>) -> tensor<8x40xf32> {
    %e = llama.weight @embed : tensor<40x44xf32>
    %q = llama.quantize %e format q4 : tensor<40x44xf32> -> tensor<40x44xf32>
    %r = llama.quantize_rows %h : tensor<8x44xf32>
    %l = llama.linear %r, %q : (tensor<8x44xf32>, tensor<40x44xf32>) -> tensor<8x40xf32>
    return %l : tensor<8x40xf32>
  }
}
