// RUN: cria-opt %s --kernel-vectorize-quantize-rows | FileCheck %s

// Parts of 16: two are a group. Bits without their sign are compared as integers. A scale is a 127th of the largest
// magnitude, of which three significant bits are left, rounded up; a power of two and how often it has that are stored.
// CHECK-LABEL: func.func @parts
// CHECK: scf.for %[[T:[^ ]+]] =
// CHECK:   scf.for %[[G:[^ ]+]] =
// CHECK:     arith.muli %[[G]], %c2
// CHECK-COUNT-2: vector.transfer_read %arg0[%[[T]], {{.*}} : tensor<3x4x16xf32>, vector<16xf32>
// CHECK:     arith.andi {{.*}} : vector<32xi32>
// CHECK:     vector.reduction <maxsi>
// CHECK:     %[[FRACTION:.*]] = arith.divf {{.*}} : f32
// CHECK:     %[[ALL:.*]] = arith.bitcast %[[FRACTION]] : f32 to i32
// CHECK:     %[[FINITE:.*]] = arith.minui %[[ALL]], %c2139095040_i32
// CHECK:     %[[UP:.*]] = arith.addi %[[FINITE]], %c2097151_i32
// CHECK:     %[[SHORT:.*]] = arith.andi %[[UP]], %c-2097152_i32
// CHECK:     %[[E:.*]] = arith.andi %[[SHORT]], %c2139095040_i32
// CHECK:     %[[P:.*]] = arith.bitcast %[[E]] : i32 to f32
// CHECK:     %[[SCALE:.*]] = arith.bitcast %[[SHORT]] : i32 to f32
// CHECK:     %[[M:.*]] = arith.andi %[[SHORT]], %c8388607_i32
// CHECK:     %[[FROM4:.*]] = arith.ori %[[M]], %c1082130432_i32
// CHECK:     %[[UNIT:.*]] = arith.mulf %[[P]], %cst{{.*}} : f32
// CHECK:     %[[MULTIPLE:.*]] = arith.bitcast %[[FROM4]] : i32 to f32
// CHECK:     arith.divf %{{.*}}, %[[SCALE]] : f32
// CHECK:     math.roundeven
// CHECK:     arith.fptosi {{.*}} to vector<32xi32>
// CHECK:     vector.transfer_write {{.*}}[%[[T]], %[[G]], %{{.*}}] {{.*}} : vector<32xi8>, tensor<3x2x32xi8>
// CHECK:     %[[ORIGIN:.*]] = arith.mulf %[[UNIT]], %cst{{.*}} : f32
// CHECK:     %[[AT:.*]] = arith.muli %[[G]], %c2
// CHECK:     %[[NEXT:.*]] = arith.addi %[[AT]], %c1
// CHECK:     tensor.insert %[[ORIGIN]] into {{.*}}[%[[T]], %[[AT]]] : tensor<3x4xf32>
// CHECK:     tensor.insert %[[MULTIPLE]] into {{.*}}[%[[T]], %[[NEXT]]] : tensor<3x4xf32>
// CHECK:     %[[SUM:.*]] = vector.reduction <add>, %{{.*}} : vector<32xi32>
// CHECK:     %[[FLOAT:.*]] = arith.sitofp %[[SUM]] : i32 to f32
// CHECK:     %[[UNITS:.*]] = arith.mulf %[[FLOAT]], %[[UNIT]]
// CHECK:     %[[NUMBER:.*]] = arith.mulf %[[UNITS]], %[[MULTIPLE]]
// CHECK:     tensor.insert %[[NUMBER]] into {{.*}} : tensor<3x2xf32>
func.func @parts(%x: tensor<3x4x16xf32>, %q: tensor<3x2x32xi8>, %s: tensor<3x4xf32>, %n: tensor<3x2xf32>)
    -> (tensor<3x2x32xi8>, tensor<3x4xf32>, tensor<3x2xf32>) {
  %a, %b, %c = kernel.quantize_rows %x into %q, %s, %n
    : (tensor<3x4x16xf32>, tensor<3x2x32xi8>, tensor<3x4xf32>, tensor<3x2xf32>) -> (tensor<3x2x32xi8>, tensor<3x4xf32>, tensor<3x2xf32>)
  return %a, %b, %c : tensor<3x2x32xi8>, tensor<3x4xf32>, tensor<3x2xf32>
}

// The scale is the bits of the largest magnitude's exponent, and 2^(6 - e) is 2^133 over 2^(e + 127).
// CHECK-LABEL: func.func @microscaled
// CHECK: %[[E:.*]] = arith.andi %{{.*}}, %c2139095040_i32 : i32
// CHECK: %[[P:.*]] = arith.bitcast %[[E]] : i32 to f32
// CHECK: arith.subi %c-2113929216_i32, %[[E]] : i32
// CHECK: %[[S:.*]] = arith.mulf %[[P]], %cst{{.*}} : f32
// CHECK: math.roundeven
// CHECK: arith.minsi {{.*}} : vector<32xi32>
// CHECK: arith.maxsi {{.*}} : vector<32xi32>
// CHECK: %[[STORED:.*]] = arith.mulf %[[S]], %cst{{.*}} : f32
// CHECK: tensor.insert %[[STORED]] into
// CHECK: %[[SUM:.*]] = arith.sitofp %{{.*}} : i32 to f32
// CHECK: %[[NUMBER:.*]] = arith.mulf %[[SUM]], %[[S]] : f32
// CHECK: %[[PART:.*]] = arith.mulf %[[NUMBER]], %cst{{.*}} : f32
// CHECK: arith.addf %[[PART]], %[[STORED]] : f32
func.func @microscaled(%x: tensor<1x1x64xf32>, %q: tensor<1x2x32xi8>, %s: tensor<1x2xf32>, %n: tensor<1x2xf32>)
    -> (tensor<1x2x32xi8>, tensor<1x2xf32>, tensor<1x2xf32>) {
  %a, %b, %c = kernel.quantize_rows %x microscaled offset 8 into %q, %s, %n
    : (tensor<1x1x64xf32>, tensor<1x2x32xi8>, tensor<1x2xf32>, tensor<1x2xf32>) -> (tensor<1x2x32xi8>, tensor<1x2xf32>, tensor<1x2xf32>)
  return %a, %b, %c : tensor<1x2x32xi8>, tensor<1x2xf32>, tensor<1x2xf32>
}

// One part is the row; sums are of 16 codes, times the offset and the unit, from where products count.
// CHECK-LABEL: func.func @halves
// CHECK: vector.transfer_read {{.*}} : tensor<1x1x64xf32>, vector<32xf32>
// CHECK: %[[UNIT:.*]] = arith.mulf %{{.*}}, %cst{{.*}} : f32
// CHECK: %[[ORIGIN:.*]] = arith.mulf %[[UNIT]], %cst{{.*}} : f32
// CHECK: %[[SUM:.*]] = vector.reduction <add>, %{{.*}} : vector<16xi32>
// CHECK: %[[FLOAT:.*]] = arith.sitofp %[[SUM]] : i32 to f32
// CHECK: %[[UNITS:.*]] = arith.mulf %[[FLOAT]], %[[UNIT]]
// CHECK: %[[PART:.*]] = arith.mulf %[[UNITS]], %cst{{.*}} : f32
// CHECK: %[[FROM:.*]] = arith.addf %[[PART]], %[[ORIGIN]] : f32
// CHECK: tensor.insert %[[FROM]] into
// CHECK: vector.reduction <add>, %{{.*}} : vector<16xi32>
func.func @halves(%x: tensor<1x1x64xf32>, %q: tensor<1x2x32xi8>, %s: tensor<1x4xf32>, %n: tensor<1x4xf32>)
    -> (tensor<1x2x32xi8>, tensor<1x4xf32>, tensor<1x4xf32>) {
  %a, %b, %c = kernel.quantize_rows %x offset 32 into %q, %s, %n
    : (tensor<1x1x64xf32>, tensor<1x2x32xi8>, tensor<1x4xf32>, tensor<1x4xf32>) -> (tensor<1x2x32xi8>, tensor<1x4xf32>, tensor<1x4xf32>)
  return %a, %b, %c : tensor<1x2x32xi8>, tensor<1x4xf32>, tensor<1x4xf32>
}
