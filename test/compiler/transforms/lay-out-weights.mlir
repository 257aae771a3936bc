// RUN: cria-opt %s --llama-lay-out-weights | FileCheck %s

llama.source @a in "m" at 0 : tensor<6x4xf16>
llama.source @b in "m" at 48 : tensor<6x4xf16>
llama.source @wide in "m" at 96 : tensor<16x32xf16>

// Equal expressions share a place; a further expression of the same source gets its own.
// CHECK: kernel.constant @a.value at 0 : tensor<2x4x4xf16> {
// CHECK:   %[[W:.*]] = llama.weight @a
// CHECK:   %[[P:.*]] = llama.pack %[[W]] rows 4
// CHECK:   kernel.yield %[[P]]
// CHECK: kernel.constant @b.value at 64 : tensor<2x4x4xf16>
// CHECK: kernel.constant @a.value_0 at 128 : tensor<6x4xf16>
// CHECK: kernel.constant @output.value at 192 : tensor<1x4x8xf16>
// CHECK: kernel.constant @output.rough at 256 : tensor<1x1x544xi8>
// CHECK: kernel.constant @wide.value at 832 : tensor<1xf32>
// CHECK-NOT: kernel.constant

// CHECK-LABEL: func.func @one
func.func @one() -> (tensor<2x4x4xf16>, tensor<2x4x4xf16>) {
  // CHECK: kernel.get @a.value : tensor<2x4x4xf16>
  // CHECK: kernel.get @b.value : tensor<2x4x4xf16>
  %a = llama.weight @a : tensor<6x4xf16>
  %pa = llama.pack %a rows 4 : tensor<6x4xf16> -> tensor<2x4x4xf16>
  %b = llama.weight @b : tensor<6x4xf16>
  %pb = llama.pack %b rows 4 : tensor<6x4xf16> -> tensor<2x4x4xf16>
  return %pa, %pb : tensor<2x4x4xf16>, tensor<2x4x4xf16>
}

// CHECK-LABEL: func.func @chunk
func.func @chunk() -> (tensor<2x4x4xf16>, tensor<6x4xf16>) {
  // CHECK-NOT: llama.
  // CHECK-DAG: kernel.get @a.value : tensor<2x4x4xf16>
  // CHECK-DAG: kernel.get @a.value_0 : tensor<6x4xf16>
  %a = llama.weight @a : tensor<6x4xf16>
  %pa = llama.pack %a rows 4 : tensor<6x4xf16> -> tensor<2x4x4xf16>
  return %pa, %a : tensor<2x4x4xf16>, tensor<6x4xf16>
}

// What the logits take from an embedding table in another form is called what it is.
// CHECK-LABEL: func.func @cria_logits_one
func.func @cria_logits_one() -> (tensor<2x4x4xf16>, tensor<1x4x8xf16>) {
  // CHECK-DAG: kernel.get @a.value : tensor<2x4x4xf16>
  // CHECK-DAG: kernel.get @output.value : tensor<1x4x8xf16>
  %a = llama.weight @a : tensor<6x4xf16>
  %pa = llama.pack %a rows 4 : tensor<6x4xf16> -> tensor<2x4x4xf16>
  %qa = llama.pack %a rows 8 : tensor<6x4xf16> -> tensor<1x4x8xf16>
  return %pa, %qa : tensor<2x4x4xf16>, tensor<1x4x8xf16>
}

// So is a rough copy of them, which only a screen takes.
// CHECK-LABEL: func.func @cria_logits_screened
func.func @cria_logits_screened() -> (tensor<1x1x544xi8>, tensor<1xf32>) {
  // CHECK-DAG: kernel.get @output.rough : tensor<1x1x544xi8>
  // CHECK-DAG: kernel.get @wide.value : tensor<1xf32>
  %w = llama.weight @wide : tensor<16x32xf16>
  %q = llama.quantize %w format q8 rough : tensor<16x32xf16> -> tensor<16x32xf32>
  %p = llama.pack_blocks %q rows 16 format q8 : tensor<16x32xf32> -> tensor<1x1x544xi8>
  %n = llama.row_norms %w minus %q rows 16 : (tensor<16x32xf16>, tensor<16x32xf32>) -> tensor<1xf32>
  return %p, %n : tensor<1x1x544xi8>, tensor<1xf32>
}
