// RUN: cria-opt %s -split-input-file -verify-diagnostics

// (C1): 32 columns are 8 fours, not 9
func.func @f(%x: memref<16x32xi8>, %w: memref<1x9x64xi8>, %y: memref<16x1x16xi32>) {
  // expected-error @+1 {{'kernel.tile_matmul' op expects rows [m, K], panels [P, K / 4, 4 R] and destination [m, P, R] with K no more than, or a multiple of, 64, but got 'memref<16x32xi8>', 'memref<1x9x64xi8>' and 'memref<16x1x16xi32>'}}
  kernel.tile_matmul %x, %w into %y : memref<16x32xi8>, memref<1x9x64xi8>, memref<16x1x16xi32>
  return
}

// -----

// (C1): 48 columns of BF16 are one tile and a half
func.func @f(%x: memref<16x48xbf16>, %w: memref<1x24x32xbf16>, %y: memref<16x1x16xf32>) {
  // expected-error @+1 {{expects rows [m, K], panels [P, K / 2, 2 R] and destination [m, P, R] with K no more than, or a multiple of, 32}}
  kernel.tile_matmul %x, %w into %y : memref<16x48xbf16>, memref<1x24x32xbf16>, memref<16x1x16xf32>
  return
}

// -----

// (C1): rows of one type, panels of another
func.func @f(%x: memref<16x32xbf16>, %w: memref<1x16x32xi8>, %y: memref<16x1x16xf32>) {
  // expected-error @+1 {{expects rows [m, K], panels [P, K / 2, 2 R] and destination [m, P, R]}}
  kernel.tile_matmul %x, %w into %y : memref<16x32xbf16>, memref<1x16x32xi8>, memref<16x1x16xf32>
  return
}

// -----

// (C2)
func.func @f(%x: memref<16x32xbf16>, %w: memref<1x16x32xbf16>, %y: memref<16x1x16xi32>) {
  // expected-error @+1 {{expects sums of f32 for 'memref<16x32xbf16>', but got 'memref<16x1x16xi32>'}}
  kernel.tile_matmul %x, %w into %y : memref<16x32xbf16>, memref<1x16x32xbf16>, memref<16x1x16xi32>
  return
}

// -----

// A tensor's new value has to go somewhere.
func.func @f(%x: tensor<16x32xbf16>, %w: tensor<1x16x32xbf16>, %y: tensor<16x1x16xf32>) {
  // expected-error @+1 {{op expected the number of tensor results (0) to be equal to the number of output tensors (1)}}
  kernel.tile_matmul %x, %w into %y : tensor<16x32xbf16>, tensor<1x16x32xbf16>, tensor<16x1x16xf32>
  return
}

// -----

// kernel.tile_matmul (C1): no columns
func.func @f(%x: memref<16x0xbf16>, %w: memref<1x0x32xbf16>, %y: memref<16x1x16xf32>) {
  // expected-error @+1 {{expects rows [m, K], panels [P, K / 2, 2 R] and destination [m, P, R]}}
  kernel.tile_matmul %x, %w into %y : memref<16x0xbf16>, memref<1x0x32xbf16>, memref<16x1x16xf32>
  return
}

// -----

// kernel.tile_matmul (C3): rows at a distance that is not known
func.func @f(%x: memref<16x64xbf16, strided<[?, 1], offset: ?>>, %w: memref<1x32x32xbf16>, %y: memref<16x1x16xf32>) {
  // expected-error @+1 {{'kernel.tile_matmul' op expects static strides, the innermost 1, but got 'memref<16x64xbf16, strided<[?, 1], offset: ?>>'}}
  kernel.tile_matmul %x, %w into %y : memref<16x64xbf16, strided<[?, 1], offset: ?>>, memref<1x32x32xbf16>, memref<16x1x16xf32>
  return
}

// -----

// kernel.tile_matmul (C3): elements that are not beside each other
func.func @f(%x: memref<16x32xi8>, %w: memref<1x8x64xi8>, %y: memref<16x1x16xi32, strided<[32, 32, 2]>>) {
  // expected-error @+1 {{'kernel.tile_matmul' op expects static strides, the innermost 1, but got 'memref<16x1x16xi32, strided<[32, 32, 2]>>'}}
  kernel.tile_matmul %x, %w into %y : memref<16x32xi8>, memref<1x8x64xi8>, memref<16x1x16xi32, strided<[32, 32, 2]>>
  return
}
