// RUN: cria-opt %s --llama-split-rope | FileCheck %s

llama.source @w in "m" at 0 : tensor<8x4xf32>
llama.source @b in "m" at 128 : tensor<8xf32>
llama.source @n in "m" at 256 : tensor<4xf32>
llama.source @k in "m" at 512 : tensor<4x4xf32>
llama.source @n2 in "m" at 1024 : tensor<8xf32>
llama.cache @keys : tensor<16x1x4xf32>
llama.cache @values : tensor<16x1x4xf32>

// The matrix, its bias and the norm of every head change their rows alike; so do keys.
// CHECK-LABEL: func.func @interleaved
// CHECK: %[[W:.*]] = llama.weight @w
// CHECK: %[[B:.*]] = llama.weight @b
// CHECK: %[[SW:.*]] = llama.split_rope_rows %[[W]] heads 2
// CHECK: %[[SB:.*]] = llama.split_rope_rows %[[B]] heads 2
// CHECK: llama.linear %{{.*}}, %[[SW]] bias %[[SB]]
// CHECK: %[[SN:.*]] = llama.split_rope_rows %{{.*}} heads 1
// CHECK: llama.rms_norm %{{.*}}, %[[SN]]
// CHECK: llama.rope {{.*}} layout half
// CHECK: %[[SK:.*]] = llama.split_rope_rows %{{.*}} heads 1 : tensor<4x4xf32>
// CHECK: llama.linear %{{.*}}, %[[SK]]
// CHECK: llama.rope {{.*}} layout half
func.func @interleaved(%x: tensor<?x4xf32>, %p: index) -> tensor<?x8xf32> {
  %t = llama.rope_table theta 1.0e4 : tensor<16x2x2xf32>
  %w = llama.weight @w : tensor<8x4xf32>
  %b = llama.weight @b : tensor<8xf32>
  %q = llama.linear %x, %w bias %b : (tensor<?x4xf32>, tensor<8x4xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %n = llama.weight @n : tensor<4xf32>
  %m = llama.rms_norm %q, %n epsilon 1.0e-6 : (tensor<?x8xf32>, tensor<4xf32>) -> tensor<?x8xf32>
  %r = llama.rope %m, %t at %p layout interleaved : (tensor<?x8xf32>, tensor<16x2x2xf32>, index) -> tensor<?x8xf32>
  %kw = llama.weight @k : tensor<4x4xf32>
  %k = llama.linear %x, %kw : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %s = llama.rope %k, %t at %p layout interleaved : (tensor<?x4xf32>, tensor<16x2x2xf32>, index) -> tensor<?x4xf32>
  %k0 = llama.cache_read @keys : tensor<16x1x4xf32>
  %k1 = llama.cache_update %k0, %s at %p : (tensor<16x1x4xf32>, tensor<?x4xf32>, index) -> tensor<16x1x4xf32>
  llama.cache_write @keys, %k1 : tensor<16x1x4xf32>
  %v = llama.cache_read @values : tensor<16x1x4xf32>
  %a = llama.attention %r, %k1, %v at %p scale 0.5 : (tensor<?x8xf32>, tensor<16x1x4xf32>, tensor<16x1x4xf32>, index) -> tensor<?x8xf32>
  return %a : tensor<?x8xf32>
}

// A norm of several heads at once.
// CHECK-LABEL: func.func @norm_of_two
// CHECK: %[[N:.*]] = llama.split_rope_rows %{{.*}} heads 2 : tensor<8xf32>
// CHECK: llama.rms_norm %{{.*}}, %[[N]]
func.func @norm_of_two(%x: tensor<?x4xf32>, %p: index) -> tensor<?x8xf32> {
  %t = llama.rope_table theta 1.0e4 : tensor<16x2x2xf32>
  %w = llama.weight @w : tensor<8x4xf32>
  %q = llama.linear %x, %w : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
  %n = llama.weight @n2 : tensor<8xf32>
  %m = llama.rms_norm %q, %n epsilon 1.0e-6 : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %r = llama.rope %m, %t at %p layout interleaved : (tensor<?x8xf32>, tensor<16x2x2xf32>, index) -> tensor<?x8xf32>
  %k = llama.cache_read @keys : tensor<16x1x4xf32>
  %v = llama.cache_read @values : tensor<16x1x4xf32>
  %a = llama.attention %r, %k, %v at %p scale 0.5 : (tensor<?x8xf32>, tensor<16x1x4xf32>, tensor<16x1x4xf32>, index) -> tensor<?x8xf32>
  return %a : tensor<?x8xf32>
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
