// RUN: cria-opt %s | cria-opt | FileCheck %s

llama.source @w in "m" at 0 : tensor<40x64xf16>
llama.observation @x in "records" number 0 width 64

// CHECK-LABEL: func.func @guided
func.func @guided() -> tensor<40x64xf32> {
  %w = llama.weight @w : tensor<40x64xf16>
  // CHECK: llama.quantize %{{.*}} format{{ +}}q4 guided by @x : tensor<40x64xf16> -> tensor<40x64xf32>
  %q = llama.quantize %w format q4 guided by @x : tensor<40x64xf16> -> tensor<40x64xf32>
  return %q : tensor<40x64xf32>
}
