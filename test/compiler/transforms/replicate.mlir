// RUN: cria-opt %s --pass-pipeline='builtin.module(func.func(kernel-replicate))' -split-input-file | FileCheck %s

// One iteration, however large, and what it writes, also through a view or in one of its own linalg ops.
// CHECK-LABEL: func.func @single
func.func @single(%x: memref<1x65536xf32>) {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  // CHECK: memref.alloc() {kernel.own} : memref<1x65536xf32>
  %row = memref.alloc() : memref<1x65536xf32>
  // CHECK: memref.alloc() {kernel.own} : memref<1x1xf32>
  %norm = memref.alloc() : memref<1x1xf32>
  %flat = memref.collapse_shape %row [[0, 1]] : memref<1x65536xf32> into memref<65536xf32>
  scf.forall (%i, %j) = (0, 0) to (1, 65536) step (1, 65536) {
    // CHECK: memref.alloc() : memref<4xf32>
    %scratch = memref.alloc() : memref<4xf32>
    memref.store %zero, %scratch[%c0] : memref<4xf32>
    linalg.fill ins(%zero : f32) outs(%norm : memref<1x1xf32>)
    %number = memref.load %x[%i, %c0] : memref<1x65536xf32>
    memref.store %number, %flat[%c0] : memref<65536xf32>
  // CHECK: mapping = [#kernel.each<0>, #kernel.each<1>]
  } {mapping = [#kernel.thread<0>, #kernel.thread<1>]}
  // What reads it is dealt out as ever.
  // CHECK: mapping = [#kernel.thread<0>]
  scf.forall (%i) in (65536) {
    %number = memref.load %row[%c0, %i] : memref<1x65536xf32>
    memref.store %number, %x[%c0, %i] : memref<1x65536xf32>
  } {mapping = [#kernel.thread<0>]}
  return
}

// -----

// Several iterations: 16 kB read and 16 kB written, and 4 bytes more than that. A chunk's rows are many.
// CHECK-LABEL: func.func @few
func.func @few(%x: memref<4096xf32>, %y: memref<1xf32>) {
  // CHECK: memref.alloc() {kernel.own}
  %a = memref.alloc() : memref<4096xf32>
  // CHECK: memref.alloc() : memref
  %b = memref.alloc() : memref<4096xf32>
  // CHECK: memref.alloc() : memref
  %c = memref.alloc() : memref<4096xf32>
  %c0 = arith.constant 0 : index
  // CHECK: mapping = [#kernel.each<0>]
  scf.forall (%i) in (4096) {
    %number = memref.load %x[%i] : memref<4096xf32>
    memref.store %number, %a[%i] : memref<4096xf32>
  } {mapping = [#kernel.thread<0>]}
  // CHECK: mapping = [#kernel.thread<0>]
  scf.forall (%i) in (4096) {
    %more = memref.load %y[%c0] : memref<1xf32>
    %number = memref.load %x[%i] : memref<4096xf32>
    %sum = arith.addf %number, %more : f32
    memref.store %sum, %b[%i] : memref<4096xf32>
  } {mapping = [#kernel.thread<0>]}
  // CHECK: mapping = [#kernel.rows<0>]
  scf.forall (%i) in (4096) {
    %number = memref.load %x[%i] : memref<4096xf32>
    memref.store %number, %c[%i] : memref<4096xf32>
  } {mapping = [#kernel.rows<0>]}
  return
}

// -----

// What is written must be the thread's own: no argument, nothing that is handed on or that a kernel writes which
// is dealt out, be it as it writes something else of these.
func.func private @callee(memref<1xf32>)
// CHECK-LABEL: func.func @shared
// CHECK-NOT: kernel.own
// CHECK-NOT: #kernel.each
func.func @shared(%x: memref<1xf32>) {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %handed = memref.alloc() : memref<1xf32>
  %both = memref.alloc() : memref<1xf32>
  %copied = memref.alloc() : memref<1xf32>
  scf.forall (%i) in (1) {
    memref.store %zero, %x[%c0] : memref<1xf32>
  } {mapping = [#kernel.thread<0>]}
  scf.forall (%i) in (1) {
    memref.store %zero, %both[%c0] : memref<1xf32>
  } {mapping = [#kernel.thread<0>]}
  scf.forall (%i) in (1) {
    memref.store %zero, %both[%c0] : memref<1xf32>
    memref.store %zero, %handed[%c0] : memref<1xf32>
  } {mapping = [#kernel.thread<0>]}
  scf.forall (%i) in (1) {
    memref.store %zero, %copied[%c0] : memref<1xf32>
  } {mapping = [#kernel.thread<0>]}
  memref.copy %x, %copied : memref<1xf32> to memref<1xf32>
  call @callee(%handed) : (memref<1xf32>) -> ()
  return
}
