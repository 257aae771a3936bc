// RUN: cria-opt %s -verify-diagnostics -split-input-file

// Types: a cache is a float or q8, static, [C, Hkv, Dh]
// expected-error @+1 {{type attribute of non-empty static 3D tensor of f32, f16, bf16 or q8 values}}
llama.cache @keys : tensor<32x8xf32>

// -----

// cache_read (C1)
func.func @f() {
  // expected-error @+1 {{expects @keys to name a llama.cache op, but got nothing}}
  %k = llama.cache_read @keys : tensor<32x2x4xf32>
  return
}

// -----

// cache_read (C1): a symbol of another kind
llama.source @keys in "f" at 0 : tensor<32x2x4xf32>
func.func @f() {
  // expected-error @+1 {{expects @keys to name a llama.cache op, but got llama.source}}
  %k = llama.cache_read @keys : tensor<32x2x4xf32>
  return
}

// -----

// cache_read (C2)
llama.cache @keys : tensor<32x2x4xf32>
func.func @f() {
  // expected-error @+1 {{expects the type of @keys, 'tensor<32x2x4xf32>', but got 'tensor<32x4x2xf32>'}}
  %k = llama.cache_read @keys : tensor<32x4x2xf32>
  return
}

// -----

// cache_update (C1)
func.func @f(%k: tensor<32x2x4xf32>, %rows: tensor<?x4xf32>, %p: index) {
  // expected-error @+1 {{expects rows of 8, but got 'tensor<?x4xf32>'}}
  %n = llama.cache_update %k, %rows at %p
    : (tensor<32x2x4xf32>, tensor<?x4xf32>, index) -> tensor<32x2x4xf32>
  return
}

// -----

// cache_write (C1)
func.func @f(%k: tensor<32x2x4xf32>) {
  // expected-error @+1 {{expects @keys to name a llama.cache op, but got nothing}}
  llama.cache_write @keys, %k : tensor<32x2x4xf32>
  return
}

// -----

// cache_write (C2)
llama.cache @keys : tensor<32x4x2xf32>
func.func @f(%k: tensor<32x2x4xf32>) {
  // expected-error @+1 {{expects the type of @keys, 'tensor<32x4x2xf32>', but got 'tensor<32x2x4xf32>'}}
  llama.cache_write @keys, %k : tensor<32x2x4xf32>
  return
}
