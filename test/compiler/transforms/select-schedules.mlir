// RUN: cria-opt %s --kernel-select-schedules | FileCheck %s
// RUN: sed s/x86-64-v4/z80/ %s | not cria-opt --kernel-select-schedules 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// UNKNOWN: error: unknown target 'z80', expected native or one of x86-64-v2, {{.*}}, znver5

#x = affine_map<(t, p, k, r) -> (t, k)>
#w = affine_map<(t, p, k, r) -> (p, k, r)>
#y = affine_map<(t, p, k, r) -> (t, p, r)>
#id3 = affine_map<(t, p, r) -> (t, p, r)>
#panels = affine_map<(t, p, r) -> (t, p)>
#id = affine_map<(t, n) -> (t, n)>

module attributes {kernel.target = "x86-64-v4"} {
  // The activation is a kernel of its own: every panel needs all of it. The fill is
  // not: each panel fills its own sums. Panels go by twos; rows are the micro-kernel's to cut.
  // CHECK-LABEL: func.func @matmul
  // CHECK: linalg.generic {{.*}}kernel.schedule = #kernel.schedule<threads = [1, 256], tiles = [0, 0]>
  // CHECK: linalg.fill ins
  // CHECK: linalg.generic {{.*}}kernel.schedule = #kernel.schedule<threads = [0, 2, 0, 0], tiles = [0, 0, 0, 0]>
  func.func @matmul(%x: tensor<16x512xf32>, %w: tensor<4x512x32xf32>, %o: tensor<16x4x32xf32>) -> tensor<16x4x32xf32> {
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<16x512xf32>
    %a = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x : tensor<16x512xf32>) outs(%e : tensor<16x512xf32>) {
    ^bb0(%in: f32, %out: f32):
      %0 = arith.mulf %in, %in : f32
      linalg.yield %0 : f32
    } -> tensor<16x512xf32>
    %f = linalg.fill ins(%zero : f32) outs(%o : tensor<16x4x32xf32>) -> tensor<16x4x32xf32>
    %r = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction", "parallel"]}
        ins(%a, %w : tensor<16x512xf32>, tensor<4x512x32xf32>) outs(%f : tensor<16x4x32xf32>) {
    ^bb0(%in: f32, %b: f32, %c: f32):
      %1 = arith.mulf %in, %b : f32
      %2 = arith.addf %c, %1 : f32
      linalg.yield %2 : f32
    } -> tensor<16x4x32xf32>
    return %r : tensor<16x4x32xf32>
  }

  // Tiles of up to 8 rows: heads of one group first, then tokens. Here 2 heads of a
  // group of 2 and 4 of 12 tokens; one token and 7 heads of a group of 14; 8 tokens of
  // heads that share nothing.
  // CHECK-LABEL: func.func @attention
  // CHECK: kernel.attention {{.*}} {kernel.schedule = #kernel.schedule<threads = [2, 4], tiles = [0, 0]>}
  // CHECK: kernel.attention {{.*}} {kernel.schedule = #kernel.schedule<threads = [7, 1], tiles = [0, 0]>}
  // CHECK: kernel.attention {{.*}} {kernel.schedule = #kernel.schedule<threads = [1, 8], tiles = [0, 0]>}
  func.func @attention(%p: index, %q: tensor<12x4x8xf32>, %one: tensor<1x28x8xf32>, %own: tensor<8x2x8xf32>,
                       %k: tensor<4x2x8x16xf32>, %v: tensor<4x2x16x8xf32>)
      -> (tensor<12x4x8xf32>, tensor<1x28x8xf32>, tensor<8x2x8xf32>) {
    %a = kernel.attention %q, %k, %v at %p scale 0.125 into %q
      : (tensor<12x4x8xf32>, tensor<4x2x8x16xf32>, tensor<4x2x16x8xf32>, index, tensor<12x4x8xf32>) -> tensor<12x4x8xf32>
    %b = kernel.attention %one, %k, %v at %p scale 0.125 into %one
      : (tensor<1x28x8xf32>, tensor<4x2x8x16xf32>, tensor<4x2x16x8xf32>, index, tensor<1x28x8xf32>) -> tensor<1x28x8xf32>
    %c = kernel.attention %own, %k, %v at %p scale 0.125 into %own
      : (tensor<8x2x8xf32>, tensor<4x2x8x16xf32>, tensor<4x2x16x8xf32>, index, tensor<8x2x8xf32>) -> tensor<8x2x8xf32>
    return %a, %b, %c : tensor<12x4x8xf32>, tensor<1x28x8xf32>, tensor<8x2x8xf32>
  }

  // A token, and whole blocks of columns, of which up to 256; or all columns.
  // CHECK-LABEL: func.func @gather
  // CHECK: kernel.block_gather {{.*}} {kernel.schedule = #kernel.schedule<threads = [1, 192], tiles = [0, 0]>
  // CHECK: kernel.block_gather {{.*}} {kernel.schedule = #kernel.schedule<threads = [1, 300], tiles = [0, 0]>
  func.func @gather(%i: tensor<4xi32>, %w: tensor<4x12x288xi8>, %o: tensor<4x384xf32>,
                    %v: tensor<4x10x288xi8>, %p: tensor<4x300xf32>) -> (tensor<4x384xf32>, tensor<4x300xf32>) {
    %x = kernel.block_gather %i of %w rows 16 format q4 into %o
      : (tensor<4xi32>, tensor<4x12x288xi8>, tensor<4x384xf32>) -> tensor<4x384xf32>
    %y = kernel.block_gather %i of %v rows 16 format q4 into %p
      : (tensor<4xi32>, tensor<4x10x288xi8>, tensor<4x300xf32>) -> tensor<4x300xf32>
    return %x, %y : tensor<4x384xf32>, tensor<4x300xf32>
  }

  // The largest number of every panel of a product goes with it, as it is cut.
  // CHECK-LABEL: func.func @most
  // CHECK: kernel.block_matmul {{.*}} into %arg{{[0-9]+}} :
  // CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]} {{.*}} attrs = {{.*}}kernel.schedule = #kernel.schedule<threads = [0, 1, 0], tiles = [0, 0, 0]>
  func.func @most(%q: tensor<1x2x32xi8>, %s: tensor<1x4xf32>, %n: tensor<1x2xf32>, %w: tensor<4x2x544xi8>,
                  %o: tensor<1x4x16xf32>, %f: tensor<1x4xf32>) -> tensor<1x4xf32> {
    %y = kernel.block_matmul %q, %s, %n, %w format q8 into %o
      : (tensor<1x2x32xi8>, tensor<1x4xf32>, tensor<1x2xf32>, tensor<4x2x544xi8>, tensor<1x4x16xf32>) -> tensor<1x4x16xf32>
    %m = linalg.generic {indexing_maps = [#id3, #panels], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%y : tensor<1x4x16xf32>) outs(%f : tensor<1x4xf32>) {
    ^bb0(%in: f32, %out: f32):
      %0 = arith.maximumf %out, %in : f32
      linalg.yield %0 : f32
    } -> tensor<1x4xf32>
    return %m : tensor<1x4xf32>
  }

  // A product under the activation that is quantized: one kernel, cut as the product
  // asks but in whole groups.
  // CHECK-LABEL: func.func @gated
  // CHECK: kernel.block_matmul {{.*}} into %arg{{[0-9]+}} :
  // CHECK: linalg.generic {indexing_maps = [#{{[^}]*}}], iterator_types = ["parallel", "parallel", "parallel"]} ins
  // CHECK: kernel.quantize_rows {{.*}} {kernel.schedule = #kernel.schedule<threads = [0, 2], tiles = [0, 0]>}
  func.func @gated(%q: tensor<8x2x32xi8>, %s: tensor<8x4xf32>, %n: tensor<8x2xf32>, %w: tensor<4x2x288xi8>, %o: tensor<8x4x16xf32>,
                   %a: tensor<8x2x32xi8>, %b: tensor<8x4xf32>, %c: tensor<8x2xf32>) -> tensor<8x2x32xi8> {
    %y = kernel.block_matmul %q, %s, %n, %w format q4 into %o
      : (tensor<8x2x32xi8>, tensor<8x4xf32>, tensor<8x2xf32>, tensor<4x2x288xi8>, tensor<8x4x16xf32>) -> tensor<8x4x16xf32>
    %e = tensor.empty() : tensor<8x4x16xf32>
    %z = linalg.generic {indexing_maps = [#id3, #id3], iterator_types = ["parallel", "parallel", "parallel"]}
        ins(%y : tensor<8x4x16xf32>) outs(%e : tensor<8x4x16xf32>) {
    ^bb0(%in: f32, %out: f32):
      %0 = arith.mulf %in, %in : f32
      linalg.yield %0 : f32
    } -> tensor<8x4x16xf32>
    %d, %f, %g = kernel.quantize_rows %z into %a, %b, %c
      : (tensor<8x4x16xf32>, tensor<8x2x32xi8>, tensor<8x4xf32>, tensor<8x2xf32>) -> (tensor<8x2x32xi8>, tensor<8x4xf32>, tensor<8x2xf32>)
    return %d : tensor<8x2x32xi8>
  }
}
