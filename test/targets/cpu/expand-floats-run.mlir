// What the integer operations give, run on this machine.
// RUN: cria-opt %s --pass-pipeline='builtin.module(func.func(cpu-expand-floats,convert-vector-to-scf,convert-scf-to-cf),convert-vector-to-llvm,convert-arith-to-llvm,convert-func-to-llvm,convert-cf-to-llvm,reconcile-unrealized-casts)' \
// RUN:   | mlir-runner -e main --entry-point-result=void --shared-libs=%llvm_lib/libmlir_c_runner_utils.so | FileCheck %s

// Every F16 against its way through F64, which is not expanded: as bits, but NaN as NaN.
func.func @unlikeHalves() -> i64 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %all = arith.constant 65536 : index
  %none = arith.constant 0 : i64
  %count = scf.for %i = %c0 to %all step %c1 iter_args(%sum = %none) -> i64 {
    %bits = arith.index_cast %i : index to i16
    %half = arith.bitcast %bits : i16 to f16
    %expanded = arith.extf %half : f16 to f32
    %double = arith.extf %half : f16 to f64
    %single = arith.truncf %double : f64 to f32
    %x = arith.bitcast %expanded : f32 to i32
    %y = arith.bitcast %single : f32 to i32
    %same = arith.cmpi eq, %x, %y : i32
    %xNan = arith.cmpf uno, %expanded, %expanded : f32
    %yNan = arith.cmpf uno, %single, %single : f32
    %bothNan = arith.andi %xNan, %yNan : i1
    %alike = arith.ori %same, %bothNan : i1
    %true = arith.constant true
    %unlike = arith.xori %alike, %true : i1
    %one = arith.extui %unlike : i1 to i64
    %next = arith.addi %sum, %one : i64
    scf.yield %next : i64
  }
  return %count : i64
}

func.func @toF16(%bits: vector<8xi32>) -> vector<8xi32> {
  %x = arith.bitcast %bits : vector<8xi32> to vector<8xf32>
  %half = arith.truncf %x : vector<8xf32> to vector<8xf16>
  %short = arith.bitcast %half : vector<8xf16> to vector<8xi16>
  %word = arith.extui %short : vector<8xi16> to vector<8xi32>
  return %word : vector<8xi32>
}

func.func @toBf16(%bits: vector<8xi32>) -> vector<8xi32> {
  %x = arith.bitcast %bits : vector<8xi32> to vector<8xf32>
  %brain = arith.truncf %x : vector<8xf32> to vector<8xbf16>
  %short = arith.bitcast %brain : vector<8xbf16> to vector<8xi16>
  %word = arith.extui %short : vector<8xi16> to vector<8xi32>
  return %word : vector<8xi32>
}

func.func @main() {
  // CHECK: 0
  %unlike = func.call @unlikeHalves() : () -> i64
  vector.print %unlike : i64

  // 1, -1, 65504, the last number below the tie at 65520, that tie, infinity, NaN, -0:
  // 0x3c00, 0xbc00, 0x7bff, 0x7bff, infinity 0x7c00, 0x7c00, 0x7e00, 0x8000.
  %a = arith.constant dense<[0x3f800000, 0xbf800000, 0x477fe000, 0x477fefff, 0x477ff000, 0x7f800000, 0x7fc00000, 0x80000000]> : vector<8xi32>
  %b = func.call @toF16(%a) : (vector<8xi32>) -> vector<8xi32>
  // CHECK-NEXT: ( 15360, 48128, 31743, 31743, 31744, 31744, 32256, 32768 )
  vector.print %b : vector<8xi32>

  // 1 + 2^-11 (a tie, to even 1), just above it, 1 + 3 * 2^-11 (a tie, up), the smallest
  // normal 2^-14, just below it, 2^-24, 2^-25 (a tie, to 0), just above it.
  %c = arith.constant dense<[0x3f801000, 0x3f801001, 0x3f803000, 0x38800000, 0x387fffff, 0x33800000, 0x33000000, 0x33000001]> : vector<8xi32>
  %d = func.call @toF16(%c) : (vector<8xi32>) -> vector<8xi32>
  // CHECK-NEXT: ( 15360, 15361, 15362, 1024, 1024, 1, 0, 1 )
  vector.print %d : vector<8xi32>

  // BF16: 1, 1 + 2^-8 (a tie, down), just above it, 1 + 3 * 2^-8 (a tie, up), infinity,
  // the largest F32 (to infinity), a denormal, which stays one, -0.
  %e = arith.constant dense<[0x3f800000, 0x3f808000, 0x3f808001, 0x3f818000, 0x7f800000, 0x7f7fffff, 0x00010000, 0x80000000]> : vector<8xi32>
  %f = func.call @toBf16(%e) : (vector<8xi32>) -> vector<8xi32>
  // CHECK-NEXT: ( 16256, 16256, 16257, 16258, 32640, 32640, 1, 32768 )
  vector.print %f : vector<8xi32>

  // NaN whose bits would round to infinity's or beyond: quiet ones.
  %g = arith.constant dense<[0x7f800001, 0x7fffffff, 0xffffffff, 0x7fc00000, 0xff800001, 0x3f800000, 0, 0]> : vector<8xi32>
  %h = func.call @toBf16(%g) : (vector<8xi32>) -> vector<8xi32>
  // CHECK-NEXT: ( 32704, 32767, 65535, 32704, 65472, 16256, 0, 0 )
  vector.print %h : vector<8xi32>
  return
}
