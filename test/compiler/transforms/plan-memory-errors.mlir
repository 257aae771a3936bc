// RUN: cria-opt %s --kernel-plan-memory -split-input-file -verify-diagnostics
// RUN: not cria-opt %s --kernel-plan-memory -split-input-file 2>/dev/null | FileCheck %s --check-prefix=FAILED --allow-empty

// What fails leaves nothing to print.
// FAILED-NOT: module

// What is allocated in a loop of its own has no place among what the function allocates.
func.func @nested(%index: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %a = memref.alloc() : memref<64xf32>
  scf.for %i = %c0 to %index step %c1 {
    // expected-error @+1 {{expects to stand at the top of its function, or within a kernel}}
    %b = memref.alloc() : memref<64xf32>
    memref.store %zero, %b[%i] : memref<64xf32>
    memref.store %zero, %a[%i] : memref<64xf32>
  }
  return
}

// -----

// A frame lies behind those of its callers: there would be no end.
func.func private @self(%x: memref<16xf32>) {
  // expected-error @+1 {{'func.call' op expects a function that does not call itself, but got @self, which leads back here}}
  call @self(%x) : (memref<16xf32>) -> ()
  return
}

// -----

func.func @one() {
  call @other() : () -> ()
  return
}
func.func private @other() {
  // expected-error @+1 {{'func.call' op expects a function that does not call itself, but got @one, which leads back here}}
  call @one() : () -> ()
  return
}

// -----

// What is called takes a barrier: every thread has to call it.
func.func private @called() {
  return
}
func.func @branch(%c: i1) {
  scf.if %c {
    // expected-error @+1 {{'func.call' op expects to stand at the top of its function, but got it in scf.if}}
    func.call @called() : () -> ()
  }
  return
}

// -----

// expected-error @+1 {{'func.func' op expects a body to plan memory for, but got a declaration}}
func.func private @elsewhere(memref<16xf32>)

// -----

// expected-error @+1 {{'func.func' op expects a single block, but got 3}}
func.func @blocks(%c: i1) {
  %a = memref.alloc() : memref<4xf32>
  cf.cond_br %c, ^bb1, ^bb2
^bb1:
  %z = arith.constant 0.0 : f32
  linalg.fill ins(%z : f32) outs(%a : memref<4xf32>)
  cf.br ^bb2
^bb2:
  return
}

// -----

kernel.state @s at 0 : tensor<4xf32>
func.func @tensors() {
  // expected-error @+1 {{'kernel.get' op expects buffers, but got a tensor: bufferization comes first}}
  %a = kernel.get @s : tensor<4xf32>
  return
}

// -----

func.func @result(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{'func.return' op expects buffers, but got a tensor: bufferization comes first}}
  return %x : tensor<4xf32>
}

// -----

func.func @dynamic(%n: index) {
  // expected-error @+1 {{'memref.alloc' op expects a static size, of integers or floats, but got 'memref<?xf32>'}}
  %a = memref.alloc(%n) : memref<?xf32>
  return
}

// -----

// An index has no number of bytes.
func.func @indices(%i: index) {
  scf.forall (%t) in (4) {
    // expected-error @+1 {{'memref.alloc' op expects a static size, of integers or floats, but got 'memref<4xindex>'}}
    %a = memref.alloc() : memref<4xindex>
    memref.store %t, %a[%t] : memref<4xindex>
  } {mapping = [#kernel.thread<0>]}
  return
}

// -----

func.func @strides(%n: index) {
  // expected-error @+1 {{'memref.alloc' op expects a static size, of integers or floats, but got 'memref<4x4xf32, strided<[?, 1]>>'}}
  %a = memref.alloc()[%n] : memref<4x4xf32, strided<[?, 1]>>
  return
}
