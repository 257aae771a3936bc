// RUN: cria-opt %s --kernel-lower-forall -split-input-file -verify-diagnostics | FileCheck %s

// CHECK-LABEL: func.func @share
// CHECK-SAME: %[[M:[^:]*]]: memref<6xf32>, %[[THREAD:[^:]*]]: index, %[[THREADS:[^:]*]]: index, %[[BARRIER:[^:]*]]: !llvm.ptr
func.func @share(%m: memref<6xf32>, %thread: index, %threads: index, %barrier: !llvm.ptr) {
  %zero = arith.constant 0.0 : f32
  // [6 * thread / threads, 6 * (thread + 1) / threads)
  // CHECK: %[[C6:.*]] = arith.constant 6
  // CHECK: %[[A:.*]] = arith.muli %[[C6]], %[[THREAD]]
  // CHECK: %[[BEGIN:.*]] = arith.divui %[[A]], %[[THREADS]]
  // CHECK: %[[NEXT:.*]] = arith.addi %[[THREAD]]
  // CHECK: %[[B:.*]] = arith.muli %[[C6]], %[[NEXT]]
  // CHECK: %[[END:.*]] = arith.divui %[[B]], %[[THREADS]]
  // CHECK: scf.for %[[I:.*]] = %[[BEGIN]] to %[[END]]
  // CHECK: arith.remui %[[I]]
  // CHECK: memref.store
  // CHECK: call @cria_barrier(%[[BARRIER]])
  scf.forall (%i, %j) in (2, 3) {
    %three = arith.constant 3 : index
    %row = arith.muli %i, %three : index
    %k = arith.addi %row, %j : index
    memref.store %zero, %m[%k] : memref<6xf32>
  } {mapping = [#kernel.thread<0>, #kernel.thread<1>]}
  // What is not dealt out, the first thread does alone.
  // CHECK: arith.cmpi eq, %[[THREAD]]
  // CHECK: scf.if
  // CHECK:   memref.copy
  // CHECK: call @cria_barrier(%[[BARRIER]])
  memref.copy %m, %m : memref<6xf32> to memref<6xf32>
  return
}
// CHECK: func.func private @cria_barrier(!llvm.ptr)

// -----

func.func @loose(%m: memref<6xf32>, %thread: index, %threads: index, %barrier: !llvm.ptr) {
  %zero = arith.constant 0.0 : f32
  // expected-error @+1 {{'memref.store' op is not part of a kernel: every thread would run it at once}}
  memref.store %zero, %m[%thread] : memref<6xf32>
  return
}
