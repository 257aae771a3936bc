// Without a function there is room for constants all the same.
//
// RUN: cria-opt %s --llama-lay-out-weights | FileCheck %s

// CHECK: kernel.get @a.value
// CHECK: kernel.constant @a.value at 0 : tensor<4x4xf32>
// CHECK: kernel.constant @b.value at 64 : tensor<4xf32>
llama.source @a in "m" at 0 : tensor<4x4xf32>
llama.source @b in "m" at 64 : tensor<4xf32>
%x = arith.constant dense<0.0> : tensor<1x4xf32>
%a = llama.weight @a : tensor<4x4xf32>
%b = llama.weight @b : tensor<4xf32>
%y = llama.linear %x, %a bias %b : (tensor<1x4xf32>, tensor<4x4xf32>, tensor<4xf32>) -> tensor<1x4xf32>
