// RUN: cria-opt %s --llama-cast-caches=type=f16 | FileCheck %s
// RUN: cria-opt %s --llama-cast-caches | FileCheck %s --check-prefix=SAME
// RUN: not cria-opt %s --llama-cast-caches=type=i8 2>&1 | FileCheck %s --check-prefix=TYPE
// RUN: cria-opt %s --llama-cast-caches=type=q8 | FileCheck %s --check-prefix=Q8

// TYPE: error: expects a cache type of f32, f16, bf16 or q8, but got 'i8'

// Q8: llama.cache @keys : tensor<8x1x16x!llama.q8>
// Q8: llama.cache_update {{.*}} : (tensor<8x1x16x!llama.q8>, tensor<?x16xf32>, index) -> tensor<8x1x16x!llama.q8>
// Q8: llama.cache_write @keys, %{{.*}} : tensor<8x1x16x!llama.q8>

// CHECK: llama.cache @keys : tensor<8x1x16xf16>
// SAME: llama.cache @keys : tensor<8x1x16xf32>
llama.cache @keys : tensor<8x1x16xf32>
llama.cache @values : tensor<8x1x16xf32>

// Reads, updates and what uses them.
// CHECK-LABEL: func.func @f
// CHECK: llama.cache_read @keys : tensor<8x1x16xf16>
// CHECK: llama.cache_update {{.*}} : (tensor<8x1x16xf16>, tensor<?x16xf32>, index) -> tensor<8x1x16xf16>
// CHECK: llama.cache_write @keys, %{{.*}} : tensor<8x1x16xf16>
// CHECK: llama.attention {{.*}} : (tensor<?x32xf32>, tensor<8x1x16xf16>, tensor<8x1x16xf16>, index) -> tensor<?x32xf32>
func.func @f(%q: tensor<?x32xf32>, %k: tensor<?x16xf32>, %p: index) -> tensor<?x32xf32> {
  %k0 = llama.cache_read @keys : tensor<8x1x16xf32>
  %k1 = llama.cache_update %k0, %k at %p : (tensor<8x1x16xf32>, tensor<?x16xf32>, index) -> tensor<8x1x16xf32>
  llama.cache_write @keys, %k1 : tensor<8x1x16xf32>
  %v0 = llama.cache_read @values : tensor<8x1x16xf32>
  %v1 = llama.cache_update %v0, %k at %p : (tensor<8x1x16xf32>, tensor<?x16xf32>, index) -> tensor<8x1x16xf32>
  llama.cache_write @values, %v1 : tensor<8x1x16xf32>
  %a = llama.attention %q, %k1, %v1 at %p scale 0.25 : (tensor<?x32xf32>, tensor<8x1x16xf32>, tensor<8x1x16xf32>, index) -> tensor<?x32xf32>
  return %a : tensor<?x32xf32>
}
