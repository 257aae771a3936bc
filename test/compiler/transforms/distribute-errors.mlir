// RUN: cria-opt %s --pass-pipeline='builtin.module(func.func(kernel-distribute))' -split-input-file -verify-diagnostics
// RUN: not cria-opt %s --pass-pipeline='builtin.module(func.func(kernel-distribute))' -split-input-file 2>/dev/null | FileCheck %s --check-prefix=FAILED --allow-empty

// What fails leaves nothing to print.
// FAILED-NOT: module

// Six tiles are not four equal streams.
func.func @rest(%q: tensor<1x2x32xi8>, %s: tensor<1x4xf32>, %n: tensor<1x2xf32>, %w: tensor<6x2x288xi8>,
                %o: tensor<1x6x16xf32>) -> tensor<1x6x16xf32> {
  // expected-error @+1 {{cannot be cut by #kernel.schedule<threads = [0, 1], tiles = [0, 0], streams = 4>}}
  %y = kernel.block_matmul %q, %s, %n, %w format q4 into %o
    {kernel.schedule = #kernel.schedule<threads = [0, 1], tiles = [0, 0], streams = 4>}
    : (tensor<1x2x32xi8>, tensor<1x4xf32>, tensor<1x2xf32>, tensor<6x2x288xi8>, tensor<1x6x16xf32>) -> tensor<1x6x16xf32>
  return %y : tensor<1x6x16xf32>
}

// -----

// Threads that share a sum would all begin with what was there.
func.func @shared_sum(%x: tensor<4x512xf32>, %o: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{cannot be cut by #kernel.schedule<threads = [0, 256], tiles = [0, 0]>}}
  %r = linalg.generic {indexing_maps = [affine_map<(a, b) -> (a, b)>, affine_map<(a, b) -> (a)>], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<4x512xf32>) outs(%o : tensor<4xf32>)
      attrs = {kernel.schedule = #kernel.schedule<threads = [0, 256], tiles = [0, 0]>} {
  ^bb0(%a: f32, %b: f32):
    %s = arith.addf %b, %a : f32
    linalg.yield %s : f32
  } -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// -----

// How long a stream is must be known.
#id = affine_map<(n) -> (n)>
func.func @unknown(%x: tensor<?xf32>, %o: tensor<?xf32>) -> tensor<?xf32> {
  // expected-error @+1 {{cannot be cut by #kernel.schedule<threads = [1], tiles = [0], streams = 4>}}
  %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : tensor<?xf32>) outs(%o : tensor<?xf32>)
      attrs = {kernel.schedule = #kernel.schedule<threads = [1], tiles = [0], streams = 4>} {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  } -> tensor<?xf32>
  return %r : tensor<?xf32>
}

// -----

func.func @unknown_panels(%q: tensor<1x2x32xi8>, %s: tensor<1x4xf32>, %n: tensor<1x2xf32>, %w: tensor<?x2x288xi8>,
                          %o: tensor<1x?x16xf32>) -> tensor<1x?x16xf32> {
  // expected-error @+1 {{'kernel.block_matmul' op expects tensors of static shape that are not empty, but got 'tensor<?x2x288xi8>'}}
  %y = kernel.block_matmul %q, %s, %n, %w format q4 into %o
    {kernel.schedule = #kernel.schedule<threads = [0, 1], tiles = [0, 0], streams = 4>}
    : (tensor<1x2x32xi8>, tensor<1x4xf32>, tensor<1x2xf32>, tensor<?x2x288xi8>, tensor<1x?x16xf32>) -> tensor<1x?x16xf32>
  return %y : tensor<1x?x16xf32>
}

// -----

func.func @no_groups(%x: tensor<1x0x32xf32>, %a: tensor<1x0x32xi8>, %b: tensor<1x0xf32>, %c: tensor<1x0xf32>)
    -> (tensor<1x0x32xi8>, tensor<1x0xf32>, tensor<1x0xf32>) {
  // expected-error @+1 {{'kernel.quantize_rows' op expects tensors of static shape that are not empty, but got 'tensor<1x0x32xf32>'}}
  %q, %s, %n = kernel.quantize_rows %x into %a, %b, %c {kernel.schedule = #kernel.schedule<threads = [1, 1], tiles = [0, 0]>}
    : (tensor<1x0x32xf32>, tensor<1x0x32xi8>, tensor<1x0xf32>, tensor<1x0xf32>) -> (tensor<1x0x32xi8>, tensor<1x0xf32>, tensor<1x0xf32>)
  return %q, %s, %n : tensor<1x0x32xi8>, tensor<1x0xf32>, tensor<1x0xf32>
}
