// RUN: cria-opt %s --kernel-vectorize-block-matmul -split-input-file | FileCheck %s

// What a chip without VNNI does: loops over the vectors of a group, or codes that are unpacked first.
module attributes {kernel.target = "x86-64-v4"} {

// A loop over the four vectors of bytes of a step, each of them two of codes: columns 4 i to 4 i + 3
// and 16 further on. Of seven rows a tile of four and one of three.
// CHECK-LABEL: func.func @q4
// CHECK: scf.for %{{.*}} = %c0{{.*}} to %c1{{.*}} -> (tensor<7x1x16xf32>)
// CHECK:   scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
// CHECK:     scf.for %[[I:[^ ]+]] = %c0{{.*}} to %c4{{.*}} step %c1{{.*}} -> (vector<16xi32>, vector<16xi32>, vector<16xi32>, vector<16xi32>)
// CHECK:       %[[COLUMN:.*]] = arith.muli %[[I]], %c4
// CHECK:       vector.transfer_read {{.*}}, %[[COLUMN]]]{{.*}} vector<4xi8>
// CHECK:       %[[FROM:.*]] = arith.muli %[[I]], %c64
// CHECK:       arith.addi %c32{{.*}}, %[[FROM]]
// CHECK:       vector.transfer_read {{.*}} : tensor<1x2x288xi8>, vector<64xi8>
// CHECK-COUNT-4: kernel.dot {{.*}} {largest = 15 : i32}
// CHECK:       arith.addi %[[COLUMN]], %c16
// CHECK:       arith.shrui
// CHECK-COUNT-4: kernel.dot
// CHECK-NOT: kernel.dot
// CHECK:     scf.yield
// CHECK: scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16xf32>)
// CHECK:   scf.for {{.*}} -> (vector<16xi32>, vector<16xi32>, vector<16xi32>)
func.func @q4(%q: tensor<7x2x32xi8>, %s: tensor<7x4xf32>, %n: tensor<7x2xf32>, %w: tensor<1x2x288xi8>,
              %o: tensor<7x1x16xf32>) -> tensor<7x1x16xf32> {
  %y = kernel.block_matmul %q, %s, %n, %w format q4 into %o
    : (tensor<7x2x32xi8>, tensor<7x4xf32>, tensor<7x2xf32>, tensor<1x2x288xi8>, tensor<7x1x16xf32>) -> tensor<7x1x16xf32>
  return %y : tensor<7x1x16xf32>
}

// Codes that are cut up: those of a panel are unpacked first, each group's eight vectors, then met by all
// tiles, in a loop over two vectors a turn.
// CHECK-LABEL: func.func @q5
// CHECK: %[[BYTES:.*]] = tensor.empty() {{.*}} : tensor<2x8x64xi8>
// CHECK: %[[CODES:.*]] = scf.for {{.*}} iter_args(%{{.*}} = %[[BYTES]]) -> (tensor<2x8x64xi8>)
// CHECK-COUNT-8: vector.transfer_write {{.*}} : vector<64xi8>, tensor<2x8x64xi8>
// CHECK: scf.for %[[STEP:[^ ]+]] = {{.*}} -> (vector<16xf32>, vector<16xf32>)
// CHECK:   scf.for %[[I:[^ ]+]] = %c0{{.*}} to %c8{{.*}} step %c2{{.*}} -> (vector<16xi32>, vector<16xi32>)
// CHECK:     %[[COLUMN:.*]] = arith.muli %[[I]], %c4
// CHECK:     vector.transfer_read %{{.*}}[%{{.*}}, %[[STEP]], %[[COLUMN]]]{{.*}} vector<4xi8>
// CHECK:     vector.transfer_read %[[CODES]][%[[STEP]], %[[I]], {{.*}} : tensor<2x8x64xi8>, vector<64xi8>
// CHECK-COUNT-2: kernel.dot {{.*}} {largest = 31 : i32}
// CHECK:     vector.transfer_read %[[CODES]]
// CHECK-COUNT-2: kernel.dot
// CHECK-NOT: kernel.dot
// CHECK:     scf.yield
func.func @q5(%q: tensor<2x2x32xi8>, %s: tensor<2x4xf32>, %n: tensor<2x2xf32>, %w: tensor<1x2x352xi8>,
              %o: tensor<2x1x16xf32>) -> tensor<2x1x16xf32> {
  %y = kernel.block_matmul %q, %s, %n, %w format q5 into %o
    : (tensor<2x2x32xi8>, tensor<2x4xf32>, tensor<2x2xf32>, tensor<1x2x352xi8>, tensor<2x1x16xf32>) -> tensor<2x1x16xf32>
  return %y : tensor<2x1x16xf32>
}

// Groups of 16 columns: a loop over four vectors for each.
// CHECK-LABEL: func.func @q6_k
// CHECK: scf.for %{{.*}} = %c0{{.*}} to %c4{{.*}} step %c2{{.*}} -> (vector<16xi32>, vector<16xi32>)
// CHECK: scf.for %{{.*}} = %c4{{.*}} to %c8{{.*}} step %c2{{.*}} -> (vector<16xi32>, vector<16xi32>)
func.func @q6_k(%q: tensor<2x8x32xi8>, %s: tensor<2x16xf32>, %n: tensor<2x16xf32>, %w: tensor<1x1x3360xi8>,
                %o: tensor<2x1x16xf32>) -> tensor<2x1x16xf32> {
  %y = kernel.block_matmul %q, %s, %n, %w format q6_k into %o
    : (tensor<2x8x32xi8>, tensor<2x16xf32>, tensor<2x16xf32>, tensor<1x1x3360xi8>, tensor<2x1x16xf32>) -> tensor<2x1x16xf32>
  return %y : tensor<2x1x16xf32>
}
}

// -----

module attributes {kernel.target = "x86-64-v3"} {

// AVX2: few bits are unpacked first, whole ones, too, and met by straight code in this order.
// CHECK-LABEL: func.func @once
// CHECK: %[[CODES:.*]] = scf.for {{.*}} -> (tensor<2x8x64xi8>)
// CHECK-COUNT-8: vector.transfer_write {{.*}} : vector<64xi8>, tensor<2x8x64xi8>
// CHECK: scf.for %[[STEP:[^ ]+]] = {{.*}} -> (vector<16xf32>, vector<16xf32>)
// CHECK-NOT: scf.for
// CHECK: vector.transfer_read %{{.*}}[%{{.*}}, %[[STEP]], %c0{{.*}} vector<4xi8>
// CHECK: vector.transfer_read %[[CODES]][%[[STEP]], %c0{{.*}} : tensor<2x8x64xi8>, vector<64xi8>
// CHECK-COUNT-2: kernel.dot {{.*}} in_order {largest = 15 : i32}
// CHECK: vector.transfer_read %[[CODES]]
// CHECK-COUNT-14: kernel.dot {{.*}} in_order
// CHECK-NOT: kernel.dot
// CHECK: %[[SUM:.*]] = arith.addi %{{.*}} : vector<16xi32>
// CHECK: vector.bitcast %[[SUM]] : vector<16xi32> to vector<16xf32>
// CHECK: return
func.func @once(%q: tensor<2x2x32xi8>, %s: tensor<2x4xf32>, %n: tensor<2x2xf32>, %w: tensor<1x2x288xi8>,
                %o: tensor<2x1x16xf32>) -> tensor<2x1x16xf32> {
  %y = kernel.block_matmul %q, %s, %n, %w format q4 into %o
    : (tensor<2x2x32xi8>, tensor<2x4xf32>, tensor<2x2xf32>, tensor<1x2x288xi8>, tensor<2x1x16xf32>) -> tensor<2x1x16xf32>
  return %y : tensor<2x1x16xf32>
}

// Bytes are met where they lie, by levels of a table as signed bytes that were unpacked: both in loops, of which
// the first begins with what sums start from. There is no offset to signed bytes, so it is what they count from, too.
// CHECK-LABEL: func.func @q8
// CHECK-NOT: vector.transfer_write {{.*}} vector<64xi8>
// CHECK: %[[ORIGIN:.*]] = tensor.extract %arg1
// CHECK: %[[LANES:.*]] = vector.broadcast %[[ORIGIN]]
// CHECK: %[[START:.*]] = vector.bitcast %[[LANES]]
// CHECK: scf.for {{.*}} iter_args(%{{.*}} = %[[START]], {{.*}}) -> (vector<16xi32>, vector<16xi32>)
// CHECK-COUNT-2: kernel.dot {{.*}} signed :
// CHECK-NOT: kernel.dot
// CHECK-NOT: tensor.extract %arg2
// CHECK: return
func.func @q8(%q: tensor<2x2x32xi8>, %s: tensor<2x4xf32>, %n: tensor<2x2xf32>, %w: tensor<1x2x544xi8>,
              %o: tensor<2x1x16xf32>) -> tensor<2x1x16xf32> {
  %y = kernel.block_matmul %q, %s, %n, %w format q8 into %o
    : (tensor<2x2x32xi8>, tensor<2x4xf32>, tensor<2x2xf32>, tensor<1x2x544xi8>, tensor<2x1x16xf32>) -> tensor<2x1x16xf32>
  return %y : tensor<2x1x16xf32>
}

// CHECK-LABEL: func.func @nf4
// CHECK-COUNT-8: vector.transfer_write {{.*}} : vector<64xi8>, tensor<2x8x64xi8>
// CHECK: scf.for {{.*}} -> (vector<16xi32>, vector<16xi32>)
// CHECK-COUNT-4: kernel.dot {{.*}} signed :
// CHECK-NOT: kernel.dot
// CHECK: return
func.func @nf4(%q: tensor<2x2x32xi8>, %s: tensor<2x4xf32>, %n: tensor<2x2xf32>, %w: tensor<1x1x544xi8>,
               %o: tensor<2x1x16xf32>) -> tensor<2x1x16xf32> {
  %y = kernel.block_matmul %q, %s, %n, %w format nf4 into %o
    : (tensor<2x2x32xi8>, tensor<2x4xf32>, tensor<2x2xf32>, tensor<1x1x544xi8>, tensor<2x1x16xf32>) -> tensor<2x1x16xf32>
  return %y : tensor<2x1x16xf32>
}

}
