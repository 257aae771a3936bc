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
