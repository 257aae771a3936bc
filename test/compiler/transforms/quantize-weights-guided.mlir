// RUN: cria-opt %s --llama-quantize-weights=format=q4 | FileCheck %s

llama.source @q in "m" at 0 : tensor<8x32xf16>
llama.source @k in "m" at 512 : tensor<8x32xf16>
llama.observation @q.input in "records" number 0 width 32
llama.observation @later number 1 width 32

// Both matrices that meet what has been recorded take it as their guide; it need not be
// observed again. What is still to be recorded guides nothing, and stays.
// CHECK-LABEL: func.func @forward
// CHECK-NOT: llama.observe @q.input
// CHECK: llama.quantize %{{.*}} format{{ +}}q4 guided by @q.input :
// CHECK: llama.quantize %{{.*}} format{{ +}}q4 guided by @q.input :
// CHECK: llama.observe @later
// CHECK: llama.quantize %{{.*}} format{{ +}}q4 : tensor
func.func @forward(%x: tensor<?x32xf32>, %y: tensor<?x32xf32>)
    -> (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) {
  %q = llama.weight @q : tensor<8x32xf16>
  %k = llama.weight @k : tensor<8x32xf16>
  llama.observe @q.input, %x : tensor<?x32xf32>
  %a = llama.linear %x, %q : (tensor<?x32xf32>, tensor<8x32xf16>) -> tensor<?x8xf32>
  %b = llama.linear %x, %k : (tensor<?x32xf32>, tensor<8x32xf16>) -> tensor<?x8xf32>
  llama.observe @later, %y : tensor<?x32xf32>
  %c = llama.linear %y, %q : (tensor<?x32xf32>, tensor<8x32xf16>) -> tensor<?x8xf32>
  return %a, %b, %c : tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>
}

// A table that is the head, too, is guided as the head is: its codes are in the artifact once.
llama.source @embed in "m" at 1024 : tensor<8x32xf16>
llama.observation @head.input in "records" number 2 width 32

// CHECK-LABEL: func.func @embed_one
// CHECK: %[[E:.*]] = llama.quantize %{{.*}} format{{ +}}q8 guided by @head.input :
// CHECK: llama.embed %{{.*}}, %[[E]]
func.func @embed_one(%tokens: tensor<1xi32>) -> tensor<1x32xf32> {
  %w = llama.weight @embed : tensor<8x32xf16>
  %x = llama.embed %tokens, %w : (tensor<1xi32>, tensor<8x32xf16>) -> tensor<1x32xf32>
  return %x : tensor<1x32xf32>
}

// CHECK-LABEL: func.func @logits
// CHECK: llama.quantize %{{.*}} format{{ +}}q8 guided by @head.input :
func.func @logits(%x: tensor<?x32xf32>) -> tensor<?x8xf32> {
  %w = llama.weight @embed : tensor<8x32xf16>
  llama.observe @head.input, %x : tensor<?x32xf32>
  %y = llama.linear %x, %w : (tensor<?x32xf32>, tensor<8x32xf16>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
