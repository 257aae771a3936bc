// RUN: cria-opt %s -split-input-file -verify-diagnostics

// kernel.block_gather (C1): blocks of q8 are longer
func.func @f(%i: tensor<2xi32>, %w: tensor<3x2x288xi8>, %o: tensor<2x64xf32>) {
  // expected-error @+1 {{'kernel.block_gather' op expects blocks of 1 to 64 rows in format q8, but got 'tensor<3x2x288xi8>' and 16 rows}}
  %y = kernel.block_gather %i of %w rows 16 format q8 into %o
    : (tensor<2xi32>, tensor<3x2x288xi8>, tensor<2x64xf32>) -> tensor<2x64xf32>
  return
}

// -----

// kernel.block_gather (C1): no rows
func.func @f(%i: tensor<2xi32>, %w: tensor<3x2x0xi8>, %o: tensor<2x64xf32>) {
  // expected-error @+1 {{'kernel.block_gather' op expects blocks of 1 to 64 rows in format q4}}
  %y = kernel.block_gather %i of %w rows 0 format q4 into %o
    : (tensor<2xi32>, tensor<3x2x0xi8>, tensor<2x64xf32>) -> tensor<2x64xf32>
  return
}

// -----

// kernel.block_gather (C2): three blocks of columns, two in the panels
func.func @f(%i: tensor<2xi32>, %w: tensor<3x2x288xi8>, %o: tensor<2x65xf32>) {
  // expected-error @+1 {{'kernel.block_gather' op expects indices [T], panels [P, K / 32 rounded up, B] and destination and result [T, K], but got}}
  %y = kernel.block_gather %i of %w rows 16 format q4 into %o
    : (tensor<2xi32>, tensor<3x2x288xi8>, tensor<2x65xf32>) -> tensor<2x65xf32>
  return
}

// -----

// kernel.block_gather (C2): two indices, one row
func.func @f(%i: tensor<2xi32>, %w: tensor<3x2x288xi8>, %o: tensor<1x64xf32>) {
  // expected-error @+1 {{'kernel.block_gather' op expects indices [T]}}
  %y = kernel.block_gather %i of %w rows 16 format q4 into %o
    : (tensor<2xi32>, tensor<3x2x288xi8>, tensor<1x64xf32>) -> tensor<1x64xf32>
  return
}

// -----

// kernel.block_gather (C3): two rows share the bytes of factors of 6 bits
func.func @f(%i: tensor<2xi32>, %w: tensor<3x1x?xi8>, %o: tensor<2x256xf32>) {
  // expected-error @+1 {{'kernel.block_gather' op expects an even number of rows, two of which share bytes in q3_k, but got 15}}
  %y = kernel.block_gather %i of %w rows 15 format q3_k into %o
    : (tensor<2xi32>, tensor<3x1x?xi8>, tensor<2x256xf32>) -> tensor<2x256xf32>
  return
}
