// RUN: cria-opt %s --kernel-plan-memory | FileCheck %s

// weights: 4 * 4 bytes at 64; state: 8 * 4 at 128, and 3 * 4 * 4 at 192, each 64 bytes behind the
// one before; workspace: the entry's frame of
// 256 + 64 bytes, then the layer's 64; scratch: that of @own, 64 bytes, then its kernel's 64.
// CHECK: kernel.segments = {scratch = 128 : i64, state = 384 : i64, weights = 128 : i64, workspace = 384 : i64}

llama.source @s in "m" at 0 : tensor<4xf32>
kernel.constant @w at 64 : tensor<4xf32> {
  %w = llama.weight @s : tensor<4xf32>
  kernel.yield %w : tensor<4xf32>
}
kernel.state @keys at 128 : tensor<8xf32>
kernel.state @apart at 192 : tensor<3x4xf32, #kernel.pitch<16>>

// CHECK-LABEL: func.func @entry
// CHECK-SAME: %[[WEIGHTS:[^:]*]]: memref<128xi8>, %[[STATE:[^:]*]]: memref<384xi8>, %[[WORK:[^:]*]]: memref<384xi8>, %[[SCRATCH:[^:]*]]: memref<128xi8>, %[[INDEX:[^:]*]]: index, %[[ROWS:[^:]*]]: index, %[[THREAD:[^:]*]]: index, %[[THREADS:[^:]*]]: index, %[[BARRIER:[^:]*]]: !llvm.ptr
func.func @entry(%index: index) {
  // Of a buffer with a pitch: 2 * 16 + 4 elements, and the strides.
  // CHECK-DAG: %[[SPAN:.*]] = memref.view %[[STATE]][%c192{{.*}} to memref<36xf32>
  // CHECK-DAG: memref.reinterpret_cast %[[SPAN]] to offset: [0], sizes: [3, 4], strides: [16, 1]
  %apart = kernel.get @apart : memref<3x4xf32, strided<[16, 1]>>
  // CHECK-DAG: memref.view %[[WEIGHTS]][%c64
  // CHECK-DAG: memref.view %[[STATE]][%c128
  %w = kernel.get @w : memref<4xf32>
  %k = kernel.get @keys : memref<8xf32>
  %k2 = kernel.get @keys : memref<8xf32>
  // CHECK-NOT: memref.copy
  memref.copy %k, %k2 : memref<8xf32> to memref<8xf32>
  // The first buffer is dead when the second is made: both lie at 0.
  // CHECK: memref.view %[[WORK]][%c0
  %a = memref.alloc() : memref<64xf32>
  memref.copy %a, %a : memref<64xf32> to memref<64xf32>
  // CHECK: memref.view %[[WORK]][%c0
  %b = memref.alloc() : memref<64xf32>
  // Alive together with %b: behind it.
  // CHECK: memref.view %[[WORK]][%c256
  %c = memref.alloc() : memref<16xf32>
  call @layer(%b, %c) : (memref<64xf32>, memref<16xf32>) -> ()
  // CHECK: call @layer(%[[WEIGHTS]], %[[STATE]], %[[WORK]], %[[SCRATCH]], %{{.*}}, %{{.*}}, %[[ROWS]], %[[THREAD]], %[[THREADS]], %[[BARRIER]])
  return
}

// CHECK-LABEL: func.func private @layer
// CHECK-SAME: memref<128xi8>, %{{[^:]*}}: memref<384xi8>, %[[WORK:[^:]*]]: memref<384xi8>, %[[SCRATCH:[^:]*]]: memref<128xi8>
func.func private @layer(%b: memref<64xf32>, %c: memref<16xf32>) {
  // CHECK: memref.view %[[WORK]][%c320
  %d = memref.alloc() : memref<16xf32>
  // CHECK: scf.forall
  scf.forall (%i) in (2) {
    // CHECK: memref.view %[[SCRATCH]][%c0
    %e = memref.alloc() : memref<16xf32>
    memref.copy %d, %e : memref<16xf32> to memref<16xf32>
  } {mapping = [#kernel.thread<0>]}
  return
}

// What is each thread's own lies in its scratch, that of a callee behind its caller's, and kernels' allocations behind
// both. What a thread reads by itself stays until the next kernel that is dealt out is done: no barrier comes
// between, so @b cannot lie where @a did, as @d can.
// CHECK-LABEL: func.func @own
func.func @own() {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  // CHECK: memref.view %[[SCRATCH:arg3]][%c0
  %own = memref.alloc() {kernel.own} : memref<16xf32>
  // CHECK: memref.view %[[WORK:arg2]][%c0
  %a = memref.alloc() : memref<16xf32>
  // CHECK: scf.forall
  scf.forall (%i) in (1) {
    %x = memref.load %a[%c0] : memref<16xf32>
    memref.store %x, %own[%c0] : memref<16xf32>
  } {mapping = [#kernel.each<0>]}
  // CHECK: memref.view %[[WORK]][%c64
  %b = memref.alloc() : memref<16xf32>
  // CHECK: scf.forall
  scf.forall (%i) in (16) {
    // CHECK: memref.view %[[SCRATCH]][%c64
    %kernels = memref.alloc() : memref<16xf32>
    %x = memref.load %own[%c0] : memref<16xf32>
    memref.store %x, %kernels[%c0] : memref<16xf32>
    memref.store %x, %b[%i] : memref<16xf32>
  } {mapping = [#kernel.thread<0>]}
  // CHECK: memref.view %[[WORK]][%c0
  %d = memref.alloc() : memref<16xf32>
  memref.copy %b, %d : memref<16xf32> to memref<16xf32>
  memref.copy %own, %d : memref<16xf32> to memref<16xf32>
  call @own_layer() : () -> ()
  return
}

// CHECK-LABEL: func.func private @own_layer
func.func private @own_layer() {
  // CHECK: memref.view %arg3[%c64
  %own = memref.alloc() {kernel.own} : memref<4xf32>
  memref.copy %own, %own : memref<4xf32> to memref<4xf32>
  return
}

// What is called lies behind all that calls it, wherever it stands: @deepest is called by @calls_entry, which ends at
// 64, and by @deep, which ends at 192.
// CHECK-LABEL: func.func private @deepest
// CHECK: memref.view %arg2[%c192
func.func private @deepest(%x: memref<16xf32>) {
  %a = memref.alloc() : memref<16xf32>
  memref.copy %x, %a : memref<16xf32> to memref<16xf32>
  return
}
// CHECK-LABEL: func.func private @deep
// CHECK: memref.view %arg2[%c128
func.func private @deep(%x: memref<16xf32>) {
  %a = memref.alloc() : memref<16xf32>
  call @deepest(%x) : (memref<16xf32>) -> ()
  memref.copy %x, %a : memref<16xf32> to memref<16xf32>
  return
}
// CHECK-LABEL: func.func @calls_deep
// CHECK: memref.view %arg2[%c64
func.func @calls_deep() {
  %a = memref.alloc() : memref<16xf32>
  call @deep(%a) : (memref<16xf32>) -> ()
  return
}
// CHECK-LABEL: func.func @calls_entry
// CHECK: memref.view %arg2[%c0
// CHECK: call @calls_deep
func.func @calls_entry() {
  %a = memref.alloc() : memref<16xf32>
  call @calls_deep() : () -> ()
  call @deepest(%a) : (memref<16xf32>) -> ()
  return
}

// What leaves a branch or a loop is what was yielded there: alive as long as that.
// CHECK-LABEL: func.func @yielded
func.func @yielded(%c: i1, %n: index, %x: memref<16xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK: memref.view %arg2[%c0
  %a = memref.alloc() : memref<16xf32>
  // CHECK: scf.if
  %r = scf.if %c -> memref<16xf32> {
    scf.yield %a : memref<16xf32>
  } else {
    scf.yield %x : memref<16xf32>
  }
  // CHECK: memref.view %arg2[%c64
  %b = memref.alloc() : memref<16xf32>
  // CHECK: scf.for
  %s = scf.for %i = %c0 to %n step %c1 iter_args(%before = %r) -> memref<16xf32> {
    scf.yield %b : memref<16xf32>
  }
  // CHECK: memref.view %arg2[%c128
  %d = memref.alloc() : memref<16xf32>
  memref.copy %s, %d : memref<16xf32> to memref<16xf32>
  // CHECK: memref.view %arg2[%c0
  %e = memref.alloc() : memref<16xf32>
  memref.copy %d, %e : memref<16xf32> to memref<16xf32>
  return
}
