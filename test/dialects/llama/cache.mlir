// RUN: cria-opt %s | cria-opt | FileCheck %s
// RUN: cria-opt %s --mlir-print-op-generic | cria-opt | FileCheck %s
// RUN: cria-opt %s --canonicalize | FileCheck %s

// CHECK: llama.cache @layers.0.keys : tensor<32x2x4xf32>
llama.cache @layers.0.keys : tensor<32x2x4xf32>

// CHECK: llama.cache @layers.1.keys : tensor<32x2x64x!llama.q8>
llama.cache @layers.1.keys : tensor<32x2x64x!llama.q8>

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

// CHECK-LABEL: func.func @coded
func.func @coded(%rows: tensor<?x128xf32>, %position: index) {
  %old = llama.cache_read @layers.1.keys : tensor<32x2x64x!llama.q8>
  // CHECK: llama.cache_update %{{.*}}, %{{.*}} at %{{.*}} : (tensor<32x2x64x!llama.q8>, tensor<?x128xf32>, index) -> tensor<32x2x64x!llama.q8>
  %new = llama.cache_update %old, %rows at %position
    : (tensor<32x2x64x!llama.q8>, tensor<?x128xf32>, index) -> tensor<32x2x64x!llama.q8>
  llama.cache_write @layers.1.keys, %new : tensor<32x2x64x!llama.q8>
  return
}
