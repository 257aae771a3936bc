// RUN: cria-opt %s --llama-split-rope -split-input-file -verify-diagnostics | FileCheck %s

llama.source @w in "m" at 0 : tensor<8x4xf32>
llama.source @b in "m" at 128 : tensor<8xf32>
llama.source @n in "m" at 256 : tensor<4xf32>

// The matrix, its bias and the norm of every head change their rows alike.
// CHECK-LABEL: func.func @interleaved
// CHECK: %[[W:.*]] = llama.weight @w
// CHECK: %[[B:.*]] = llama.weight @b
// CHECK: %[[SW:.*]] = llama.split_rope_rows %[[W]] heads 2
// CHECK: %[[SB:.*]] = llama.split_rope_rows %[[B]] heads 2
// CHECK: llama.linear %{{.*}}, %[[SW]] bias %[[SB]]
// CHECK: %[[SN:.*]] = llama.split_rope_rows %{{.*}} heads 1
// CHECK: llama.rms_norm %{{.*}}, %[[SN]]
// CHECK: llama.rope {{.*}} layout half
func.func @interleaved(%x: tensor<?x4xf32>, %p: index) -> tensor<?x8xf32> {
  %t = llama.rope_table theta 1.0e4 : tensor<16x2x2xf32>
  %w = llama.weight @w : tensor<8x4xf32>
  %b = llama.weight @b : tensor<8xf32>
  %q = llama.linear %x, %w bias %b : (tensor<?x4xf32>, tensor<8x4xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %n = llama.weight @n : tensor<4xf32>
  %m = llama.rms_norm %q, %n epsilon 1.0e-6 : (tensor<?x8xf32>, tensor<4xf32>) -> tensor<?x8xf32>
  %r = llama.rope %m, %t at %p layout interleaved : (tensor<?x8xf32>, tensor<16x2x2xf32>, index) -> tensor<?x8xf32>
  return %r : tensor<?x8xf32>
}

// CHECK-LABEL: func.func @half
// CHECK-NOT: llama.split_rope_rows
func.func @half(%x: tensor<?x4xf32>, %p: index) -> tensor<?x8xf32> {
  %t = llama.rope_table theta 1.0e4 : tensor<16x2x2xf32>
  %w = llama.weight @w : tensor<8x4xf32>
  %q = llama.linear %x, %w : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
  %r = llama.rope %q, %t at %p layout half : (tensor<?x8xf32>, tensor<16x2x2xf32>, index) -> tensor<?x8xf32>
  return %r : tensor<?x8xf32>
}

// -----

func.func @no_projection(%x: tensor<?x8xf32>, %p: index) -> tensor<?x8xf32> {
  %t = llama.rope_table theta 1.0e4 : tensor<16x2x2xf32>
  // expected-error @+1 {{'llama.rope' op expects a llama.linear of its own as input to be rotated by halves}}
  %r = llama.rope %x, %t at %p layout interleaved : (tensor<?x8xf32>, tensor<16x2x2xf32>, index) -> tensor<?x8xf32>
  return %r : tensor<?x8xf32>
}
