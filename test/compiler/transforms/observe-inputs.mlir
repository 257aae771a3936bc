// RUN: cria-opt %s --llama-observe-inputs | FileCheck %s
// RUN: cria-opt %s --llama-observe-inputs=records=r.bin | FileCheck %s --check-prefix=RECORDS

llama.source @q in "m" at 0 : tensor<8x32xf16>
llama.source @k in "m" at 512 : tensor<8x32xf16>
llama.source @head in "m" at 1024 : tensor<16x8xf32>

// Matrices that meet the same vectors share an observation; numbers go on from function
// to function.
// CHECK: llama.observation @q.input number 0 width 32
// RECORDS: llama.observation @q.input in "r.bin" number 0 width 32
// CHECK-LABEL: func.func @forward
// CHECK-SAME: %[[X:.*]]: tensor<?x32xf32>
// CHECK: llama.observe @q.input, %[[X]] : tensor<?x32xf32>
// CHECK: llama.linear %[[X]]
// CHECK-NOT: llama.observe
// CHECK: llama.linear %[[X]]
func.func @forward(%x: tensor<?x32xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %s = llama.weight @q : tensor<8x32xf16>
  %q = llama.split_rope_rows %s heads 1 : tensor<8x32xf16>
  %y = llama.linear %x, %q : (tensor<?x32xf32>, tensor<8x32xf16>) -> tensor<?x8xf32>
  %k = llama.weight @k : tensor<8x32xf16>
  %z = llama.linear %x, %k : (tensor<?x32xf32>, tensor<8x32xf16>) -> tensor<?x8xf32>
  return %y, %z : tensor<?x8xf32>, tensor<?x8xf32>
}

// CHECK: llama.observation @head.input number 1 width 8
// RECORDS: llama.observation @head.input in "r.bin" number 1 width 8
// CHECK-LABEL: func.func @logits
// CHECK: llama.observe @head.input
func.func @logits(%x: tensor<?x8xf32>) -> tensor<?x16xf32> {
  %w = llama.weight @head : tensor<16x8xf32>
  %y = llama.linear %x, %w : (tensor<?x8xf32>, tensor<16x8xf32>) -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}
