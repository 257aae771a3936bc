// RUN: cria-opt %s -split-input-file -verify-diagnostics

// kernel.quantize_rows (C1): parts of 24 do not make groups of 32
func.func @f(%x: tensor<1x4x24xf32>, %q: tensor<1x3x32xi8>, %s: tensor<1x6xf32>, %n: tensor<1x3xf32>) {
  // expected-error @+1 {{'kernel.quantize_rows' op expects rows of whole groups of 32 and codes [T, G, 32], but got 'tensor<1x4x24xf32>'}}
  %a, %b, %c = kernel.quantize_rows %x into %q, %s, %n
    : (tensor<1x4x24xf32>, tensor<1x3x32xi8>, tensor<1x6xf32>, tensor<1x3xf32>) -> (tensor<1x3x32xi8>, tensor<1x6xf32>, tensor<1x3xf32>)
  return
}

// -----

// kernel.quantize_rows (C1): four parts of 16 are two groups
func.func @f(%x: tensor<1x4x16xf32>, %q: tensor<1x3x32xi8>, %s: tensor<1x6xf32>, %n: tensor<1x3xf32>) {
  // expected-error @+1 {{'kernel.quantize_rows' op expects rows of whole groups of 32 and codes [T, G, 32]}}
  %a, %b, %c = kernel.quantize_rows %x into %q, %s, %n
    : (tensor<1x4x16xf32>, tensor<1x3x32xi8>, tensor<1x6xf32>, tensor<1x3xf32>) -> (tensor<1x3x32xi8>, tensor<1x6xf32>, tensor<1x3xf32>)
  return
}

// -----

// kernel.quantize_rows (C2): three sums to two groups
func.func @f(%x: tensor<1x4x16xf32>, %q: tensor<1x2x32xi8>, %s: tensor<1x4xf32>, %n: tensor<1x3xf32>) {
  // expected-error @+1 {{'kernel.quantize_rows' op expects rows [T, P, R], codes [T, G, 32], scales [T, 2 G], sums [T, G] or [T, 2 G]}}
  %a, %b, %c = kernel.quantize_rows %x into %q, %s, %n
    : (tensor<1x4x16xf32>, tensor<1x2x32xi8>, tensor<1x4xf32>, tensor<1x3xf32>) -> (tensor<1x2x32xi8>, tensor<1x4xf32>, tensor<1x3xf32>)
  return
}

// -----

// kernel.quantize_rows (C2): microscaled rows have one number to a scale
func.func @f(%x: tensor<1x4x16xf32>, %q: tensor<1x2x32xi8>, %s: tensor<1x4xf32>, %n: tensor<1x2xf32>) {
  // expected-error @+1 {{'kernel.quantize_rows' op expects rows [T, P, R], codes [T, G, 32], scales [T, G], sums [T, G] or [T, 2 G]}}
  %a, %b, %c = kernel.quantize_rows %x microscaled into %q, %s, %n
    : (tensor<1x4x16xf32>, tensor<1x2x32xi8>, tensor<1x4xf32>, tensor<1x2xf32>) -> (tensor<1x2x32xi8>, tensor<1x4xf32>, tensor<1x2xf32>)
  return
}

// -----

// kernel.quantize_rows (C3): no byte is 129 too large
func.func @f(%x: tensor<1x4x16xf32>, %q: tensor<1x2x32xi8>, %s: tensor<1x4xf32>, %n: tensor<1x2xf32>) {
  // expected-error @+1 {{'kernel.quantize_rows' op expects an offset from 0 to 128, but got 129}}
  %a, %b, %c = kernel.quantize_rows %x offset 129 into %q, %s, %n
    : (tensor<1x4x16xf32>, tensor<1x2x32xi8>, tensor<1x4xf32>, tensor<1x2xf32>) -> (tensor<1x2x32xi8>, tensor<1x4xf32>, tensor<1x2xf32>)
  return
}

// -----

// kernel.quantize_rows (C1): parts of nothing
func.func @f(%x: tensor<1x4x0xf32>, %q: tensor<1x0x32xi8>, %s: tensor<1x0xf32>, %n: tensor<1x0xf32>) {
  // expected-error @+1 {{'kernel.quantize_rows' op expects rows of whole groups of 32 and codes [T, G, 32], but got 'tensor<1x4x0xf32>'}}
  %a, %b, %c = kernel.quantize_rows %x into %q, %s, %n
    : (tensor<1x4x0xf32>, tensor<1x0x32xi8>, tensor<1x0xf32>, tensor<1x0xf32>) -> (tensor<1x0x32xi8>, tensor<1x0xf32>, tensor<1x0xf32>)
  return
}
