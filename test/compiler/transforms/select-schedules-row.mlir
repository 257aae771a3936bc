// RUN: cria-opt %s --kernel-select-schedules | FileCheck %s --check-prefixes=CHECK,FOUR
// RUN: sed s/x86-64-v3/znver4/ %s | cria-opt --kernel-select-schedules | FileCheck %s --check-prefixes=CHECK,ONE

// A single row meets as many panels at once as the chip follows streams from memory: neighbours, or, of
// blocks, those of as many parts of the matrix (of six panels, which fours would leave a rest of, three).
// Many rows meet as many as registers hold.

#x = affine_map<(t, p, k, r) -> (t, k)>
#w = affine_map<(t, p, k, r) -> (p, k, r)>
#y = affine_map<(t, p, k, r) -> (t, p, r)>

module attributes {kernel.target = "x86-64-v3"} {
  // CHECK-LABEL: func.func @blocks
  // FOUR: kernel.block_matmul {{.*}}kernel.schedule = #kernel.schedule<threads = [0, 1], tiles = [0, 0], streams = 4>
  // FOUR: kernel.block_matmul {{.*}}kernel.schedule = #kernel.schedule<threads = [0, 1], tiles = [0, 0], streams = 3>
  // FOUR: kernel.block_matmul {{.*}}kernel.schedule = #kernel.schedule<threads = [0, 1], tiles = [0, 0]>
  // ONE: kernel.block_matmul {{.*}}kernel.schedule = #kernel.schedule<threads = [0, 1], tiles = [0, 0]>
  // ONE: kernel.block_matmul {{.*}}kernel.schedule = #kernel.schedule<threads = [0, 1], tiles = [0, 0]>
  // ONE: kernel.block_matmul {{.*}}kernel.schedule = #kernel.schedule<threads = [0, 2], tiles = [0, 0]>
  func.func @blocks(%q: tensor<1x2x32xi8>, %s: tensor<1x4xf32>, %n: tensor<1x2xf32>, %w: tensor<8x2x288xi8>,
                    %o: tensor<1x8x16xf32>, %w6: tensor<6x2x288xi8>, %o6: tensor<1x6x16xf32>, %qs: tensor<8x2x32xi8>,
                    %ss: tensor<8x4xf32>, %ns: tensor<8x2xf32>, %os: tensor<8x8x16xf32>)
      -> (tensor<1x8x16xf32>, tensor<1x6x16xf32>, tensor<8x8x16xf32>) {
    %a = kernel.block_matmul %q, %s, %n, %w format q4 into %o
      : (tensor<1x2x32xi8>, tensor<1x4xf32>, tensor<1x2xf32>, tensor<8x2x288xi8>, tensor<1x8x16xf32>) -> tensor<1x8x16xf32>
    %b = kernel.block_matmul %q, %s, %n, %w6 format q4 into %o6
      : (tensor<1x2x32xi8>, tensor<1x4xf32>, tensor<1x2xf32>, tensor<6x2x288xi8>, tensor<1x6x16xf32>) -> tensor<1x6x16xf32>
    %c = kernel.block_matmul %qs, %ss, %ns, %w format q4 into %os
      : (tensor<8x2x32xi8>, tensor<8x4xf32>, tensor<8x2xf32>, tensor<8x2x288xi8>, tensor<8x8x16xf32>) -> tensor<8x8x16xf32>
    return %a, %b, %c : tensor<1x8x16xf32>, tensor<1x6x16xf32>, tensor<8x8x16xf32>
  }

  // Codes are made in groups of 32 numbers, two panels, of each part.
  // CHECK-LABEL: func.func @codes
  // FOUR: kernel.quantize_rows {{.*}}kernel.schedule = #kernel.schedule<threads = [0, 2], tiles = [0, 0], streams = 4>
  // ONE: kernel.quantize_rows {{.*}}kernel.schedule = #kernel.schedule<threads = [0, 2], tiles = [0, 0]>
  func.func @codes(%q: tensor<1x2x32xi8>, %s: tensor<1x4xf32>, %n: tensor<1x2xf32>, %w: tensor<16x2x288xi8>,
                   %o: tensor<1x16x16xf32>, %qo: tensor<1x8x32xi8>, %so: tensor<1x16xf32>, %no: tensor<1x8xf32>)
      -> (tensor<1x8x32xi8>, tensor<1x16xf32>, tensor<1x8xf32>) {
    %a = kernel.block_matmul %q, %s, %n, %w format q4 into %o
      : (tensor<1x2x32xi8>, tensor<1x4xf32>, tensor<1x2xf32>, tensor<16x2x288xi8>, tensor<1x16x16xf32>) -> tensor<1x16x16xf32>
    %r:3 = kernel.quantize_rows %a into %qo, %so, %no
      : (tensor<1x16x16xf32>, tensor<1x8x32xi8>, tensor<1x16xf32>, tensor<1x8xf32>)
      -> (tensor<1x8x32xi8>, tensor<1x16xf32>, tensor<1x8xf32>)
    return %r#0, %r#1, %r#2 : tensor<1x8x32xi8>, tensor<1x16xf32>, tensor<1x8xf32>
  }

  // CHECK-LABEL: func.func @plain
  // FOUR: linalg.generic {{.*}}kernel.schedule = #kernel.schedule<threads = [0, 4, 0, 0], tiles = [0, 0, 0, 0]>
  // ONE: linalg.generic {{.*}}kernel.schedule = #kernel.schedule<threads = [0, 1, 0, 0], tiles = [0, 0, 0, 0]>
  func.func @plain(%x: tensor<1x512xf32>, %w: tensor<8x512x16xf32>, %o: tensor<1x8x16xf32>) -> tensor<1x8x16xf32> {
    %r = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction", "parallel"]}
        ins(%x, %w : tensor<1x512xf32>, tensor<8x512x16xf32>) outs(%o : tensor<1x8x16xf32>) {
    ^bb0(%in: f32, %b: f32, %c: f32):
      %1 = arith.mulf %in, %b : f32
      %2 = arith.addf %c, %1 : f32
      linalg.yield %2 : f32
    } -> tensor<1x8x16xf32>
    return %r : tensor<1x8x16xf32>
  }
}
