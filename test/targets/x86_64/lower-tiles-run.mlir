// What products of tiles give, run on this machine, next to scalar loops that say what
// they mean: on vectors, and with AMX's instructions, which LLVM takes apart into scalar
// ones here, where the chip may lack them.
// RUN: cria-opt %s --pass-pipeline='builtin.module(func.func(cpu-lower-tiles,x86-lower-dot{vector-bytes=16}))' -o %t.vectors.mlir
// RUN: cria-opt %s --pass-pipeline='builtin.module(func.func(x86-lower-tiles))' -o %t.tiles.mlir
// RUN: FileCheck %s --check-prefix=TILES --input-file=%t.tiles.mlir
// RUN: cria-opt %t.vectors.mlir --pass-pipeline='builtin.module(expand-strided-metadata,lower-affine,convert-scf-to-cf,convert-vector-to-llvm,convert-arith-to-llvm,finalize-memref-to-llvm,convert-func-to-llvm,convert-cf-to-llvm,reconcile-unrealized-casts)' \
// RUN:   | mlir-runner -e main --entry-point-result=void --shared-libs=%llvm_lib/libmlir_c_runner_utils.so | FileCheck %s
// RUN: cria-opt %t.tiles.mlir --pass-pipeline='builtin.module(expand-strided-metadata,lower-affine,convert-scf-to-cf,convert-vector-to-llvm,convert-arith-to-llvm,finalize-memref-to-llvm,convert-func-to-llvm,convert-cf-to-llvm,reconcile-unrealized-casts)' \
// RUN:   | mlir-translate --mlir-to-llvmir | %python %S/tiles_as_vectors.py > %t.ll
// RUN: lli --jit-kind=mcjit -O0 --enable-x86-scalar-amx --load=%llvm_lib/libmlir_c_runner_utils.so %t.ll | FileCheck %s

// TILES: llvm.x86.tdpbssd.internal
// TILES: llvm.x86.tdpbf16ps.internal
// TILES-NOT: kernel.tile_matmul

// Of 20 rows, which are tiles of 10, and three panels: what is left over is there, too.
func.func @bytes(%x: memref<20x128xi8>, %w: memref<3x32x64xi8>, %y: memref<20x3x16xi32>) {
  kernel.tile_matmul %x, %w into %y : memref<20x128xi8>, memref<3x32x64xi8>, memref<20x3x16xi32>
  return
}

// Columns 32 to 47 of rows, added to what is there.
func.func @part(%x: memref<20x128xi8>, %w: memref<3x32x64xi8>, %y: memref<20x3x16xi32>) {
  %rows = memref.subview %x[0, 32] [20, 16] [1, 1] : memref<20x128xi8> to memref<20x16xi8, strided<[128, 1], offset: 32>>
  %panels = memref.subview %w[0, 8, 0] [3, 4, 64] [1, 1, 1] : memref<3x32x64xi8> to memref<3x4x64xi8, strided<[2048, 64, 1], offset: 512>>
  kernel.tile_matmul %rows, %panels into %y accumulate
    : memref<20x16xi8, strided<[128, 1], offset: 32>>, memref<3x4x64xi8, strided<[2048, 64, 1], offset: 512>>, memref<20x3x16xi32>
  return
}

func.func @floats(%x: memref<20x64xbf16>, %w: memref<3x32x32xbf16>, %y: memref<20x3x16xf32>) {
  kernel.tile_matmul %x, %w into %y accumulate : memref<20x64xbf16>, memref<3x32x32xbf16>, memref<20x3x16xf32>
  return
}

// rows[t, k] and panels[p, k, r], as numbers from -128 to 127.
func.func @row(%t: index, %k: index) -> i8 {
  %a = arith.constant 37 : index
  %b = arith.constant 101 : index
  %at = arith.muli %t, %a : index
  %bk = arith.muli %k, %b : index
  %sum = arith.addi %at, %bk : index
  %product = arith.muli %sum, %sum : index
  %value = arith.index_cast %product : index to i8
  %c3 = arith.constant -128 : i8
  %shifted = arith.addi %value, %c3 : i8
  return %shifted : i8
}
func.func @panel(%p: index, %k: index, %r: index) -> i8 {
  %c16 = arith.constant 16 : index
  %p16 = arith.muli %p, %c16 : index
  %row = arith.addi %p16, %r : index
  %value = func.call @row(%k, %row) : (index, index) -> i8
  return %value : i8
}

// The sum over columns [from, to) of row t and row r of panel p.
func.func @sum(%t: index, %p: index, %r: index, %from: index, %to: index) -> i32 {
  %c1 = arith.constant 1 : index
  %none = arith.constant 0 : i32
  %sum = scf.for %k = %from to %to step %c1 iter_args(%s = %none) -> i32 {
    %x = func.call @row(%t, %k) : (index, index) -> i8
    %w = func.call @panel(%p, %k, %r) : (index, index, index) -> i8
    %xi = arith.extsi %x : i8 to i32
    %wi = arith.extsi %w : i8 to i32
    %product = arith.muli %xi, %wi : i32
    %next = arith.addi %s, %product : i32
    scf.yield %next : i32
  }
  return %sum : i32
}

// Elements of y that are not 7 + the products of columns [from, to).
func.func @unlike(%y: memref<20x3x16xi32>, %start: i32, %from: index, %to: index) -> i64 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %c16 = arith.constant 16 : index
  %c20 = arith.constant 20 : index
  %none = arith.constant 0 : i64
  %count = scf.for %t = %c0 to %c20 step %c1 iter_args(%ct = %none) -> i64 {
    %cp = scf.for %p = %c0 to %c3 step %c1 iter_args(%cp0 = %ct) -> i64 {
      %cr = scf.for %r = %c0 to %c16 step %c1 iter_args(%cr0 = %cp0) -> i64 {
        %sum = func.call @sum(%t, %p, %r, %from, %to) : (index, index, index, index, index) -> i32
        %wanted = arith.addi %sum, %start : i32
        %found = memref.load %y[%t, %p, %r] : memref<20x3x16xi32>
        %differs = arith.cmpi ne, %wanted, %found : i32
        %one = arith.extui %differs : i1 to i64
        %next = arith.addi %cr0, %one : i64
        scf.yield %next : i64
      }
      scf.yield %cr : i64
    }
    scf.yield %cp : i64
  }
  return %count : i64
}

func.func private @printI64(i64)
func.func private @printNewline()

func.func @main() {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %c4 = arith.constant 4 : index
  %c16 = arith.constant 16 : index
  %c20 = arith.constant 20 : index
  %c32 = arith.constant 32 : index
  %c48 = arith.constant 48 : index
  %c64 = arith.constant 64 : index
  %c128 = arith.constant 128 : index
  %i0 = arith.constant 0 : i32
  %i7 = arith.constant 7 : i32
  %f7 = arith.constant 7.0 : f32
  %x = memref.alloc() : memref<20x128xi8>
  %w = memref.alloc() : memref<3x32x64xi8>
  %y = memref.alloc() : memref<20x3x16xi32>
  %xf = memref.alloc() : memref<20x64xbf16>
  %wf = memref.alloc() : memref<3x32x32xbf16>
  %yf = memref.alloc() : memref<20x3x16xf32>
  scf.for %t = %c0 to %c20 step %c1 {
    scf.for %k = %c0 to %c128 step %c1 {
      %v = func.call @row(%t, %k) : (index, index) -> i8
      memref.store %v, %x[%t, %k] : memref<20x128xi8>
    }
    scf.for %k = %c0 to %c64 step %c1 {
      %v = func.call @row(%t, %k) : (index, index) -> i8
      %f = arith.sitofp %v : i8 to f32
      %h = arith.truncf %f : f32 to bf16
      memref.store %h, %xf[%t, %k] : memref<20x64xbf16>
    }
    scf.for %p = %c0 to %c3 step %c1 {
      scf.for %r = %c0 to %c16 step %c1 {
        memref.store %i7, %y[%t, %p, %r] : memref<20x3x16xi32>
        memref.store %f7, %yf[%t, %p, %r] : memref<20x3x16xf32>
      }
    }
  }
  scf.for %p = %c0 to %c3 step %c1 {
    scf.for %r = %c0 to %c16 step %c1 {
      scf.for %k = %c0 to %c128 step %c1 {
        %v = func.call @panel(%p, %k, %r) : (index, index, index) -> i8
        %q = arith.divui %k, %c4 : index
        %j = arith.remui %k, %c4 : index
        %r4 = arith.muli %r, %c4 : index
        %at = arith.addi %r4, %j : index
        memref.store %v, %w[%p, %q, %at] : memref<3x32x64xi8>
      }
      scf.for %k = %c0 to %c64 step %c1 {
        %v = func.call @panel(%p, %k, %r) : (index, index, index) -> i8
        %f = arith.sitofp %v : i8 to f32
        %h = arith.truncf %f : f32 to bf16
        %q = arith.divui %k, %c2 : index
        %j = arith.remui %k, %c2 : index
        %r2 = arith.muli %r, %c2 : index
        %at = arith.addi %r2, %j : index
        memref.store %h, %wf[%p, %q, %at] : memref<3x32x32xbf16>
      }
    }
  }

  // CHECK: 0
  func.call @part(%x, %w, %y) : (memref<20x128xi8>, memref<3x32x64xi8>, memref<20x3x16xi32>) -> ()
  %first = func.call @unlike(%y, %i7, %c32, %c48) : (memref<20x3x16xi32>, i32, index, index) -> i64
  func.call @printI64(%first) : (i64) -> ()
  func.call @printNewline() : () -> ()
  // CHECK-NEXT: 0
  func.call @bytes(%x, %w, %y) : (memref<20x128xi8>, memref<3x32x64xi8>, memref<20x3x16xi32>) -> ()
  %second = func.call @unlike(%y, %i0, %c0, %c128) : (memref<20x3x16xi32>, i32, index, index) -> i64
  func.call @printI64(%second) : (i64) -> ()
  func.call @printNewline() : () -> ()
  // Integers of 8 bits, so that 64 products add up exactly in any order.
  // CHECK-NEXT: 0
  func.call @floats(%xf, %wf, %yf) : (memref<20x64xbf16>, memref<3x32x32xbf16>, memref<20x3x16xf32>) -> ()
  scf.for %t = %c0 to %c20 step %c1 {
    scf.for %p = %c0 to %c3 step %c1 {
      scf.for %r = %c0 to %c16 step %c1 {
        %f = memref.load %yf[%t, %p, %r] : memref<20x3x16xf32>
        %i = arith.fptosi %f : f32 to i32
        memref.store %i, %y[%t, %p, %r] : memref<20x3x16xi32>
      }
    }
  }
  %third = func.call @unlike(%y, %i7, %c0, %c64) : (memref<20x3x16xi32>, i32, index, index) -> i64
  func.call @printI64(%third) : (i64) -> ()
  func.call @printNewline() : () -> ()
  memref.dealloc %x : memref<20x128xi8>
  memref.dealloc %w : memref<3x32x64xi8>
  memref.dealloc %y : memref<20x3x16xi32>
  memref.dealloc %xf : memref<20x64xbf16>
  memref.dealloc %wf : memref<3x32x32xbf16>
  memref.dealloc %yf : memref<20x3x16xf32>
  return
}
