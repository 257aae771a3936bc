// RUN: cria-opt %s | cria-opt | FileCheck %s

// CHECK-LABEL: kernel.constant @w at 64 : tensor<2x8x4xf16>
// CHECK:         llama.pack
// CHECK:         kernel.yield
llama.source @w.source in "model.safetensors" at 0 : tensor<8x8xf16>
kernel.constant @w at 64 : tensor<2x8x4xf16> {
  %w = llama.weight @w.source : tensor<8x8xf16>
  %p = llama.pack %w rows 4 : tensor<8x8xf16> -> tensor<2x8x4xf16>
  kernel.yield %p : tensor<2x8x4xf16>
}

// CHECK: kernel.state @keys at 0 : tensor<3x2x8x4xf32, #kernel.pitch<100>>
kernel.state @keys at 0 : tensor<3x2x8x4xf32, #kernel.pitch<100>>

// CHECK-LABEL: func.func @storage
func.func @storage() {
  // CHECK: kernel.get @w : tensor<2x8x4xf16>
  %w = kernel.get @w : tensor<2x8x4xf16>
  // CHECK: %[[K:.*]] = kernel.get @keys : tensor<3x2x8x4xf32, #kernel.pitch<100>>
  %k = kernel.get @keys : tensor<3x2x8x4xf32, #kernel.pitch<100>>
  // CHECK: kernel.set @keys, %[[K]] : tensor<3x2x8x4xf32, #kernel.pitch<100>>
  kernel.set @keys, %k : tensor<3x2x8x4xf32, #kernel.pitch<100>>
  return
}

// CHECK-LABEL: func.func @attention
func.func @attention(%q: tensor<1x4x8xf32>, %k: tensor<3x2x8x4xf32>, %v: tensor<3x2x4x8xf32>, %p: index,
                     %o: tensor<1x4x8xf32>) -> tensor<1x4x8xf32> {
  // CHECK: kernel.attention %{{.*}}, %{{.*}}, %{{.*}} at %{{.*}} scale 1.250000e-01 window 7 into %{{.*}} :
  %a = kernel.attention %q, %k, %v at %p scale 0.125 window 7 into %o
    : (tensor<1x4x8xf32>, tensor<3x2x8x4xf32>, tensor<3x2x4x8xf32>, index, tensor<1x4x8xf32>) -> tensor<1x4x8xf32>
  return %a : tensor<1x4x8xf32>
}

// CHECK-LABEL: func.func @coded
func.func @coded(%q: tensor<1x4x64xf32>, %r: tensor<1x2x64xf32>, %k: tensor<3x2x64x4xi8>, %v: tensor<3x2x4x64xi8>,
                 %ks: tensor<3x2x2x4xbf16>, %vs: tensor<3x2x2x4xbf16>, %p: index, %t: tensor<9x2x32xf32>) -> tensor<1x4x64xf32> {
  // CHECK: %{{.*}}, %{{.*}} = kernel.append keys %{{.*}} at %{{.*}} into %{{.*}}, %{{.*}} rotated %{{.*}} : {{.*}} -> (tensor<3x2x64x4xi8>, tensor<3x2x2x4xbf16>)
  %k1, %ks1 = kernel.append keys %r at %p into %k, %ks rotated %t
    : (tensor<1x2x64xf32>, index, tensor<3x2x64x4xi8>, tensor<3x2x2x4xbf16>, tensor<9x2x32xf32>) -> (tensor<3x2x64x4xi8>, tensor<3x2x2x4xbf16>)
  // CHECK: %{{.*}}, %{{.*}} = kernel.append %{{.*}} at %{{.*}} into %{{.*}}, %{{.*}} : {{.*}} -> (tensor<3x2x4x64xi8>, tensor<3x2x2x4xbf16>)
  %v1, %vs1 = kernel.append %r at %p into %v, %vs
    : (tensor<1x2x64xf32>, index, tensor<3x2x4x64xi8>, tensor<3x2x2x4xbf16>) -> (tensor<3x2x4x64xi8>, tensor<3x2x2x4xbf16>)
  // CHECK: kernel.attention {{.*}} into %{{.*}} rotated %{{.*}} scales %{{.*}}, %{{.*}} :
  %a = kernel.attention %q, %k1, %v1 at %p scale 0.125 into %q rotated %t scales %ks1, %vs1
    : (tensor<1x4x64xf32>, tensor<3x2x64x4xi8>, tensor<3x2x4x64xi8>, index, tensor<1x4x64xf32>, tensor<9x2x32xf32>, tensor<3x2x2x4xbf16>, tensor<3x2x2x4xbf16>) -> tensor<1x4x64xf32>
  return %a : tensor<1x4x64xf32>
}

// CHECK-LABEL: func.func @parts
func.func @parts(%q: tensor<1x4x8xf32>, %k: tensor<3x2x8x4xf32>, %v: tensor<3x2x4x8xf32>, %p: index, %i: index,
                 %o: tensor<3x4x16xf32>) -> tensor<1x4x8xf32> {
  // CHECK: %[[A:.*]] = kernel.attention %{{.*}} scale 1.250000e-01 window 7 part %{{.*}} of 6 into %{{.*}} :
  %a = kernel.attention %q, %k, %v at %p scale 0.125 window 7 part %i of 6 into %o
    : (tensor<1x4x8xf32>, tensor<3x2x8x4xf32>, tensor<3x2x4x8xf32>, index, tensor<3x4x16xf32>, index) -> tensor<3x4x16xf32>
  // CHECK: kernel.merge_parts %[[A]] at %{{.*}} window 7 into %{{.*}} : (tensor<3x4x16xf32>, index, tensor<1x4x8xf32>) -> tensor<1x4x8xf32>
  %b = kernel.merge_parts %a at %p window 7 into %q : (tensor<3x4x16xf32>, index, tensor<1x4x8xf32>) -> tensor<1x4x8xf32>
  return %b : tensor<1x4x8xf32>
}

// CHECK-LABEL: func.func @append
func.func @append(%r: tensor<1x2x8xf32>, %p: index, %k: tensor<3x2x8x4xf32>) -> tensor<3x2x8x4xf32> {
  // CHECK: kernel.append keys %{{.*}} at %{{.*}} into %{{.*}} :
  %a = kernel.append keys %r at %p into %k
    : (tensor<1x2x8xf32>, index, tensor<3x2x8x4xf32>) -> tensor<3x2x8x4xf32>
  return %a : tensor<3x2x8x4xf32>
}

// CHECK-LABEL: func.func @rotated
func.func @rotated(%q: tensor<1x4x8xf32>, %r: tensor<1x2x8xf32>, %k: tensor<3x2x8x4xf16>, %v: tensor<3x2x4x8xf16>,
                   %p: index, %t: tensor<9x2x4xf32>) -> tensor<1x4x8xf32> {
  // CHECK: kernel.append keys %{{.*}} at %{{.*}} into %{{.*}} rotated %{{.*}} : {{.*}} -> tensor<3x2x8x4xf16>
  %k1 = kernel.append keys %r at %p into %k rotated %t
    : (tensor<1x2x8xf32>, index, tensor<3x2x8x4xf16>, tensor<9x2x4xf32>) -> tensor<3x2x8x4xf16>
  // CHECK: kernel.attention %{{.*}}, %{{.*}}, %{{.*}} at %{{.*}} scale 1.250000e-01 into %{{.*}} rotated %{{.*}} :
  %a = kernel.attention %q, %k1, %v at %p scale 0.125 into %q rotated %t
    : (tensor<1x4x8xf32>, tensor<3x2x8x4xf16>, tensor<3x2x4x8xf16>, index, tensor<1x4x8xf32>, tensor<9x2x4xf32>) -> tensor<1x4x8xf32>
  return %a : tensor<1x4x8xf32>
}

// CHECK-LABEL: func.func @rows
func.func @rows() attributes {kernel.chunk = 4 : i64} {
  // CHECK: kernel.live_rows
  %r = kernel.live_rows
  // CHECK: mapping = [#kernel.rows<0>]
  scf.forall (%t) in (4) {
  } {mapping = [#kernel.rows<0>]}
  return
}
