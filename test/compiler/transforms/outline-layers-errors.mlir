// RUN: cria-opt %s --llama-outline-layers -verify-diagnostics
// RUN: not cria-opt %s --llama-outline-layers 2>/dev/null | FileCheck %s --check-prefix=FAILED --allow-empty

// What fails leaves nothing to print.
// FAILED-NOT: module

// A layer that nobody calls.
%x = arith.constant dense<0.0> : tensor<1x4xf32>
// expected-error @+1 {{'llama.layer' op expects to lie in a function}}
%y = llama.layer "a" (%x : tensor<1x4xf32>) -> tensor<1x4xf32> {
^bb0(%h: tensor<1x4xf32>):
  llama.yield %h : tensor<1x4xf32>
}
