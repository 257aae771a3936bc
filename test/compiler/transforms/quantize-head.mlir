// The head keeps eight bits, also once there is one function for a token and one for a chunk.
//
// RUN: cria-opt %s --llama-quantize-weights=format=q4 | FileCheck %s
// RUN: cria-opt %s --llama-quantize-weights=format=q4,lm_head=q6 | FileCheck %s --check-prefix=NAMED

llama.source @w in "m" at 0 : tensor<8x32xf16>

// CHECK-LABEL: func.func @forward_one
// CHECK: llama.quantize %{{.*}} format{{ +}}q8
// CHECK: llama.embed
// NAMED-LABEL: func.func @forward_one
// NAMED: llama.quantize %{{.*}} format{{ +}}q6
// NAMED: llama.embed
func.func @forward_one(%tokens: tensor<1xi32>, %p: index) -> tensor<1x32xf32> {
  %w = llama.weight @w : tensor<8x32xf16>
  %x = llama.embed %tokens, %w : (tensor<1xi32>, tensor<8x32xf16>) -> tensor<1x32xf32>
  return %x : tensor<1x32xf32>
}

// CHECK-LABEL: func.func @logits_one
// CHECK: llama.quantize %{{.*}} format{{ +}}q8
// NAMED-LABEL: func.func @logits_one
// NAMED: llama.quantize %{{.*}} format{{ +}}q6
func.func @logits_one(%x: tensor<1x32xf32>) -> tensor<1x8xf32> {
  %w = llama.weight @w : tensor<8x32xf16>
  %y = llama.linear %x, %w : (tensor<1x32xf32>, tensor<8x32xf16>) -> tensor<1x8xf32>
  return %y : tensor<1x8xf32>
}

// CHECK-LABEL: func.func @logits_chunk
// CHECK: llama.quantize %{{.*}} format{{ +}}q8
func.func @logits_chunk(%x: tensor<4x32xf32>) -> tensor<4x8xf32> {
  %w = llama.weight @w : tensor<8x32xf16>
  %y = llama.linear %x, %w : (tensor<4x32xf32>, tensor<8x32xf16>) -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// Another function's name may begin like that.
// CHECK-LABEL: func.func @logitsnot
// CHECK: llama.quantize %{{.*}} format{{ +}}q4
func.func @logitsnot(%x: tensor<4x32xf32>) -> tensor<4x8xf32> {
  %w = llama.weight @w : tensor<8x32xf16>
  %y = llama.linear %x, %w : (tensor<4x32xf32>, tensor<8x32xf16>) -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// A product outside of any function is none of a head's.
// CHECK: llama.quantize %{{.*}} format{{ +}}q4
%0 = arith.constant dense<0.0> : tensor<1x32xf32>
%1 = llama.weight @w : tensor<8x32xf16>
%2 = llama.linear %0, %1 : (tensor<1x32xf32>, tensor<8x32xf16>) -> tensor<1x8xf32>
