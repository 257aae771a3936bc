// RUN: cria-opt %s --llama-quantize-weights=format=q4 | FileCheck %s
// RUN: not cria-opt %s --llama-quantize-weights=format=q7 2>&1 | FileCheck %s --check-prefix=ERROR

// RUN: cria-opt %s --llama-quantize-weights=keep-stored=true | FileCheck %s --check-prefix=STORED

// What meets codes of up to 5 bits has scales that are powers of two.
// RUN: cria-opt %s --llama-quantize-weights=format=q5 | FileCheck %s --check-prefix=COARSE
// RUN: cria-opt %s --llama-quantize-weights=format=q5z | FileCheck %s --check-prefix=COARSE
// RUN: cria-opt %s --llama-quantize-weights=format=q6 | FileCheck %s --check-prefix=FINE
// RUN: cria-opt %s --llama-quantize-weights=format=q8 | FileCheck %s --check-prefix=FINE

// COARSE-LABEL: func.func @forward
// COARSE: llama.quantize_rows %{{.*}} microscaled : tensor<?x32xf32>
// COARSE-NEXT: llama.quantize %{{.*}} format{{ +}}q5
// COARSE-LABEL: func.func @logits
// FINE-LABEL: func.func @forward
// FINE: llama.quantize_rows %{{[^ ]*}} : tensor<?x32xf32>
// FINE-NEXT: llama.quantize %{{.*}} format{{ +}}{{q6|q8}}
// FINE-LABEL: func.func @logits

// ERROR: error: quantization expects a format of none, q8, q6, q5, q5z, q4, q4_64, q4_128, q4z, q4z_64, q4z_128, nf4, mxfp4, q3, q2, ternary, but got 'q7'

llama.source @w in "m" at 0 : tensor<8x32xf16>

// The embedding is the head, too: it is what the head is.
// CHECK-LABEL: func.func @forward
// CHECK: %[[W:.*]] = llama.weight @w
// CHECK: %[[E:.*]] = llama.quantize %[[W]] format{{ +}}q8 : tensor<8x32xf16> -> tensor<8x32xf32>
// CHECK: llama.embed %{{.*}}, %[[E]] :
// CHECK: %[[R:.*]] = llama.quantize_rows %{{.*}} microscaled : tensor<?x32xf32>
// CHECK: %[[Q:.*]] = llama.quantize %[[W]] format{{ +}}q4 : tensor<8x32xf16> -> tensor<8x32xf32>
// CHECK: llama.linear %[[R]], %[[Q]]
func.func @forward(%tokens: tensor<?xi32>, %p: index) -> tensor<?x8xf32> {
  %w = llama.weight @w : tensor<8x32xf16>
  %x = llama.embed %tokens, %w : (tensor<?xi32>, tensor<8x32xf16>) -> tensor<?x32xf32>
  %y = llama.linear %x, %w : (tensor<?x32xf32>, tensor<8x32xf16>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// The head keeps eight bits, and what meets it exact scales.
// CHECK-LABEL: func.func @logits
// CHECK: llama.quantize_rows %{{.*}} : tensor<?x32xf32>
// CHECK: llama.quantize %{{.*}} format{{ +}}q8
func.func @logits(%x: tensor<?x32xf32>) -> tensor<?x8xf32> {
  %w = llama.weight @w : tensor<8x32xf16>
  %y = llama.linear %x, %w : (tensor<?x32xf32>, tensor<8x32xf16>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// Codes of a file meet codes, without a format being asked for; floats do not.
llama.source @codes in "m" at 512 as q4_0 : tensor<8x32xf32>
// CHECK-LABEL: func.func @stored
// STORED-LABEL: func.func @stored
// STORED: %[[W:.*]] = llama.weight @codes
// STORED: %[[S:.*]] = llama.split_rope_rows %[[W]]
// STORED: %[[R:.*]] = llama.quantize_rows %{{.*}} microscaled
// STORED: llama.linear %[[R]], %[[S]]
// STORED-NOT: llama.quantize
func.func @stored(%x: tensor<?x32xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %w = llama.weight @codes : tensor<8x32xf32>
  %s = llama.split_rope_rows %w heads 2 : tensor<8x32xf32>
  %y = llama.linear %x, %s : (tensor<?x32xf32>, tensor<8x32xf32>) -> tensor<?x8xf32>
  %f = llama.weight @w : tensor<8x32xf16>
  %z = llama.linear %x, %f : (tensor<?x32xf32>, tensor<8x32xf16>) -> tensor<?x8xf32>
  return %y, %z : tensor<?x8xf32>, tensor<?x8xf32>
}
