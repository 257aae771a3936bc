// RUN: cria-opt %s --llama-cast-weights=type=bf16 | FileCheck %s
// RUN: cria-opt %s --llama-cast-weights | FileCheck %s --check-prefix=STORED
// RUN: not cria-opt %s --llama-cast-weights=type=f8 2>&1 | FileCheck %s --check-prefix=ERROR

// ERROR: error: expects a weight type of f32, f16 or bf16, but got 'f8'

llama.source @w in "m" at 0 : tensor<8x4xf16>
llama.source @g in "m" at 64 : tensor<4xf16>

// CHECK-LABEL: func.func @f
// STORED-LABEL: func.func @f
func.func @f(%x: tensor<?x4xf32>) -> tensor<?x8xf32> {
  // A vector becomes f32 in any case, a matrix only on demand.
  // CHECK: %[[G:.*]] = llama.weight @g : tensor<4xf16>
  // CHECK: %[[G32:.*]] = llama.cast %[[G]] : tensor<4xf16> to tensor<4xf32>
  // CHECK: llama.rms_norm %{{.*}}, %[[G32]]
  // STORED: llama.cast %{{.*}} : tensor<4xf16> to tensor<4xf32>
  %g = llama.weight @g : tensor<4xf16>
  %n = llama.rms_norm %x, %g epsilon 1.0e-5 : (tensor<?x4xf32>, tensor<4xf16>) -> tensor<?x4xf32>
  // CHECK: %[[W:.*]] = llama.weight @w
  // CHECK: %[[W16:.*]] = llama.cast %[[W]] : tensor<8x4xf16> to tensor<8x4xbf16>
  // CHECK: llama.linear %{{.*}}, %[[W16]]
  // STORED-NOT: llama.cast
  // STORED: llama.linear %{{.*}} : (tensor<?x4xf32>, tensor<8x4xf16>)
  %w = llama.weight @w : tensor<8x4xf16>
  %y = llama.linear %n, %w : (tensor<?x4xf32>, tensor<8x4xf16>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
