// RUN: cria-opt %s --llama-quantize-weights=format=q4 -split-input-file | FileCheck %s
// RUN: cria-opt %s --llama-quantize-weights=format=q4,embed=nf4 -split-input-file | FileCheck %s --check-prefix=NAMED
// RUN: cria-opt %s --llama-quantize-weights=format=q4,embed=none -split-input-file | FileCheck %s --check-prefix=NONE
// RUN: cria-opt %s --llama-quantize-weights=format=none,lm_head=q6 -split-input-file | FileCheck %s --check-prefix=HEAD

// Codes of a file stay, unless a rule names them.
llama.source @embed in "m" at 0 as q4_0 : tensor<8x64xf32>
llama.source @output in "m" at 512 : tensor<8x64xf16>

// CHECK-LABEL: func.func @forward
// CHECK-NOT: llama.quantize
// CHECK: llama.embed
// NAMED-LABEL: func.func @forward
// NAMED: %[[E:.*]] = llama.quantize %{{.*}} format{{ +}}nf4 :
// NAMED: llama.embed %{{.*}}, %[[E]]
// NONE-LABEL: func.func @forward
// NONE-NOT: llama.quantize
// NONE: llama.embed
// HEAD-LABEL: func.func @forward
// HEAD-NOT: llama.quantize
// HEAD: llama.embed
func.func @forward(%tokens: tensor<?xi32>) -> tensor<?x64xf32> {
  %w = llama.weight @embed : tensor<8x64xf32>
  %x = llama.embed %tokens, %w : (tensor<?xi32>, tensor<8x64xf32>) -> tensor<?x64xf32>
  return %x : tensor<?x64xf32>
}
func.func @logits(%x: tensor<?x64xf32>) -> tensor<?x8xf32> {
  %w = llama.weight @output : tensor<8x64xf16>
  %y = llama.linear %x, %w : (tensor<?x64xf32>, tensor<8x64xf16>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// One table for both: rules for the head are rules for it, unless they name it. Then
// there are two.
llama.source @embed in "m" at 0 : tensor<8x64xf16>

// CHECK-LABEL: func.func @forward
// CHECK: llama.quantize %{{.*}} format{{ +}}q8 :
// CHECK: llama.embed
// NAMED-LABEL: func.func @forward
// NAMED: llama.quantize %{{.*}} format{{ +}}nf4 :
// NAMED: llama.embed
// NONE-LABEL: func.func @forward
// NONE-NOT: llama.quantize
// NONE: llama.embed
// HEAD-LABEL: func.func @forward
// HEAD: llama.quantize %{{.*}} format{{ +}}q6 :
// HEAD: llama.embed
func.func @forward(%tokens: tensor<?xi32>) -> tensor<?x64xf32> {
  %w = llama.weight @embed : tensor<8x64xf16>
  %x = llama.embed %tokens, %w : (tensor<?xi32>, tensor<8x64xf16>) -> tensor<?x64xf32>
  return %x : tensor<?x64xf32>
}
// CHECK-LABEL: func.func @logits
// CHECK: llama.quantize %{{.*}} format{{ +}}q8 :
// NAMED-LABEL: func.func @logits
// NAMED: llama.quantize %{{.*}} format{{ +}}q8 :
// NONE-LABEL: func.func @logits
// NONE: llama.quantize %{{.*}} format{{ +}}q8 :
// HEAD-LABEL: func.func @logits
// HEAD: llama.quantize %{{.*}} format{{ +}}q6 :
func.func @logits(%x: tensor<?x64xf32>) -> tensor<?x8xf32> {
  %w = llama.weight @embed : tensor<8x64xf16>
  %y = llama.linear %x, %w : (tensor<?x64xf32>, tensor<8x64xf16>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
