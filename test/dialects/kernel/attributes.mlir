// Every attribute of the dialect, on the kind of op that has it.
//
// RUN: cria-opt %s | cria-opt | FileCheck %s

#id = affine_map<(p, r) -> (p, r)>
#panel = affine_map<(p, r) -> (p)>
#one = affine_map<(p, r) -> ()>

// CHECK: module attributes {kernel.segments = {scratch = 64 : i64, state = 0 : i64, weights = 128 : i64, workspace = 64 : i64}, kernel.target = "x86-64-v3"}
module attributes {kernel.segments = {scratch = 64 : i64, state = 0 : i64, weights = 128 : i64, workspace = 64 : i64},
                   kernel.target = "x86-64-v3"} {
  // CHECK: kernel.state @keys at 0 {kernel.positions = 16 : i64} : tensor<3x2x8x16xf32, #kernel.pitch<256>>
  kernel.state @keys at 0 {kernel.positions = 16 : i64} : tensor<3x2x8x16xf32, #kernel.pitch<256>>
  // CHECK: kernel.state @seen at 4096 {kernel.observation = 0 : i64} : tensor<1x2x8x4xf32>
  kernel.state @seen at 4096 {kernel.observation = 0 : i64} : tensor<1x2x8x4xf32>

  // CHECK: func.func @chunk{{.*}} attributes {kernel.chunk = 4 : i64}
  func.func @chunk(%y: tensor<4x8xf32>, %bounds: tensor<4xf32>, %least: tensor<f32>) -> tensor<4x8xf32>
      attributes {kernel.chunk = 4 : i64} {
    // CHECK: memref.alloc() {kernel.own} : memref<4xf32>
    %own = memref.alloc() {kernel.own} : memref<4xf32>
    // CHECK: tensor.empty() {kernel.buffer = 7 : i64} : tensor<4x8xf32>
    %o = tensor.empty() {kernel.buffer = 7 : i64} : tensor<4x8xf32>
    // CHECK: linalg.generic {{.*}} attrs = {kernel.schedule = #kernel.schedule<threads = [2, 0], tiles = [0, 8], streams = 2>, kernel.screened}
    %s = linalg.generic {indexing_maps = [#id, #panel, #one, #id], iterator_types = ["parallel", "parallel"]}
        ins(%y, %bounds, %least : tensor<4x8xf32>, tensor<4xf32>, tensor<f32>) outs(%o : tensor<4x8xf32>)
        attrs = {kernel.schedule = #kernel.schedule<threads = [2, 0], tiles = [0, 8], streams = 2>, kernel.screened} {
    ^bb0(%a: f32, %b: f32, %c: f32, %out: f32):
      linalg.yield %a : f32
    } -> tensor<4x8xf32>
    return %s : tensor<4x8xf32>
  }
}
