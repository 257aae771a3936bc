// RUN: cria-opt %s --pass-pipeline='builtin.module(func.func(cpu-expand-floats))' | FileCheck %s
// RUN: cria-opt %s --pass-pipeline='builtin.module(func.func(cpu-expand-floats{fma=true f16=true}))' | FileCheck %s --check-prefix=HAS

// CHECK-LABEL: func.func @products
// CHECK-SAME: (%[[A:.*]]: vector<4xf32>, %[[B:.*]]: vector<4xf32>, %[[X:.*]]: f32)
// CHECK: %[[P:.*]] = arith.mulf %[[A]], %[[B]] : vector<4xf32>
// CHECK: arith.addf %[[P]], %[[B]] : vector<4xf32>
// CHECK: %[[Q:.*]] = arith.mulf %[[X]], %[[X]] : f32
// CHECK: arith.addf %[[Q]], %[[X]] : f32
// HAS-LABEL: func.func @products
// HAS: vector.fma
// HAS: math.fma
func.func @products(%a: vector<4xf32>, %b: vector<4xf32>, %x: f32) -> (vector<4xf32>, f32) {
  %v = vector.fma %a, %b, %b : vector<4xf32>
  %s = math.fma %x, %x, %x : f32
  return %v, %s : vector<4xf32>, f32
}

// CHECK-LABEL: func.func @halves
// CHECK-NOT: arith.extf
// CHECK-NOT: arith.truncf
// HAS-LABEL: func.func @halves
// HAS: arith.extf
// HAS: arith.truncf
func.func @halves(%a: vector<4xf16>, %b: vector<4xf32>) -> (vector<4xf32>, vector<4xf16>) {
  %w = arith.extf %a : vector<4xf16> to vector<4xf32>
  %n = arith.truncf %b : vector<4xf32> to vector<4xf16>
  return %w, %n : vector<4xf32>, vector<4xf16>
}

// On every chip.
// HAS-LABEL: func.func @brains
// HAS-NOT: arith.truncf
func.func @brains(%a: vector<4xf32>) -> vector<4xbf16> {
  %n = arith.truncf %a : vector<4xf32> to vector<4xbf16>
  return %n : vector<4xbf16>
}
