// RUN: cria-opt %s --pass-pipeline='builtin.module(func.func(kernel-distribute,kernel-vectorize-quantize-rows,kernel-vectorize-append,kernel-vectorize-elementwise))' | FileCheck %s

// Of a chunk's 8 rows kernels compute those that have a token.

#id = affine_map<(t, n) -> (t, n)>

module attributes {kernel.target = "x86-64-v3"} {
  // Rows that are dealt out are marked.
  // CHECK-LABEL: func.func @dealt
  // CHECK: scf.forall
  // CHECK: mapping = [#kernel.rows<0>, #kernel.thread<1>]
  func.func @dealt(%x: tensor<8x32xf32>, %o: tensor<8x32xf32>) -> tensor<8x32xf32> attributes {kernel.chunk = 8 : i64} {
    %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x : tensor<8x32xf32>) outs(%o : tensor<8x32xf32>)
        attrs = {kernel.schedule = #kernel.schedule<threads = [1, 16], tiles = [0, 0]>} {
    ^bb0(%a: f32, %c: f32):
      %0 = arith.addf %a, %c : f32
      linalg.yield %0 : f32
    } -> tensor<8x32xf32>
    return %r : tensor<8x32xf32>
  }

  // Of other tensors all rows are computed, however many they have.
  // CHECK-LABEL: func.func @more
  // CHECK: scf.forall
  // CHECK:   %[[ALL:.*]] = arith.constant 16 : index
  // CHECK:   scf.for %{{.*}} = %{{.*}} to %[[ALL]] step
  // CHECK-NOT: kernel.live_rows
  // CHECK: mapping = [#kernel.thread<0>]
  // CHECK: scf.forall
  // CHECK: mapping = [#kernel.thread<0>, #kernel.thread<1>]
  func.func @more(%x: tensor<16x32xf32>, %o: tensor<16x32xf32>) -> tensor<16x32xf32> attributes {kernel.chunk = 8 : i64} {
    %s = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x : tensor<16x32xf32>) outs(%o : tensor<16x32xf32>)
        attrs = {kernel.schedule = #kernel.schedule<threads = [0, 16], tiles = [4, 0]>} {
    ^bb0(%a: f32, %c: f32):
      %0 = arith.addf %a, %c : f32
      linalg.yield %0 : f32
    } -> tensor<16x32xf32>
    %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%s : tensor<16x32xf32>) outs(%o : tensor<16x32xf32>)
        attrs = {kernel.schedule = #kernel.schedule<threads = [1, 16], tiles = [0, 0]>} {
    ^bb0(%a: f32, %c: f32):
      %0 = arith.addf %a, %c : f32
      linalg.yield %0 : f32
    } -> tensor<16x32xf32>
    return %r : tensor<16x32xf32>
  }

  // Of attention they are the second loop; of an append heads are the only one.
  // CHECK-LABEL: func.func @heads
  // CHECK: mapping = [#kernel.thread<0>]
  // CHECK: mapping = [#kernel.thread<0>, #kernel.rows<1>]
  func.func @heads(%p: index, %q: tensor<8x2x8xf32>, %k: tensor<3x2x8x4xf32>, %v: tensor<3x2x4x8xf32>)
      -> (tensor<3x2x4x8xf32>, tensor<8x2x8xf32>) attributes {kernel.chunk = 8 : i64} {
    %c = kernel.append %q at %p into %v {kernel.schedule = #kernel.schedule<threads = [1], tiles = [0]>}
      : (tensor<8x2x8xf32>, index, tensor<3x2x4x8xf32>) -> tensor<3x2x4x8xf32>
    %a = kernel.attention %q, %k, %v at %p scale 0.125 into %q
      {kernel.schedule = #kernel.schedule<threads = [1, 4], tiles = [0, 0]>}
      : (tensor<8x2x8xf32>, tensor<3x2x8x4xf32>, tensor<3x2x4x8xf32>, index, tensor<8x2x8xf32>) -> tensor<8x2x8xf32>
    return %c, %a : tensor<3x2x4x8xf32>, tensor<8x2x8xf32>
  }

  // What one op has at most so many rows of is cut by a loop over them.
  // CHECK-LABEL: func.func @cut
  // CHECK: scf.forall
  // CHECK:   %[[LIVE:.*]] = kernel.live_rows
  // CHECK:   scf.for %{{.*}} = %{{.*}} to %[[LIVE]] step %c4
  // CHECK: mapping = [#kernel.thread<0>]
  func.func @cut(%x: tensor<8x32xf32>, %o: tensor<8x32xf32>) -> tensor<8x32xf32> attributes {kernel.chunk = 8 : i64} {
    %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x : tensor<8x32xf32>) outs(%o : tensor<8x32xf32>)
        attrs = {kernel.schedule = #kernel.schedule<threads = [0, 16], tiles = [4, 0]>} {
    ^bb0(%a: f32, %c: f32):
      %0 = arith.addf %a, %c : f32
      linalg.yield %0 : f32
    } -> tensor<8x32xf32>
    return %r : tensor<8x32xf32>
  }

  // CHECK-LABEL: func.func @elementwise
  // CHECK: %[[LIVE:.*]] = kernel.live_rows
  // CHECK: scf.for %{{.*}} = %{{.*}} to %[[LIVE]] step
  func.func @elementwise(%x: tensor<8x32xf32>, %o: tensor<8x32xf32>) -> tensor<8x32xf32> attributes {kernel.chunk = 8 : i64} {
    %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x : tensor<8x32xf32>) outs(%o : tensor<8x32xf32>) {
    ^bb0(%a: f32, %c: f32):
      %0 = arith.addf %a, %c : f32
      linalg.yield %0 : f32
    } -> tensor<8x32xf32>
    return %r : tensor<8x32xf32>
  }

  // CHECK-LABEL: func.func @codes
  // CHECK: %[[LIVE:.*]] = kernel.live_rows
  // CHECK: scf.for %{{.*}} = %{{.*}} to %[[LIVE]] step
  func.func @codes(%x: tensor<8x4x16xf32>, %q: tensor<8x2x32xi8>, %s: tensor<8x4xf32>, %n: tensor<8x2xf32>)
      -> (tensor<8x2x32xi8>, tensor<8x4xf32>, tensor<8x2xf32>) attributes {kernel.chunk = 8 : i64} {
    %a, %b, %c = kernel.quantize_rows %x into %q, %s, %n
      : (tensor<8x4x16xf32>, tensor<8x2x32xi8>, tensor<8x4xf32>, tensor<8x2xf32>) -> (tensor<8x2x32xi8>, tensor<8x4xf32>, tensor<8x2xf32>)
    return %a, %b, %c : tensor<8x2x32xi8>, tensor<8x4xf32>, tensor<8x2xf32>
  }

  // What a row without a token holds may be no number, and must not get into a cache.
  // CHECK-LABEL: func.func @values
  // CHECK: %[[LIVE:.*]] = kernel.live_rows
  // CHECK: scf.for %{{.*}} = %{{.*}} to %[[LIVE]] step
  func.func @values(%r: tensor<8x1x8xf32>, %p: index, %c: tensor<3x1x4x8xf32>) -> tensor<3x1x4x8xf32>
      attributes {kernel.chunk = 8 : i64} {
    %a = kernel.append %r at %p into %c : (tensor<8x1x8xf32>, index, tensor<3x1x4x8xf32>) -> tensor<3x1x4x8xf32>
    return %a : tensor<3x1x4x8xf32>
  }

  // CHECK-LABEL: func.func @codedValues
  // CHECK: %[[LIVE:.*]] = kernel.live_rows
  // CHECK: scf.for %{{.*}} = %{{.*}} to %[[LIVE]] step
  func.func @codedValues(%r: tensor<8x1x32xf32>, %p: index, %c: tensor<3x1x4x32xi8>, %s: tensor<3x1x1x4xbf16>)
      -> (tensor<3x1x4x32xi8>, tensor<3x1x1x4xbf16>) attributes {kernel.chunk = 8 : i64} {
    %a, %b = kernel.append %r at %p into %c, %s
      : (tensor<8x1x32xf32>, index, tensor<3x1x4x32xi8>, tensor<3x1x1x4xbf16>) -> (tensor<3x1x4x32xi8>, tensor<3x1x1x4xbf16>)
    return %a, %b : tensor<3x1x4x32xi8>, tensor<3x1x1x4xbf16>
  }

  // Where a step has one token, all that is as long as a chunk is something else.
  // CHECK-LABEL: func.func @one
  // CHECK-NOT: kernel.live_rows
  // CHECK: return
  func.func @one(%x: tensor<8x32xf32>, %o: tensor<8x32xf32>) -> tensor<8x32xf32> {
    %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x : tensor<8x32xf32>) outs(%o : tensor<8x32xf32>) {
    ^bb0(%a: f32, %c: f32):
      %0 = arith.addf %a, %c : f32
      linalg.yield %0 : f32
    } -> tensor<8x32xf32>
    return %r : tensor<8x32xf32>
  }
}
