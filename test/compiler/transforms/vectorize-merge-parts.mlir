// RUN: cria-opt %s --pass-pipeline='builtin.module(func.func(kernel-vectorize-merge-parts,canonicalize,cse))' | FileCheck %s

module attributes {kernel.target = "x86-64-v3"} {
  // Of 4 parts as many are read as there are steps of 64 positions; the greatest of their
  // maxima first, then their sums and values.
  // CHECK-LABEL: func.func @merge
  // CHECK-SAME: %[[P:[^:]*]]: index, %[[S:[^:]*]]: tensor<4x2x32xf32>, %[[O:[^:]*]]: tensor<1x2x16xf32>
  // CHECK: %[[LAST:.*]] = arith.divui %[[P]], %c64
  // CHECK: %[[N:.*]] = arith.addi %[[LAST]], %c1
  // CHECK: %[[ACTIVE:.*]] = arith.minsi %[[N]], %c4
  // CHECK: scf.for %[[H:.*]] = %c0 to %c2
  // CHECK:   vector.transfer_read %[[S]][%{{.*}}, %[[H]], %c24]
  // CHECK:   %[[TOP:.*]] = scf.for %[[I:.*]] = %c0 to %[[ACTIVE]]
  // The number of the part: ((i + 1) 4 - 1) / active.
  // CHECK:     %[[NEXT:.*]] = arith.addi %[[I]], %c1
  // CHECK:     %[[TIMES:.*]] = arith.muli %[[NEXT]], %c4
  // CHECK:     %[[LESS:.*]] = arith.subi %[[TIMES]], %c1
  // CHECK:     %[[PART:.*]] = arith.divui %[[LESS]], %[[ACTIVE]]
  // CHECK:     vector.transfer_read %[[S]][%[[PART]], %[[H]], %c24]
  // CHECK:     arith.cmpf ogt
  // CHECK:   %[[SUMS:.*]]:3 = scf.for %{{.*}} = %c0 to %[[ACTIVE]] {{.*}} -> (vector<8xf32>, vector<8xf32>, vector<8xf32>)
  // CHECK:     arith.subf %{{.*}}, %[[TOP]]
  // CHECK:     math.exp2
  // CHECK:     vector.transfer_read %[[S]][{{.*}}, %c0]
  // CHECK:     vector.fma
  // CHECK:     vector.transfer_read %[[S]][{{.*}}, %c8]
  // CHECK:     vector.fma
  // CHECK:     vector.transfer_read %[[S]][{{.*}}, %c16]
  // CHECK:     vector.fma
  // CHECK:   vector.reduction <add>, %[[SUMS]]#2
  // CHECK:   arith.divf %[[SUMS]]#0
  // CHECK:   vector.transfer_write {{.*}} : vector<8xf32>, tensor<1x2x16xf32>
  func.func @merge(%p: index, %s: tensor<4x2x32xf32>, %o: tensor<1x2x16xf32>) -> tensor<1x2x16xf32> {
    %a = kernel.merge_parts %s at %p into %o : (tensor<4x2x32xf32>, index, tensor<1x2x16xf32>) -> tensor<1x2x16xf32>
    return %a : tensor<1x2x16xf32>
  }

  // With a window steps are counted from the first that it reaches into.
  // CHECK-LABEL: func.func @windowed
  // CHECK-SAME: %[[P:[^:]*]]: index
  // CHECK: %[[SEEN:.*]] = arith.subi %[[P]], %c99
  // CHECK: %[[FROM:.*]] = arith.maxsi %[[SEEN]], %c0
  // CHECK: %[[FIRST:.*]] = arith.divui %[[FROM]], %c64
  // CHECK: %[[COUNT:.*]] = arith.subi %{{.*}}, %[[FIRST]]
  // CHECK: arith.minsi %[[COUNT]], %c4
  func.func @windowed(%p: index, %s: tensor<4x2x32xf32>, %o: tensor<1x2x16xf32>) -> tensor<1x2x16xf32> {
    %a = kernel.merge_parts %s at %p window 100 into %o : (tensor<4x2x32xf32>, index, tensor<1x2x16xf32>) -> tensor<1x2x16xf32>
    return %a : tensor<1x2x16xf32>
  }
}
