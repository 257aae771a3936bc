// RUN: cria-opt %s --kernel-vectorize-block-matmul -split-input-file | FileCheck %s

module attributes {kernel.target = "znver4"} {

// 16 scales; then two rows of codes meet four vectors, each unpacked once into two of bytes
// that meet four codes of either row. The exact sums start from the bits of what the rows bring, and are numbers
// less what they bring for the offset. There are too few rows for a table of multiples.
// CHECK-LABEL: func.func @q4
// CHECK: scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>)
// CHECK-NOT: kernel.prefetch
// CHECK:   vector.bitcast {{.*}} : vector<32xi8> to vector<16xf16>
// CHECK:   arith.extf
// CHECK:   %[[ORIGIN:.*]] = tensor.extract %arg1
// CHECK:   %[[LANES:.*]] = vector.broadcast %[[ORIGIN]]
// CHECK:   %[[START:.*]] = vector.bitcast %[[LANES]] : vector<16xf32> to vector<16xi32>
// CHECK:   vector.transfer_read {{.*}} : tensor<1x2x288xi8>, vector<64xi8>
// CHECK:   arith.andi
// CHECK:   kernel.dot %[[START]],{{.*}} in_order
// CHECK:   kernel.dot {{.*}} in_order
// CHECK:   arith.shrui
// CHECK-COUNT-14: kernel.dot {{.*}} in_order
// CHECK-NOT: kernel.dot
// CHECK-NOT: arith.sitofp
// CHECK:   %[[SUM:.*]] = tensor.extract %arg2
// CHECK:   %[[FROM:.*]] = vector.broadcast %[[SUM]]
// CHECK:   %[[NUMBER:.*]] = arith.subf %{{.*}}, %[[FROM]] : vector<16xf32>
// CHECK:   %[[MULTIPLE:.*]] = tensor.extract %arg1
// CHECK:   %[[TIMES:.*]] = vector.broadcast %[[MULTIPLE]]
// CHECK:   %[[FACTOR:.*]] = arith.mulf %{{.*}}, %[[TIMES]] : vector<16xf32>
// CHECK:   vector.fma %[[NUMBER]], %[[FACTOR]],
// CHECK:   vector.fma
// CHECK-NOT: vector.fma
func.func @q4(%q: tensor<2x2x32xi8>, %s: tensor<2x4xf32>, %n: tensor<2x2xf32>, %w: tensor<1x2x288xi8>,
              %o: tensor<2x1x16xf32>) -> tensor<2x1x16xf32> {
  %y = kernel.block_matmul %q, %s, %n, %w format q4 into %o
    : (tensor<2x2x32xi8>, tensor<2x4xf32>, tensor<2x2xf32>, tensor<1x2x288xi8>, tensor<2x1x16xf32>) -> tensor<2x1x16xf32>
  return %y : tensor<2x1x16xf32>
}

// No scale is left to multiply by but the matrix's.
// CHECK-LABEL: func.func @microscaled
// CHECK: scf.for {{.*}} iter_args(%[[SUM:.*]] = %{{.*}}) -> (vector<16xf32>)
// CHECK:   %[[EXTRACTED:.*]] = tensor.extract %arg1
// CHECK:   %[[SCALE:.*]] = vector.broadcast %[[EXTRACTED]]
// CHECK:   %[[START:.*]] = vector.bitcast %[[SCALE]] : vector<16xf32> to vector<16xi32>
// CHECK:   kernel.dot %[[START]],
// CHECK-COUNT-6: kernel.dot
// CHECK:   %[[EXACT:.*]] = kernel.dot
// CHECK-NOT: arith.sitofp
// CHECK:   %[[FROM:.*]] = tensor.extract %arg2
// CHECK:   %[[ORIGIN:.*]] = vector.broadcast %[[FROM]] : f32 to vector<16xf32>
// CHECK:   %[[FLOAT:.*]] = vector.bitcast %[[EXACT]] : vector<16xi32> to vector<16xf32>
// CHECK:   %[[NUMBER:.*]] = arith.subf %[[FLOAT]], %[[ORIGIN]] : vector<16xf32>
// CHECK:   %[[RESULT:.*]] = vector.fma %[[NUMBER]], %{{.*}}, %[[SUM]]
// CHECK-NOT: vector.fma
// CHECK:   scf.yield %[[RESULT]]
func.func @microscaled(%q: tensor<1x2x32xi8>, %s: tensor<1x2xf32>, %n: tensor<1x2xf32>, %w: tensor<1x2x288xi8>,
                       %o: tensor<1x1x16xf32>) -> tensor<1x1x16xf32> {
  %y = kernel.block_matmul %q, %s, %n, %w format q4 microscaled into %o
    : (tensor<1x2x32xi8>, tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2x288xi8>, tensor<1x1x16xf32>) -> tensor<1x1x16xf32>
  return %y : tensor<1x1x16xf32>
}

// Minimums meet the sums as they are; there is no offset.
// CHECK-LABEL: func.func @microscaled_minimums
// CHECK-COUNT-8: kernel.dot
// CHECK:   %[[EXTRACTED:.*]] = tensor.extract %arg1
// CHECK:   %[[SCALE:.*]] = vector.broadcast %[[EXTRACTED]]
// CHECK:   arith.subf %{{.*}}, %[[SCALE]] : vector<16xf32>
// CHECK:   vector.fma
// CHECK:   %[[SUMS:.*]] = tensor.extract %arg2
// CHECK:   %[[TAKEN:.*]] = vector.broadcast %[[SUMS]]
// CHECK:   vector.fma %{{.*}}, %[[TAKEN]],
// CHECK-NOT: vector.fma
// CHECK:   scf.yield
func.func @microscaled_minimums(%q: tensor<1x2x32xi8>, %s: tensor<1x2xf32>, %n: tensor<1x2xf32>, %w: tensor<1x2x320xi8>,
                                %o: tensor<1x1x16xf32>) -> tensor<1x1x16xf32> {
  %y = kernel.block_matmul %q, %s, %n, %w format q4z microscaled into %o
    : (tensor<1x2x32xi8>, tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2x320xi8>, tensor<1x1x16xf32>) -> tensor<1x1x16xf32>
  return %y : tensor<1x1x16xf32>
}

// CHECK-LABEL: func.func @q8
// CHECK-NOT: arith.andi
// CHECK-COUNT-8: kernel.dot
func.func @q8(%q: tensor<1x2x32xi8>, %s: tensor<1x4xf32>, %n: tensor<1x2xf32>, %w: tensor<1x2x544xi8>,
              %o: tensor<1x1x16xf32>) -> tensor<1x1x16xf32> {
  %y = kernel.block_matmul %q, %s, %n, %w format q8 into %o
    : (tensor<1x2x32xi8>, tensor<1x4xf32>, tensor<1x2xf32>, tensor<1x2x544xi8>, tensor<1x1x16xf32>) -> tensor<1x1x16xf32>
  return %y : tensor<1x1x16xf32>
}

// Two panels at once: four codes of a row are read once for both.
// CHECK-LABEL: func.func @panels
// CHECK: scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
// CHECK-NOT: kernel.prefetch
// CHECK:   vector.transfer_read {{.*}} : tensor<2x2x32xi8>, vector<4xi8>
// CHECK-COUNT-2: kernel.dot
// CHECK:   vector.transfer_read {{.*}} : tensor<2x2x32xi8>, vector<4xi8>
func.func @panels(%q: tensor<2x2x32xi8>, %s: tensor<2x4xf32>, %n: tensor<2x2xf32>, %w: tensor<2x2x288xi8>,
                  %o: tensor<2x2x16xf32>) -> tensor<2x2x16xf32> {
  %y = kernel.block_matmul %q, %s, %n, %w format q4 into %o
    : (tensor<2x2x32xi8>, tensor<2x4xf32>, tensor<2x2xf32>, tensor<2x2x288xi8>, tensor<2x2x16xf32>) -> tensor<2x2x16xf32>
  return %y : tensor<2x2x16xf32>
}

// 14 rows in tiles of at most six are two of five and one of four, which with two panels have ten
// and eight sums. Each of the three fetches a third of the panels after these, in lines of 64 bytes: that of
// a few steps, here of both, in a loop before them, or of one, where it would be more than ten lines.
// CHECK-LABEL: func.func @tiles
// CHECK: scf.for %[[TILE:[^ ]+]] = %c0{{[_0-9]*}} to %c2{{[_0-9]*}} step
// CHECK:   arith.muli %[[TILE]], %c5{{[_0-9]*}}
// CHECK:   %[[UP:[^ ]+]] = arith.addi %c14
// CHECK:   %[[TILES:[^ ]+]] = arith.divui %[[UP]], %c5
// CHECK:   %[[ALL:[^ ]+]] = arith.addi %c576
// CHECK:   %[[SHARE:[^ ]+]] = arith.divui %[[ALL]], %[[TILES]]
// CHECK:   %[[BYTES:[^ ]+]] = arith.muli %[[SHARE]], %c2
// CHECK:   %[[FEW:[^ ]+]] = arith.cmpi ule, %[[BYTES]], %c640
// CHECK:   %[[TOGETHER:[^ ]+]] = arith.select %[[FEW]], %c2{{[_0-9]*}}, %c1
// CHECK:   scf.for %[[TURN:[^ ]+]] = {{.*}} to %c2{{[_0-9]*}} step %[[TOGETHER]] iter_args({{.*}}) -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>) {
// CHECK:     %[[G:[^ ]+]] = arith.addi %c0{{[_0-9]*}}, %[[TURN]]
// CHECK:     %[[GROUPS:[^ ]+]] = arith.muli %[[TILE]], %c2{{[_0-9]*}}
// CHECK:     %[[AT:[^ ]+]] = arith.addi %[[GROUPS]], %[[G]]
// CHECK:     %[[FROM:[^ ]+]] = arith.muli %[[AT]], %[[SHARE]]
// CHECK:     %[[COUNT:[^ ]+]] = arith.muli %[[SHARE]], %[[TOGETHER]]
// CHECK:     scf.for %[[LINE:[^ ]+]] = %{{.*}} to %[[COUNT]] step %c64
// CHECK:       %[[AHEAD:[^ ]+]] = arith.addi %[[FROM]], %[[LINE]]
// CHECK:       kernel.prefetch %{{.*}}[%c2{{.*}}, %c0{{.*}}, %[[AHEAD]]] : tensor<2x2x288xi8>
// CHECK-NOT: kernel.prefetch
// CHECK:     %[[END:[^ ]+]] = arith.addi %[[TURN]], %[[TOGETHER]]
// CHECK:     scf.for %{{.*}} = %[[TURN]] to %[[END]] step {{.*}} -> (vector<16xf32>
// CHECK-NOT: kernel.prefetch
// CHECK-NOT: scf.for
// Rows of ten sums find the matrix's scales in a table of 4, 5, 6 and 7 times them, panel after panel.
// CHECK:     %[[ONE:.*]] = arith.extf
// CHECK:     %[[TWO:.*]] = arith.addf %[[ONE]], %[[ONE]]
// CHECK:     %[[FOUR:.*]] = arith.addf %[[TWO]], %[[TWO]]
// CHECK:     %[[SIX:.*]] = arith.addf %[[FOUR]], %[[TWO]]
// CHECK:     %[[FIVE:.*]] = arith.addf %[[FOUR]], %[[ONE]]
// CHECK:     %[[SEVEN:.*]] = arith.addf %[[SIX]], %[[ONE]]
// CHECK:     vector.transfer_write %[[FOUR]], {{.*}} tensor<1x2x4x16xf32>
// CHECK:     vector.transfer_write %[[FIVE]],
// CHECK:     vector.transfer_write %[[SIX]],
// CHECK:     %[[A:.*]] = vector.transfer_write %[[SEVEN]],
// CHECK-COUNT-3: vector.transfer_write
// CHECK:     %[[TABLE:.*]] = vector.transfer_write
// CHECK-COUNT-80: kernel.dot
// CHECK:     %[[MULTIPLE:.*]] = tensor.extract %arg1
// CHECK:     %[[BITS:.*]] = arith.bitcast %[[MULTIPLE]] : f32 to i32
// CHECK:     %[[SHIFTED:.*]] = arith.shrui %[[BITS]], %c21
// CHECK:     %[[WHICH:.*]] = arith.andi %[[SHIFTED]], %c3
// CHECK:     %[[NUMBER:.*]] = arith.index_castui %[[WHICH]]
// CHECK:     %[[FACTOR:.*]] = vector.transfer_read %[[TABLE]][%{{.*}}, %{{.*}}, %[[NUMBER]], %{{.*}}]
// CHECK:     vector.fma %{{.*}}, %[[FACTOR]],
// CHECK-NOT: kernel.dot
// CHECK: %[[FIRST:.*]] = arith.muli %c2{{[_0-9]*}}, %c5{{[_0-9]*}}
// CHECK: scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>) {
// CHECK:   %[[ROW:.*]] = arith.addi %[[FIRST]], %c0
// CHECK:   tensor.extract %arg1[%[[ROW]],
// CHECK:   vector.transfer_read %arg0[{{.*}} vector<4xi8>
// CHECK:   vector.transfer_read {{.*}} : tensor<2x2x288xi8>, vector<64xi8>
// CHECK-COUNT-64: kernel.dot
// CHECK-NOT: kernel.dot
func.func @tiles(%q: tensor<14x2x32xi8>, %s: tensor<14x4xf32>, %n: tensor<14x2xf32>, %w: tensor<2x2x288xi8>,
                 %o: tensor<14x2x16xf32>) -> tensor<14x2x16xf32> {
  %y = kernel.block_matmul %q, %s, %n, %w format q4 into %o
    : (tensor<14x2x32xi8>, tensor<14x4xf32>, tensor<14x2xf32>, tensor<2x2x288xi8>, tensor<14x2x16xf32>) -> tensor<14x2x16xf32>
  return %y : tensor<14x2x16xf32>
}

// The same of a chunk: as many tiles as hold a token, and the last one, of four rows, if it does; tiles
// that are there share the panels after these.
// CHECK-LABEL: func.func @some
// CHECK: %[[LIVE:[^ ]+]] = kernel.live_rows
// CHECK: %[[UP:[^ ]+]] = arith.addi %[[LIVE]]
// CHECK: %[[TILES:[^ ]+]] = arith.divui %[[UP]], %c5
// CHECK: %[[WHOLE:[^ ]+]] = arith.minui %[[TILES]], %c2
// CHECK: %[[ALL:[^ ]+]] = scf.for %{{.*}} = %c0{{[_0-9]*}} to %[[WHOLE]] step
// CHECK:   kernel.live_rows
// CHECK:   kernel.prefetch
// CHECK: %[[MORE:[^ ]+]] = arith.cmpi ugt, %[[LIVE]], %c10
// CHECK: scf.if %[[MORE]] -> (tensor<14x2x16xf32>) {
// CHECK-COUNT-64: kernel.dot
// CHECK: } else {
// CHECK:   scf.yield %[[ALL]]
func.func @some(%q: tensor<14x2x32xi8>, %s: tensor<14x4xf32>, %n: tensor<14x2xf32>, %w: tensor<2x2x288xi8>,
                %o: tensor<14x2x16xf32>) -> tensor<14x2x16xf32> attributes {kernel.chunk = 14 : i64} {
  %y = kernel.block_matmul %q, %s, %n, %w format q4 into %o
    : (tensor<14x2x32xi8>, tensor<14x4xf32>, tensor<14x2xf32>, tensor<2x2x288xi8>, tensor<14x2x16xf32>) -> tensor<14x2x16xf32>
  return %y : tensor<14x2x16xf32>
}

// A single row reads one panel after the other, where the chip likes that.
// CHECK-LABEL: func.func @row
// CHECK: %[[A:.*]] = scf.for {{.*}} -> (vector<16xf32>) {
// CHECK: vector.transfer_write %[[A]], %{{.*}}[%c0{{[_0-9]*}}, %c0{{[_0-9]*}}, %c0{{[_0-9]*}}]
// CHECK: %[[B:.*]] = scf.for {{.*}} -> (vector<16xf32>) {
// CHECK: vector.transfer_write %[[B]], %{{.*}}[%c0{{[_0-9]*}}, %c1{{[_0-9]*}}, %c0{{[_0-9]*}}]
func.func @row(%q: tensor<1x2x32xi8>, %s: tensor<1x4xf32>, %n: tensor<1x2xf32>, %w: tensor<2x2x288xi8>,
               %o: tensor<1x2x16xf32>) -> tensor<1x2x16xf32> {
  %y = kernel.block_matmul %q, %s, %n, %w format q4 into %o
    : (tensor<1x2x32xi8>, tensor<1x4xf32>, tensor<1x2xf32>, tensor<2x2x288xi8>, tensor<1x2x16xf32>) -> tensor<1x2x16xf32>
  return %y : tensor<1x2x16xf32>
}
}

// -----

module attributes {kernel.target = "x86-64-v4"} {

// A single row fetches what is 6 kB ahead, 288 bytes a step, of one panel and then of the other.
// CHECK-LABEL: func.func @ahead
// CHECK: scf.for %[[STEP:[^ ]+]] = {{.*}} -> (vector<16xf32>)
// CHECK:   %[[AT:.*]] = arith.muli %[[STEP]], %c288
// CHECK:   %[[AHEAD:.*]] = arith.addi %[[AT]], %c6144
// CHECK:   kernel.prefetch %{{.*}}[%c0{{[_0-9]*}}, %c0{{[_0-9]*}}, %[[AHEAD]]] : tensor<2x2x288xi8>
// CHECK-COUNT-4: kernel.prefetch %{{.*}}[%c0
// CHECK-NOT: kernel.prefetch
// CHECK-COUNT-8: kernel.dot
// CHECK: scf.for
// CHECK-COUNT-5: kernel.prefetch %{{.*}}[%c1
func.func @ahead(%q: tensor<1x2x32xi8>, %s: tensor<1x4xf32>, %n: tensor<1x2xf32>, %w: tensor<2x2x288xi8>,
                 %o: tensor<1x2x16xf32>) -> tensor<1x2x16xf32> {
  %y = kernel.block_matmul %q, %s, %n, %w format q4 into %o
    : (tensor<1x2x32xi8>, tensor<1x4xf32>, tensor<1x2xf32>, tensor<2x2x288xi8>, tensor<1x2x16xf32>) -> tensor<1x2x16xf32>
  return %y : tensor<1x2x16xf32>
}
}
