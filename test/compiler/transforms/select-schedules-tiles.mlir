// RUN: cria-opt %s --kernel-select-schedules | FileCheck %s

#x = affine_map<(t, p, k, r, c) -> (t, k, c)>
#w = affine_map<(t, p, k, r, c) -> (p, k, r, c)>
#y = affine_map<(t, p, k, r, c) -> (t, p, r)>

module attributes {kernel.target = "sapphirerapids"} {
  // Two panels and two tiles of 16 rows; of 48 rows, which are three such tiles, one; 24
  // are two tiles of 12. Columns that are no whole tiles stay with vectors, for which rows are not cut here.
  // CHECK-COUNT-1: kernel.schedule = #kernel.schedule<threads = [0, 2, 0, 0, 0], tiles = [32, 0, 0, 0, 0]>
  // CHECK-COUNT-1: kernel.schedule = #kernel.schedule<threads = [0, 2, 0, 0, 0], tiles = [16, 0, 0, 0, 0]>
  // CHECK-COUNT-1: kernel.schedule = #kernel.schedule<threads = [0, 1, 0, 0, 0], tiles = [24, 0, 0, 0, 0]>
  // CHECK-COUNT-1: kernel.schedule = #kernel.schedule<threads = [0, 2, 0, 0, 0], tiles = [0, 0, 0, 0, 0]>
  func.func @matmul(%a: tensor<64x32x2xbf16>, %b: tensor<48x32x2xbf16>, %c: tensor<24x32x2xbf16>, %d: tensor<24x31x2xbf16>,
                    %w: tensor<4x32x16x2xbf16>, %v: tensor<3x32x16x2xbf16>, %u: tensor<4x31x16x2xbf16>,
                    %ao: tensor<64x4x16xf32>, %bo: tensor<48x4x16xf32>, %co: tensor<24x3x16xf32>, %do: tensor<24x4x16xf32>)
      -> (tensor<64x4x16xf32>, tensor<48x4x16xf32>, tensor<24x3x16xf32>, tensor<24x4x16xf32>) {
    %0 = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction", "parallel", "reduction"]}
        ins(%a, %w : tensor<64x32x2xbf16>, tensor<4x32x16x2xbf16>) outs(%ao : tensor<64x4x16xf32>) {
    ^bb0(%i: bf16, %j: bf16, %s: f32):
      %l = arith.extf %i : bf16 to f32
      %m = arith.extf %j : bf16 to f32
      %n = arith.mulf %l, %m : f32
      %r = arith.addf %s, %n : f32
      linalg.yield %r : f32
    } -> tensor<64x4x16xf32>
    %1 = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction", "parallel", "reduction"]}
        ins(%b, %w : tensor<48x32x2xbf16>, tensor<4x32x16x2xbf16>) outs(%bo : tensor<48x4x16xf32>) {
    ^bb0(%i: bf16, %j: bf16, %s: f32):
      %l = arith.extf %i : bf16 to f32
      %m = arith.extf %j : bf16 to f32
      %n = arith.mulf %l, %m : f32
      %r = arith.addf %s, %n : f32
      linalg.yield %r : f32
    } -> tensor<48x4x16xf32>
    %2 = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction", "parallel", "reduction"]}
        ins(%c, %v : tensor<24x32x2xbf16>, tensor<3x32x16x2xbf16>) outs(%co : tensor<24x3x16xf32>) {
    ^bb0(%i: bf16, %j: bf16, %s: f32):
      %l = arith.extf %i : bf16 to f32
      %m = arith.extf %j : bf16 to f32
      %n = arith.mulf %l, %m : f32
      %r = arith.addf %s, %n : f32
      linalg.yield %r : f32
    } -> tensor<24x3x16xf32>
    %3 = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction", "parallel", "reduction"]}
        ins(%d, %u : tensor<24x31x2xbf16>, tensor<4x31x16x2xbf16>) outs(%do : tensor<24x4x16xf32>) {
    ^bb0(%i: bf16, %j: bf16, %s: f32):
      %l = arith.extf %i : bf16 to f32
      %m = arith.extf %j : bf16 to f32
      %n = arith.mulf %l, %m : f32
      %r = arith.addf %s, %n : f32
      linalg.yield %r : f32
    } -> tensor<24x4x16xf32>
    return %0, %1, %2, %3 : tensor<64x4x16xf32>, tensor<48x4x16xf32>, tensor<24x3x16xf32>, tensor<24x4x16xf32>
  }

  // Of bytes, a panel and all rows, which share the work of unpacking it.
  // CHECK-LABEL: func.func @block
  // CHECK: kernel.block_matmul {{.*}}kernel.schedule = #kernel.schedule<threads = [0, 1], tiles = [0, 0]>
  func.func @block(%q: tensor<128x2x32xi8>, %s: tensor<128x4xf32>, %n: tensor<128x2xf32>, %w: tensor<4x2x288xi8>,
                   %o: tensor<128x4x16xf32>) -> tensor<128x4x16xf32> {
    %y = kernel.block_matmul %q, %s, %n, %w format q4 into %o
      : (tensor<128x2x32xi8>, tensor<128x4xf32>, tensor<128x2xf32>, tensor<4x2x288xi8>, tensor<128x4x16xf32>) -> tensor<128x4x16xf32>
    return %y : tensor<128x4x16xf32>
  }
}
