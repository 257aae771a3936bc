// RUN: cria-opt %s --kernel-vectorize-append -split-input-file -verify-diagnostics | FileCheck %s
// RUN: not cria-opt %s --kernel-vectorize-append -split-input-file 2>/dev/null | FileCheck %s --check-prefix=FAILED --allow-empty

// What fails is not printed.
// FAILED-NOT: func.func @two_heads

// A row of values is one vector.
// CHECK-LABEL: func.func @values
// CHECK: scf.for %[[T:.*]] = %{{.*}} to %{{.*}} step %{{.*}} iter_args(%[[C:.*]] = %{{.*}})
// CHECK:   %[[PLACE:.*]] = arith.addi %{{.*}}, %[[T]]
// CHECK:   %[[BLOCK:.*]] = arith.divui %[[PLACE]]
// CHECK:   %[[LANE:.*]] = arith.remui %[[PLACE]]
// CHECK:   %[[ROW:.*]] = vector.transfer_read %{{.*}}[%[[T]], {{.*}} : tensor<3x1x8xf32>, vector<8xf32>
// CHECK:   vector.transfer_write %[[ROW]], %[[C]][%[[BLOCK]], %{{.*}}, %[[LANE]], %{{.*}}]
func.func @values(%r: tensor<3x1x8xf32>, %p: index, %c: tensor<3x1x4x8xf32>) -> tensor<3x1x4x8xf32> {
  %a = kernel.append %r at %p into %c : (tensor<3x1x8xf32>, index, tensor<3x1x4x8xf32>) -> tensor<3x1x4x8xf32>
  return %a : tensor<3x1x4x8xf32>
}

// A row of keys goes into the lane of its position.
// CHECK-LABEL: func.func @keys
// CHECK: %[[PLACE:.*]] = arith.addi
// CHECK: %[[L:.*]] = arith.constant 4 : index
// CHECK: %[[BLOCK:.*]] = arith.divui %[[PLACE]], %[[L]]
// CHECK: %[[LANE:.*]] = arith.remui %[[PLACE]], %[[L]]
// CHECK: scf.for %[[D:[^ ]*]] =
// CHECK:   tensor.insert %{{.*}} into %{{.*}}[%[[BLOCK]], %{{.*}}, %[[D]], %[[LANE]]]
func.func @keys(%r: tensor<3x1x8xf32>, %p: index, %c: tensor<3x1x8x4xf32>) -> tensor<3x1x8x4xf32> {
  %a = kernel.append keys %r at %p into %c : (tensor<3x1x8xf32>, index, tensor<3x1x8x4xf32>) -> tensor<3x1x8x4xf32>
  return %a : tensor<3x1x8x4xf32>
}

// Rotated, a pair at a time, and rounded to what the cache holds.
// CHECK-LABEL: func.func @rotated
// CHECK-SAME: %[[R:[^:]*]]: tensor<3x1x8xf32>, %[[P:[^:]*]]: index, %[[C:[^:]*]]: tensor<3x1x8x4xf16>, %[[TABLE:[^:]*]]: tensor<9x2x4xf32>
// CHECK: %[[PLACE:.*]] = arith.addi %[[P]]
// CHECK: scf.for %[[D:[^ ]*]] =
// CHECK:   %[[OTHER:.*]] = arith.addi %[[D]], %{{.*}}
// CHECK:   tensor.extract %[[R]][%{{.*}}, %{{.*}}, %[[D]]]
// CHECK:   tensor.extract %[[R]][%{{.*}}, %{{.*}}, %[[OTHER]]]
// CHECK:   tensor.extract %[[TABLE]][%[[PLACE]], %{{.*}}, %[[D]]]
// CHECK:   tensor.extract %[[TABLE]][%[[PLACE]], %{{.*}}, %[[D]]]
// CHECK:   %[[LOW:.*]] = arith.subf
// CHECK:   %[[HIGH:.*]] = arith.addf
// CHECK:   arith.truncf %[[LOW]] : f32 to f16
// CHECK:   tensor.insert {{.*}}, %[[D]], %{{.*}}] : tensor<3x1x8x4xf16>
// CHECK:   arith.truncf %[[HIGH]] : f32 to f16
// CHECK:   tensor.insert {{.*}}, %[[OTHER]], %{{.*}}] : tensor<3x1x8x4xf16>
func.func @rotated(%r: tensor<3x1x8xf32>, %p: index, %c: tensor<3x1x8x4xf16>, %t: tensor<9x2x4xf32>) -> tensor<3x1x8x4xf16> {
  %a = kernel.append keys %r at %p into %c rotated %t
    : (tensor<3x1x8xf32>, index, tensor<3x1x8x4xf16>, tensor<9x2x4xf32>) -> tensor<3x1x8x4xf16>
  return %a : tensor<3x1x8x4xf16>
}

// 32 values become codes and a scale: the largest magnitude over 127, at BF16, whose
// multiples they are rounded to.
// CHECK-LABEL: func.func @coded_values
// CHECK-SAME: %[[R:[^:]*]]: tensor<3x1x64xf32>, %[[P:[^:]*]]: index, %[[C:[^:]*]]: tensor<3x1x4x64xi8>, %[[S:[^:]*]]: tensor<3x1x2x4xbf16>
// CHECK: %[[PLACE:.*]] = arith.addi %[[P]]
// CHECK: %[[BLOCK:.*]] = arith.divui %[[PLACE]]
// CHECK: %[[LANE:.*]] = arith.remui %[[PLACE]]
// CHECK: scf.for %[[G:[^ ]*]] =
// CHECK:   %[[X:.*]] = vector.transfer_read %[[R]]{{.*}} : tensor<3x1x64xf32>, vector<32xf32>
// CHECK:   vector.reduction <maxsi>
// CHECK:   %[[M:.*]] = arith.divf %{{.*}} : f32
// CHECK:   %[[SCALE:.*]] = arith.truncf %[[M]] : f32 to bf16
// CHECK:   %[[WIDE:.*]] = arith.extf %[[SCALE]] : bf16 to f32
// CHECK:   %[[D:.*]] = vector.broadcast %[[WIDE]]
// CHECK:   arith.divf %[[X]], %[[D]] : vector<32xf32>
// CHECK:   math.roundeven
// CHECK:   %[[CODES:.*]] = arith.trunci {{.*}} : vector<32xi32> to vector<32xi8>
// CHECK:   tensor.insert %[[SCALE]] into %{{.*}}[%[[BLOCK]], %{{.*}}, %[[G]], %[[LANE]]] : tensor<3x1x2x4xbf16>
// CHECK:   vector.transfer_write %[[CODES]], %{{.*}}[%[[BLOCK]], %{{.*}}, %[[LANE]], %{{.*}}] {{.*}} : vector<32xi8>, tensor<3x1x4x64xi8>
func.func @coded_values(%r: tensor<3x1x64xf32>, %p: index, %c: tensor<3x1x4x64xi8>, %s: tensor<3x1x2x4xbf16>) -> (tensor<3x1x4x64xi8>, tensor<3x1x2x4xbf16>) {
  %a, %b = kernel.append %r at %p into %c, %s
    : (tensor<3x1x64xf32>, index, tensor<3x1x4x64xi8>, tensor<3x1x2x4xbf16>) -> (tensor<3x1x4x64xi8>, tensor<3x1x2x4xbf16>)
  return %a, %b : tensor<3x1x4x64xi8>, tensor<3x1x2x4xbf16>
}

// A row whose last group is short is filled up with zeros in scratch; of that group's codes those of
// the row are stored.
// CHECK-LABEL: func.func @coded_short
// CHECK-SAME: %[[R:[^:]*]]: tensor<3x1x40xf32>
// CHECK: %[[ROW:.*]] = tensor.empty() {kernel.buffer = 0 : i64} : tensor<64xf32>
// CHECK: %[[ZEROS:.*]] = arith.constant dense<0.000000e+00> : vector<32xf32>
// CHECK: %[[FULL:.*]] = vector.transfer_write %[[ZEROS]], %[[ROW]][%c32{{.*}}] {{.*}} : vector<32xf32>, tensor<64xf32>
// CHECK: scf.for {{.*}} iter_args(%{{.*}}, %{{.*}}, %{{.*}} = %[[FULL]], %{{.*}})
// CHECK:   %[[COPY:.*]] = vector.transfer_read %[[R]]{{.*}} : tensor<3x1x40xf32>, vector<40xf32>
// CHECK:   vector.transfer_write %[[COPY]], {{.*}} : vector<40xf32>, tensor<64xf32>
// CHECK:   scf.for
// CHECK:     vector.transfer_write {{.*}} : vector<32xi8>, tensor<3x1x4x40xi8>
// CHECK:   vector.transfer_read {{.*}} : tensor<64xf32>, vector<32xf32>
// CHECK:   %[[CODES:.*]] = arith.trunci {{.*}} : vector<32xi32> to vector<32xi8>
// CHECK:   %[[PART:.*]] = vector.extract_strided_slice %[[CODES]] {offsets = [0], sizes = [8], strides = [1]}
// CHECK:   vector.transfer_write %[[PART]], {{.*}} : vector<8xi8>, tensor<3x1x4x40xi8>
func.func @coded_short(%r: tensor<3x1x40xf32>, %p: index, %c: tensor<3x1x4x40xi8>, %s: tensor<3x1x2x4xbf16>) -> (tensor<3x1x4x40xi8>, tensor<3x1x2x4xbf16>) {
  %a, %b = kernel.append %r at %p into %c, %s
    : (tensor<3x1x40xf32>, index, tensor<3x1x4x40xi8>, tensor<3x1x2x4xbf16>) -> (tensor<3x1x4x40xi8>, tensor<3x1x2x4xbf16>)
  return %a, %b : tensor<3x1x4x40xi8>, tensor<3x1x2x4xbf16>
}

// Keys are rotated first, a row in scratch; codes go into the lane of their position.
// CHECK-LABEL: func.func @coded_keys
// CHECK: %[[ROW:.*]] = tensor.empty() {kernel.buffer = 0 : i64} : tensor<64xf32>
// CHECK: scf.for
// CHECK: arith.subf
// CHECK: vector.transfer_write {{.*}} : vector<16xf32>, tensor<64xf32>
// CHECK: scf.for %[[G:[^ ]*]] =
// CHECK:   vector.transfer_read {{.*}} : tensor<64xf32>, vector<32xf32>
// CHECK:   vector.transfer_write {{.*}} : vector<32xi8>, tensor<32xi8>
// CHECK:   scf.for
// CHECK:     %[[CODE:.*]] = tensor.extract {{.*}} : tensor<32xi8>
// CHECK:     tensor.insert %[[CODE]] into {{.*}} : tensor<3x1x64x4xi8>
func.func @coded_keys(%r: tensor<3x1x64xf32>, %p: index, %c: tensor<3x1x64x4xi8>, %s: tensor<3x1x2x4xbf16>, %t: tensor<9x2x32xf32>) -> (tensor<3x1x64x4xi8>, tensor<3x1x2x4xbf16>) {
  %a, %b = kernel.append keys %r at %p into %c, %s rotated %t
    : (tensor<3x1x64xf32>, index, tensor<3x1x64x4xi8>, tensor<3x1x2x4xbf16>, tensor<9x2x32xf32>) -> (tensor<3x1x64x4xi8>, tensor<3x1x2x4xbf16>)
  return %a, %b : tensor<3x1x64x4xi8>, tensor<3x1x2x4xbf16>
}

// -----

func.func @two_heads(%r: tensor<3x2x8xf32>, %p: index, %c: tensor<3x2x4x8xf32>) -> tensor<3x2x4x8xf32> {
  // expected-error @+1 {{expects a tile of one head to be vectorized, but got 'tensor<3x2x8xf32>'}}
  %a = kernel.append %r at %p into %c : (tensor<3x2x8xf32>, index, tensor<3x2x4x8xf32>) -> tensor<3x2x4x8xf32>
  return %a : tensor<3x2x4x8xf32>
}
