// Products of one input are one, if their matrices are stored alike in whole panels: here those
// of queries and keys, 32 and 16 rows. The values' has a bias, so it stays alone; gate and up are
// one with the SiLU instead.
//
// RUN: cria-opt %s --llama-lower-to-kernels | FileCheck %s
// RUN: sed 's/%k format q4/%k format q6/' %s | cria-opt --llama-lower-to-kernels | FileCheck %s --check-prefix=APART

// Neither do codes of two formats meet in one.
// APART-NOT: llama.concat_rows

module attributes {kernel.target = "x86-64-v4", llama.model = #llama.model<name = "t", architecture = "llama",
    vocabulary = 48, width = 32, ffn = 32, layers = 1, heads = 2, kvHeads = 1, headSize = 16, contextSize = 24,
    chunk = 8, bosId = 1, addBos = true, eosIds = [2], parameters = 1, inputHash = "0">} {
  llama.source @embed in "m" at 0 : tensor<48x32xf32>
  llama.source @q in "m" at 6144 : tensor<32x32xf32>
  llama.source @k in "m" at 10240 : tensor<16x32xf32>
  llama.source @v in "m" at 12288 : tensor<16x32xf32>
  llama.source @b in "m" at 14336 : tensor<16xf32>
  llama.cache @keys : tensor<32x1x16xf32>
  llama.cache @values : tensor<32x1x16xf32>

  // CHECK-LABEL: func.func @cria_forward_one
  // CHECK: %[[Q:.*]] = llama.quantize %{{.*}} format{{ +}}q4 : tensor<32x32xf32>
  // CHECK: %[[K:.*]] = llama.quantize %{{.*}} format{{ +}}q4 : tensor<16x32xf32>
  // CHECK: %[[QK:.*]] = llama.concat_rows %[[Q]], %[[K]] : (tensor<32x32xf32>, tensor<16x32xf32>) -> tensor<48x32xf32>
  // CHECK: %[[PANELS:.*]] = llama.pack_blocks %[[QK]] rows 16 format{{ +}}q4 : tensor<48x32xf32> -> tensor<3x1x288xi8>
  // CHECK: %[[BOTH:.*]] = kernel.block_matmul {{.*}}, %[[PANELS]] {{.*}} -> tensor<1x3x16xf32>
  // CHECK: tensor.extract_slice %[[BOTH]][0, 0, 0] [1, 2, 16] [1, 1, 1]
  // CHECK: tensor.extract_slice %[[BOTH]][0, 2, 0] [1, 1, 16] [1, 1, 1]
  // CHECK-NOT: llama.concat_rows
  // CHECK: kernel.block_matmul {{.*}} -> tensor<1x1x16xf32>
  // CHECK: kernel.attention
  // CHECK-NOT: llama.concat_rows
  // CHECK: kernel.block_matmul {{.*}} -> tensor<1x2x16xf32>
  // CHECK: kernel.block_matmul {{.*}} -> tensor<1x2x16xf32>
  func.func @forward_one(%tokens: tensor<1xi32>, %p: index) -> tensor<1x32xf32> {
    %e = llama.weight @embed : tensor<48x32xf32>
    %x = llama.embed %tokens, %e : (tensor<1xi32>, tensor<48x32xf32>) -> tensor<1x32xf32>
    %r = llama.quantize_rows %x : tensor<1x32xf32>
    %q = llama.weight @q : tensor<32x32xf32>
    %q4 = llama.quantize %q format q4 : tensor<32x32xf32> -> tensor<32x32xf32>
    %query = llama.linear %r, %q4 : (tensor<1x32xf32>, tensor<32x32xf32>) -> tensor<1x32xf32>
    %k = llama.weight @k : tensor<16x32xf32>
    %k4 = llama.quantize %k format q4 : tensor<16x32xf32> -> tensor<16x32xf32>
    %key = llama.linear %r, %k4 : (tensor<1x32xf32>, tensor<16x32xf32>) -> tensor<1x16xf32>
    %v = llama.weight @v : tensor<16x32xf32>
    %v4 = llama.quantize %v format q4 : tensor<16x32xf32> -> tensor<16x32xf32>
    %b = llama.weight @b : tensor<16xf32>
    %value = llama.linear %r, %v4 bias %b : (tensor<1x32xf32>, tensor<16x32xf32>, tensor<16xf32>) -> tensor<1x16xf32>
    %keys0 = llama.cache_read @keys : tensor<32x1x16xf32>
    %keys = llama.cache_update %keys0, %key at %p : (tensor<32x1x16xf32>, tensor<1x16xf32>, index) -> tensor<32x1x16xf32>
    %values0 = llama.cache_read @values : tensor<32x1x16xf32>
    %values = llama.cache_update %values0, %value at %p : (tensor<32x1x16xf32>, tensor<1x16xf32>, index) -> tensor<32x1x16xf32>
    %a = llama.attention %query, %keys, %values at %p scale 0.25 : (tensor<1x32xf32>, tensor<32x1x16xf32>, tensor<32x1x16xf32>, index) -> tensor<1x32xf32>
    %m = llama.quantize_rows %a : tensor<1x32xf32>
    %gate = llama.linear %m, %q4 : (tensor<1x32xf32>, tensor<32x32xf32>) -> tensor<1x32xf32>
    %up = llama.linear %m, %q4 : (tensor<1x32xf32>, tensor<32x32xf32>) -> tensor<1x32xf32>
    %s = llama.swiglu %gate, %up : tensor<1x32xf32>
    %y = llama.add %x, %s : tensor<1x32xf32>
    return %y : tensor<1x32xf32>
  }
  func.func @logits_one(%h: tensor<1x32xf32>) -> tensor<1x48xf32> {
    %e = llama.weight @embed : tensor<48x32xf32>
    %l = llama.linear %h, %e : (tensor<1x32xf32>, tensor<48x32xf32>) -> tensor<1x48xf32>
    return %l : tensor<1x48xf32>
  }
  // CHECK-LABEL: func.func @cria_forward_chunk
  // CHECK: %[[Q:.*]] = llama.quantize %{{.*}} format{{ +}}q4 : tensor<32x32xf32>
  // CHECK: %[[K:.*]] = llama.quantize %{{.*}} format{{ +}}q4 : tensor<16x32xf32>
  // CHECK: %[[QK:.*]] = llama.concat_rows %[[Q]], %[[K]] : (tensor<32x32xf32>, tensor<16x32xf32>) -> tensor<48x32xf32>
  // CHECK: %[[PANELS:.*]] = llama.pack_blocks %[[QK]] rows 16 format{{ +}}q4 : tensor<48x32xf32> -> tensor<3x1x288xi8>
  // CHECK: %[[BOTH:.*]] = kernel.block_matmul {{.*}}, %[[PANELS]] {{.*}} -> tensor<8x3x16xf32>
  // CHECK: tensor.extract_slice %[[BOTH]][0, 0, 0] [8, 2, 16] [1, 1, 1]
  // CHECK: tensor.extract_slice %[[BOTH]][0, 2, 0] [8, 1, 16] [1, 1, 1]
  // CHECK-NOT: llama.concat_rows
  // CHECK: kernel.block_matmul {{.*}} -> tensor<8x1x16xf32>
  // CHECK: kernel.attention
  // CHECK-NOT: llama.concat_rows
  // CHECK: kernel.block_matmul {{.*}} -> tensor<8x2x16xf32>
  // CHECK: kernel.block_matmul {{.*}} -> tensor<8x2x16xf32>
  func.func @forward_chunk(%tokens: tensor<8xi32>, %p: index) -> tensor<8x32xf32> {
    %e = llama.weight @embed : tensor<48x32xf32>
    %x = llama.embed %tokens, %e : (tensor<8xi32>, tensor<48x32xf32>) -> tensor<8x32xf32>
    %r = llama.quantize_rows %x : tensor<8x32xf32>
    %q = llama.weight @q : tensor<32x32xf32>
    %q4 = llama.quantize %q format q4 : tensor<32x32xf32> -> tensor<32x32xf32>
    %query = llama.linear %r, %q4 : (tensor<8x32xf32>, tensor<32x32xf32>) -> tensor<8x32xf32>
    %k = llama.weight @k : tensor<16x32xf32>
    %k4 = llama.quantize %k format q4 : tensor<16x32xf32> -> tensor<16x32xf32>
    %key = llama.linear %r, %k4 : (tensor<8x32xf32>, tensor<16x32xf32>) -> tensor<8x16xf32>
    %v = llama.weight @v : tensor<16x32xf32>
    %v4 = llama.quantize %v format q4 : tensor<16x32xf32> -> tensor<16x32xf32>
    %b = llama.weight @b : tensor<16xf32>
    %value = llama.linear %r, %v4 bias %b : (tensor<8x32xf32>, tensor<16x32xf32>, tensor<16xf32>) -> tensor<8x16xf32>
    %keys0 = llama.cache_read @keys : tensor<32x1x16xf32>
    %keys = llama.cache_update %keys0, %key at %p : (tensor<32x1x16xf32>, tensor<8x16xf32>, index) -> tensor<32x1x16xf32>
    %values0 = llama.cache_read @values : tensor<32x1x16xf32>
    %values = llama.cache_update %values0, %value at %p : (tensor<32x1x16xf32>, tensor<8x16xf32>, index) -> tensor<32x1x16xf32>
    %a = llama.attention %query, %keys, %values at %p scale 0.25 : (tensor<8x32xf32>, tensor<32x1x16xf32>, tensor<32x1x16xf32>, index) -> tensor<8x32xf32>
    %m = llama.quantize_rows %a : tensor<8x32xf32>
    %gate = llama.linear %m, %q4 : (tensor<8x32xf32>, tensor<32x32xf32>) -> tensor<8x32xf32>
    %up = llama.linear %m, %q4 : (tensor<8x32xf32>, tensor<32x32xf32>) -> tensor<8x32xf32>
    %s = llama.swiglu %gate, %up : tensor<8x32xf32>
    %y = llama.add %x, %s : tensor<8x32xf32>
    return %y : tensor<8x32xf32>
  }
  func.func @logits_chunk(%h: tensor<8x32xf32>) -> tensor<8x48xf32> {
    %e = llama.weight @embed : tensor<48x32xf32>
    %l = llama.linear %h, %e : (tensor<8x32xf32>, tensor<48x32xf32>) -> tensor<8x48xf32>
    return %l : tensor<8x48xf32>
  }
}
