// RUN: cria-opt %s --kernel-vectorize-block-matmul | FileCheck %s

module attributes {kernel.target = "znver4"} {

// A K-quant: a loop over blocks, whose F16 numbers are read once, and one over their eight
// steps; scale and minimum are six bits times F16, the minimum is taken off by the codes'
// sum. Codes have no offset, so numbers count from where the exact sums start.
// CHECK-LABEL: func.func @q4_k
// CHECK: scf.for %[[BLOCK:.*]] = %c0
// CHECK:   vector.transfer_read %{{.*}}[%{{.*}}, %[[BLOCK]], %c0{{.*}}]{{.*}} vector<32xi8>
// CHECK:   arith.extf
// CHECK:   vector.transfer_read %{{.*}}[%{{.*}}, %[[BLOCK]], %c32{{.*}}]{{.*}} vector<32xi8>
// CHECK:   arith.extf
// CHECK:   scf.for %[[PART:.*]] = %c0
// CHECK:   %[[ORIGIN:.*]] = tensor.extract %arg1
// CHECK:   %[[LANES:.*]] = vector.broadcast %[[ORIGIN]]
// CHECK:   %[[START:.*]] = vector.bitcast %[[LANES]]
// The codes of the first step begin behind 2 x 32 bytes of F16 and 24 of factors; 280 to a step.
// CHECK:   %[[FIRST:.*]] = arith.constant 88 : index
// CHECK:   %[[BEFORE:.*]] = arith.muli %[[PART]], %c280
// CHECK:   %[[AT:.*]] = arith.addi %[[BEFORE]], %[[FIRST]]
// CHECK:   vector.transfer_read %{{.*}}[%{{.*}}, %[[BLOCK]], %[[AT]]]{{.*}} vector<64xi8>
// CHECK:   kernel.dot %[[START]],
// CHECK-COUNT-7: kernel.dot
// CHECK:   %[[FROM:.*]] = tensor.extract %arg1
// CHECK:   %[[FROMS:.*]] = vector.broadcast %[[FROM]]
// CHECK:   arith.subf %{{.*}}, %[[FROMS]]
// The scale's factor is in the low six bits; the minimum's is above it, and in a half of one byte for two rows.
// CHECK:   arith.extui %{{.*}} : vector<16xi8> to vector<16xi32>
// CHECK:   arith.constant dense<63> : vector<16xi32>
// CHECK:   %[[SCALE:.*]] = arith.mulf
// CHECK:   %[[FACTOR:.*]] = arith.mulf %[[SCALE]],
// CHECK:   vector.fma %{{.*}}, %[[FACTOR]],
// CHECK:   %[[LOWER:.*]] = arith.extui %{{.*}} : vector<16xi8> to vector<16xi32>
// CHECK:   %[[UPPER:.*]] = arith.extui %{{.*}} : vector<8xi8> to vector<8xi32>
// CHECK:   arith.andi %[[UPPER]], %{{.*}} : vector<8xi32>
// CHECK:   arith.shrui %[[UPPER]], %{{.*}} : vector<8xi32>
// CHECK:   vector.shuffle %{{.*}} [0, 1, {{.*}}, 15] : vector<8xi32>, vector<8xi32>
// CHECK:   arith.shli %{{.*}} : vector<16xi32>
// CHECK:   arith.shrui %[[LOWER]], %{{.*}} : vector<16xi32>
// CHECK:   arith.ori %{{.*}} : vector<16xi32>
// CHECK:   %[[MINIMUM:.*]] = arith.negf
// CHECK:   tensor.extract %arg2
// CHECK:   vector.fma %[[MINIMUM]],
// CHECK-NOT: vector.fma
func.func @q4_k(%q: tensor<1x8x32xi8>, %s: tensor<1x16xf32>, %n: tensor<1x8xf32>, %w: tensor<1x1x2304xi8>,
                %o: tensor<1x1x16xf32>) -> tensor<1x1x16xf32> {
  %y = kernel.block_matmul %q, %s, %n, %w format q4_k into %o
    : (tensor<1x8x32xi8>, tensor<1x16xf32>, tensor<1x8xf32>, tensor<1x1x2304xi8>, tensor<1x1x16xf32>) -> tensor<1x1x16xf32>
  return %y : tensor<1x1x16xf32>
}

// Many rows are tiles, so before the first of them the scales and minimums of all groups are written down; a
// tile reads them.
// CHECK-LABEL: func.func @q4_k_many
// CHECK: tensor.empty() {{.*}} : tensor<8x1x2x16xf32>
// CHECK: %[[NUMBERS:.*]] = scf.for
// CHECK:   scf.for
// CHECK:     %[[SCALE:.*]] = arith.mulf
// CHECK:     %[[MINIMUM:.*]] = arith.negf
// CHECK:     vector.transfer_write %[[SCALE]], %{{.*}} : vector<16xf32>, tensor<8x1x2x16xf32>
// CHECK:     vector.transfer_write %[[MINIMUM]], %{{.*}} : vector<16xf32>, tensor<8x1x2x16xf32>
// CHECK-COUNT-8: kernel.dot
// CHECK-NOT: arith.mulf
// CHECK:   %[[S:.*]] = vector.transfer_read %[[NUMBERS]]{{.*}} vector<16xf32>
// CHECK:   vector.fma %{{.*}}, %[[S]],
// CHECK:   %[[M:.*]] = vector.transfer_read %[[NUMBERS]]{{.*}} vector<16xf32>
// CHECK:   vector.fma %[[M]],
func.func @q4_k_many(%q: tensor<16x8x32xi8>, %s: tensor<16x8xf32>, %n: tensor<16x8xf32>, %w: tensor<1x1x2304xi8>,
                     %o: tensor<16x1x16xf32>) -> tensor<16x1x16xf32> {
  %y = kernel.block_matmul %q, %s, %n, %w format q4_k microscaled into %o
    : (tensor<16x8x32xi8>, tensor<16x8xf32>, tensor<16x8xf32>, tensor<1x1x2304xi8>, tensor<16x1x16xf32>) -> tensor<16x1x16xf32>
  return %y : tensor<16x1x16xf32>
}

// Groups of 16: the exact sums of a step are taken twice, four vectors each, and added as they are made. Three
// vectors of codes are the low six bits of bytes; the upper two bits of those are the fourth, put together as they are
// read.
// CHECK-LABEL: func.func @q6_k
// CHECK:   arith.muli %{{.*}}, %c2
// CHECK:   %[[ORIGIN:.*]] = tensor.extract %arg1
// CHECK:   %[[LANES:.*]] = vector.broadcast %[[ORIGIN]]
// CHECK:   %[[START:.*]] = vector.bitcast %[[LANES]]
// CHECK:   %[[A:.*]] = vector.bitcast %{{.*}} : vector<64xi8> to vector<16xi32>
// CHECK:   %[[SIX:.*]] = arith.constant dense<6> : vector<16xi32>
// CHECK:   %[[TOP:.*]] = arith.shrui %[[A]], %[[SIX]]
// CHECK:   arith.constant dense<50529027> : vector<16xi32>
// CHECK:   %[[LOW:.*]] = arith.andi %[[TOP]]
// CHECK:   %[[MASK:.*]] = arith.constant dense<1061109567> : vector<16xi32>
// CHECK:   arith.andi %{{.*}}, %[[MASK]]
// CHECK:   kernel.dot %[[START]],
// CHECK:   arith.constant dense<4> : vector<16xi32>
// CHECK:   arith.constant dense<202116108> : vector<16xi32>
// CHECK:   %[[MORE:.*]] = arith.ori %[[LOW]]
// CHECK:   kernel.dot
// CHECK:   arith.constant dense<2> : vector<16xi32>
// CHECK:   arith.constant dense<808464432> : vector<16xi32>
// CHECK:   %[[ALL:.*]] = arith.ori %[[MORE]]
// CHECK:   kernel.dot
// CHECK:   %[[FOURTH:.*]] = vector.bitcast %[[ALL]] : vector<16xi32> to vector<64xi8>
// CHECK:   kernel.dot %{{.*}}, %[[FOURTH]],
// CHECK:   tensor.extract %arg1
// CHECK:   arith.mulf {{.*}} vector<16xf32>
// CHECK:   %[[HALF:.*]] = vector.fma
// CHECK:   kernel.dot %{{.*}}, %{{.*}},
// CHECK-COUNT-3: kernel.dot
// CHECK:   vector.fma %{{.*}}, %{{.*}}, %[[HALF]]
// CHECK-NOT: vector.fma
// CHECK-NOT: kernel.dot
func.func @q6_k(%q: tensor<1x8x32xi8>, %s: tensor<1x16xf32>, %n: tensor<1x16xf32>, %w: tensor<1x1x3360xi8>,
                %o: tensor<1x1x16xf32>) -> tensor<1x1x16xf32> {
  %y = kernel.block_matmul %q, %s, %n, %w format q6_k into %o
    : (tensor<1x8x32xi8>, tensor<1x16xf32>, tensor<1x16xf32>, tensor<1x1x3360xi8>, tensor<1x1x16xf32>) -> tensor<1x1x16xf32>
  return %y : tensor<1x1x16xf32>
}

// Sums of 16 codes, because another matrix wants them: two are added, for minimums as they are.
// CHECK-LABEL: func.func @halves
// CHECK-COUNT-8: kernel.dot
// CHECK-NOT: arith.subf {{.*}} : f32
// CHECK:   %[[A:.*]] = tensor.extract %arg2
// CHECK:   %[[B:.*]] = tensor.extract %arg2
// CHECK:   %[[SUM:.*]] = arith.addf %[[A]], %[[B]] : f32
// CHECK:   %[[TAKEN:.*]] = vector.broadcast %[[SUM]]
// CHECK:   vector.fma %{{.*}}, %[[TAKEN]],
func.func @halves(%q: tensor<1x8x32xi8>, %s: tensor<1x16xf32>, %n: tensor<1x16xf32>, %w: tensor<1x1x2304xi8>,
                  %o: tensor<1x1x16xf32>) -> tensor<1x1x16xf32> {
  %y = kernel.block_matmul %q, %s, %n, %w format q4_k into %o
    : (tensor<1x8x32xi8>, tensor<1x16xf32>, tensor<1x16xf32>, tensor<1x1x2304xi8>, tensor<1x1x16xf32>) -> tensor<1x1x16xf32>
  return %y : tensor<1x1x16xf32>
}

// With an offset both count from where the exact sums start, which is taken off once.
// CHECK-LABEL: func.func @halves_with_offset
// CHECK:   %[[A:.*]] = tensor.extract %arg2
// CHECK:   %[[B:.*]] = tensor.extract %arg2
// CHECK:   %[[SCALE:.*]] = tensor.extract %arg1
// CHECK:   %[[REST:.*]] = arith.subf %[[A]], %[[SCALE]] : f32
// CHECK:   %[[FROM:.*]] = arith.addf %[[REST]], %[[B]] : f32
// CHECK:   %[[ORIGIN:.*]] = vector.broadcast %[[FROM]]
// CHECK:   arith.subf %{{.*}}, %[[ORIGIN]] : vector<16xf32>
func.func @halves_with_offset(%q: tensor<1x2x32xi8>, %s: tensor<1x2xf32>, %n: tensor<1x4xf32>, %w: tensor<1x2x288xi8>,
                                     %o: tensor<1x1x16xf32>) -> tensor<1x1x16xf32> {
  %y = kernel.block_matmul %q, %s, %n, %w format q4 microscaled into %o
    : (tensor<1x2x32xi8>, tensor<1x2xf32>, tensor<1x4xf32>, tensor<1x2x288xi8>, tensor<1x1x16xf32>) -> tensor<1x1x16xf32>
  return %y : tensor<1x1x16xf32>
}

// A table: levels made unsigned. Scales are exponents.
// CHECK-LABEL: func.func @mxfp4
// CHECK:   %[[E:.*]] = arith.extui %{{.*}} : vector<16xi8> to vector<16xi32>
// CHECK:   arith.shli %[[E]], %{{.*}} : vector<16xi32>
// CHECK:   arith.maxsi %{{.*}} : vector<16xi32>
// CHECK:   arith.cmpi eq, %[[E]], %{{.*}} : vector<16xi32>
// CHECK-COUNT-8: kernel.lookup %{{.*}} in [12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0] : vector<64xi8>
// CHECK:   arith.mulf %{{.*}} : vector<16xf32>
func.func @mxfp4(%q: tensor<1x2x32xi8>, %s: tensor<1x4xf32>, %n: tensor<1x2xf32>, %w: tensor<1x2x272xi8>,
                 %o: tensor<1x1x16xf32>) -> tensor<1x1x16xf32> {
  %y = kernel.block_matmul %q, %s, %n, %w format mxfp4 into %o
    : (tensor<1x2x32xi8>, tensor<1x4xf32>, tensor<1x2xf32>, tensor<1x2x272xi8>, tensor<1x1x16xf32>) -> tensor<1x1x16xf32>
  return %y : tensor<1x1x16xf32>
}

// A row ends within its second block: one loop over the first block's four steps, in one
// over whole blocks, and one over the two steps that are left.
// CHECK-LABEL: func.func @part
// CHECK: scf.for %{{.*}} = %c0{{[^ ]*}} to %c1{{[^ ]*}} step
// CHECK:   scf.for %{{.*}} = %c0{{[^ ]*}} to %c4{{[^ ]*}} step
// CHECK-COUNT-8: kernel.dot
// CHECK: scf.for %{{.*}} = %c0{{[^ ]*}} to %c2{{[^ ]*}} step
// CHECK-COUNT-8: kernel.dot
// CHECK-NOT: kernel.dot
func.func @part(%q: tensor<1x6x32xi8>, %s: tensor<1x12xf32>, %n: tensor<1x6xf32>, %w: tensor<1x2x1056xi8>,
                %o: tensor<1x1x16xf32>) -> tensor<1x1x16xf32> {
  %y = kernel.block_matmul %q, %s, %n, %w format q4_128 into %o
    : (tensor<1x6x32xi8>, tensor<1x12xf32>, tensor<1x6xf32>, tensor<1x2x1056xi8>, tensor<1x1x16xf32>) -> tensor<1x1x16xf32>
  return %y : tensor<1x1x16xf32>
}

}
