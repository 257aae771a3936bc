// RUN: cria-opt %s --kernel-vectorize-block-matmul -split-input-file | FileCheck %s

module attributes {kernel.target = "x86-64-v3"} {

// Two products of one row side by side are one loop, two streams from memory: a vector of one matrix, then
// of the other, both by four codes that are read once. There is no loop over vectors in it; nothing is
// fetched by hand.
// CHECK-LABEL: func.func @together
// CHECK: scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>)
// CHECK-NOT: scf.for
// CHECK-NOT: kernel.prefetch
// CHECK:   %[[FIRST:.*]] = vector.extract %{{.*}}[0] : i32 from vector<1xi32>
// CHECK:   vector.transfer_read %arg3
// CHECK:   kernel.dot %{{.*}}, %{{.*}}, %[[FIRST]]
// CHECK:   vector.transfer_read %arg4
// CHECK:   kernel.dot %{{.*}}, %{{.*}}, %[[FIRST]]
// CHECK-COUNT-14: kernel.dot
// CHECK-NOT: kernel.dot
// CHECK-NOT: scf.for
// CHECK-NOT: kernel.prefetch
// CHECK: return
func.func @together(%q: tensor<1x2x32xi8>, %s: tensor<1x4xf32>, %n: tensor<1x2xf32>, %w: tensor<1x2x288xi8>,
                    %v: tensor<1x2x288xi8>, %o: tensor<1x1x16xf32>, %p: tensor<1x1x16xf32>)
    -> (tensor<1x1x16xf32>, tensor<1x1x16xf32>) {
  %x = kernel.block_matmul %q, %s, %n, %w format q4 into %o
    : (tensor<1x2x32xi8>, tensor<1x4xf32>, tensor<1x2xf32>, tensor<1x2x288xi8>, tensor<1x1x16xf32>) -> tensor<1x1x16xf32>
  %y = kernel.block_matmul %q, %s, %n, %v format q4 into %p
    : (tensor<1x2x32xi8>, tensor<1x4xf32>, tensor<1x2xf32>, tensor<1x2x288xi8>, tensor<1x1x16xf32>) -> tensor<1x1x16xf32>
  return %x, %y : tensor<1x1x16xf32>, tensor<1x1x16xf32>
}

// Not so if the second adds to what the first makes,
// CHECK-LABEL: func.func @chained
// CHECK-COUNT-2: scf.for {{.*}} -> (vector<16xf32>)
func.func @chained(%q: tensor<1x2x32xi8>, %s: tensor<1x4xf32>, %n: tensor<1x2xf32>, %w: tensor<1x2x288xi8>,
                   %v: tensor<1x2x288xi8>, %o: tensor<1x1x16xf32>) -> tensor<1x1x16xf32> {
  %x = kernel.block_matmul %q, %s, %n, %w format q4 into %o
    : (tensor<1x2x32xi8>, tensor<1x4xf32>, tensor<1x2xf32>, tensor<1x2x288xi8>, tensor<1x1x16xf32>) -> tensor<1x1x16xf32>
  %y = kernel.block_matmul %q, %s, %n, %v format q4 into %x
    : (tensor<1x2x32xi8>, tensor<1x4xf32>, tensor<1x2xf32>, tensor<1x2x288xi8>, tensor<1x1x16xf32>) -> tensor<1x1x16xf32>
  return %y : tensor<1x1x16xf32>
}

// or to what is made of it in between,
// CHECK-LABEL: func.func @needed_before
// CHECK: scf.for {{.*}} -> (vector<16xf32>)
// CHECK: linalg.exp
// CHECK: scf.for {{.*}} -> (vector<16xf32>)
func.func @needed_before(%q: tensor<1x2x32xi8>, %s: tensor<1x4xf32>, %n: tensor<1x2xf32>, %w: tensor<1x2x288xi8>,
                         %v: tensor<1x2x288xi8>, %o: tensor<1x1x16xf32>, %p: tensor<1x1x16xf32>) -> tensor<1x1x16xf32> {
  %x = kernel.block_matmul %q, %s, %n, %w format q4 into %o
    : (tensor<1x2x32xi8>, tensor<1x4xf32>, tensor<1x2xf32>, tensor<1x2x288xi8>, tensor<1x1x16xf32>) -> tensor<1x1x16xf32>
  %z = linalg.exp ins(%x : tensor<1x1x16xf32>) outs(%p : tensor<1x1x16xf32>) -> tensor<1x1x16xf32>
  %y = kernel.block_matmul %q, %s, %n, %v format q4 into %z
    : (tensor<1x2x32xi8>, tensor<1x4xf32>, tensor<1x2xf32>, tensor<1x2x288xi8>, tensor<1x1x16xf32>) -> tensor<1x1x16xf32>
  return %y : tensor<1x1x16xf32>
}

// or if the inputs differ.
// CHECK-LABEL: func.func @other_input
// CHECK-COUNT-2: scf.for {{.*}} -> (vector<16xf32>)
func.func @other_input(%q: tensor<1x2x32xi8>, %r: tensor<1x2x32xi8>, %s: tensor<1x4xf32>, %n: tensor<1x2xf32>,
                       %w: tensor<1x2x288xi8>, %o: tensor<1x1x16xf32>, %p: tensor<1x1x16xf32>)
    -> (tensor<1x1x16xf32>, tensor<1x1x16xf32>) {
  %x = kernel.block_matmul %q, %s, %n, %w format q4 into %o
    : (tensor<1x2x32xi8>, tensor<1x4xf32>, tensor<1x2xf32>, tensor<1x2x288xi8>, tensor<1x1x16xf32>) -> tensor<1x1x16xf32>
  %y = kernel.block_matmul %r, %s, %n, %w format q4 into %p
    : (tensor<1x2x32xi8>, tensor<1x4xf32>, tensor<1x2xf32>, tensor<1x2x288xi8>, tensor<1x1x16xf32>) -> tensor<1x1x16xf32>
  return %x, %y : tensor<1x1x16xf32>, tensor<1x1x16xf32>
}
}

// -----

module attributes {kernel.target = "znver5"} {

// There vectors are a loop, of which each turn takes those that share bytes: two of four bits. Of a step's 288
// bytes, 1,408 ahead, it fetches a line of either matrix, behind the 32 that are fetched before the loop.
// CHECK-LABEL: func.func @loop
// CHECK-SAME: %[[W:[^:]*]]: tensor<1x2x288xi8>, %[[V:[^:]*]]: tensor<1x2x288xi8>,
// CHECK: scf.for %[[STEP:[^ ]+]] = {{.*}} -> (vector<16xf32>, vector<16xf32>)
// CHECK:   %[[AT:.*]] = arith.muli %[[STEP]], %c288
// CHECK:   %[[AHEAD:.*]] = arith.addi %[[AT]], %c1408
// CHECK:   kernel.prefetch %[[W]][{{.*}}, %[[AHEAD]]] {cache = 1 : i64}
// CHECK:   kernel.prefetch %[[V]][{{.*}}] {cache = 1 : i64}
// CHECK-NOT: kernel.prefetch
// CHECK:   scf.for %[[TURN:[^ ]+]] = {{.*}} to %c4{{[_0-9]*}} step {{.*}} -> (vector<16xi32>, vector<16xi32>)
// CHECK:     %[[BEFORE:.*]] = arith.muli %[[STEP]], %c288
// CHECK:     %[[LINES:.*]] = arith.muli %[[TURN]], %c64
// CHECK:     %[[LINE:.*]] = arith.addi %[[BEFORE]], %[[LINES]]
// CHECK:     %[[BYTE:.*]] = arith.addi %[[LINE]], %c32
// CHECK:     %[[THERE:.*]] = arith.addi %[[BYTE]], %c1408
// CHECK:     kernel.prefetch %[[W]][{{.*}}, %[[THERE]]] {cache = 1 : i64}
// CHECK:     kernel.prefetch %[[V]][{{.*}}] {cache = 1 : i64}
// CHECK-NOT: kernel.prefetch
// CHECK-COUNT-4: kernel.dot
// CHECK-NOT: kernel.dot
// CHECK: return
func.func @loop(%q: tensor<1x2x32xi8>, %s: tensor<1x4xf32>, %n: tensor<1x2xf32>, %w: tensor<1x2x288xi8>,
                %v: tensor<1x2x288xi8>, %o: tensor<1x1x16xf32>, %p: tensor<1x1x16xf32>)
    -> (tensor<1x1x16xf32>, tensor<1x1x16xf32>) {
  %x = kernel.block_matmul %q, %s, %n, %w format q4 into %o
    : (tensor<1x2x32xi8>, tensor<1x4xf32>, tensor<1x2xf32>, tensor<1x2x288xi8>, tensor<1x1x16xf32>) -> tensor<1x1x16xf32>
  %y = kernel.block_matmul %q, %s, %n, %v format q4 into %p
    : (tensor<1x2x32xi8>, tensor<1x4xf32>, tensor<1x2xf32>, tensor<1x2x288xi8>, tensor<1x1x16xf32>) -> tensor<1x1x16xf32>
  return %x, %y : tensor<1x1x16xf32>, tensor<1x1x16xf32>
}

// Codes that are cut up, of six bits, know no such turns: they are straight code whatever the chip likes, before
// which all of a step's seven lines are fetched.
// CHECK-LABEL: func.func @cut_up
// CHECK: scf.for {{.*}} -> (vector<16xf32>)
// CHECK-NOT: scf.for
// CHECK-COUNT-7: kernel.prefetch
// CHECK-NOT: kernel.prefetch
// CHECK-COUNT-8: kernel.dot
// CHECK-NOT: kernel.dot
// CHECK: return
func.func @cut_up(%q: tensor<1x2x32xi8>, %s: tensor<1x4xf32>, %n: tensor<1x2xf32>, %w: tensor<1x2x416xi8>,
                  %o: tensor<1x1x16xf32>) -> tensor<1x1x16xf32> {
  %x = kernel.block_matmul %q, %s, %n, %w format q6 into %o
    : (tensor<1x2x32xi8>, tensor<1x4xf32>, tensor<1x2xf32>, tensor<1x2x416xi8>, tensor<1x1x16xf32>) -> tensor<1x1x16xf32>
  return %x : tensor<1x1x16xf32>
}
}
