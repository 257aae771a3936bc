// RUN: cria-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(func.func(x86-lower-dot{vector-bytes=32 vnni=true}))'
// RUN: not cria-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(x86-lower-dot{vector-bytes=32 vnni=true}))' 2>/dev/null | FileCheck %s --check-prefix=FAILED --allow-empty

// What fails leaves nothing to print.
// FAILED-NOT: module

func.func @signed(%s: vector<16xi32>, %w: vector<64xi8>, %a: i32) -> vector<16xi32> {
  // expected-error @+1 {{has no instruction on a chip with VNNI and vectors of 32 bytes}}
  %r = kernel.dot %s, %w, %a signed : vector<16xi32>, vector<64xi8>
  return %r : vector<16xi32>
}

// -----

func.func @part(%s: vector<4xi32>, %w: vector<16xi8>, %a: i32) -> vector<4xi32> {
  // expected-error @+1 {{has no instruction on a chip with VNNI and vectors of 32 bytes}}
  %r = kernel.dot %s, %w, %a : vector<4xi32>, vector<16xi8>
  return %r : vector<4xi32>
}
