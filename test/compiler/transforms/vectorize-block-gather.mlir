// RUN: cria-opt %s --kernel-vectorize-block-gather | FileCheck %s

// Row n is lane n mod 16 of panel n / 16. Behind 32 bytes of scales the nibbles lie in
// four vectors of 4 x 16 bytes, of which the lane has four bytes each; eight times four
// codes are 32 columns.
// CHECK-LABEL: func.func @q4
// CHECK: scf.for %[[T:.*]] = %c0{{[^ ]*}} to %c2{{[^ ]*}} step
// CHECK: scf.for %[[STEP:.*]] = %c0{{[^ ]*}} to %c2{{[^ ]*}} step
// CHECK:   %[[INDEX:.*]] = tensor.extract %arg0[%[[T]]]
// CHECK:   %[[ROW:.*]] = arith.index_cast %[[INDEX]] : i32 to index
// CHECK:   %[[PANEL:.*]] = arith.divui %[[ROW]], %c16
// CHECK:   %[[LANE:.*]] = arith.remui %[[ROW]], %c16
// CHECK:   vector.transfer_read {{.*}} vector<2xi8>
// CHECK:   arith.extf %{{.*}} : vector<1xf16> to vector<1xf32>
// CHECK:   %[[FIRST:.*]] = arith.constant 32 : index
// CHECK:   %[[BEFORE:.*]] = arith.muli %[[LANE]], %c4
// CHECK:   %[[AT:.*]] = arith.addi %[[BEFORE]], %[[FIRST]]
// CHECK:   vector.transfer_read %arg1[%[[PANEL]], %[[STEP]], %[[AT]]]{{.*}} vector<4xi8>
// CHECK-COUNT-3: vector.transfer_read {{.*}} vector<4xi8>
// CHECK:   arith.subi %{{.*}}, %{{.*}} : vector<32xi32>
// CHECK:   arith.sitofp %{{.*}} : vector<32xi32> to vector<32xf32>
// CHECK:   arith.mulf %{{.*}} : vector<32xf32>
// CHECK-NOT: arith.subf
// CHECK:   vector.transfer_write %{{.*}}[%[[T]], %{{.*}}] {{.*}} vector<32xf32>
func.func @q4(%i: tensor<2xi32>, %w: tensor<3x2x288xi8>, %o: tensor<2x64xf32>) -> tensor<2x64xf32> {
  %y = kernel.block_gather %i of %w rows 16 format q4 into %o
    : (tensor<2xi32>, tensor<3x2x288xi8>, tensor<2x64xf32>) -> tensor<2x64xf32>
  return %y : tensor<2x64xf32>
}

// Groups of 16 with two levels and minimums, whose factors are halves of a byte: two halves of a step.
// CHECK-LABEL: func.func @q2_k
// CHECK:   %[[A:.*]] = arith.extui %{{.*}} : vector<1xi8> to vector<1xi32>
// CHECK:   arith.andi %[[A]], %{{.*}} : vector<1xi32>
// CHECK:   %[[B:.*]] = arith.extui %{{.*}} : vector<1xi8> to vector<1xi32>
// CHECK:   arith.shrui %[[B]], %{{.*}} : vector<1xi32>
// CHECK:   arith.subf %{{.*}} : vector<16xf32>
// CHECK:   vector.transfer_write {{.*}} vector<16xf32>
// CHECK:   arith.subf %{{.*}} : vector<16xf32>
// CHECK:   vector.transfer_write {{.*}} vector<16xf32>
func.func @q2_k(%i: tensor<1xi32>, %w: tensor<3x1x1344xi8>, %o: tensor<1x256xf32>) -> tensor<1x256xf32> {
  %y = kernel.block_gather %i of %w rows 16 format q2_k into %o
    : (tensor<1xi32>, tensor<3x1x1344xi8>, tensor<1x256xf32>) -> tensor<1x256xf32>
  return %y : tensor<1x256xf32>
}

// A table is looked up once a step. The last step has 12 columns.
// CHECK-LABEL: func.func @mxfp4
// CHECK: scf.for
// CHECK: scf.for %{{.*}} = %c0{{[^ ]*}} to %c1{{[^ ]*}} step
// CHECK:   kernel.lookup %{{.*}} in [12, 13, {{.*}}] : vector<32xi8>
// CHECK:   vector.transfer_write {{.*}} vector<32xf32>
// CHECK: scf.for
// CHECK: scf.for %{{.*}} = %c1{{[^ ]*}} to %c2{{[^ ]*}} step
// CHECK:   kernel.lookup
// CHECK:   vector.extract_strided_slice %{{.*}} {offsets = [0], sizes = [12], strides = [1]} : vector<32xf32> to vector<12xf32>
// CHECK:   vector.transfer_write {{.*}} vector<12xf32>
func.func @mxfp4(%i: tensor<1xi32>, %w: tensor<3x2x272xi8>, %o: tensor<1x44xf32>) -> tensor<1x44xf32> {
  %y = kernel.block_gather %i of %w rows 16 format mxfp4 into %o
    : (tensor<1xi32>, tensor<3x2x272xi8>, tensor<1x44xf32>) -> tensor<1x44xf32>
  return %y : tensor<1x44xf32>
}
