// RUN: cria-opt %s --llama-quantize-weights=format=q4,lm_head=q6,down_proj=q8,layers.1.down_proj=none | FileCheck %s
// RUN: cria-opt %s --llama-quantize-weights="format=q_proj=nf4 keep-stored=true" | FileCheck %s --check-prefix=PART
// RUN: not cria-opt %s --llama-quantize-weights=format=q4,gate_proj=q8 2>&1 | FileCheck %s --check-prefix=NAME
// RUN: not cria-opt %s --llama-quantize-weights=format=down_proj=q8,q4 2>&1 | FileCheck %s --check-prefix=ORDER
// RUN: not cria-opt %s --llama-quantize-weights=format=q4,=q8 2>&1 | FileCheck %s --check-prefix=EMPTY
// RUN: not cria-opt %s --llama-quantize-weights=format=q4,q_proj=q4_k 2>&1 | FileCheck %s --check-prefix=FILES

// NAME: error: quantization expects the name of a matrix, but none is called 'gate_proj'
// ORDER: error: quantization expects name=format after the default, but got 'q4'
// EMPTY: error: quantization expects the name of a matrix before '=', but got '=q8'
// FILES: error: quantization expects a format of none, q8, {{.*}}, ternary, but got 'q4_k'

llama.source @embed in "m" at 0 : tensor<64x64xf16>
llama.source @layers.0.q in "m" at 0 : tensor<64x64xf16>
llama.source @layers.0.down in "m" at 0 : tensor<64x64xf16>
llama.source @layers.1.down in "m" at 0 as q4_0 : tensor<64x64xf32>
llama.source @output in "m" at 0 : tensor<64x64xf16>

// A default, an exception by role and one of a layer; what is left out stays as it is stored.
// An embedding that nobody names takes q8.
// CHECK-LABEL: func.func @forward
// CHECK: %[[E:.*]] = llama.quantize %{{.*}} format{{ +}}q8 :
// CHECK: llama.embed %{{.*}}, %[[E]]
// CHECK: %[[Q0:.*]] = llama.weight @layers.0.q
// CHECK: %[[Q1:.*]] = llama.split_rope_rows %[[Q0]]
// CHECK: llama.quantize_rows %{{.*}} microscaled :
// CHECK: %[[Q2:.*]] = llama.quantize %[[Q1]] format{{ +}}q4 :
// CHECK: llama.linear %{{.*}}, %[[Q2]]
// CHECK: %[[D0:.*]] = llama.weight @layers.0.down
// CHECK: llama.quantize %[[D0]] format{{ +}}q8 :
// CHECK: %[[D1:.*]] = llama.weight @layers.1.down
// CHECK-NOT: llama.quantize
// CHECK: llama.linear %{{.*}}, %[[D1]]
// PART-LABEL: func.func @forward
// PART: %[[E:.*]] = llama.weight @embed
// PART-NEXT: llama.embed %{{.*}}, %[[E]]
// PART: llama.quantize %{{.*}} format{{ +}}nf4 :
// PART: %[[D0:.*]] = llama.weight @layers.0.down
// PART-NOT: llama.quantize
// PART: %[[X1:.*]] = llama.linear %{{.*}}, %[[D0]]
// PART: %[[D1:.*]] = llama.weight @layers.1.down
// PART: %[[R1:.*]] = llama.quantize_rows %[[X1]]
// PART: llama.linear %[[R1]], %[[D1]]
func.func @forward(%tokens: tensor<?xi32>) -> tensor<?x64xf32> {
  %e = llama.weight @embed : tensor<64x64xf16>
  %x = llama.embed %tokens, %e : (tensor<?xi32>, tensor<64x64xf16>) -> tensor<?x64xf32>
  %q = llama.weight @layers.0.q : tensor<64x64xf16>
  %s = llama.split_rope_rows %q heads 2 : tensor<64x64xf16>
  %x0 = llama.linear %x, %s : (tensor<?x64xf32>, tensor<64x64xf16>) -> tensor<?x64xf32>
  %d0 = llama.weight @layers.0.down : tensor<64x64xf16>
  %x1 = llama.linear %x0, %d0 : (tensor<?x64xf32>, tensor<64x64xf16>) -> tensor<?x64xf32>
  %d1 = llama.weight @layers.1.down : tensor<64x64xf32>
  %x2 = llama.linear %x1, %d1 : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  return %x2 : tensor<?x64xf32>
}

// CHECK-LABEL: func.func @logits
// CHECK: llama.quantize_rows %{{.*}} : tensor
// CHECK: llama.quantize %{{.*}} format{{ +}}q6 :
// PART-LABEL: func.func @logits
// PART-NOT: llama.quantize
func.func @logits(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %w = llama.weight @output : tensor<64x64xf16>
  %y = llama.linear %x, %w : (tensor<?x64xf32>, tensor<64x64xf16>) -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}
