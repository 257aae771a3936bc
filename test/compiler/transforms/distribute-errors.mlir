// RUN: cria-opt %s --pass-pipeline='builtin.module(func.func(kernel-distribute))' -split-input-file -verify-diagnostics

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

// Streams are of one loop's tiles.
func.func @two_loops(%q: tensor<1x2x32xi8>, %s: tensor<1x4xf32>, %n: tensor<1x2xf32>, %w: tensor<8x2x288xi8>,
                     %o: tensor<1x8x16xf32>) -> tensor<1x8x16xf32> {
  // expected-error @+1 {{cannot be cut by #kernel.schedule<threads = [1, 1], tiles = [0, 0], streams = 4>}}
  %y = kernel.block_matmul %q, %s, %n, %w format q4 into %o
    {kernel.schedule = #kernel.schedule<threads = [1, 1], tiles = [0, 0], streams = 4>}
    : (tensor<1x2x32xi8>, tensor<1x4xf32>, tensor<1x2xf32>, tensor<8x2x288xi8>, tensor<1x8x16xf32>) -> tensor<1x8x16xf32>
  return %y : tensor<1x8x16xf32>
}
