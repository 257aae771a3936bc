// RUN: cria-opt %s --pass-pipeline='builtin.module(func.func(kernel-vectorize-attention,canonicalize,cse))' -split-input-file -verify-diagnostics | FileCheck %s
// RUN: not cria-opt %s --pass-pipeline='builtin.module(func.func(kernel-vectorize-attention,canonicalize,cse))' -split-input-file 2>/dev/null | FileCheck %s --check-prefix=FAILED --allow-empty

// What fails is not printed.
// FAILED-NOT: func.func @{{two_parts|two_groups|odd_blocks|other_lanes}}

// Two tokens of two heads are four rows. Steps of 8 vectors of 8 positions without a mask
// as long as the first row sees them whole, then steps of one vector with one.
module attributes {kernel.target = "x86-64-v3"} {
  // CHECK-LABEL: func.func @causal
  // CHECK-SAME: %[[P:[^:]*]]: index
  // The queries are scaled, by 1/8 and log2(e).
  // CHECK-DAG: %[[SCALE:.*]] = arith.constant dense<0.180336878> : vector<8xf32>
  // CHECK: scf.for
  // CHECK:   arith.mulf %{{.*}}, %[[SCALE]]
  // CHECK: %[[LAST:.*]] = arith.addi %[[P]], %c1
  // CHECK: %[[BLOCK:.*]] = arith.divui %[[LAST]], %c8
  // CHECK: %[[END:.*]] = arith.addi %[[BLOCK]], %c1
  // CHECK: %[[STEPS:.*]] = arith.divui %{{.*}}, %c8
  // CHECK: %[[WHOLE:.*]] = arith.muli %[[STEPS]], %c8
  // CHECK: scf.for %{{.*}} to %[[WHOLE]] step %c8
  // Scores: two vectors of four rows at a time, eight sums.
  // CHECK:   scf.for
  // CHECK:     scf.for {{.*}} -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>)
  // CHECK-NOT:   kernel.prefetch
  // CHECK:       vector.transfer_read {{.*}} : tensor<1x1x16x64xf32>, vector<8xf32>
  // CHECK:       vector.fma
  // Weights: no mask, halves upon halves for the maximum.
  // CHECK:   scf.for
  // CHECK-NOT: arith.cmpi
  // CHECK:     vector.extract_strided_slice {{.*}} : vector<8xf32> to vector<4xf32>
  // CHECK:     vector.extract_strided_slice {{.*}} : vector<2xf32> to vector<1xf32>
  // CHECK:     math.exp2 {{.*}} : f32
  // CHECK-NOT: arith.cmpi
  // CHECK-COUNT-8: math.exp2 {{.*}} : vector<8xf32>
  // Values: two vectors of columns of four rows at a time.
  // CHECK:     scf.for {{.*}} -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>)
  // CHECK:       vector.transfer_read {{.*}} : tensor<1x1x64x16xf32>, vector<8xf32>
  // CHECK:       vector.fma
  // The rest, masked: a row's token is its number over the heads.
  // CHECK: scf.for %{{.*}} = %[[WHOLE]] to %[[END]] step %c1
  // CHECK:   arith.divui
  // CHECK:   arith.cmpi sge
  // CHECK-NOT: arith.cmpi slt
  // CHECK:   math.exp2 {{.*}} : vector<8xf32>
  // CHECK: vector.reduction <add>
  // CHECK: arith.divf
  // CHECK: tensor<2x2x16xf32>
  func.func @causal(%p: index, %q: tensor<2x2x16xf32>, %k: tensor<1x1x16x64xf32>, %v: tensor<1x1x64x16xf32>) -> tensor<2x2x16xf32> {
    %a = kernel.attention %q, %k, %v at %p scale 0.125 into %q
      : (tensor<2x2x16xf32>, tensor<1x1x16x64xf32>, tensor<1x1x64x16xf32>, index, tensor<2x2x16xf32>) -> tensor<2x2x16xf32>
    return %a : tensor<2x2x16xf32>
  }

  // With a window there are masked steps first: from the vector of position p - 4 on to
  // where the last row sees whole steps, but not behind the end. A single row reads its
  // numbers as operands, whole rows of values at a time, and fetches nothing by hand.
  // CHECK-LABEL: func.func @windowed
  // CHECK-SAME: %[[P:[^:]*]]: index
  // CHECK: %[[LAST:.*]] = arith.divui %[[P]], %c8
  // CHECK: %[[END:.*]] = arith.addi %[[LAST]], %c1
  // CHECK: %[[FIRST:.*]] = arith.subi %[[P]], %c4
  // CHECK: %[[CLAMPED:.*]] = arith.maxsi %[[FIRST]]
  // CHECK: %[[BEGIN:.*]] = arith.divui %[[CLAMPED]], %c8
  // CHECK: %[[INSIDE:.*]] = arith.divui %{{.*}}, %c8
  // CHECK: %[[UP:.*]] = arith.addi %[[INSIDE]], %c7
  // CHECK: %[[STEP:.*]] = arith.divui %[[UP]], %c8
  // CHECK: %[[WHOLE:.*]] = arith.muli %[[STEP]], %c8
  // CHECK: %[[EDGE:.*]] = arith.minsi %[[WHOLE]], %[[END]]
  // CHECK-NOT: kernel.prefetch
  // CHECK: scf.for %{{.*}} = %[[BEGIN]] to %[[EDGE]]
  // CHECK:   arith.cmpi slt
  // CHECK: scf.for %{{.*}} = %[[EDGE]] to {{.*}} step %c8
  // CHECK-NOT: kernel.prefetch
  // CHECK: scf.for {{.*}} step %c1
  func.func @windowed(%p: index, %q: tensor<1x1x16xf32>, %k: tensor<1x1x16x64xf32>, %v: tensor<1x1x64x16xf32>) -> tensor<1x1x16xf32> {
    %a = kernel.attention %q, %k, %v at %p scale 0.125 window 5 into %q
      : (tensor<1x1x16xf32>, tensor<1x1x16x64xf32>, tensor<1x1x64x16xf32>, index, tensor<1x1x16xf32>) -> tensor<1x1x16xf32>
    return %a : tensor<1x1x16xf32>
  }

  // Eight heads of a single token: sums of four at a time, of two vectors. What they do
  // fetches the next block, each its share: of keys 4 columns by 16 positions are half of
  // 64 numbers for either four, then of values 2 positions by 16 columns half of 32.
  // CHECK-LABEL: func.func @group
  // CHECK: scf.for %[[V:[^ ]+]] = {{.*}} step %c8
  // CHECK:   %[[BLOCK:.*]] = arith.divui %[[V]], %c8
  // CHECK:   scf.for %[[FIRST:[^ ]+]] = %c0 to %c64 step %c16
  // CHECK:     scf.for %[[COLUMN:[^ ]+]] = %c0 to %c16 step %c4 {{.*}} -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>)
  // CHECK-DAG:   %[[BEFORE:.*]] = arith.muli %[[FIRST]], %c16
  // CHECK-DAG:   %[[HERE:.*]] = arith.muli %[[COLUMN]], %c8
  // CHECK-DAG:   %[[NEXT:.*]] = arith.addi %[[BLOCK]], %c1
  // CHECK-DAG:   %[[PASS:.*]] = arith.addi %{{.*}}, %[[BEFORE]]
  // CHECK:       %[[AT:.*]] = arith.addi %[[PASS]], %[[HERE]]
  // CHECK:       kernel.prefetch {{.*}}[%[[NEXT]], %c0, %c0, %[[AT]]] : tensor<2x1x16x64xf32>
  // CHECK:       kernel.prefetch {{.*}} : tensor<2x1x16x64xf32>
  // CHECK-NOT:   kernel.prefetch
  // CHECK:     scf.for %[[COLUMN:[^ ]+]] = %c0 to %c16 step %c4
  // CHECK:       %[[BEHIND:.*]] = arith.addi %{{.*}}, %c128
  // CHECK:       arith.addi %[[BEHIND]]
  // CHECK:       kernel.prefetch {{.*}} : tensor<2x1x16x64xf32>
  // CHECK:   scf.for {{.*}} = %c0 to %c8 step %c1
  // CHECK:   scf.for %{{[^ ]+}} = %c0 to %c64 step %c2
  // CHECK:     kernel.prefetch {{.*}} : tensor<2x1x64x16xf32>
  // CHECK-NOT: kernel.prefetch
  // CHECK:   scf.for %{{[^ ]+}} = %c0 to %c64 step %c2
  // CHECK:     arith.addi %{{.*}}, %c512
  // CHECK:     kernel.prefetch {{.*}} : tensor<2x1x64x16xf32>
  // CHECK-NOT: kernel.prefetch
  // CHECK: return
  func.func @group(%p: index, %q: tensor<1x8x16xf32>, %k: tensor<2x1x16x64xf32>, %v: tensor<2x1x64x16xf32>) -> tensor<1x8x16xf32> {
    %a = kernel.attention %q, %k, %v at %p scale 0.125 into %q
      : (tensor<1x8x16xf32>, tensor<2x1x16x64xf32>, tensor<2x1x64x16xf32>, index, tensor<1x8x16xf32>) -> tensor<1x8x16xf32>
    return %a : tensor<1x8x16xf32>
  }

  // Seven are four and three.
  // CHECK-LABEL: func.func @uneven
  // CHECK: scf.for {{.*}} step %c8
  // CHECK:   scf.for %{{[^ ]+}} = %c0 to %c64 step %c16
  // CHECK:     scf.for {{.*}} step %c4 {{.*}} -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>)
  // CHECK:     scf.for {{.*}} step %c4 {{.*}} -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>)
  // CHECK:     vector.transfer_write {{.*}}[%c6, {{.*}} : vector<8xf32>, tensor<7x64xf32>
  // CHECK:   scf.for %{{[^ ]+}} = %c0 to %c64 step %c2 {{.*}} -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>)
  // CHECK:   scf.for %{{[^ ]+}} = %c0 to %c64 step %c2 {{.*}} -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>)
  // CHECK:     vector.transfer_write {{.*}}[%c6, {{.*}} : vector<8xf32>, tensor<7x16xf32>
  func.func @uneven(%p: index, %q: tensor<1x7x16xf32>, %k: tensor<2x1x16x64xf32>, %v: tensor<2x1x64x16xf32>) -> tensor<1x7x16xf32> {
    %a = kernel.attention %q, %k, %v at %p scale 0.125 into %q
      : (tensor<1x7x16xf32>, tensor<2x1x16x64xf32>, tensor<2x1x64x16xf32>, index, tensor<1x7x16xf32>) -> tensor<1x7x16xf32>
    return %a : tensor<1x7x16xf32>
  }

  // With a table, cosines and sines of the row's own position rotate its query, in halves;
  // keys and values are widened.
  // CHECK-LABEL: func.func @rotated
  // CHECK-SAME: %[[P:[^:]*]]: index
  // CHECK-SAME: %[[T:[^:]*]]: tensor<70x2x8xf32>
  // CHECK: scf.for %[[ROW:[^ ]*]] =
  // CHECK:   %[[PLACE:.*]] = arith.addi %[[P]], %[[ROW]]
  // CHECK:   vector.transfer_read %[[T]][%[[PLACE]], %c0, %c0]
  // CHECK:   vector.transfer_read %[[T]][%[[PLACE]], %c1, %c0]
  // CHECK:   arith.subf
  // CHECK:   arith.addf
  // CHECK: vector.transfer_read {{.*}} : tensor<1x1x16x64xf16>, vector<8xf16>
  // CHECK: arith.extf {{.*}} : vector<8xf16> to vector<8xf32>
  // CHECK: vector.transfer_read {{.*}} : tensor<1x1x64x16xf16>, vector<8xf16>
  // CHECK: arith.extf
  func.func @rotated(%p: index, %q: tensor<2x1x16xf32>, %k: tensor<1x1x16x64xf16>, %v: tensor<1x1x64x16xf16>, %t: tensor<70x2x8xf32>) -> tensor<2x1x16xf32> {
    %a = kernel.attention %q, %k, %v at %p scale 0.125 into %q rotated %t
      : (tensor<2x1x16xf32>, tensor<1x1x16x64xf16>, tensor<1x1x64x16xf16>, index, tensor<2x1x16xf32>, tensor<70x2x8xf32>) -> tensor<2x1x16xf32>
    return %a : tensor<2x1x16xf32>
  }

  // Codes: the sums of the first 32 columns times the scales of their positions, the other
  // groups added; every weight once for each group, times the scales of the values.
  // CHECK-LABEL: func.func @coded
  // CHECK: scf.for %{{.*}} step %c8
  // CHECK:   scf.for
  // CHECK:     %[[FIRST:[^:]*]]:8 = scf.for %{{.*}} = %c0 to %c32 step
  // CHECK:       vector.transfer_read {{.*}} : tensor<1x1x96x64xi8>, vector<8xi8>
  // CHECK:       arith.sitofp {{.*}} : vector<8xi8> to vector<8xf32>
  // CHECK:     vector.transfer_read {{.*}}, %c0, %c0, %{{.*}}], {{.*}} : tensor<1x1x3x64xbf16>, vector<8xbf16>
  // CHECK:     arith.extf {{.*}} : vector<8xbf16> to vector<8xf32>
  // CHECK:     %[[SCORE:.*]] = arith.mulf
  // CHECK:     scf.for %[[G:.*]] = %c1 to %c3 step %c1
  // CHECK:       scf.for
  // CHECK:       vector.transfer_read {{.*}}, %c0, %[[G]], %{{.*}}], {{.*}} : tensor<1x1x3x64xbf16>, vector<8xbf16>
  // CHECK:       vector.fma
  // CHECK:   scf.for
  // CHECK:     math.exp2 {{.*}} : f32
  // CHECK:     %[[W:.*]] = math.exp2 {{.*}} : vector<8xf32>
  // CHECK:     vector.transfer_read {{.*}} : tensor<1x1x3x64xbf16>, vector<8xbf16>
  // CHECK:     arith.mulf %[[W]]
  // CHECK:     vector.transfer_write {{.*}} : vector<8xf32>, tensor<3x2x64xf32>
  // CHECK:     arith.mulf %[[W]]
  // CHECK:     vector.transfer_write {{.*}} : vector<8xf32>, tensor<3x2x64xf32>
  // CHECK:     arith.mulf %[[W]]
  // CHECK:     vector.transfer_write {{.*}} : vector<8xf32>, tensor<3x2x64xf32>
  // CHECK:   scf.for %[[COLUMN:.*]] = %c0 to %c96 step %c32
  // CHECK:     %[[GROUP:.*]] = arith.divui %[[COLUMN]], %c32
  // CHECK:     vector.transfer_read {{.*}} : tensor<1x1x64x96xi8>, vector<8xi8>
  // CHECK:     tensor.extract {{.*}}[%[[GROUP]], %c0, {{.*}} : tensor<3x2x64xf32>
  func.func @coded(%p: index, %q: tensor<2x1x96xf32>, %k: tensor<1x1x96x64xi8>, %v: tensor<1x1x64x96xi8>, %ks: tensor<1x1x3x64xbf16>, %vs: tensor<1x1x3x64xbf16>) -> tensor<2x1x96xf32> {
    %a = kernel.attention %q, %k, %v at %p scale 0.125 into %q scales %ks, %vs
      : (tensor<2x1x96xf32>, tensor<1x1x96x64xi8>, tensor<1x1x64x96xi8>, index, tensor<2x1x96xf32>, tensor<1x1x3x64xbf16>, tensor<1x1x3x64xbf16>) -> tensor<2x1x96xf32>
    return %a : tensor<2x1x96xf32>
  }

  // A last group that is short is a sum, and columns of values, of its own.
  // CHECK-LABEL: func.func @coded_short
  // CHECK: scf.for %{{.*}} step %c8
  // CHECK:     scf.for %{{.*}} = %c64 to %c80 step
  // CHECK:     vector.transfer_read {{.*}}, %c0, %c2, %{{.*}}], {{.*}} : tensor<1x1x3x64xbf16>, vector<8xbf16>
  // CHECK:     vector.fma
  // CHECK:   scf.for %[[COLUMN:.*]] = %c0 to %c64 step %c32
  // CHECK:     scf.for %{{.*}} = %c0 to %c64 step %c2
  // CHECK:       vector.transfer_read {{.*}}, %[[COLUMN]]], {{.*}} : tensor<1x1x64x80xi8>, vector<8xi8>
  // CHECK:   scf.for %{{.*}} = %c0 to %c64 step %c2
  // CHECK:     vector.transfer_read {{.*}}, %c64], {{.*}} : tensor<1x1x64x80xi8>, vector<8xi8>
  // CHECK:     vector.transfer_read {{.*}}, %c72], {{.*}} : tensor<1x1x64x80xi8>, vector<8xi8>
  // CHECK-NOT: tensor<1x1x64x80xi8>
  // CHECK:     tensor.extract {{.*}}[%c2, %c0, {{.*}} : tensor<3x2x64xf32>
  func.func @coded_short(%p: index, %q: tensor<2x1x80xf32>, %k: tensor<1x1x80x64xi8>, %v: tensor<1x1x64x80xi8>, %ks: tensor<1x1x3x64xbf16>, %vs: tensor<1x1x3x64xbf16>) -> tensor<2x1x80xf32> {
    %a = kernel.attention %q, %k, %v at %p scale 0.125 into %q scales %ks, %vs
      : (tensor<2x1x80xf32>, tensor<1x1x80x64xi8>, tensor<1x1x64x80xi8>, index, tensor<2x1x80xf32>, tensor<1x1x3x64xbf16>, tensor<1x1x3x64xbf16>) -> tensor<2x1x80xf32>
    return %a : tensor<2x1x80xf32>
  }
}

// -----

module attributes {kernel.target = "x86-64-v3"} {
  // Part number i of 4 takes steps [i n / 4, (i + 1) n / 4) of the n that the position
  // sees, and does nothing if that is none.
  // CHECK-LABEL: func.func @part
  // CHECK-SAME: %[[P:[^:]*]]: index, %[[I:[^:]*]]: index, {{.*}}, %[[O:[^:]*]]: tensor<1x2x32xf32>
  // CHECK: %[[LAST:.*]] = arith.divui %[[P]], %c64
  // CHECK: %[[N:.*]] = arith.addi %[[LAST]], %c1
  // CHECK: %[[SHARE:.*]] = arith.muli %[[I]], %[[N]]
  // CHECK: %[[FROM:.*]] = arith.divui %[[SHARE]], %c4
  // CHECK: %[[NEXT:.*]] = arith.addi %[[I]], %c1
  // CHECK: %[[UNTIL:.*]] = arith.muli %[[NEXT]], %[[N]]
  // CHECK: %[[TO:.*]] = arith.divui %[[UNTIL]], %c4
  // CHECK: %[[ANY:.*]] = arith.cmpi ult, %[[FROM]], %[[TO]]
  // CHECK: scf.if %[[ANY]] -> (tensor<1x2x32xf32>)
  // CHECK:   %[[FIRST:.*]] = arith.muli %[[FROM]], %c8
  // CHECK:   %[[BEHIND:.*]] = arith.muli %[[TO]], %c8
  // CHECK:   arith.maxsi %[[FIRST]], %c0
  // CHECK:   arith.minsi %{{.*}}, %[[BEHIND]]
  // Weighted values, sums, and the maximum in every lane, as they are.
  // CHECK-NOT: arith.divf
  // CHECK:   vector.transfer_write {{.*}}, %c0] {{.*}} : vector<8xf32>, tensor<1x2x32xf32>
  // CHECK:   vector.transfer_write {{.*}}, %c8] {{.*}} : vector<8xf32>, tensor<1x2x32xf32>
  // CHECK:   vector.transfer_write {{.*}}, %c16] {{.*}} : vector<8xf32>, tensor<1x2x32xf32>
  // CHECK:   %[[TOP:.*]] = vector.broadcast %{{.*}} : f32 to vector<8xf32>
  // CHECK:   vector.transfer_write %[[TOP]], {{.*}}, %c24] {{.*}} : vector<8xf32>, tensor<1x2x32xf32>
  // CHECK: } else {
  // CHECK:   scf.yield %[[O]]
  func.func @part(%p: index, %i: index, %q: tensor<1x2x16xf32>, %k: tensor<4x1x16x64xf32>, %v: tensor<4x1x64x16xf32>, %o: tensor<1x2x32xf32>) -> tensor<1x2x32xf32> {
    %a = kernel.attention %q, %k, %v at %p scale 0.125 part %i of 4 into %o
      : (tensor<1x2x16xf32>, tensor<4x1x16x64xf32>, tensor<4x1x64x16xf32>, index, tensor<1x2x32xf32>, index) -> tensor<1x2x32xf32>
    return %a : tensor<1x2x32xf32>
  }
}

// -----

module attributes {kernel.target = "x86-64-v3"} {
  func.func @two_parts(%p: index, %q: tensor<1x2x16xf32>, %k: tensor<4x1x16x64xf32>, %v: tensor<4x1x64x16xf32>, %o: tensor<2x2x32xf32>) -> tensor<2x2x32xf32> {
    // expected-error @+1 {{expects a tile of one part to be vectorized, but got 2}}
    %a = kernel.attention %q, %k, %v at %p scale 0.125 part %p of 4 into %o
      : (tensor<1x2x16xf32>, tensor<4x1x16x64xf32>, tensor<4x1x64x16xf32>, index, tensor<2x2x32xf32>, index) -> tensor<2x2x32xf32>
    return %a : tensor<2x2x32xf32>
  }
}

// -----

module attributes {kernel.target = "x86-64-v3"} {
  func.func @two_groups(%p: index, %q: tensor<1x2x8xf32>, %k: tensor<1x2x8x64xf32>, %v: tensor<1x2x64x8xf32>) -> tensor<1x2x8xf32> {
    // expected-error @+1 {{expects a tile of one key/value head to be vectorized, but got 2}}
    %a = kernel.attention %q, %k, %v at %p scale 0.125 into %q
      : (tensor<1x2x8xf32>, tensor<1x2x8x64xf32>, tensor<1x2x64x8xf32>, index, tensor<1x2x8xf32>) -> tensor<1x2x8xf32>
    return %a : tensor<1x2x8xf32>
  }
}

// -----

module attributes {kernel.target = "x86-64-v3"} {
  func.func @odd_blocks(%p: index, %q: tensor<1x1x8xf32>, %k: tensor<3x1x8x8xf32>, %v: tensor<3x1x8x8xf32>) -> tensor<1x1x8xf32> {
    // expected-error @+1 {{expects blocks of a multiple of 64 positions to be vectorized, but got 8}}
    %a = kernel.attention %q, %k, %v at %p scale 0.125 into %q
      : (tensor<1x1x8xf32>, tensor<3x1x8x8xf32>, tensor<3x1x8x8xf32>, index, tensor<1x1x8xf32>) -> tensor<1x1x8xf32>
    return %a : tensor<1x1x8xf32>
  }
}

// -----

module attributes {kernel.target = "x86-64-v3"} {
  func.func @other_lanes(%p: index, %q: tensor<1x1x64xf32>, %k: tensor<3x1x64x64xf32>, %v: tensor<3x1x64x64xf32>, %o: tensor<1x1x72xf32>) -> tensor<1x1x72xf32> {
    // expected-error @+1 {{expects parts with vectors of 8 sums and maxima to be vectorized, but got 'tensor<1x1x72xf32>'}}
    %a = kernel.attention %q, %k, %v at %p scale 0.125 part %p of 4 into %o
      : (tensor<1x1x64xf32>, tensor<3x1x64x64xf32>, tensor<3x1x64x64xf32>, index, tensor<1x1x72xf32>, index) -> tensor<1x1x72xf32>
    return %a : tensor<1x1x72xf32>
  }
}

// -----

module attributes {kernel.target = "x86-64-v4"} {
  // A single token fetches what its next step reads; the tile of one of many tokens does not.
  // CHECK-LABEL: func.func @single
  // CHECK: kernel.prefetch
  func.func @single(%p: index, %q: tensor<1x8x64xf32>, %k: tensor<9x1x64x64xf32>, %v: tensor<9x1x64x64xf32>) -> tensor<1x8x64xf32> {
    %a = kernel.attention %q, %k, %v at %p scale 0.125 into %q
      : (tensor<1x8x64xf32>, tensor<9x1x64x64xf32>, tensor<9x1x64x64xf32>, index, tensor<1x8x64xf32>) -> tensor<1x8x64xf32>
    return %a : tensor<1x8x64xf32>
  }
  // CHECK-LABEL: func.func @one_of_many
  // CHECK-NOT: kernel.prefetch
  func.func @one_of_many(%p: index, %t: index, %rows: tensor<32x8x64xf32>, %k: tensor<9x1x64x64xf32>, %v: tensor<9x1x64x64xf32>) -> tensor<1x8x64xf32> {
    %q = tensor.extract_slice %rows[%t, 0, 0] [1, 8, 64] [1, 1, 1] : tensor<32x8x64xf32> to tensor<1x8x64xf32>
    %a = kernel.attention %q, %k, %v at %p scale 0.125 into %q
      : (tensor<1x8x64xf32>, tensor<9x1x64x64xf32>, tensor<9x1x64x64xf32>, index, tensor<1x8x64xf32>) -> tensor<1x8x64xf32>
    return %a : tensor<1x8x64xf32>
  }
}
