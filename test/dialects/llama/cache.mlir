// RUN: cria-opt %s | cria-opt | FileCheck %s
// RUN: cria-opt %s --mlir-print-op-generic | cria-opt | FileCheck %s
// RUN: cria-opt %s --canonicalize | FileCheck %s

// CHECK: llama.cache @layers.0.keys : tensor<32x2x4xf32>
llama.cache @layers.0.keys : tensor<32x2x4xf32>

// A write stays although nothing uses it.
// CHECK-LABEL: func.func @step
func.func @step(%rows: tensor<?x8xf32>, %position: index) {
  // CHECK: %[[OLD:.*]] = llama.cache_read @layers.0.keys : tensor<32x2x4xf32>
  %old = llama.cache_read @layers.0.keys : tensor<32x2x4xf32>
  // CHECK: %[[NEW:.*]] = llama.cache_update %[[OLD]], %{{.*}} at %{{.*}} : (tensor<32x2x4xf32>, tensor<?x8xf32>, index) -> tensor<32x2x4xf32>
  %new = llama.cache_update %old, %rows at %position
    : (tensor<32x2x4xf32>, tensor<?x8xf32>, index) -> tensor<32x2x4xf32>
  // CHECK: llama.cache_write @layers.0.keys, %[[NEW]] : tensor<32x2x4xf32>
  llama.cache_write @layers.0.keys, %new : tensor<32x2x4xf32>
  return
}
