// RUN: cria-opt %s --pass-pipeline='builtin.module(func.func(kernel-vectorize-matmul))' -split-input-file | FileCheck %s

#x = affine_map<(t, p, k, r) -> (t, k)>
#w = affine_map<(t, p, k, r) -> (p, k, r)>
#y = affine_map<(t, p, k, r) -> (t, p, r)>

#x2 = affine_map<(t, p, k, r, c) -> (t, k, c)>
#w2 = affine_map<(t, p, k, r, c) -> (p, k, r, c)>
#y2 = affine_map<(t, p, k, r, c) -> (t, p, r)>

module attributes {kernel.target = "x86-64-v3"} {
  // Two rows, 10 columns by four: one loop over 8 of them, then two more. Weights
  // are read and widened once for both rows.
  // CHECK-LABEL: func.func @tile
  // CHECK: %[[WHOLE:.*]] = arith.constant 8 : index
  // CHECK: %[[STEP:.*]] = arith.constant 4 : index
  // CHECK: scf.for %{{.*}} = %{{.*}} to %[[WHOLE]] step %[[STEP]] {{.*}} -> (vector<16xf32>, vector<16xf32>)
  // CHECK:   vector.transfer_read {{.*}} : tensor<1x10x16xf16>, vector<16xf16>
  // CHECK:   arith.extf
  // CHECK-COUNT-8: vector.fma
  // CHECK:   scf.yield
  // CHECK-COUNT-4: vector.fma
  // CHECK-COUNT-2: vector.transfer_write {{.*}} : vector<16xf32>, tensor<2x1x16xf32>
  // CHECK-NOT: linalg.generic
  func.func @tile(%x: tensor<2x10xf32>, %w: tensor<1x10x16xf16>, %o: tensor<2x1x16xf32>) -> tensor<2x1x16xf32> {
    %r = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction", "parallel"]}
        ins(%x, %w : tensor<2x10xf32>, tensor<1x10x16xf16>) outs(%o : tensor<2x1x16xf32>) {
    ^bb0(%a: f32, %b: f16, %c: f32):
      %0 = arith.extf %b : f16 to f32
      %1 = arith.mulf %a, %0 : f32
      %2 = arith.addf %c, %1 : f32
      linalg.yield %2 : f32
    } -> tensor<2x1x16xf32>
    return %r : tensor<2x1x16xf32>
  }

  // Zeros are not written and read back: the sums start from the filled value.
  // CHECK-LABEL: func.func @filled
  // CHECK-SAME: %[[O:[^:]*]]: tensor<1x1x16xf32>
  // CHECK: %[[Z:.*]] = vector.broadcast %{{.*}} : f32 to vector<16xf32>
  // A single row has a second sum for odd columns; nothing is fetched by hand.
  // CHECK: %[[ODD:.*]] = arith.constant dense<0.000000e+00> : vector<16xf32>
  // CHECK: %[[S:.*]]:2 = scf.for {{.*}} iter_args(%[[A:.*]] = %[[Z]], %[[B:.*]] = %[[ODD]])
  // CHECK-NOT: kernel.prefetch
  // CHECK: vector.fma %{{.*}}, %{{.*}}, %[[A]]
  // CHECK: vector.fma %{{.*}}, %{{.*}}, %[[B]]
  // CHECK: %[[SUM:.*]] = arith.addf %[[S]]#0, %[[S]]#1
  // CHECK: vector.transfer_write %[[SUM]], %[[O]]
  func.func @filled(%x: tensor<1x8xf32>, %w: tensor<1x8x16xf32>, %o: tensor<1x1x16xf32>) -> tensor<1x1x16xf32> {
    %zero = arith.constant 0.0 : f32
    %f = linalg.fill ins(%zero : f32) outs(%o : tensor<1x1x16xf32>) -> tensor<1x1x16xf32>
    %r = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction", "parallel"]}
        ins(%x, %w : tensor<1x8xf32>, tensor<1x8x16xf32>) outs(%f : tensor<1x1x16xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %1 = arith.mulf %a, %b : f32
      %2 = arith.addf %c, %1 : f32
      linalg.yield %2 : f32
    } -> tensor<1x1x16xf32>
    return %r : tensor<1x1x16xf32>
  }

  // 14 rows in tiles of at most six are two of five and one of four, each of which fetches a third
  // of the next panel: of its 128 numbers 42.7, rounded up to 6 for each of 8 columns.
  // CHECK-LABEL: func.func @cut
  // CHECK: %[[TILES:.*]] = arith.constant 2 : index
  // CHECK: %[[RESULT:.*]] = scf.for %[[T:[^ ]*]] = %{{.*}} to %[[TILES]] step {{.*}} iter_args(%[[INTO:.*]] = %{{.*}}) -> (tensor<14x1x16xf32>)
  // CHECK:   %[[FIVE:.*]] = arith.constant 5 : index
  // CHECK:   %[[ROW:.*]] = arith.muli %[[T]], %[[FIVE]]
  // CHECK:   vector.transfer_read %[[INTO]][%[[ROW]], {{.*}} : tensor<14x1x16xf32>, vector<16xf32>
  // CHECK-COUNT-4: vector.transfer_read %[[INTO]]
  // CHECK:   scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
  // CHECK:     kernel.prefetch
  // CHECK-COUNT-20: vector.fma
  // CHECK-COUNT-5: vector.transfer_write {{.*}} : vector<16xf32>, tensor<14x1x16xf32>
  // CHECK: %[[LAST:.*]] = arith.constant 2 : index
  // CHECK: %[[ROW:.*]] = arith.muli %[[LAST]],
  // CHECK-COUNT-4: vector.transfer_read %[[RESULT]]
  // CHECK: scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
  // CHECK-COUNT-4: vector.transfer_write {{.*}} : vector<16xf32>, tensor<14x1x16xf32>
  // CHECK-NOT: vector.transfer_write
  // CHECK: return
  func.func @cut(%x: tensor<14x8xf32>, %w: tensor<1x8x16xf32>, %o: tensor<14x1x16xf32>) -> tensor<14x1x16xf32> {
    %r = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction", "parallel"]}
        ins(%x, %w : tensor<14x8xf32>, tensor<1x8x16xf32>) outs(%o : tensor<14x1x16xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %1 = arith.mulf %a, %b : f32
      %2 = arith.addf %c, %1 : f32
      linalg.yield %2 : f32
    } -> tensor<14x1x16xf32>
    return %r : tensor<14x1x16xf32>
  }

  // BF16 pairs that meet F32: of every pair the second first, its number in the upper half.
  // CHECK-LABEL: func.func @wide_pairs
  // CHECK: scf.for {{.*}} iter_args(%[[A:.*]] = %{{.*}}, %[[B:.*]] = %{{.*}}) -> (vector<16xf32>, vector<16xf32>)
  // CHECK:   %[[PAIRS:.*]] = vector.transfer_read {{.*}} vector<32xbf16>
  // CHECK:   %[[WORDS:.*]] = vector.bitcast %[[PAIRS]] : vector<32xbf16> to vector<16xi32>
  // CHECK:   %[[HIGH:.*]] = arith.andi %[[WORDS]], %{{.*}} : vector<16xi32>
  // CHECK:   %[[SECOND:.*]] = arith.bitcast %[[HIGH]] : vector<16xi32> to vector<16xf32>
  // CHECK:   %[[ONE:.*]] = arith.constant 1 : index
  // CHECK:   tensor.extract %{{.*}}[%{{.*}}, %{{.*}}, %[[ONE]]] : tensor<2x8x2xf32>
  // CHECK:   %[[SUM:.*]] = vector.fma %[[SECOND]], %{{.*}}, %[[A]]
  // CHECK:   vector.fma %[[SECOND]], %{{.*}}, %[[B]]
  // CHECK:   arith.shli {{.*}} : vector<16xi32>
  // CHECK:   vector.fma %{{.*}}, %{{.*}}, %[[SUM]]
  // CHECK-NOT: kernel.dot
  // CHECK: return
  func.func @wide_pairs(%x: tensor<2x8x2xf32>, %w: tensor<1x8x16x2xbf16>, %o: tensor<2x1x16xf32>) -> tensor<2x1x16xf32> {
    %r = linalg.generic {indexing_maps = [#x2, #w2, #y2], iterator_types = ["parallel", "parallel", "reduction", "parallel", "reduction"]}
        ins(%x, %w : tensor<2x8x2xf32>, tensor<1x8x16x2xbf16>) outs(%o : tensor<2x1x16xf32>) {
    ^bb0(%a: f32, %b: bf16, %c: f32):
      %0 = arith.extf %b : bf16 to f32
      %1 = arith.mulf %a, %0 : f32
      %2 = arith.addf %c, %1 : f32
      linalg.yield %2 : f32
    } -> tensor<2x1x16xf32>
    return %r : tensor<2x1x16xf32>
  }

  // Of two panels a single row has four sums, and reads a column of both at a time.
  // CHECK-LABEL: func.func @streams
  // CHECK: %[[S:.*]]:4 = scf.for {{.*}} iter_args(%[[A0:[^ ]*]] = {{[^,]*}}, %[[A1:[^ ]*]] = {{[^,]*}}, %[[B0:[^ ]*]] = {{[^,]*}}, %[[B1:[^ ]*]] =
  // CHECK:   %[[W0:.*]] = vector.transfer_read %{{.*}}[%c0{{[_0-9]*}}, {{.*}} : tensor<2x8x16xf32>
  // CHECK:   %[[W1:.*]] = vector.transfer_read %{{.*}}[%c1{{[_0-9]*}}, {{.*}} : tensor<2x8x16xf32>
  // CHECK:   vector.fma %[[W0]], %{{.*}}, %[[A0]]
  // CHECK:   vector.fma %[[W1]], %{{.*}}, %[[A1]]
  // CHECK:   vector.fma %{{.*}}, %{{.*}}, %[[B0]]
  // CHECK:   vector.fma %{{.*}}, %{{.*}}, %[[B1]]
  // CHECK: arith.addf %[[S]]#0, %[[S]]#2
  // CHECK: arith.addf %[[S]]#1, %[[S]]#3
  // CHECK-COUNT-2: vector.transfer_write
  func.func @streams(%x: tensor<1x8xf32>, %w: tensor<2x8x16xf32>, %o: tensor<1x2x16xf32>) -> tensor<1x2x16xf32> {
    %r = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction", "parallel"]}
        ins(%x, %w : tensor<1x8xf32>, tensor<2x8x16xf32>) outs(%o : tensor<1x2x16xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %1 = arith.mulf %a, %b : f32
      %2 = arith.addf %c, %1 : f32
      linalg.yield %2 : f32
    } -> tensor<1x2x16xf32>
    return %r : tensor<1x2x16xf32>
  }

  // Two panels at a time: weights of both, then each row's number meets both. Two tiles of
  // four rows fetch the next two panels between them: 32 numbers to a column, half of them to
  // a column of a tile, of which four columns fetch lines of 16 numbers.
  // CHECK-LABEL: func.func @panels
  // CHECK: scf.for %{{.*}} =
  // CHECK:   scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
  // CHECK:     %[[COUNT:.*]] = arith.muli %{{.*}}, %c4
  // CHECK:     scf.for %{{.*}} to %[[COUNT]] step %c16
  // CHECK:       kernel.prefetch {{.*}} : tensor<2x8x16xf32>
  // CHECK-NOT: kernel.prefetch
  // CHECK-COUNT-2: vector.transfer_read {{.*}} : tensor<2x8x16xf32>, vector<16xf32>
  // CHECK-COUNT-4: tensor.extract
  // CHECK-COUNT-8: vector.fma
  // CHECK:   scf.yield
  // CHECK-COUNT-8: vector.transfer_write {{.*}} : vector<16xf32>, tensor<8x2x16xf32>
  func.func @panels(%x: tensor<8x8xf32>, %w: tensor<2x8x16xf32>, %o: tensor<8x2x16xf32>) -> tensor<8x2x16xf32> {
    %r = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction", "parallel"]}
        ins(%x, %w : tensor<8x8xf32>, tensor<2x8x16xf32>) outs(%o : tensor<8x2x16xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %1 = arith.mulf %a, %b : f32
      %2 = arith.addf %c, %1 : f32
      linalg.yield %2 : f32
    } -> tensor<8x2x16xf32>
    return %r : tensor<8x2x16xf32>
  }

  // Pairs of columns: 32 bits of each row meet pairs of weights.
  // CHECK-LABEL: func.func @pairs
  // CHECK: tensor.collapse_shape %{{.*}} {{\[\[}}0], [1], [2, 3]] : tensor<1x8x16x2xbf16> into tensor<1x8x32xbf16>
  // CHECK: vector.transfer_read {{.*}} : tensor<1x8x32xbf16>, vector<32xbf16>
  // CHECK: vector.transfer_read {{.*}} : tensor<1x8x2xbf16>, vector<2xbf16>
  // CHECK: vector.bitcast {{.*}} : vector<2xbf16> to vector<1xi32>
  // CHECK: kernel.dot {{.*}} : vector<16xf32>, vector<32xbf16>
  // CHECK-NOT: linalg.generic
  func.func @pairs(%x: tensor<1x8x2xbf16>, %w: tensor<1x8x16x2xbf16>, %o: tensor<1x1x16xf32>) -> tensor<1x1x16xf32> {
    %r = linalg.generic {indexing_maps = [#x2, #w2, #y2],
                         iterator_types = ["parallel", "parallel", "reduction", "parallel", "reduction"]}
        ins(%x, %w : tensor<1x8x2xbf16>, tensor<1x8x16x2xbf16>) outs(%o : tensor<1x1x16xf32>) {
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

// -----

#x = affine_map<(t, p, k, r) -> (t, k)>
#w = affine_map<(t, p, k, r) -> (p, k, r)>
#y = affine_map<(t, p, k, r) -> (t, p, r)>

module attributes {kernel.target = "x86-64-v4"} {
  // What a single row fetches is 4 kB ahead: 128 numbers at a time, which are four lines, into the second cache.
  // CHECK-LABEL: func.func @ahead
  // CHECK: scf.for
  // CHECK: arith.addi %{{.*}}, %c2048
  // CHECK-COUNT-4: kernel.prefetch %{{.*}}] : tensor<1x8x16xf16>
  // CHECK-NOT: kernel.prefetch
  // CHECK: vector.fma
  func.func @ahead(%x: tensor<1x8xf32>, %w: tensor<1x8x16xf16>, %o: tensor<1x1x16xf32>) -> tensor<1x1x16xf32> {
    %r = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction", "parallel"]}
        ins(%x, %w : tensor<1x8xf32>, tensor<1x8x16xf16>) outs(%o : tensor<1x1x16xf32>) {
    ^bb0(%a: f32, %b: f16, %c: f32):
      %0 = arith.extf %b : f16 to f32
      %1 = arith.mulf %a, %0 : f32
      %2 = arith.addf %c, %1 : f32
      linalg.yield %2 : f32
    } -> tensor<1x1x16xf32>
    return %r : tensor<1x1x16xf32>
  }

  // Two tiles of eight rows meet the same panels, which are widened before both; what is fetched is
  // what memory has.
  // CHECK-LABEL: func.func @widened
  // CHECK-SAME: %[[W:[^:]*]]: tensor<2x8x16xf16>
  // CHECK: %[[SCRATCH:.*]] = tensor.empty() {kernel.buffer = 0 : i64} : tensor<2x8x16xf32>
  // CHECK: scf.for %[[K:[^ ]*]] = {{.*}} iter_args(%[[BEFORE:.*]] = %[[SCRATCH]])
  // CHECK:   %[[NARROW:.*]] = vector.transfer_read %[[W]][%{{.*}}, %[[K]], {{.*}} : tensor<2x8x16xf16>, vector<16xf16>
  // CHECK:   %[[WIDE:.*]] = arith.extf %[[NARROW]]
  // CHECK:   vector.transfer_write %[[WIDE]], %[[BEFORE]][%{{.*}}, %[[K]], %{{.*}}]
  // CHECK: %[[ALL:.*]] = scf.for
  // CHECK: scf.for
  // CHECK:   scf.for
  // CHECK:     kernel.prefetch %[[W]]
  // CHECK:     vector.transfer_read %[[ALL]][{{.*}} : tensor<2x8x16xf32>, vector<16xf32>
  // CHECK-NOT: arith.extf
  func.func @widened(%w: tensor<2x8x16xf16>, %x: tensor<16x8xf32>, %o: tensor<16x2x16xf32>) -> tensor<16x2x16xf32> {
    %r = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction", "parallel"]}
        ins(%x, %w : tensor<16x8xf32>, tensor<2x8x16xf16>) outs(%o : tensor<16x2x16xf32>) {
    ^bb0(%a: f32, %b: f16, %c: f32):
      %0 = arith.extf %b : f16 to f32
      %1 = arith.mulf %a, %0 : f32
      %2 = arith.addf %c, %1 : f32
      linalg.yield %2 : f32
    } -> tensor<16x2x16xf32>
    return %r : tensor<16x2x16xf32>
  }

  // Of a chunk only if there are tokens for more than one tile; for two, and for up to four, one is lower.
  // CHECK-LABEL: func.func @widenedForSome
  // CHECK-SAME: %[[W:[^:]*]]: tensor<2x8x16xf16>
  // CHECK: %[[LIVE:.*]] = kernel.live_rows
  // CHECK: %[[TWO:.*]] = arith.constant 2 : index
  // CHECK: %[[ISTWO:.*]] = arith.cmpi ule, %[[LIVE]], %[[TWO]]
  // CHECK: scf.if %[[ISTWO]]
  // CHECK:   vector.transfer_read %[[W]][{{.*}} : tensor<2x8x16xf16>, vector<16xf16>
  // CHECK:   scf.yield %{{([^,]*, ){3}[^,]*}} : vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>{{$}}
  // CHECK: } else {
  // CHECK:   %[[FOUR:.*]] = arith.constant 4 : index
  // CHECK:   %[[ISFOUR:.*]] = arith.cmpi ule, %[[LIVE]], %[[FOUR]]
  // CHECK:   scf.if %[[ISFOUR]]
  // CHECK:     scf.yield %{{([^,]*, ){7}[^,]*}} : vector<16xf32>{{(, vector<16xf32>){7}$}}
  // CHECK:   } else {
  // CHECK:     %[[EIGHT:.*]] = arith.constant 8 : index
  // CHECK:     %[[SINGLE:.*]] = arith.cmpi ule, %[[LIVE]], %[[EIGHT]]
  // CHECK:     scf.if %[[SINGLE]]
  // CHECK:       vector.transfer_read %[[W]][{{.*}} : tensor<2x8x16xf16>, vector<16xf16>
  // CHECK-NOT: tensor.empty
  // CHECK:     } else {
  // CHECK:       tensor.empty() {{.*}} : tensor<2x8x16xf32>
  func.func @widenedForSome(%w: tensor<2x8x16xf16>, %x: tensor<16x8xf32>, %o: tensor<16x2x16xf32>) -> tensor<16x2x16xf32>
      attributes {kernel.chunk = 16 : i64} {
    %r = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction", "parallel"]}
        ins(%x, %w : tensor<16x8xf32>, tensor<2x8x16xf16>) outs(%o : tensor<16x2x16xf32>) {
    ^bb0(%a: f32, %b: f16, %c: f32):
      %0 = arith.extf %b : f16 to f32
      %1 = arith.mulf %a, %0 : f32
      %2 = arith.addf %c, %1 : f32
      linalg.yield %2 : f32
    } -> tensor<16x2x16xf32>
    return %r : tensor<16x2x16xf32>
  }
}

// -----

#x = affine_map<(t, p, k, r) -> (t, k)>
#w = affine_map<(t, p, k, r) -> (p, k, r)>
#y = affine_map<(t, p, k, r) -> (t, p, r)>

module attributes {kernel.target = "znver5"} {
  // Of F16 a turn takes a line of either panel, and fetches one, 1.5 kB ahead, into the first cache.
  // CHECK-LABEL: func.func @streams
  // CHECK: scf.for {{.*}} step %c2{{[_0-9]*}} iter_args
  // CHECK: arith.addi %{{.*}}, %c768
  // CHECK-COUNT-2: kernel.prefetch %{{.*}}] {cache = 1 : i64} : tensor<2x8x16xf16>
  // CHECK-NOT: kernel.prefetch
  // CHECK-COUNT-4: vector.fma
  func.func @streams(%x: tensor<1x8xf32>, %w: tensor<2x8x16xf16>, %o: tensor<1x2x16xf32>) -> tensor<1x2x16xf32> {
    %r = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction", "parallel"]}
        ins(%x, %w : tensor<1x8xf32>, tensor<2x8x16xf16>) outs(%o : tensor<1x2x16xf32>) {
    ^bb0(%a: f32, %b: f16, %c: f32):
      %0 = arith.extf %b : f16 to f32
      %1 = arith.mulf %a, %0 : f32
      %2 = arith.addf %c, %1 : f32
      linalg.yield %2 : f32
    } -> tensor<1x2x16xf32>
    return %r : tensor<1x2x16xf32>
  }

  // Not of F32, which two threads read slower so.
  // CHECK-LABEL: func.func @alone
  // CHECK-NOT: kernel.prefetch
  // CHECK: return
  func.func @alone(%x: tensor<1x8xf32>, %w: tensor<2x8x16xf32>, %o: tensor<1x2x16xf32>) -> tensor<1x2x16xf32> {
    %r = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction", "parallel"]}
        ins(%x, %w : tensor<1x8xf32>, tensor<2x8x16xf32>) outs(%o : tensor<1x2x16xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %1 = arith.mulf %a, %b : f32
      %2 = arith.addf %c, %1 : f32
      linalg.yield %2 : f32
    } -> tensor<1x2x16xf32>
    return %r : tensor<1x2x16xf32>
  }
}
