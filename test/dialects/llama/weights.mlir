// RUN: cria-opt %s | cria-opt | FileCheck %s
// RUN: cria-opt %s --mlir-print-op-generic | cria-opt | FileCheck %s
// RUN: cria-opt %s --canonicalize | FileCheck %s --check-prefix=FOLD

// CHECK: llama.source @plain in "model.safetensors" at 2048 : tensor<64x32xf16>
llama.source @plain in "model.safetensors" at 2048 : tensor<64x32xf16>
// The default encoding is not printed.
// CHECK: llama.source @default in "model.safetensors" at 0 : tensor<4xbf16>
llama.source @default in "model.safetensors" at 0 as plain : tensor<4xbf16>
// CHECK: llama.source @q8 in "model.gguf" at 64 as q8_0 : tensor<64x32xf32>
llama.source @q8 in "model.gguf" at 64 as q8_0 : tensor<64x32xf32>
// CHECK: llama.source @layers.0.k in "model.gguf" at 4096 as q4_0 : tensor<64x32xf32>
llama.source @layers.0.k in "model.gguf" at 4096 as q4_0 : tensor<64x32xf32>
// CHECK: llama.synthetic @random seed -17 mean 0.000000e+00 deviation 2.000000e-02 : tensor<8xf32>
llama.synthetic @random seed -17 mean 0.0 deviation 0.02 : tensor<8xf32>

// CHECK-LABEL: func.func @weights
func.func @weights() -> (tensor<3x32x24xbf16>, tensor<8xf32>) {
  // CHECK: %[[W:.*]] = llama.weight @plain : tensor<64x32xf16>
  %w = llama.weight @plain : tensor<64x32xf16>
  // CHECK: %[[C:.*]] = llama.cast %[[W]] : tensor<64x32xf16> to tensor<64x32xbf16>
  %c = llama.cast %w : tensor<64x32xf16> to tensor<64x32xbf16>
  // CHECK: %[[S:.*]] = llama.split_rope_rows %[[C]] heads 4 : tensor<64x32xbf16>
  %s = llama.split_rope_rows %c heads 4 : tensor<64x32xbf16>
  // The last panel is not full.
  // CHECK: %[[P:.*]] = llama.pack %[[S]] rows 24 : tensor<64x32xbf16> -> tensor<3x32x24xbf16>
  %p = llama.pack %s rows 24 : tensor<64x32xbf16> -> tensor<3x32x24xbf16>
  // CHECK: %[[B:.*]] = llama.weight @random : tensor<8xf32>
  %b = llama.weight @random : tensor<8xf32>
  // CHECK: %[[R:.*]] = llama.split_rope_rows %[[B]] heads 1 : tensor<8xf32>
  %r = llama.split_rope_rows %b heads 1 : tensor<8xf32>
  // CHECK: return %[[P]], %[[R]]
  return %p, %r : tensor<3x32x24xbf16>, tensor<8xf32>
}

// CHECK-LABEL: func.func @matrices
func.func @matrices(%q: tensor<6x4xf16>, %k: tensor<2x4xf16>) -> tensor<8x4xf16> {
  // CHECK: %[[QK:.*]] = llama.concat_rows %{{.*}}, %{{.*}} : (tensor<6x4xf16>, tensor<2x4xf16>) -> tensor<8x4xf16>
  // CHECK: return %[[QK]]
  %qk = llama.concat_rows %q, %k : (tensor<6x4xf16>, tensor<2x4xf16>) -> tensor<8x4xf16>
  return %qk : tensor<8x4xf16>
}

// A cast to the same type folds away; one to another type stays.
// FOLD-LABEL: func.func @fold
func.func @fold(%w: tensor<2x2xf16>) -> (tensor<2x2xf16>, tensor<2x2xf32>) {
  // FOLD-NEXT: %[[C:.*]] = llama.cast %[[W:.*]] : tensor<2x2xf16> to tensor<2x2xf32>
  // FOLD-NEXT: return %[[W]], %[[C]]
  %same = llama.cast %w : tensor<2x2xf16> to tensor<2x2xf16>
  %other = llama.cast %w : tensor<2x2xf16> to tensor<2x2xf32>
  return %same, %other : tensor<2x2xf16>, tensor<2x2xf32>
}

// CHECK-LABEL: func.func @rope_tables
func.func @rope_tables() {
  // CHECK: llama.rope_table theta 1.000000e+04 : tensor<512x2x32xf32>
  %none = llama.rope_table theta 1.0e4 : tensor<512x2x32xf32>
  // Defaults are not printed.
  // CHECK: llama.rope_table theta 1.000000e+04 : tensor<512x2x32xf32>
  %default = llama.rope_table theta 1.0e4 scaling none {factor = 1.0 : f64, betaFast = 32.0 : f64}
    : tensor<512x2x32xf32>
  // CHECK: llama.rope_table theta 1.000000e+04 scaling linear {factor = 4.000000e+00 : f64}
  %linear = llama.rope_table theta 1.0e4 scaling linear {factor = 4.0 : f64} : tensor<512x2x32xf32>
  // CHECK: llama.rope_table theta 5.000000e+05 scaling llama3
  // CHECK-SAME: factor = 8.000000e+00 : f64, originalContext = 8.192000e+03 : f64
  %llama3 = llama.rope_table theta 5.0e5 scaling llama3
    {factor = 8.0 : f64, originalContext = 8192.0 : f64} : tensor<512x2x32xf32>
  // CHECK: llama.rope_table theta 1.000000e+04 scaling yarn
  // CHECK-SAME: attentionFactor = 1.100000e+00 : f64
  %yarn = llama.rope_table theta 1.0e4 scaling yarn {factor = 4.0 : f64,
    originalContext = 64.0 : f64, attentionFactor = 1.1 : f64} : tensor<512x2x32xf32>
  return
}
