// RUN: cria-opt %s | cria-opt | FileCheck %s
// RUN: cria-opt %s --mlir-print-op-generic | cria-opt | FileCheck %s

// CHECK-LABEL: func.func @embed
func.func @embed(%tokens: tensor<?xi32>, %table: tensor<100x16xf16>) -> tensor<?x16xf32> {
  // CHECK: llama.embed %{{.*}}, %{{.*}} : (tensor<?xi32>, tensor<100x16xf16>) -> tensor<?x16xf32>
  %x = llama.embed %tokens, %table : (tensor<?xi32>, tensor<100x16xf16>) -> tensor<?x16xf32>
  return %x : tensor<?x16xf32>
}

// CHECK-LABEL: func.func @rms_norm
func.func @rms_norm(%x: tensor<?x16xf32>, %layer: tensor<16xf32>, %head: tensor<4xbf16>)
    -> tensor<?x16xf32> {
  // CHECK: llama.rms_norm %{{.*}}, %{{.*}} epsilon 1.000000e-05 : (tensor<?x16xf32>, tensor<16xf32>)
  %h = llama.rms_norm %x, %layer epsilon 1.0e-5
    : (tensor<?x16xf32>, tensor<16xf32>) -> tensor<?x16xf32>
  // CHECK: llama.rms_norm %{{.*}}, %{{.*}} epsilon 0.000000e+00 : (tensor<?x16xf32>, tensor<4xbf16>)
  %q = llama.rms_norm %h, %head epsilon 0.0
    : (tensor<?x16xf32>, tensor<4xbf16>) -> tensor<?x16xf32>
  return %q : tensor<?x16xf32>
}

// CHECK-LABEL: func.func @screen
func.func @screen(%y: tensor<1x40xf32>, %a: tensor<1x40xf32>, %m: tensor<1xf32>) -> tensor<1x40xf32> {
  // CHECK: llama.screen %{{.*}} by %{{.*}} margin %{{.*}} : tensor<1x40xf32>, tensor<1xf32>
  %s = llama.screen %y by %a margin %m : tensor<1x40xf32>, tensor<1xf32>
  return %s : tensor<1x40xf32>
}

// CHECK-LABEL: func.func @linear
func.func @linear(%x: tensor<7x16xf32>, %w: tensor<8x16xf16>, %b: tensor<8xf32>)
    -> (tensor<7x8xf32>, tensor<7x8xf32>) {
  // CHECK: llama.linear %{{.*}}, %{{.*}} : (tensor<7x16xf32>, tensor<8x16xf16>) -> tensor<7x8xf32>
  %y = llama.linear %x, %w : (tensor<7x16xf32>, tensor<8x16xf16>) -> tensor<7x8xf32>
  // CHECK: llama.linear %{{.*}}, %{{.*}} bias %{{.*}} : (tensor<7x16xf32>, tensor<8x16xf16>, tensor<8xf32>) -> tensor<7x8xf32>
  %z = llama.linear %x, %w bias %b
    : (tensor<7x16xf32>, tensor<8x16xf16>, tensor<8xf32>) -> tensor<7x8xf32>
  return %y, %z : tensor<7x8xf32>, tensor<7x8xf32>
}

// CHECK-LABEL: func.func @rope
func.func @rope(%q: tensor<?x16xf32>, %table: tensor<32x2x4xf32>, %position: index)
    -> tensor<?x16xf32> {
  // CHECK: llama.rope %{{.*}}, %{{.*}} at %{{.*}} layout half : (tensor<?x16xf32>, tensor<32x2x4xf32>, index) -> tensor<?x16xf32>
  %h = llama.rope %q, %table at %position layout half
    : (tensor<?x16xf32>, tensor<32x2x4xf32>, index) -> tensor<?x16xf32>
  // CHECK: llama.rope %{{.*}}, %{{.*}} at %{{.*}} layout interleaved
  %i = llama.rope %h, %table at %position layout interleaved
    : (tensor<?x16xf32>, tensor<32x2x4xf32>, index) -> tensor<?x16xf32>
  return %i : tensor<?x16xf32>
}

// CHECK-LABEL: func.func @attention
func.func @attention(%q: tensor<?x16xf32>, %k: tensor<32x2x4xf32>, %v: tensor<32x2x4xf32>,
                     %position: index) -> tensor<?x16xf32> {
  // A window of 0 is none, and not printed.
  // CHECK: llama.attention %{{.*}}, %{{.*}}, %{{.*}} at %{{.*}} scale 5.000000e-01 : (
  %a = llama.attention %q, %k, %v at %position scale 0.5 window 0
    : (tensor<?x16xf32>, tensor<32x2x4xf32>, tensor<32x2x4xf32>, index) -> tensor<?x16xf32>
  // CHECK: llama.attention %{{.*}}, %{{.*}}, %{{.*}} at %{{.*}} scale 5.000000e-01 window 16 : (
  %w = llama.attention %a, %k, %v at %position scale 0.5 window 16
    : (tensor<?x16xf32>, tensor<32x2x4xf32>, tensor<32x2x4xf32>, index) -> tensor<?x16xf32>
  return %w : tensor<?x16xf32>
}

// CHECK-LABEL: func.func @elementwise
func.func @elementwise(%x: tensor<?x16xf32>, %y: tensor<?x16xf32>) -> tensor<?x16xf32> {
  // CHECK: llama.swiglu %{{.*}}, %{{.*}} : tensor<?x16xf32>
  %f = llama.swiglu %x, %y : tensor<?x16xf32>
  // CHECK: llama.add %{{.*}}, %{{.*}} : tensor<?x16xf32>
  %z = llama.add %x, %f : tensor<?x16xf32>
  return %z : tensor<?x16xf32>
}
