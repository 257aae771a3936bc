// RUN: cria-opt %s --pass-pipeline='builtin.module(func.func(kernel-vectorize-matmul))' | FileCheck %s

// What is not a packed product as the lowering of a model makes it is left to `kernel-vectorize-elementwise`: the
// micro-kernel would take one loop, operand or type for another.

#x = affine_map<(t, p, k, r) -> (t, k)>
#w = affine_map<(t, p, k, r) -> (p, k, r)>
#y = affine_map<(t, p, k, r) -> (t, p, r)>

#x2 = affine_map<(t, p, k, r, c) -> (t, k, c)>
#w2 = affine_map<(t, p, k, r, c) -> (p, k, r, c)>
#y2 = affine_map<(t, p, k, r, c) -> (t, p, r)>

module attributes {kernel.target = "x86-64-v3"} {
  // CHECK-NOT: vector.
  // CHECK-LABEL: func.func @columns_last
  // CHECK: linalg.generic
  func.func @columns_last(%x: tensor<2x16xf32>, %w: tensor<3x16x8xf32>, %o: tensor<2x3x8xf32>) -> tensor<2x3x8xf32> {
    %r = linalg.generic {indexing_maps = [affine_map<(t, p, r, k) -> (t, k)>, affine_map<(t, p, r, k) -> (p, k, r)>, affine_map<(t, p, r, k) -> (t, p, r)>],
                         iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
        ins(%x, %w : tensor<2x16xf32>, tensor<3x16x8xf32>) outs(%o : tensor<2x3x8xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %m = arith.mulf %a, %b : f32
      %s = arith.addf %c, %m : f32
      linalg.yield %s : f32
    } -> tensor<2x3x8xf32>
    return %r : tensor<2x3x8xf32>
  }

  // CHECK-NOT: vector.
  // CHECK-LABEL: func.func @batch
  // CHECK: linalg.generic
  func.func @batch(%a: tensor<2x3x4xf32>, %b: tensor<2x4x5xf32>, %o: tensor<2x3x5xf32>) -> tensor<2x3x5xf32> {
    %r = linalg.generic {indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>, affine_map<(b, m, n, k) -> (b, k, n)>, affine_map<(b, m, n, k) -> (b, m, n)>],
                         iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
        ins(%a, %b : tensor<2x3x4xf32>, tensor<2x4x5xf32>) outs(%o : tensor<2x3x5xf32>) {
    ^bb0(%x: f32, %y: f32, %z: f32):
      %m = arith.mulf %x, %y : f32
      %s = arith.addf %z, %m : f32
      linalg.yield %s : f32
    } -> tensor<2x3x5xf32>
    return %r : tensor<2x3x5xf32>
  }

  // CHECK-NOT: vector.
  // CHECK-LABEL: func.func @operands_swapped
  // CHECK: linalg.generic
  func.func @operands_swapped(%x: tensor<2x10xf32>, %w: tensor<1x10x16xf32>, %o: tensor<2x1x16xf32>) -> tensor<2x1x16xf32> {
    %r = linalg.generic {indexing_maps = [#w, #x, #y], iterator_types = ["parallel", "parallel", "reduction", "parallel"]}
        ins(%w, %x : tensor<1x10x16xf32>, tensor<2x10xf32>) outs(%o : tensor<2x1x16xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %m = arith.mulf %a, %b : f32
      %s = arith.addf %c, %m : f32
      linalg.yield %s : f32
    } -> tensor<2x1x16xf32>
    return %r : tensor<2x1x16xf32>
  }

  // CHECK-NOT: vector.
  // CHECK-LABEL: func.func @narrow_sums
  // CHECK: linalg.generic
  func.func @narrow_sums(%x: tensor<2x10xf16>, %w: tensor<1x10x16xf16>, %o: tensor<2x1x16xf16>) -> tensor<2x1x16xf16> {
    %r = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction", "parallel"]}
        ins(%x, %w : tensor<2x10xf16>, tensor<1x10x16xf16>) outs(%o : tensor<2x1x16xf16>) {
    ^bb0(%a: f16, %b: f16, %c: f16):
      %m = arith.mulf %a, %b : f16
      %s = arith.addf %c, %m : f16
      linalg.yield %s : f16
    } -> tensor<2x1x16xf16>
    return %r : tensor<2x1x16xf16>
  }

  // The input is rounded first.
  // CHECK-NOT: vector.
  // CHECK-LABEL: func.func @rounded
  // CHECK: linalg.generic
  func.func @rounded(%x: tensor<2x10xf32>, %w: tensor<1x10x16xf32>, %o: tensor<2x1x16xf32>) -> tensor<2x1x16xf32> {
    %r = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction", "parallel"]}
        ins(%x, %w : tensor<2x10xf32>, tensor<1x10x16xf32>) outs(%o : tensor<2x1x16xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %0 = arith.truncf %a : f32 to bf16
      %1 = arith.extf %0 : bf16 to f32
      %m = arith.mulf %1, %b : f32
      %s = arith.addf %c, %m : f32
      linalg.yield %s : f32
    } -> tensor<2x1x16xf32>
    return %r : tensor<2x1x16xf32>
  }

  // Pairs are of BF16.
  // CHECK-NOT: vector.
  // CHECK-LABEL: func.func @pairs_of_halves
  // CHECK: linalg.generic
  func.func @pairs_of_halves(%x: tensor<2x4x2xf16>, %w: tensor<2x4x16x2xf16>, %o: tensor<2x2x16xf32>) -> tensor<2x2x16xf32> {
    %r = linalg.generic {indexing_maps = [#x2, #w2, #y2], iterator_types = ["parallel", "parallel", "reduction", "parallel", "reduction"]}
        ins(%x, %w : tensor<2x4x2xf16>, tensor<2x4x16x2xf16>) outs(%o : tensor<2x2x16xf32>) {
    ^bb0(%a: f16, %b: f16, %c: f32):
      %0 = arith.extf %a : f16 to f32
      %1 = arith.extf %b : f16 to f32
      %m = arith.mulf %0, %1 : f32
      %s = arith.addf %c, %m : f32
      linalg.yield %s : f32
    } -> tensor<2x2x16xf32>
    return %r : tensor<2x2x16xf32>
  }

  // CHECK-NOT: vector.
  // CHECK-LABEL: func.func @threes
  // CHECK: linalg.generic
  func.func @threes(%x: tensor<2x4x3xbf16>, %w: tensor<2x4x16x3xbf16>, %o: tensor<2x2x16xf32>) -> tensor<2x2x16xf32> {
    %r = linalg.generic {indexing_maps = [#x2, #w2, #y2], iterator_types = ["parallel", "parallel", "reduction", "parallel", "reduction"]}
        ins(%x, %w : tensor<2x4x3xbf16>, tensor<2x4x16x3xbf16>) outs(%o : tensor<2x2x16xf32>) {
    ^bb0(%a: bf16, %b: bf16, %c: f32):
      %0 = arith.extf %a : bf16 to f32
      %1 = arith.extf %b : bf16 to f32
      %m = arith.mulf %0, %1 : f32
      %s = arith.addf %c, %m : f32
      linalg.yield %s : f32
    } -> tensor<2x2x16xf32>
    return %r : tensor<2x2x16xf32>
  }

  // CHECK-NOT: vector.
  // CHECK-LABEL: func.func @empty
  // CHECK: linalg.generic
  func.func @empty(%x: tensor<0x10xf32>, %w: tensor<1x10x16xf32>, %o: tensor<0x1x16xf32>) -> tensor<0x1x16xf32> {
    %r = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction", "parallel"]}
        ins(%x, %w : tensor<0x10xf32>, tensor<1x10x16xf32>) outs(%o : tensor<0x1x16xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %m = arith.mulf %a, %b : f32
      %s = arith.addf %c, %m : f32
      linalg.yield %s : f32
    } -> tensor<0x1x16xf32>
    return %r : tensor<0x1x16xf32>
  }
}
