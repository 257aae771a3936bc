// RUN: cria-opt %s --kernel-vectorize-block-matmul | FileCheck %s

module attributes {kernel.target = "x86-64-v3"} {

// Rows on AVX2: a loop over the four vectors of bytes of a step, which LLVM keeps, each of
// them two of codes: columns 4 i to 4 i + 3 and 16 further on. One panel after the other.
// CHECK: #[[UNROLL:.*]] = #llvm.loop_unroll<disable = true>
// CHECK: #[[KEEP:.*]] = #llvm.loop_annotation<unroll = #[[UNROLL]]>
// CHECK-LABEL: func.func @q4
// CHECK: scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>)
// CHECK:   scf.for %[[I:[^ ]+]] = %c0{{.*}} to %c4{{.*}} step %c1{{.*}} -> (vector<16xi32>, vector<16xi32>)
// CHECK:     %[[COLUMN:.*]] = arith.muli %[[I]], %c4
// CHECK:     %[[PLACE:.*]] = arith.remui %[[I]], %c4
// CHECK:     %[[FROM:.*]] = arith.muli %[[PLACE]], %c64
// CHECK:     arith.addi %c32{{.*}}, %[[FROM]]
// CHECK:     vector.transfer_read {{.*}} : tensor<2x2x288xi8>, vector<64xi8>
// CHECK:     vector.transfer_read %{{.*}}[%c0{{.*}}, %{{.*}}, %[[COLUMN]]]{{.*}} vector<4xi8>
// CHECK:     kernel.dot {{.*}} {largest = 15 : i32}
// CHECK:     vector.transfer_read %{{.*}}[%c1{{.*}}, %{{.*}}, %[[COLUMN]]]{{.*}} vector<4xi8>
// CHECK:     kernel.dot
// CHECK:     arith.addi %[[COLUMN]], %c16
// CHECK:     arith.shrui
// CHECK-COUNT-2: kernel.dot
// CHECK-NOT: kernel.dot
// CHECK:   } {llvm.loop_annotation = #[[KEEP]]}
// CHECK: scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>)
// CHECK:   scf.for
func.func @q4(%q: tensor<2x2x32xi8>, %s: tensor<2x2xf32>, %n: tensor<2x2xi32>, %w: tensor<2x2x288xi8>,
              %o: tensor<2x2x16xf32>) -> tensor<2x2x16xf32> {
  %y = kernel.block_matmul %q, %s, %n, %w format q4 into %o
    : (tensor<2x2x32xi8>, tensor<2x2xf32>, tensor<2x2xi32>, tensor<2x2x288xi8>, tensor<2x2x16xf32>) -> tensor<2x2x16xf32>
  return %y : tensor<2x2x16xf32>
}

// The fifth bits of vector i are i bits further in their bytes, those of i + 4 another four.
// CHECK-LABEL: func.func @q5
// CHECK:   scf.for %[[I:[^ ]+]] = %c0{{.*}} to %c4{{.*}} step %c1{{.*}} -> (vector<16xi32>, vector<16xi32>)
// CHECK:     %[[PLACE:.*]] = arith.remui %[[I]], %c1
// CHECK:     %[[BITS:.*]] = arith.subi %[[I]], %[[PLACE]]
// CHECK:     %[[SHIFT:.*]] = arith.index_cast %[[BITS]]
// CHECK:     %[[ALL:.*]] = vector.broadcast %[[SHIFT]] : i32 to vector<16xi32>
// CHECK:     arith.shrui %{{.*}}, %[[ALL]]
// CHECK-COUNT-4: kernel.dot {{.*}} {largest = 31 : i32}
// CHECK-NOT: kernel.dot
func.func @q5(%q: tensor<2x2x32xi8>, %s: tensor<2x2xf32>, %n: tensor<2x2xi32>, %w: tensor<1x2x352xi8>,
              %o: tensor<2x1x16xf32>) -> tensor<2x1x16xf32> {
  %y = kernel.block_matmul %q, %s, %n, %w format q5 into %o
    : (tensor<2x2x32xi8>, tensor<2x2xf32>, tensor<2x2xi32>, tensor<1x2x352xi8>, tensor<2x1x16xf32>) -> tensor<2x1x16xf32>
  return %y : tensor<2x1x16xf32>
}

// A single row: no loop over vectors. Four codes of it meet a vector of either panel, which are two
// streams from memory; nothing is fetched by hand.
// CHECK-LABEL: func.func @single
// CHECK: scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>)
// CHECK-NOT: scf.for
// CHECK-NOT: kernel.prefetch
// CHECK:   vector.transfer_read %{{.*}}[%c0{{[_0-9]*}}, {{.*}} : tensor<2x2x288xi8>, vector<64xi8>
// CHECK:   vector.transfer_read %{{.*}}[%c1{{[_0-9]*}}, {{.*}} : tensor<2x2x288xi8>, vector<64xi8>
// CHECK:   %[[FOUR:.*]] = vector.extract
// CHECK:   kernel.dot %{{.*}}, %{{.*}}, %[[FOUR]]
// CHECK:   kernel.dot %{{.*}}, %{{.*}}, %[[FOUR]]
// CHECK-COUNT-14: kernel.dot
// CHECK-NOT: kernel.dot
// CHECK-NOT: kernel.prefetch
func.func @single(%q: tensor<1x2x32xi8>, %s: tensor<1x2xf32>, %n: tensor<1x2xi32>, %w: tensor<2x2x288xi8>,
                  %o: tensor<1x2x16xf32>) -> tensor<1x2x16xf32> {
  %y = kernel.block_matmul %q, %s, %n, %w format q4 into %o
    : (tensor<1x2x32xi8>, tensor<1x2xf32>, tensor<1x2xi32>, tensor<2x2x288xi8>, tensor<1x2x16xf32>) -> tensor<1x2x16xf32>
  return %y : tensor<1x2x16xf32>
}

}
