// RUN: cria-opt %s --kernel-lower-forall -split-input-file -verify-diagnostics | FileCheck %s
// RUN: not cria-opt %s --kernel-lower-forall -split-input-file 2>/dev/null | FileCheck %s --check-prefix=FAILED --allow-empty

// What fails is not printed.
// FAILED-NOT: func.func @{{unmapped|loose|mixed}}

// CHECK-LABEL: func.func @share
// CHECK-SAME: %[[M:[^:]*]]: memref<6xf32>, %[[ROWS:[^:]*]]: index, %[[THREAD:[^:]*]]: index, %[[THREADS:[^:]*]]: index, %[[BARRIER:[^:]*]]: !llvm.ptr
func.func @share(%m: memref<6xf32>, %rows: index, %thread: index, %threads: index, %barrier: !llvm.ptr) {
  %zero = arith.constant 0.0 : f32
  // [6 * thread / threads, 6 * (thread + 1) / threads)
  // CHECK: %[[C2:.*]] = arith.constant 2
  // CHECK: %[[C3:.*]] = arith.constant 3
  // CHECK: %[[C6:.*]] = arith.muli %[[C2]], %[[C3]]
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

// Of 64 rows in tiles of 8 those are dealt out that hold a token, between all threads.
// CHECK-LABEL: func.func @rows
// CHECK-SAME: %[[M:[^:]*]]: memref<3x64xf32>, %[[ROWS:[^:]*]]: index, %[[THREAD:[^:]*]]: index, %[[THREADS:[^:]*]]: index
// CHECK-NOT: kernel.live_rows
// CHECK: %[[C3:.*]] = arith.constant 3
// CHECK: %[[C7:.*]] = arith.constant 7
// CHECK: %[[LAST:.*]] = arith.addi %[[ROWS]], %[[C7]]
// CHECK: %[[C8:.*]] = arith.constant 8
// CHECK: %[[TILES:.*]] = arith.divui %[[LAST]], %[[C8]]
// CHECK: %[[ALL:.*]] = arith.muli %[[C3]], %[[TILES]]
// CHECK: %[[A:.*]] = arith.muli %[[ALL]], %[[THREAD]]
// CHECK: %[[BEGIN:.*]] = arith.divui %[[A]], %[[THREADS]]
// CHECK: %[[B:.*]] = arith.muli %[[ALL]],
// CHECK: %[[END:.*]] = arith.divui %[[B]], %[[THREADS]]
// CHECK: scf.for %[[I:.*]] = %[[BEGIN]] to %[[END]]
// CHECK: arith.remui %[[I]], %[[TILES]]
// CHECK: memref.store %{{.*}}, %[[M]][%{{.*}}, %[[ROWS]]]
func.func @rows(%m: memref<3x64xf32>, %rows: index, %thread: index, %threads: index, %barrier: !llvm.ptr)
    attributes {kernel.chunk = 64 : i64} {
  %zero = arith.constant 0.0 : f32
  %live = kernel.live_rows
  scf.forall (%i, %j) = (0, 0) to (3, 64) step (1, 8) {
    memref.store %zero, %m[%i, %live] : memref<3x64xf32>
  } {mapping = [#kernel.thread<0>, #kernel.rows<1>]}
  return
}

// -----

func.func @unmapped(%m: memref<6xf32>, %rows: index, %thread: index, %threads: index, %barrier: !llvm.ptr) {
  %zero = arith.constant 0.0 : f32
  // expected-error @+1 {{'scf.forall' op expects static bounds and a mapping}}
  scf.forall (%i) in (6) {
    memref.store %zero, %m[%i] : memref<6xf32>
  }
  return
}

// -----

// Kernels meet only where one touches what another writes. Two buffers side by side in the
// workspace: no barrier between the kernels that write them, one before the kernel that
// reads both.
module {
  // CHECK-LABEL: func.func private @layer
  // CHECK: memref.store
  // CHECK-NOT: call @cria_barrier
  // CHECK: memref.store
  // CHECK: call @cria_barrier
  // CHECK: memref.load
  // CHECK: memref.load
  // The caches that are arguments are two wherever the layer is called; the argument and
  // the workspace are.
  // CHECK: memref.store
  // CHECK-NOT: call @cria_barrier
  // CHECK: memref.store
  // CHECK-NOT: call @cria_barrier
  // CHECK: memref.store
  // Written again: this one waits.
  // CHECK: call @cria_barrier
  // CHECK: memref.store
  // CHECK: call @cria_barrier
  // CHECK-NEXT: return
  func.func private @layer(%weights: memref<64xi8>, %state: memref<256xi8>, %workspace: memref<256xi8>, %scratch: memref<64xi8>,
                           %keys: memref<4xf32>, %values: memref<4xf32>, %rows: index, %thread: index, %threads: index, %barrier: !llvm.ptr) {
    %zero = arith.constant 0.0 : f32
    %c0 = arith.constant 0 : index
    %c16 = arith.constant 16 : index
    %a = memref.view %workspace[%c0][] : memref<256xi8> to memref<4xf32>
    %b = memref.view %workspace[%c16][] : memref<256xi8> to memref<4xf32>
    %own = memref.view %scratch[%c0][] : memref<64xi8> to memref<4xf32>
    scf.forall (%i) in (4) {
      memref.store %zero, %own[%i] : memref<4xf32>
      memref.store %zero, %a[%i] : memref<4xf32>
    } {mapping = [#kernel.thread<0>]}
    scf.forall (%i) in (4) {
      memref.store %zero, %own[%i] : memref<4xf32>
      memref.store %zero, %b[%i] : memref<4xf32>
    } {mapping = [#kernel.thread<0>]}
    scf.forall (%i) in (4) {
      %x = memref.load %a[%c0] : memref<4xf32>
      %y = memref.load %b[%c0] : memref<4xf32>
      memref.store %zero, %keys[%i] : memref<4xf32>
    } {mapping = [#kernel.thread<0>]}
    scf.forall (%i) in (4) {
      memref.store %zero, %values[%i] : memref<4xf32>
    } {mapping = [#kernel.thread<0>]}
    %c = memref.subview %values[0] [2] [1] : memref<4xf32> to memref<2xf32, strided<[1]>>
    %free = arith.constant 64 : index
    %d = memref.view %workspace[%free][] : memref<256xi8> to memref<4xf32>
    scf.forall (%i) in (4) {
      memref.store %zero, %d[%i] : memref<4xf32>
    } {mapping = [#kernel.thread<0>]}
    scf.forall (%i) in (2) {
      memref.store %zero, %c[%i] : memref<2xf32, strided<[1]>>
    } {mapping = [#kernel.thread<0>]}
    return
  }
  func.func @entry(%weights: memref<64xi8>, %state: memref<256xi8>, %workspace: memref<256xi8>, %scratch: memref<64xi8>,
                   %rows: index, %thread: index, %threads: index, %barrier: !llvm.ptr) {
    %c0 = arith.constant 0 : index
    %c64 = arith.constant 64 : index
    %k = memref.view %state[%c0][] : memref<256xi8> to memref<4xf32>
    %v = memref.view %state[%c64][] : memref<256xi8> to memref<4xf32>
    call @layer(%weights, %state, %workspace, %scratch, %k, %v, %rows, %thread, %threads, %barrier)
      : (memref<64xi8>, memref<256xi8>, memref<256xi8>, memref<64xi8>, memref<4xf32>, memref<4xf32>, index, index, index, !llvm.ptr) -> ()
    return
  }
}

// -----

// One cache passed twice: nothing is known of the arguments.
module {
  // CHECK-LABEL: func.func private @layer
  // CHECK: memref.store
  // CHECK: call @cria_barrier
  // CHECK: memref.store
  // CHECK: call @cria_barrier
  // CHECK-NEXT: return
  func.func private @layer(%weights: memref<64xi8>, %state: memref<256xi8>, %workspace: memref<256xi8>, %scratch: memref<64xi8>,
                           %keys: memref<4xf32>, %values: memref<4xf32>, %rows: index, %thread: index, %threads: index, %barrier: !llvm.ptr) {
    %zero = arith.constant 0.0 : f32
    scf.forall (%i) in (4) {
      memref.store %zero, %keys[%i] : memref<4xf32>
    } {mapping = [#kernel.thread<0>]}
    scf.forall (%i) in (4) {
      memref.store %zero, %values[%i] : memref<4xf32>
    } {mapping = [#kernel.thread<0>]}
    return
  }
  func.func @entry(%weights: memref<64xi8>, %state: memref<256xi8>, %workspace: memref<256xi8>, %scratch: memref<64xi8>,
                   %rows: index, %thread: index, %threads: index, %barrier: !llvm.ptr) {
    %c0 = arith.constant 0 : index
    %k = memref.view %state[%c0][] : memref<256xi8> to memref<4xf32>
    call @layer(%weights, %state, %workspace, %scratch, %k, %k, %rows, %thread, %threads, %barrier)
      : (memref<64xi8>, memref<256xi8>, memref<256xi8>, memref<64xi8>, memref<4xf32>, memref<4xf32>, index, index, index, !llvm.ptr) -> ()
    return
  }
}

// -----

// Buffers side by side all along: 16 bytes of every 32 are the one's, the others the other's. The
// third shares 8 of every 32 with both.
module {
  // CHECK-LABEL: func.func @beside
  // CHECK: memref.store
  // CHECK-NOT: call @cria_barrier
  // CHECK: memref.store
  // CHECK: call @cria_barrier
  // CHECK: memref.store
  // CHECK: call @cria_barrier
  // CHECK-NEXT: return
  func.func @beside(%weights: memref<64xi8>, %state: memref<256xi8>, %workspace: memref<256xi8>, %scratch: memref<64xi8>,
                    %rows: index, %thread: index, %threads: index, %barrier: !llvm.ptr) {
    %zero = arith.constant 0.0 : f32
    %c0 = arith.constant 0 : index
    %c8 = arith.constant 8 : index
    %c16 = arith.constant 16 : index
    %span0 = memref.view %state[%c0][] : memref<256xi8> to memref<12xf32>
    %a = memref.reinterpret_cast %span0 to offset: [0], sizes: [2, 4], strides: [8, 1] : memref<12xf32> to memref<2x4xf32, strided<[8, 1]>>
    %span1 = memref.view %state[%c16][] : memref<256xi8> to memref<12xf32>
    %b = memref.reinterpret_cast %span1 to offset: [0], sizes: [2, 4], strides: [8, 1] : memref<12xf32> to memref<2x4xf32, strided<[8, 1]>>
    %span2 = memref.view %state[%c8][] : memref<256xi8> to memref<12xf32>
    %c = memref.reinterpret_cast %span2 to offset: [0], sizes: [2, 4], strides: [8, 1] : memref<12xf32> to memref<2x4xf32, strided<[8, 1]>>
    scf.forall (%i) in (2) {
      memref.store %zero, %b[%i, %c0] : memref<2x4xf32, strided<[8, 1]>>
    } {mapping = [#kernel.thread<0>]}
    scf.forall (%i) in (2) {
      memref.store %zero, %a[%i, %c0] : memref<2x4xf32, strided<[8, 1]>>
    } {mapping = [#kernel.thread<0>]}
    scf.forall (%i) in (2) {
      memref.store %zero, %c[%i, %c0] : memref<2x4xf32, strided<[8, 1]>>
    } {mapping = [#kernel.thread<0>]}
    return
  }
}

// -----

// Slices that begin behind a view's first byte are not told from another view's: these lie across its second row.
// CHECK-LABEL: func.func @shifted
// CHECK: memref.store
// CHECK: call @cria_barrier
// CHECK: memref.store
func.func @shifted(%weights: memref<64xi8>, %state: memref<256xi8>, %workspace: memref<64xi8>, %scratch: memref<64xi8>,
                   %rows: index, %thread: index, %threads: index, %barrier: !llvm.ptr) {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %c16 = arith.constant 16 : index
  %span0 = memref.view %state[%c0][] : memref<256xi8> to memref<12xf32>
  %a = memref.reinterpret_cast %span0 to offset: [0], sizes: [2, 4], strides: [8, 1] : memref<12xf32> to memref<2x4xf32, strided<[8, 1]>>
  %span1 = memref.view %state[%c16][] : memref<256xi8> to memref<16xf32>
  %b = memref.reinterpret_cast %span1 to offset: [1], sizes: [2, 4], strides: [8, 1] : memref<16xf32> to memref<2x4xf32, strided<[8, 1], offset: 1>>
  scf.forall (%i) in (2) {
    memref.store %zero, %a[%i, %c0] : memref<2x4xf32, strided<[8, 1]>>
  } {mapping = [#kernel.thread<0>]}
  scf.forall (%i) in (2) {
    memref.store %zero, %b[%i, %c0] : memref<2x4xf32, strided<[8, 1], offset: 1>>
  } {mapping = [#kernel.thread<0>]}
  return
}

// -----

// One number is no slice of a pitch, but where its bytes are is known: the second kernel need not wait.
// CHECK-LABEL: func.func @scalar
// CHECK: memref.reinterpret_cast
// CHECK: linalg.fill
// CHECK-NOT: call @cria_barrier
// CHECK: linalg.fill
// CHECK: call @cria_barrier
// CHECK-NEXT: return
func.func @scalar(%weights: memref<64xi8>, %state: memref<64xi8>, %workspace: memref<64xi8>, %scratch: memref<64xi8>,
                  %rows: index, %thread: index, %threads: index, %barrier: !llvm.ptr) {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %c16 = arith.constant 16 : index
  %span = memref.view %workspace[%c0][] : memref<64xi8> to memref<4xf32>
  %one = memref.reinterpret_cast %span to offset: [0], sizes: [], strides: [] : memref<4xf32> to memref<f32>
  linalg.fill ins(%zero : f32) outs(%one : memref<f32>)
  %other = memref.view %workspace[%c16][] : memref<64xi8> to memref<4xf32>
  linalg.fill ins(%zero : f32) outs(%other : memref<4xf32>)
  return
}

// -----

func.func @loose(%m: memref<6xf32>, %rows: index, %thread: index, %threads: index, %barrier: !llvm.ptr) {
  %zero = arith.constant 0.0 : f32
  // expected-error @+1 {{'memref.store' op is not part of a kernel: every thread would run it at once}}
  memref.store %zero, %m[%thread] : memref<6xf32>
  return
}

// -----

func.func @mixed(%m: memref<6x2xf32>, %rows: index, %thread: index, %threads: index, %barrier: !llvm.ptr) {
  %zero = arith.constant 0.0 : f32
  // expected-error @+1 {{expects dimensions that are dealt out, or that each thread goes through, but got [#kernel.thread<0>, #kernel.each<1>]}}
  scf.forall (%i, %j) in (6, 2) {
    memref.store %zero, %m[%i, %j] : memref<6x2xf32>
  } {mapping = [#kernel.thread<0>, #kernel.each<1>]}
  return
}

// -----

// What each thread does by itself it does from end to end, and nobody waits for it: it writes scratch.
// CHECK-LABEL: func.func @each
// CHECK: scf.for %{{.*}} = %c0{{[_0-9]*}} to %{{.*}} step
// CHECK: memref.store %{{.*}}, %view
// CHECK-NOT: call @cria_barrier
// CHECK: arith.muli %{{.*}}, %arg5
// CHECK: scf.for
// CHECK: call @cria_barrier
func.func @each(%weights: memref<64xi8>, %state: memref<64xi8>, %workspace: memref<64xi8>, %scratch: memref<64xi8>,
                %rows: index, %thread: index, %threads: index, %barrier: !llvm.ptr) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %own = memref.view %scratch[%c0][] : memref<64xi8> to memref<4xf32>
  %all = memref.view %workspace[%c0][] : memref<64xi8> to memref<4xf32>
  scf.forall (%i) in (4) {
    memref.store %zero, %own[%i] : memref<4xf32>
  } {mapping = [#kernel.each<0>]}
  scf.forall (%i) in (4) {
    %x = memref.load %own[%i] : memref<4xf32>
    memref.store %x, %all[%i] : memref<4xf32>
  } {mapping = [#kernel.thread<0>]}
  return
}
