// Dots of the largest weights with the largest activations, run on this machine: 16 bits
// have room for as many sums of pairs as they are said to have.
// RUN: cria-opt %s --pass-pipeline='builtin.module(func.func(x86-lower-dot{vector-bytes=16}))' -o %t.mlir
// RUN: FileCheck %s --check-prefix=LOWERED --input-file=%t.mlir
// RUN: cria-opt %t.mlir --pass-pipeline='builtin.module(convert-vector-to-scf,convert-scf-to-cf,convert-vector-to-llvm,convert-math-to-llvm,convert-arith-to-llvm,convert-func-to-llvm,convert-cf-to-llvm,reconcile-unrealized-casts)' \
// RUN:   | mlir-runner -e main --entry-point-result=void --shared-libs=%llvm_lib/libmlir_c_runner_utils.so | FileCheck %s

// LOWERED-NOT: kernel.dot

// What a loop carries: 7 + 4 * 2 * 4 * 15 * -128.
func.func @up_to_15(%s: vector<4xi32>, %w: vector<16xi8>, %a: i32) -> vector<4xi32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %r = scf.for %i = %c0 to %c4 step %c1 iter_args(%x = %s) -> vector<4xi32> {
    %1 = kernel.dot %x, %w, %a {largest = 15 : i32} : vector<4xi32>, vector<16xi8>
    %2 = kernel.dot %1, %w, %a {largest = 15 : i32} : vector<4xi32>, vector<16xi8>
    scf.yield %2 : vector<4xi32>
  }
  return %r : vector<4xi32>
}

// A loop that carries sums of several widths: the same, and 7 + 4 * 4 * 15 * -128.
func.func @widths(%s: vector<4xi32>, %u: vector<8xi32>, %w: vector<16xi8>, %x: vector<32xi8>, %a: i32)
    -> (vector<4xi32>, vector<8xi32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %r:2 = scf.for %i = %c0 to %c4 step %c1 iter_args(%y = %s, %z = %u) -> (vector<4xi32>, vector<8xi32>) {
    %1 = kernel.dot %y, %w, %a {largest = 15 : i32} : vector<4xi32>, vector<16xi8>
    %2 = kernel.dot %1, %w, %a {largest = 15 : i32} : vector<4xi32>, vector<16xi8>
    %3 = kernel.dot %z, %x, %a {largest = 15 : i32} : vector<8xi32>, vector<32xi8>
    scf.yield %2, %3 : vector<4xi32>, vector<8xi32>
  }
  return %r#0, %r#1 : vector<4xi32>, vector<8xi32>
}

// More than a loop can carry: 7 + 3 * 2 * 4 * 31 * -128.
func.func @up_to_31(%s: vector<4xi32>, %w: vector<16xi8>, %a: i32) -> vector<4xi32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %r = scf.for %i = %c0 to %c3 step %c1 iter_args(%x = %s) -> vector<4xi32> {
    %1 = kernel.dot %x, %w, %a {largest = 31 : i32} : vector<4xi32>, vector<16xi8>
    %2 = kernel.dot %1, %w, %a {largest = 31 : i32} : vector<4xi32>, vector<16xi8>
    scf.yield %2 : vector<4xi32>
  }
  return %r : vector<4xi32>
}

// Chains: 7 + 3 * 4 * 63 * -128, 7 + 4 * 127 * -128, 7 + 4 * 255 * -128.
func.func @up_to_63(%s: vector<4xi32>, %w: vector<16xi8>, %a: i32) -> vector<4xi32> {
  %1 = kernel.dot %s, %w, %a {largest = 63 : i32} : vector<4xi32>, vector<16xi8>
  %2 = kernel.dot %1, %w, %a {largest = 63 : i32} : vector<4xi32>, vector<16xi8>
  %3 = kernel.dot %2, %w, %a {largest = 63 : i32} : vector<4xi32>, vector<16xi8>
  return %3 : vector<4xi32>
}
func.func @up_to_127(%s: vector<4xi32>, %w: vector<16xi8>, %a: i32) -> vector<4xi32> {
  %1 = kernel.dot %s, %w, %a {largest = 127 : i32} : vector<4xi32>, vector<16xi8>
  return %1 : vector<4xi32>
}
func.func @up_to_255(%s: vector<4xi32>, %w: vector<16xi8>, %a: i32) -> vector<4xi32> {
  %1 = kernel.dot %s, %w, %a : vector<4xi32>, vector<16xi8>
  return %1 : vector<4xi32>
}

// Two dots: 7 + 2 * 4 * -128 * 127, and the same with -127 and with both signs.
func.func @signed(%s: vector<4xi32>, %w: vector<16xi8>, %a: i32) -> vector<4xi32> {
  %1 = kernel.dot %s, %w, %a signed : vector<4xi32>, vector<16xi8>
  %2 = kernel.dot %1, %w, %a signed : vector<4xi32>, vector<16xi8>
  return %2 : vector<4xi32>
}

func.func @main() {
  %s = arith.constant dense<7> : vector<4xi32>
  %a = arith.constant 0x80808080 : i32
  %w15 = arith.constant dense<15> : vector<16xi8>
  %w31 = arith.constant dense<31> : vector<16xi8>
  %w63 = arith.constant dense<63> : vector<16xi8>
  %w127 = arith.constant dense<127> : vector<16xi8>
  %w255 = arith.constant dense<255> : vector<16xi8>
  %r15 = func.call @up_to_15(%s, %w15, %a) : (vector<4xi32>, vector<16xi8>, i32) -> vector<4xi32>
  %r31 = func.call @up_to_31(%s, %w31, %a) : (vector<4xi32>, vector<16xi8>, i32) -> vector<4xi32>
  %r63 = func.call @up_to_63(%s, %w63, %a) : (vector<4xi32>, vector<16xi8>, i32) -> vector<4xi32>
  %r127 = func.call @up_to_127(%s, %w127, %a) : (vector<4xi32>, vector<16xi8>, i32) -> vector<4xi32>
  %r255 = func.call @up_to_255(%s, %w255, %a) : (vector<4xi32>, vector<16xi8>, i32) -> vector<4xi32>
  %most = arith.constant 0x7f7f7f7f : i32
  %least = arith.constant 0x81818181 : i32
  %both = arith.constant 0x7f81007f : i32
  %w128 = arith.constant dense<-128> : vector<16xi8>
  %s1 = func.call @signed(%s, %w128, %most) : (vector<4xi32>, vector<16xi8>, i32) -> vector<4xi32>
  %s2 = func.call @signed(%s, %w128, %least) : (vector<4xi32>, vector<16xi8>, i32) -> vector<4xi32>
  %s3 = func.call @signed(%s, %w127, %both) : (vector<4xi32>, vector<16xi8>, i32) -> vector<4xi32>
  %u = arith.constant dense<7> : vector<8xi32>
  %x15 = arith.constant dense<15> : vector<32xi8>
  %wide:2 = func.call @widths(%s, %u, %w15, %x15, %a)
    : (vector<4xi32>, vector<8xi32>, vector<16xi8>, vector<32xi8>, i32) -> (vector<4xi32>, vector<8xi32>)
  // CHECK: ( -61433, -61433, -61433, -61433 )
  // CHECK-NEXT: ( -95225, -95225, -95225, -95225 )
  // CHECK-NEXT: ( -96761, -96761, -96761, -96761 )
  // CHECK-NEXT: ( -65017, -65017, -65017, -65017 )
  // CHECK-NEXT: ( -130553, -130553, -130553, -130553 )
  // CHECK-NEXT: ( -130041, -130041, -130041, -130041 )
  // CHECK-NEXT: ( 130055, 130055, 130055, 130055 )
  // CHECK-NEXT: ( 32265, 32265, 32265, 32265 )
  // CHECK-NEXT: ( -61433, -61433, -61433, -61433 )
  // CHECK-NEXT: ( -30713, -30713, -30713, -30713, -30713, -30713, -30713, -30713 )
  vector.print %r15 : vector<4xi32>
  vector.print %r31 : vector<4xi32>
  vector.print %r63 : vector<4xi32>
  vector.print %r127 : vector<4xi32>
  vector.print %r255 : vector<4xi32>
  vector.print %s1 : vector<4xi32>
  vector.print %s2 : vector<4xi32>
  vector.print %s3 : vector<4xi32>
  vector.print %wide#0 : vector<4xi32>
  vector.print %wide#1 : vector<8xi32>
  return
}
