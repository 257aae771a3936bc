// RUN: cria-opt %s --kernel-vectorize-block-matmul --canonicalize --cse | FileCheck %s

module attributes {kernel.target = "sapphirerapids"} {
  // First all codes of the panel, two groups of eight fours, less their offset; then tiles
  // of 16 of the 32 rows: a group's exact sums are one product of tiles; a row of them is read when
  // it is its turn.
  // CHECK-LABEL: func.func @q4
  // CHECK-DAG: %[[OFFSET:.*]] = arith.constant dense<8> : vector<64xi8>
  // CHECK-DAG: %[[CODES:.*]] = tensor.empty() {kernel.buffer = 0 : i64} : tensor<2x8x64xi8>
  // CHECK-DAG: %[[SUMS:.*]] = tensor.empty() {kernel.buffer = 1 : i64} : tensor<16x1x16xi32>
  // CHECK: %[[UNPACKED:.*]] = scf.for %[[STEP:.*]] = {{.*}} iter_args(%{{.*}} = %[[CODES]])
  // CHECK-COUNT-8: arith.subi %{{.*}}, %[[OFFSET]] : vector<64xi8>
  // CHECK: scf.yield
  // CHECK: scf.for %[[TILE:.*]] = %c0 to %c2 {{.*}} -> (tensor<32x1x16xf32>)
  // CHECK:   %[[FIRST:.*]] = arith.muli %[[TILE]], %c16
  // CHECK:   scf.for %[[G:.*]] = %c0 to %c2
  // CHECK:     kernel.prefetch
  // CHECK:     %[[A:.*]] = tensor.extract_slice %{{.*}}[%[[FIRST]], %[[G]], 0] [16, 1, 32] {{.*}} to tensor<16x32xi8>
  // CHECK:     %[[B:.*]] = tensor.extract_slice %[[UNPACKED]][%[[G]], 0, 0] [1, 8, 64]
  // CHECK:     %[[C:.*]] = kernel.tile_matmul %[[A]], %[[B]] into %[[SUMS]] : {{.*}} -> tensor<16x1x16xi32>
  // CHECK:     vector.transfer_read %[[C]][%c0,
  // CHECK:     vector.fma
  // CHECK-NOT: vector.fma
  // CHECK:     vector.transfer_read %[[C]][%c1,
  // CHECK-COUNT-15: vector.fma
  // CHECK:     scf.yield
  // CHECK-NOT: kernel.dot
  func.func @q4(%q: tensor<32x2x32xi8>, %s: tensor<32x4xf32>, %n: tensor<32x2xf32>, %w: tensor<1x2x288xi8>,
                %o: tensor<32x1x16xf32>) -> tensor<32x1x16xf32> {
    %y = kernel.block_matmul %q, %s, %n, %w format q4 into %o
      : (tensor<32x2x32xi8>, tensor<32x4xf32>, tensor<32x2xf32>, tensor<1x2x288xi8>, tensor<32x1x16xf32>) -> tensor<32x1x16xf32>
    return %y : tensor<32x1x16xf32>
  }

  // A tile's sums start from zero: where they count from is added behind it.
  // CHECK-LABEL: func.func @microscaled
  // CHECK: kernel.tile_matmul
  // CHECK: vector.transfer_read
  // CHECK: %[[START:.*]] = vector.bitcast %{{.*}} : vector<16xf32> to vector<16xi32>
  // CHECK: arith.addi %{{.*}}, %[[START]] : vector<16xi32>
  // CHECK: arith.subf
  // CHECK: vector.fma
  func.func @microscaled(%q: tensor<32x2x32xi8>, %s: tensor<32x2xf32>, %n: tensor<32x2xf32>, %w: tensor<1x2x288xi8>,
                         %o: tensor<32x1x16xf32>) -> tensor<32x1x16xf32> {
    %y = kernel.block_matmul %q, %s, %n, %w format q4 microscaled into %o
      : (tensor<32x2x32xi8>, tensor<32x2xf32>, tensor<32x2xf32>, tensor<1x2x288xi8>, tensor<32x1x16xf32>) -> tensor<32x1x16xf32>
    return %y : tensor<32x1x16xf32>
  }

  // Groups of 16 columns: two products to a step, of 16 columns each.
  // CHECK-LABEL: func.func @q6_k
  // CHECK: kernel.tile_matmul {{.*}} : tensor<3x16xi8>, tensor<1x4x64xi8>, tensor<3x1x16xi32>
  // CHECK: kernel.tile_matmul {{.*}} : tensor<3x16xi8>, tensor<1x4x64xi8>, tensor<3x1x16xi32>
  // CHECK-NOT: kernel.tile_matmul
  // CHECK: return
  func.func @q6_k(%q: tensor<3x8x32xi8>, %s: tensor<3x16xf32>, %n: tensor<3x16xf32>, %w: tensor<1x1x3360xi8>,
                  %o: tensor<3x1x16xf32>) -> tensor<3x1x16xf32> {
    %y = kernel.block_matmul %q, %s, %n, %w format q6_k into %o
      : (tensor<3x8x32xi8>, tensor<3x16xf32>, tensor<3x16xf32>, tensor<1x1x3360xi8>, tensor<3x1x16xf32>) -> tensor<3x1x16xf32>
    return %y : tensor<3x1x16xf32>
  }

  // A single row is not worth a tile.
  // CHECK-LABEL: func.func @row
  // CHECK-NOT: kernel.tile_matmul
  // CHECK: kernel.dot
  func.func @row(%q: tensor<1x2x32xi8>, %s: tensor<1x4xf32>, %n: tensor<1x2xf32>, %w: tensor<1x2x288xi8>,
                 %o: tensor<1x1x16xf32>) -> tensor<1x1x16xf32> {
    %y = kernel.block_matmul %q, %s, %n, %w format q4 into %o
      : (tensor<1x2x32xi8>, tensor<1x4xf32>, tensor<1x2xf32>, tensor<1x2x288xi8>, tensor<1x1x16xf32>) -> tensor<1x1x16xf32>
    return %y : tensor<1x1x16xf32>
  }
}
