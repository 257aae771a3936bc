// RUN: cria-opt %s --kernel-select-schedules | FileCheck %s

// Ops that no product is in are cut by their parallel loops alone.

module attributes {kernel.target = "x86-64-v4"} {
  // A sum is one thread's: its loop is not dealt out, whether it is the last one or not.
  // CHECK-LABEL: func.func @sums_of_rows
  // CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]}
  // CHECK-SAME: kernel.schedule = #kernel.schedule<threads = [1, 0], tiles = [0, 0]>
  func.func @sums_of_rows(%x: tensor<4x512xf32>, %o: tensor<4xf32>) -> tensor<4xf32> {
    %r = linalg.generic {indexing_maps = [affine_map<(a, b) -> (a, b)>, affine_map<(a, b) -> (a)>], iterator_types = ["parallel", "reduction"]}
        ins(%x : tensor<4x512xf32>) outs(%o : tensor<4xf32>) {
    ^bb0(%a: f32, %b: f32):
      %s = arith.addf %b, %a : f32
      linalg.yield %s : f32
    } -> tensor<4xf32>
    return %r : tensor<4xf32>
  }

  // CHECK-LABEL: func.func @sums_of_columns
  // CHECK: linalg.generic {{.*}} iterator_types = ["reduction", "parallel"]}
  // CHECK-SAME: kernel.schedule = #kernel.schedule<threads = [0, 256], tiles = [0, 0]>
  func.func @sums_of_columns(%x: tensor<4x512xf32>, %o: tensor<512xf32>) -> tensor<512xf32> {
    %r = linalg.generic {indexing_maps = [affine_map<(a, b) -> (a, b)>, affine_map<(a, b) -> (b)>], iterator_types = ["reduction", "parallel"]}
        ins(%x : tensor<4x512xf32>) outs(%o : tensor<512xf32>) {
    ^bb0(%a: f32, %b: f32):
      %s = arith.addf %b, %a : f32
      linalg.yield %s : f32
    } -> tensor<512xf32>
    return %r : tensor<512xf32>
  }

  // Without a parallel loop there is nothing to deal out, and no schedule.
  // CHECK-LABEL: func.func @sum
  // CHECK-NOT: kernel.schedule
  // CHECK: return
  func.func @sum(%x: tensor<512xf32>, %o: tensor<f32>) -> tensor<f32> {
    %r = linalg.generic {indexing_maps = [affine_map<(a) -> (a)>, affine_map<(a) -> ()>], iterator_types = ["reduction"]}
        ins(%x : tensor<512xf32>) outs(%o : tensor<f32>) {
    ^bb0(%a: f32, %b: f32):
      %s = arith.addf %b, %a : f32
      linalg.yield %s : f32
    } -> tensor<f32>
    return %r : tensor<f32>
  }

  // CHECK-LABEL: func.func @scalar
  // CHECK-NOT: kernel.schedule
  // CHECK: return
  func.func @scalar(%x: tensor<f32>, %o: tensor<f32>) -> tensor<f32> {
    %r = linalg.generic {indexing_maps = [affine_map<() -> ()>, affine_map<() -> ()>], iterator_types = []}
        ins(%x : tensor<f32>) outs(%o : tensor<f32>) {
    ^bb0(%a: f32, %b: f32):
      %s = arith.addf %b, %a : f32
      linalg.yield %s : f32
    } -> tensor<f32>
    return %r : tensor<f32>
  }

  // A contraction whose loops are in another order than a packed product's is none: (t, p) are dealt out.
  // CHECK-LABEL: func.func @columns_last
  // CHECK: linalg.generic
  // CHECK-SAME: kernel.schedule = #kernel.schedule<threads = [1, 1, 0, 0], tiles = [0, 0, 0, 0]>
  func.func @columns_last(%x: tensor<2x16xf32>, %w: tensor<4x16x16xf32>, %o: tensor<2x4x16xf32>) -> tensor<2x4x16xf32> {
    %r = linalg.generic {indexing_maps = [affine_map<(t, p, r, k) -> (t, k)>, affine_map<(t, p, r, k) -> (p, k, r)>, affine_map<(t, p, r, k) -> (t, p, r)>],
                         iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
        ins(%x, %w : tensor<2x16xf32>, tensor<4x16x16xf32>) outs(%o : tensor<2x4x16xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %m = arith.mulf %a, %b : f32
      %s = arith.addf %c, %m : f32
      linalg.yield %s : f32
    } -> tensor<2x4x16xf32>
    return %r : tensor<2x4x16xf32>
  }
}
