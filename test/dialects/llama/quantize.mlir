// RUN: cria-opt %s | cria-opt | FileCheck %s

llama.source @k in "m" at 0 as q6_k : tensor<40x512xf32>
llama.source @w in "m" at 0 : tensor<40x64xf16>

// CHECK-LABEL: func.func @quantize
func.func @quantize() -> (tensor<40x64xf32>, tensor<3x2x288xi8>) {
  %w = llama.weight @w : tensor<40x64xf16>
  // CHECK: llama.quantize %{{.*}} format{{ +}}q4 : tensor<40x64xf16> -> tensor<40x64xf32>
  %q = llama.quantize %w format q4 : tensor<40x64xf16> -> tensor<40x64xf32>
  // CHECK: llama.pack_blocks %{{.*}} rows 16 format{{ +}}q4 : tensor<40x64xf32> -> tensor<3x2x288xi8>
  %p = llama.pack_blocks %q rows 16 format q4 : tensor<40x64xf32> -> tensor<3x2x288xi8>
  return %q, %p : tensor<40x64xf32>, tensor<3x2x288xi8>
}

// CHECK-LABEL: func.func @rough
func.func @rough() -> (tensor<3xf32>, tensor<3xf32>) {
  %w = llama.weight @w : tensor<40x64xf16>
  // CHECK: llama.quantize %{{.*}} format{{ +}}q8 rough : tensor<40x64xf16> -> tensor<40x64xf32>
  %q = llama.quantize %w format q8 rough : tensor<40x64xf16> -> tensor<40x64xf32>
  // CHECK: llama.row_norms %{{.*}} rows 16 : (tensor<40x64xf16>) -> tensor<3xf32>
  %n = llama.row_norms %w rows 16 : (tensor<40x64xf16>) -> tensor<3xf32>
  // CHECK: llama.row_norms %{{.*}} minus %{{.*}} rows 16 : (tensor<40x64xf16>, tensor<40x64xf32>) -> tensor<3xf32>
  %e = llama.row_norms %w minus %q rows 16 : (tensor<40x64xf16>, tensor<40x64xf32>) -> tensor<3xf32>
  return %n, %e : tensor<3xf32>, tensor<3xf32>
}

// CHECK-LABEL: func.func @rows
func.func @rows(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  // CHECK: llama.quantize_rows %{{.*}} : tensor<?x64xf32>
  %r = llama.quantize_rows %x : tensor<?x64xf32>
  return %r : tensor<?x64xf32>
}

// CHECK-LABEL: func.func @microscaled
func.func @microscaled(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  // CHECK: llama.quantize_rows %{{.*}} microscaled : tensor<?x64xf32>
  %r = llama.quantize_rows %x microscaled : tensor<?x64xf32>
  return %r : tensor<?x64xf32>
}

// CHECK-LABEL: func.func @pairs
func.func @pairs(%x: tensor<?x64xf32>, %w: tensor<40x64xbf16>) -> (tensor<?x64xf32>, tensor<3x32x16x2xbf16>) {
  // CHECK: llama.round %{{.*}} to bf16 : tensor<?x64xf32>
  %r = llama.round %x to bf16 : tensor<?x64xf32>
  // CHECK: llama.pack %{{.*}} rows 16 columns 2 : tensor<40x64xbf16> -> tensor<3x32x16x2xbf16>
  %p = llama.pack %w rows 16 columns 2 : tensor<40x64xbf16> -> tensor<3x32x16x2xbf16>
  return %r, %p : tensor<?x64xf32>, tensor<3x32x16x2xbf16>
}

// Codes of a file, packed: 32 + 16 x 16 + 8 x 384 bytes.
// CHECK-LABEL: func.func @stored
func.func @stored() -> tensor<3x2x3360xi8> {
  %w = llama.weight @k : tensor<40x512xf32>
  // CHECK: llama.pack_blocks %{{.*}} rows 16 format{{ +}}q6_k : tensor<40x512xf32> -> tensor<3x2x3360xi8>
  %p = llama.pack_blocks %w rows 16 format q6_k : tensor<40x512xf32> -> tensor<3x2x3360xi8>
  return %p : tensor<3x2x3360xi8>
}

// The last group of a row may be shorter.
// CHECK-LABEL: func.func @shorter
func.func @shorter(%w: tensor<40x44xf16>, %x: tensor<?x44xf32>) -> tensor<3x2x288xi8> {
  // CHECK: llama.quantize_rows %{{.*}} : tensor<?x44xf32>
  %r = llama.quantize_rows %x : tensor<?x44xf32>
  // CHECK: llama.pack_blocks %{{.*}} rows 16 format{{ +}}q4 : tensor<40x44xf32> -> tensor<3x2x288xi8>
  %q = llama.quantize %w format q4 : tensor<40x44xf16> -> tensor<40x44xf32>
  %p = llama.pack_blocks %q rows 16 format q4 : tensor<40x44xf32> -> tensor<3x2x288xi8>
  return %p : tensor<3x2x288xi8>
}
