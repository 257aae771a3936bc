// RUN: cria-opt %s | cria-opt | FileCheck %s

// CHECK-LABEL: func.func @tensors
// CHECK: kernel.tile_matmul %{{.*}}, %{{.*}} into %{{.*}} accumulate : tensor<32x64xbf16>, tensor<2x32x32xbf16>, tensor<32x2x16xf32> -> tensor<32x2x16xf32>
func.func @tensors(%x: tensor<32x64xbf16>, %w: tensor<2x32x32xbf16>, %y: tensor<32x2x16xf32>) -> tensor<32x2x16xf32> {
  %r = kernel.tile_matmul %x, %w into %y accumulate
    : tensor<32x64xbf16>, tensor<2x32x32xbf16>, tensor<32x2x16xf32> -> tensor<32x2x16xf32>
  return %r : tensor<32x2x16xf32>
}

// CHECK-LABEL: func.func @memrefs
// CHECK: kernel.tile_matmul %{{.*}}, %{{.*}} into %{{.*}} : memref<16x32xi8>, memref<1x8x64xi8>, memref<16x1x16xi32>{{$}}
func.func @memrefs(%x: memref<16x32xi8>, %w: memref<1x8x64xi8>, %y: memref<16x1x16xi32>) {
  kernel.tile_matmul %x, %w into %y : memref<16x32xi8>, memref<1x8x64xi8>, memref<16x1x16xi32>
  return
}
