// RUN: cria-opt %s --llama-lower-to-kernels | FileCheck %s

// Caches of q8 are codes, and scales of 32 columns in state of their own. A block of 64
// positions of each lies beside those of the others: 8704 bytes, and then up to an odd number of
// 4096, the largest block of a head.
module attributes {kernel.target = "x86-64-v4", llama.model = #llama.model<name = "t", architecture = "llama",
    vocabulary = 40, width = 64, ffn = 64, layers = 1, heads = 1, kvHeads = 1, headSize = 64, contextSize = 30,
    chunk = 8, bosId = 1, addBos = true, eosIds = [2], parameters = 1, inputHash = "0">} {
  // CHECK: kernel.state @keys at 0 {kernel.positions = 64 : i64} : tensor<1x1x64x64xi8, #kernel.pitch<12288>>
  // CHECK: kernel.state @keys.scales at 4096 {kernel.positions = 64 : i64} : tensor<1x1x2x64xbf16, #kernel.pitch<6144>>
  // CHECK: kernel.state @values at 4352 {kernel.positions = 64 : i64} : tensor<1x1x64x64xi8, #kernel.pitch<12288>>
  // CHECK: kernel.state @values.scales at 8448 {kernel.positions = 64 : i64} : tensor<1x1x2x64xbf16, #kernel.pitch<6144>>
  llama.source @embed in "m" at 0 : tensor<40x64xf32>
  llama.cache @keys : tensor<38x1x64x!llama.q8>
  llama.cache @values : tensor<38x1x64x!llama.q8>

  // CHECK-LABEL: func.func @cria_forward_one
  // CHECK-DAG: %[[K0:.*]] = kernel.get @keys : tensor<1x1x64x64xi8, #kernel.pitch<12288>>
  // CHECK-DAG: %[[KS0:.*]] = kernel.get @keys.scales : tensor<1x1x2x64xbf16, #kernel.pitch<6144>>
  // CHECK: %[[K1:.*]], %[[KS1:.*]] = kernel.append keys %{{.*}} into %[[K0]], %[[KS0]]
  // CHECK: kernel.set @keys, %[[K1]]
  // CHECK: kernel.set @keys.scales, %[[KS1]]
  // CHECK-DAG: %[[V0:.*]] = kernel.get @values : tensor<1x1x64x64xi8, #kernel.pitch<12288>>
  // CHECK-DAG: %[[VS0:.*]] = kernel.get @values.scales : tensor<1x1x2x64xbf16, #kernel.pitch<6144>>
  // CHECK: %[[V1:.*]], %[[VS1:.*]] = kernel.append %{{.*}} into %[[V0]], %[[VS0]]
  // CHECK: kernel.set @values, %[[V1]]
  // CHECK: kernel.set @values.scales, %[[VS1]]
  // CHECK: kernel.attention %{{.*}}, %[[K1]], %[[V1]] {{.*}} scales %[[KS1]], %[[VS1]]
  func.func @forward_one(%tokens: tensor<1xi32>, %p: index) -> tensor<1x64xf32> {
    %e = llama.weight @embed : tensor<40x64xf32>
    %x = llama.embed %tokens, %e : (tensor<1xi32>, tensor<40x64xf32>) -> tensor<1x64xf32>
    %k0 = llama.cache_read @keys : tensor<38x1x64x!llama.q8>
    %k1 = llama.cache_update %k0, %x at %p : (tensor<38x1x64x!llama.q8>, tensor<1x64xf32>, index) -> tensor<38x1x64x!llama.q8>
    llama.cache_write @keys, %k1 : tensor<38x1x64x!llama.q8>
    %v0 = llama.cache_read @values : tensor<38x1x64x!llama.q8>
    %v1 = llama.cache_update %v0, %x at %p : (tensor<38x1x64x!llama.q8>, tensor<1x64xf32>, index) -> tensor<38x1x64x!llama.q8>
    llama.cache_write @values, %v1 : tensor<38x1x64x!llama.q8>
    %a = llama.attention %x, %k1, %v1 at %p scale 0.125
      : (tensor<1x64xf32>, tensor<38x1x64x!llama.q8>, tensor<38x1x64x!llama.q8>, index) -> tensor<1x64xf32>
    %y = llama.add %x, %a : tensor<1x64xf32>
    return %y : tensor<1x64xf32>
  }
  func.func @logits_one(%h: tensor<1x64xf32>) -> tensor<1x40xf32> {
    %e = llama.weight @embed : tensor<40x64xf32>
    %l = llama.linear %h, %e : (tensor<1x64xf32>, tensor<40x64xf32>) -> tensor<1x40xf32>
    return %l : tensor<1x40xf32>
  }
  func.func @forward_chunk(%tokens: tensor<8xi32>, %p: index) -> tensor<8x64xf32> {
    %e = llama.weight @embed : tensor<40x64xf32>
    %x = llama.embed %tokens, %e : (tensor<8xi32>, tensor<40x64xf32>) -> tensor<8x64xf32>
    return %x : tensor<8x64xf32>
  }
  func.func @logits_chunk(%h: tensor<8x64xf32>) -> tensor<8x40xf32> {
    %e = llama.weight @embed : tensor<40x64xf32>
    %l = llama.linear %h, %e : (tensor<8x64xf32>, tensor<40x64xf32>) -> tensor<8x40xf32>
    return %l : tensor<8x40xf32>
  }
}
