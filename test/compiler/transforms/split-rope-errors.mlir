// RUN: cria-opt %s --llama-split-rope -split-input-file -verify-diagnostics
// RUN: not cria-opt %s --llama-split-rope -split-input-file 2>/dev/null | FileCheck %s --check-prefix=FAILED --allow-empty

// What fails leaves nothing to print.
// FAILED-NOT: module

// Rows of an activation have no other order.
llama.cache @keys : tensor<16x1x8xf32>
llama.cache @values : tensor<16x1x8xf32>
func.func @f(%x: tensor<?x8xf32>, %p: index) -> tensor<?x8xf32> {
  %t = llama.rope_table theta 1.0e4 : tensor<16x2x2xf32>
  // expected-error @+1 {{'llama.rope' op expects a llama.linear of its own as input to be rotated by halves, but got a block argument}}
  %r = llama.rope %x, %t at %p layout interleaved : (tensor<?x8xf32>, tensor<16x2x2xf32>, index) -> tensor<?x8xf32>
  %k = llama.cache_read @keys : tensor<16x1x8xf32>
  %v = llama.cache_read @values : tensor<16x1x8xf32>
  %a = llama.attention %r, %k, %v at %p scale 0.5 : (tensor<?x8xf32>, tensor<16x1x8xf32>, tensor<16x1x8xf32>, index) -> tensor<?x8xf32>
  return %a : tensor<?x8xf32>
}

// -----

// A group of the norm is a head and a half.
llama.source @w in "m" at 0 : tensor<12x4xf32>
llama.source @n in "m" at 4096 : tensor<6xf32>
llama.cache @keys : tensor<16x1x4xf32>
llama.cache @values : tensor<16x1x4xf32>
func.func @f(%x: tensor<?x4xf32>, %p: index) -> tensor<?x12xf32> {
  %t = llama.rope_table theta 1.0e4 : tensor<16x2x2xf32>
  %w = llama.weight @w : tensor<12x4xf32>
  %n = llama.weight @n : tensor<6xf32>
  %q = llama.linear %x, %w : (tensor<?x4xf32>, tensor<12x4xf32>) -> tensor<?x12xf32>
  %h = llama.rms_norm %q, %n epsilon 1.0e-5 : (tensor<?x12xf32>, tensor<6xf32>) -> tensor<?x12xf32>
  // expected-error @+1 {{'llama.rope' op expects a norm of whole heads of 4 in front of it to be rotated by halves, but got groups of 6}}
  %r = llama.rope %h, %t at %p layout interleaved : (tensor<?x12xf32>, tensor<16x2x2xf32>, index) -> tensor<?x12xf32>
  %k = llama.cache_read @keys : tensor<16x1x4xf32>
  %v = llama.cache_read @values : tensor<16x1x4xf32>
  %a = llama.attention %r, %k, %v at %p scale 0.5 : (tensor<?x12xf32>, tensor<16x1x4xf32>, tensor<16x1x4xf32>, index) -> tensor<?x12xf32>
  return %a : tensor<?x12xf32>
}

// -----

// Or half a head.
llama.source @w in "m" at 0 : tensor<12x4xf32>
llama.source @n in "m" at 4096 : tensor<2xf32>
llama.cache @keys : tensor<16x1x4xf32>
llama.cache @values : tensor<16x1x4xf32>
func.func @f(%x: tensor<?x4xf32>, %p: index) -> tensor<?x12xf32> {
  %t = llama.rope_table theta 1.0e4 : tensor<16x2x2xf32>
  %w = llama.weight @w : tensor<12x4xf32>
  %n = llama.weight @n : tensor<2xf32>
  %q = llama.linear %x, %w : (tensor<?x4xf32>, tensor<12x4xf32>) -> tensor<?x12xf32>
  %h = llama.rms_norm %q, %n epsilon 1.0e-5 : (tensor<?x12xf32>, tensor<2xf32>) -> tensor<?x12xf32>
  // expected-error @+1 {{'llama.rope' op expects a norm of whole heads of 4 in front of it to be rotated by halves, but got groups of 2}}
  %r = llama.rope %h, %t at %p layout interleaved : (tensor<?x12xf32>, tensor<16x2x2xf32>, index) -> tensor<?x12xf32>
  %k = llama.cache_read @keys : tensor<16x1x4xf32>
  %v = llama.cache_read @values : tensor<16x1x4xf32>
  %a = llama.attention %r, %k, %v at %p scale 0.5 : (tensor<?x12xf32>, tensor<16x1x4xf32>, tensor<16x1x4xf32>, index) -> tensor<?x12xf32>
  return %a : tensor<?x12xf32>
}

// -----

// Who else reads it would see another order.
llama.source @w in "m" at 0 : tensor<8x4xf32>
func.func @f(%x: tensor<?x4xf32>, %p: index) -> tensor<?x8xf32> {
  %t = llama.rope_table theta 1.0e4 : tensor<16x2x2xf32>
  %w = llama.weight @w : tensor<8x4xf32>
  %q = llama.linear %x, %w : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
  // expected-error @+1 {{'llama.rope' op expects to be read as queries or put into a cache of keys alone to be rotated by halves, but got 'func.return'}}
  %r = llama.rope %q, %t at %p layout interleaved : (tensor<?x8xf32>, tensor<16x2x2xf32>, index) -> tensor<?x8xf32>
  return %r : tensor<?x8xf32>
}

// -----

// As values, too.
llama.source @w in "m" at 0 : tensor<8x4xf32>
llama.cache @keys : tensor<16x1x8xf32>
llama.cache @values : tensor<16x1x8xf32>
func.func @f(%x: tensor<?x4xf32>, %p: index) -> tensor<?x8xf32> {
  %t = llama.rope_table theta 1.0e4 : tensor<16x2x2xf32>
  %w = llama.weight @w : tensor<8x4xf32>
  %q = llama.linear %x, %w : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
  // expected-error @+1 {{'llama.rope' op expects to be read as queries or put into a cache of keys alone to be rotated by halves, but got a cache of values}}
  %r = llama.rope %q, %t at %p layout interleaved : (tensor<?x8xf32>, tensor<16x2x2xf32>, index) -> tensor<?x8xf32>
  %v0 = llama.cache_read @values : tensor<16x1x8xf32>
  %v = llama.cache_update %v0, %r at %p : (tensor<16x1x8xf32>, tensor<?x8xf32>, index) -> tensor<16x1x8xf32>
  llama.cache_write @values, %v : tensor<16x1x8xf32>
  %k = llama.cache_read @keys : tensor<16x1x8xf32>
  %a = llama.attention %q, %k, %v at %p scale 0.5 : (tensor<?x8xf32>, tensor<16x1x8xf32>, tensor<16x1x8xf32>, index) -> tensor<?x8xf32>
  return %a : tensor<?x8xf32>
}

// -----

// As values of what also is keys.
llama.source @w in "m" at 0 : tensor<8x4xf32>
llama.cache @keys : tensor<16x1x8xf32>
func.func @f(%x: tensor<?x4xf32>, %p: index) -> tensor<?x8xf32> {
  %t = llama.rope_table theta 1.0e4 : tensor<16x2x2xf32>
  %w = llama.weight @w : tensor<8x4xf32>
  %q = llama.linear %x, %w : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
  // expected-error @+1 {{'llama.rope' op expects to be read as queries or put into a cache of keys alone to be rotated by halves, but got a cache of values}}
  %r = llama.rope %q, %t at %p layout interleaved : (tensor<?x8xf32>, tensor<16x2x2xf32>, index) -> tensor<?x8xf32>
  %k0 = llama.cache_read @keys : tensor<16x1x8xf32>
  %k = llama.cache_update %k0, %r at %p : (tensor<16x1x8xf32>, tensor<?x8xf32>, index) -> tensor<16x1x8xf32>
  llama.cache_write @keys, %k : tensor<16x1x8xf32>
  %a = llama.attention %r, %k, %k at %p scale 0.5 : (tensor<?x8xf32>, tensor<16x1x8xf32>, tensor<16x1x8xf32>, index) -> tensor<?x8xf32>
  return %a : tensor<?x8xf32>
}

// -----

// A cache that attention does not know for one of keys.
llama.source @w in "m" at 0 : tensor<8x4xf32>
llama.cache @keys : tensor<16x1x8xf32>
func.func @f(%x: tensor<?x4xf32>, %p: index) -> tensor<?x8xf32> {
  %t = llama.rope_table theta 1.0e4 : tensor<16x2x2xf32>
  %w = llama.weight @w : tensor<8x4xf32>
  %q = llama.linear %x, %w : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
  // expected-error @+1 {{'llama.rope' op expects to be read as queries or put into a cache of keys alone to be rotated by halves, but got a cache that is not one of keys}}
  %r = llama.rope %q, %t at %p layout interleaved : (tensor<?x8xf32>, tensor<16x2x2xf32>, index) -> tensor<?x8xf32>
  %k0 = llama.cache_read @keys : tensor<16x1x8xf32>
  %k = llama.cache_update %k0, %r at %p : (tensor<16x1x8xf32>, tensor<?x8xf32>, index) -> tensor<16x1x8xf32>
  llama.cache_write @keys, %k : tensor<16x1x8xf32>
  return %q : tensor<?x8xf32>
}

// -----

// Keys that the model does not keep.
llama.source @w in "m" at 0 : tensor<8x4xf32>
func.func @f(%x: tensor<?x4xf32>, %p: index, %k0: tensor<16x1x8xf32>) -> tensor<?x8xf32> {
  %t = llama.rope_table theta 1.0e4 : tensor<16x2x2xf32>
  %w = llama.weight @w : tensor<8x4xf32>
  %q = llama.linear %x, %w : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
  // expected-error @+1 {{'llama.rope' op expects keys in a cache of the model to be rotated by halves, but got a block argument}}
  %r = llama.rope %q, %t at %p layout interleaved : (tensor<?x8xf32>, tensor<16x2x2xf32>, index) -> tensor<?x8xf32>
  %a = llama.attention %r, %k0, %k0 at %p scale 0.5 : (tensor<?x8xf32>, tensor<16x1x8xf32>, tensor<16x1x8xf32>, index) -> tensor<?x8xf32>
  return %a : tensor<?x8xf32>
}

// -----

// Keys that are rotated by halves.
llama.source @w in "m" at 0 : tensor<8x4xf32>
llama.cache @keys : tensor<16x1x8xf32>
llama.cache @values : tensor<16x1x8xf32>
func.func @f(%x: tensor<?x4xf32>, %p: index) -> tensor<?x8xf32> {
  %t = llama.rope_table theta 1.0e4 : tensor<16x2x2xf32>
  %w = llama.weight @w : tensor<8x4xf32>
  %q = llama.linear %x, %w : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
  // expected-error @+1 {{'llama.rope' op expects queries and keys of @keys that are all rotated interleaved, in heads of 4, to be rotated by halves, but got layout half}}
  %r = llama.rope %q, %t at %p layout interleaved : (tensor<?x8xf32>, tensor<16x2x2xf32>, index) -> tensor<?x8xf32>
  %s = llama.linear %x, %w : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
  %s1 = llama.rope %s, %t at %p layout half : (tensor<?x8xf32>, tensor<16x2x2xf32>, index) -> tensor<?x8xf32>
  %k0 = llama.cache_read @keys : tensor<16x1x8xf32>
  %k = llama.cache_update %k0, %s1 at %p : (tensor<16x1x8xf32>, tensor<?x8xf32>, index) -> tensor<16x1x8xf32>
  llama.cache_write @keys, %k : tensor<16x1x8xf32>
  %v = llama.cache_read @values : tensor<16x1x8xf32>
  %a = llama.attention %r, %k, %v at %p scale 0.5 : (tensor<?x8xf32>, tensor<16x1x8xf32>, tensor<16x1x8xf32>, index) -> tensor<?x8xf32>
  return %a : tensor<?x8xf32>
}

// -----

// Queries that are not rotated.
llama.source @w in "m" at 0 : tensor<8x4xf32>
llama.cache @keys : tensor<16x1x8xf32>
llama.cache @values : tensor<16x1x8xf32>
func.func @f(%x: tensor<?x4xf32>, %p: index) -> tensor<?x8xf32> {
  %t = llama.rope_table theta 1.0e4 : tensor<16x2x2xf32>
  %w = llama.weight @w : tensor<8x4xf32>
  %q = llama.linear %x, %w : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
  %s = llama.linear %x, %w : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
  // expected-error @+1 {{'llama.rope' op expects queries and keys of @keys that are all rotated interleaved, in heads of 4, to be rotated by halves, but got 'llama.linear'}}
  %s1 = llama.rope %s, %t at %p layout interleaved : (tensor<?x8xf32>, tensor<16x2x2xf32>, index) -> tensor<?x8xf32>
  %k0 = llama.cache_read @keys : tensor<16x1x8xf32>
  %k = llama.cache_update %k0, %s1 at %p : (tensor<16x1x8xf32>, tensor<?x8xf32>, index) -> tensor<16x1x8xf32>
  llama.cache_write @keys, %k : tensor<16x1x8xf32>
  %v = llama.cache_read @values : tensor<16x1x8xf32>
  %a = llama.attention %q, %k, %v at %p scale 0.5 : (tensor<?x8xf32>, tensor<16x1x8xf32>, tensor<16x1x8xf32>, index) -> tensor<?x8xf32>
  return %a : tensor<?x8xf32>
}

// -----

// Heads of another size.
llama.source @w in "m" at 0 : tensor<8x4xf32>
llama.cache @keys : tensor<16x1x8xf32>
llama.cache @values : tensor<16x1x8xf32>
func.func @f(%x: tensor<?x4xf32>, %p: index) -> tensor<?x8xf32> {
  %t = llama.rope_table theta 1.0e4 : tensor<16x2x2xf32>
  %u = llama.rope_table theta 1.0e4 : tensor<16x2x4xf32>
  %w = llama.weight @w : tensor<8x4xf32>
  %q = llama.linear %x, %w : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
  // expected-error @+1 {{'llama.rope' op expects queries and keys of @keys that are all rotated interleaved, in heads of 4, to be rotated by halves, but got heads of 8}}
  %r = llama.rope %q, %t at %p layout interleaved : (tensor<?x8xf32>, tensor<16x2x2xf32>, index) -> tensor<?x8xf32>
  %s = llama.linear %x, %w : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
  %s1 = llama.rope %s, %u at %p layout interleaved : (tensor<?x8xf32>, tensor<16x2x4xf32>, index) -> tensor<?x8xf32>
  %k0 = llama.cache_read @keys : tensor<16x1x8xf32>
  %k = llama.cache_update %k0, %s1 at %p : (tensor<16x1x8xf32>, tensor<?x8xf32>, index) -> tensor<16x1x8xf32>
  llama.cache_write @keys, %k : tensor<16x1x8xf32>
  %v = llama.cache_read @values : tensor<16x1x8xf32>
  %a = llama.attention %r, %k, %v at %p scale 0.5 : (tensor<?x8xf32>, tensor<16x1x8xf32>, tensor<16x1x8xf32>, index) -> tensor<?x8xf32>
  return %a : tensor<?x8xf32>
}

// -----

// Attention in smaller heads than are rotated.
llama.source @w in "m" at 0 : tensor<8x4xf32>
llama.cache @keys : tensor<16x1x4xf32>
llama.cache @values : tensor<16x1x4xf32>
func.func @f(%x: tensor<?x4xf32>, %p: index) -> tensor<?x8xf32> {
  %t = llama.rope_table theta 1.0e4 : tensor<16x2x4xf32>
  %w = llama.weight @w : tensor<8x4xf32>
  %q = llama.linear %x, %w : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
  // expected-error @+1 {{'llama.rope' op expects heads of @keys that are a multiple of its own of 8 to be rotated by halves, but got 4}}
  %r = llama.rope %q, %t at %p layout interleaved : (tensor<?x8xf32>, tensor<16x2x4xf32>, index) -> tensor<?x8xf32>
  %k = llama.cache_read @keys : tensor<16x1x4xf32>
  %v = llama.cache_read @values : tensor<16x1x4xf32>
  %a = llama.attention %r, %k, %v at %p scale 0.5 : (tensor<?x8xf32>, tensor<16x1x4xf32>, tensor<16x1x4xf32>, index) -> tensor<?x8xf32>
  return %a : tensor<?x8xf32>
}

// -----

// Keys that come from elsewhere.
llama.source @w in "m" at 0 : tensor<8x4xf32>
llama.cache @keys : tensor<16x1x8xf32>
llama.cache @values : tensor<16x1x8xf32>
func.func @f(%x: tensor<?x4xf32>, %p: index) -> tensor<?x8xf32> {
  %t = llama.rope_table theta 1.0e4 : tensor<16x2x2xf32>
  %w = llama.weight @w : tensor<8x4xf32>
  %q = llama.linear %x, %w : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
  // expected-error @+1 {{'llama.rope' op expects nothing but updates to change @keys to be rotated by halves, but got 'arith.constant'}}
  %r = llama.rope %q, %t at %p layout interleaved : (tensor<?x8xf32>, tensor<16x2x2xf32>, index) -> tensor<?x8xf32>
  %k = llama.cache_read @keys : tensor<16x1x8xf32>
  %v = llama.cache_read @values : tensor<16x1x8xf32>
  %zero = arith.constant dense<0.0> : tensor<16x1x8xf32>
  llama.cache_write @keys, %zero : tensor<16x1x8xf32>
  %a = llama.attention %r, %k, %v at %p scale 0.5 : (tensor<?x8xf32>, tensor<16x1x8xf32>, tensor<16x1x8xf32>, index) -> tensor<?x8xf32>
  return %a : tensor<?x8xf32>
}

// -----

// Keys that someone else reads.
llama.source @w in "m" at 0 : tensor<8x4xf32>
llama.cache @keys : tensor<16x1x8xf32>
llama.cache @values : tensor<16x1x8xf32>
func.func @f(%x: tensor<?x4xf32>, %p: index) -> (tensor<?x8xf32>, tensor<16x1x8xf32>) {
  %t = llama.rope_table theta 1.0e4 : tensor<16x2x2xf32>
  %w = llama.weight @w : tensor<8x4xf32>
  %q = llama.linear %x, %w : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
  // expected-error @+1 {{'llama.rope' op expects nothing but attention to read @keys to be rotated by halves, but got 'func.return'}}
  %r = llama.rope %q, %t at %p layout interleaved : (tensor<?x8xf32>, tensor<16x2x2xf32>, index) -> tensor<?x8xf32>
  %k = llama.cache_read @keys : tensor<16x1x8xf32>
  %v = llama.cache_read @values : tensor<16x1x8xf32>
  %a = llama.attention %r, %k, %v at %p scale 0.5 : (tensor<?x8xf32>, tensor<16x1x8xf32>, tensor<16x1x8xf32>, index) -> tensor<?x8xf32>
  return %a, %k : tensor<?x8xf32>, tensor<16x1x8xf32>
}
