// RUN: cria-opt %s --pass-pipeline='builtin.module(func.func(kernel-vectorize-matmul))' | FileCheck %s
// RUN: sed s/sapphirerapids/znver4/ %s | cria-opt --pass-pipeline='builtin.module(func.func(kernel-vectorize-matmul))' \
// RUN:   | FileCheck %s --check-prefix=VECTORS

// VECTORS-NOT: kernel.tile_matmul
// VECTORS: kernel.dot

#x = affine_map<(t, p, k, r, c) -> (t, k, c)>
#w = affine_map<(t, p, k, r, c) -> (p, k, r, c)>
#y = affine_map<(t, p, k, r, c) -> (t, p, r)>

module attributes {kernel.target = "sapphirerapids"} {
  // CHECK-LABEL: func.func @tile
  // CHECK-SAME: %[[X:.*]]: tensor<16x16x2xbf16>, %[[W:.*]]: tensor<2x16x16x2xbf16>, %[[O:.*]]: tensor<16x2x16xf32>)
  // CHECK: %[[ROWS:.*]] = tensor.collapse_shape %[[X]] {{\[\[}}0], [1, 2]]
  // CHECK: %[[PANELS:.*]] = tensor.collapse_shape %[[W]] {{\[\[}}0], [1], [2, 3]]
  // CHECK: kernel.tile_matmul %[[ROWS]], %[[PANELS]] into %[[O]] accumulate : tensor<16x32xbf16>, tensor<2x16x32xbf16>, tensor<16x2x16xf32> -> tensor<16x2x16xf32>
  func.func @tile(%x: tensor<16x16x2xbf16>, %w: tensor<2x16x16x2xbf16>, %o: tensor<16x2x16xf32>) -> tensor<16x2x16xf32> {
    %r = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction", "parallel", "reduction"]}
        ins(%x, %w : tensor<16x16x2xbf16>, tensor<2x16x16x2xbf16>) outs(%o : tensor<16x2x16xf32>) {
    ^bb0(%a: bf16, %b: bf16, %c: f32):
      %0 = arith.extf %a : bf16 to f32
      %1 = arith.extf %b : bf16 to f32
      %2 = arith.mulf %0, %1 : f32
      %3 = arith.addf %c, %2 : f32
      linalg.yield %3 : f32
    } -> tensor<16x2x16xf32>
    return %r : tensor<16x2x16xf32>
  }

  // Zeros are not written and read back.
  // CHECK-LABEL: func.func @filled
  // CHECK-SAME: %[[O:[^:]*]]: tensor<16x1x16xf32>
  // CHECK: kernel.tile_matmul %{{.*}}, %{{.*}} into %[[O]] :
  func.func @filled(%x: tensor<16x16x2xbf16>, %w: tensor<1x16x16x2xbf16>, %o: tensor<16x1x16xf32>) -> tensor<16x1x16xf32> {
    %zero = arith.constant 0.0 : f32
    %f = linalg.fill ins(%zero : f32) outs(%o : tensor<16x1x16xf32>) -> tensor<16x1x16xf32>
    %r = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction", "parallel", "reduction"]}
        ins(%x, %w : tensor<16x16x2xbf16>, tensor<1x16x16x2xbf16>) outs(%f : tensor<16x1x16xf32>) {
    ^bb0(%a: bf16, %b: bf16, %c: f32):
      %0 = arith.extf %a : bf16 to f32
      %1 = arith.extf %b : bf16 to f32
      %2 = arith.mulf %0, %1 : f32
      %3 = arith.addf %c, %2 : f32
      linalg.yield %3 : f32
    } -> tensor<16x1x16xf32>
    return %r : tensor<16x1x16xf32>
  }

  // 24 columns are no whole tile, and a single row is not worth one.
  // CHECK-LABEL: func.func @part
  // CHECK-NOT: kernel.tile_matmul
  func.func @part(%x: tensor<2x12x2xbf16>, %w: tensor<1x12x16x2xbf16>, %o: tensor<2x1x16xf32>) -> tensor<2x1x16xf32> {
    %r = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction", "parallel", "reduction"]}
        ins(%x, %w : tensor<2x12x2xbf16>, tensor<1x12x16x2xbf16>) outs(%o : tensor<2x1x16xf32>) {
    ^bb0(%a: bf16, %b: bf16, %c: f32):
      %0 = arith.extf %a : bf16 to f32
      %1 = arith.extf %b : bf16 to f32
      %2 = arith.mulf %0, %1 : f32
      %3 = arith.addf %c, %2 : f32
      linalg.yield %3 : f32
    } -> tensor<2x1x16xf32>
    return %r : tensor<2x1x16xf32>
  }

  // CHECK-LABEL: func.func @single
  // CHECK-NOT: kernel.tile_matmul
  func.func @single(%x: tensor<1x16x2xbf16>, %w: tensor<1x16x16x2xbf16>, %o: tensor<1x1x16xf32>) -> tensor<1x1x16xf32> {
    %r = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction", "parallel", "reduction"]}
        ins(%x, %w : tensor<1x16x2xbf16>, tensor<1x16x16x2xbf16>) outs(%o : tensor<1x1x16xf32>) {
    ^bb0(%a: bf16, %b: bf16, %c: f32):
      %0 = arith.extf %a : bf16 to f32
      %1 = arith.extf %b : bf16 to f32
      %2 = arith.mulf %0, %1 : f32
      %3 = arith.addf %c, %2 : f32
      linalg.yield %3 : f32
    } -> tensor<1x1x16xf32>
    return %r : tensor<1x1x16xf32>
  }
}
