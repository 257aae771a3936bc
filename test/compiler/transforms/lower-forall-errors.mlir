// RUN: cria-opt %s --kernel-lower-forall -split-input-file -verify-diagnostics
// RUN: not cria-opt %s --kernel-lower-forall -split-input-file 2>/dev/null | FileCheck %s --check-prefix=FAILED --allow-empty

// What fails leaves nothing to print.
// FAILED-NOT: module

// A function without a body is somebody else's.
func.func private @elsewhere(index)

// expected-error @+1 {{'func.func' op expects arguments that end with rows, thread, threads and barrier (index, index, index, '!llvm.ptr'), but got '() -> ()'}}
func.func @no_arguments() { return }

// -----

// expected-error @+1 {{expects arguments that end with rows, thread, threads and barrier (index, index, index, '!llvm.ptr'), but got '(index, index, index, index) -> ()'}}
func.func @no_barrier(%rows: index, %thread: index, %threads: index, %barrier: index) { return }

// -----

// Only one block's ops are shared out.
// expected-error @+1 {{'func.func' op expects a body of one block, but got 3}}
func.func @blocks(%m: memref<6xf32>, %c: i1, %rows: index, %thread: index, %threads: index, %barrier: !llvm.ptr) {
  cf.cond_br %c, ^a, ^b
^a:
  scf.forall (%i) in (6) {
    %z = arith.constant 0.0 : f32
    memref.store %z, %m[%i] : memref<6xf32>
  } {mapping = [#kernel.thread<0>]}
  cf.br ^b
^b:
  return
}

// -----

func.func @no_loops(%m: memref<f32>, %rows: index, %thread: index, %threads: index, %barrier: !llvm.ptr) {
  // expected-error @+1 {{'scf.forall' op expects a loop to be dealt out, but got none}}
  scf.forall () in () {
    %z = arith.constant 0.0 : f32
    memref.store %z, %m[] : memref<f32>
  } {mapping = []}
  return
}

// -----

func.func @no_step(%m: memref<6xf32>, %rows: index, %thread: index, %threads: index, %barrier: !llvm.ptr) {
  // expected-error @+1 {{'scf.forall' op expects steps of 1 or more, but got 0}}
  scf.forall (%i) = (0) to (6) step (0) {
    %z = arith.constant 0.0 : f32
    memref.store %z, %m[%i] : memref<6xf32>
  } {mapping = [#kernel.thread<0>]}
  return
}

// -----

// The first thread alone would have the sum.
func.func @results(%m: memref<6xf32>, %rows: index, %thread: index, %threads: index, %barrier: !llvm.ptr) -> f32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c6 = arith.constant 6 : index
  %z = arith.constant 0.0 : f32
  // expected-error @+1 {{'scf.for' op is not part of a kernel: only one thread would have its results}}
  %s = scf.for %i = %c0 to %c6 step %c1 iter_args(%a = %z) -> f32 {
    %x = memref.load %m[%i] : memref<6xf32>
    %b = arith.addf %a, %x : f32
    scf.yield %b : f32
  }
  return %s : f32
}
