// A chunk that needs keys alone takes their panels from those of queries and keys, which a
// single token multiplies by at once: matrices are stored once. Rows from a chunk's on are
// finished at their positions, and become the first ones.
//
// RUN: cria-opt %s --llama-lower-to-kernels | FileCheck %s
// RUN: cria-opt %s --llama-lower-to-kernels --llama-lay-out-weights | FileCheck %s --check-prefix=STORED

// STORED: kernel.constant @embed.value
// STORED: kernel.constant @q.value at {{[0-9]+}} : tensor<3x1x288xi8>
// STORED: kernel.constant @norm.value
// STORED-NOT: kernel.constant

module attributes {kernel.target = "x86-64-v4", llama.model = #llama.model<name = "t", architecture = "llama",
    vocabulary = 48, width = 32, ffn = 32, layers = 1, heads = 2, kvHeads = 1, headSize = 16, contextSize = 24,
    chunk = 8, bosId = 1, addBos = true, eosIds = [2], parameters = 1, inputHash = "0">} {
  llama.source @embed in "m" at 0 : tensor<48x32xf32>
  llama.source @q in "m" at 6144 : tensor<32x32xf32>
  llama.source @k in "m" at 10240 : tensor<16x32xf32>
  llama.source @norm in "m" at 12288 : tensor<32xf32>
  llama.cache @keys : tensor<32x1x16xf32>

  // CHECK-LABEL: func.func @cria_forward_one
  // CHECK: llama.concat_rows
  // CHECK: kernel.block_matmul {{.*}} -> tensor<1x3x16xf32>
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
    %keys0 = llama.cache_read @keys : tensor<32x1x16xf32>
    %keys = llama.cache_update %keys0, %key at %p : (tensor<32x1x16xf32>, tensor<1x16xf32>, index) -> tensor<32x1x16xf32>
    llama.cache_write @keys, %keys : tensor<32x1x16xf32>
    %n = llama.weight @norm : tensor<32xf32>
    %a = llama.rms_norm %query, %n epsilon 1.0e-5 : (tensor<1x32xf32>, tensor<32xf32>) -> tensor<1x32xf32>
    %y = llama.add %x, %a : tensor<1x32xf32>
    return %y : tensor<1x32xf32>
  }

  // CHECK-LABEL: func.func @cria_finish_one(
  // CHECK-SAME: %[[INDEX:[^:]*]]: index)
  // CHECK: %[[ROW:.*]] = arith.remui %[[INDEX]], %c8
  // CHECK: %[[BEGIN:.*]] = arith.divui %[[INDEX]], %c8
  // CHECK: %[[HIDDEN:.*]] = kernel.get @hidden
  // CHECK: tensor.extract_slice %[[HIDDEN]][%[[ROW]], 0] [1, 32] [1, 1]
  // CHECK: arith.addi %[[BEGIN]], %[[ROW]]
  // CHECK: tensor.insert_slice %{{.*}} into %[[HIDDEN]][0, 0] [1, 32] [1, 1]
  // CHECK: kernel.set @hidden
  func.func @finish_one(%h: tensor<1x32xf32>, %p: index) -> tensor<1x32xf32> {
    %y = llama.add %h, %h : tensor<1x32xf32>
    return %y : tensor<1x32xf32>
  }
  func.func @logits_one(%h: tensor<1x32xf32>) -> tensor<1x48xf32> {
    %e = llama.weight @embed : tensor<48x32xf32>
    %l = llama.linear %h, %e : (tensor<1x32xf32>, tensor<48x32xf32>) -> tensor<1x48xf32>
    return %l : tensor<1x48xf32>
  }

  // CHECK-LABEL: func.func @cria_forward_chunk
  // CHECK: %[[QK:.*]] = llama.concat_rows
  // CHECK: %[[PANELS:.*]] = llama.pack_blocks %[[QK]] rows 16 format{{ +}}q4 : tensor<48x32xf32> -> tensor<3x1x288xi8>
  // CHECK: %[[K:.*]] = tensor.extract_slice %[[PANELS]][2, 0, 0] [1, 1, 288] [1, 1, 1]
  // CHECK: kernel.block_matmul {{.*}}, %[[K]] {{.*}} -> tensor<8x1x16xf32>
  func.func @forward_chunk(%tokens: tensor<8xi32>, %p: index) -> tensor<8x32xf32> {
    %e = llama.weight @embed : tensor<48x32xf32>
    %x = llama.embed %tokens, %e : (tensor<8xi32>, tensor<48x32xf32>) -> tensor<8x32xf32>
    %r = llama.quantize_rows %x : tensor<8x32xf32>
    %k = llama.weight @k : tensor<16x32xf32>
    %k4 = llama.quantize %k format q4 : tensor<16x32xf32> -> tensor<16x32xf32>
    %key = llama.linear %r, %k4 : (tensor<8x32xf32>, tensor<16x32xf32>) -> tensor<8x16xf32>
    %keys0 = llama.cache_read @keys : tensor<32x1x16xf32>
    %keys = llama.cache_update %keys0, %key at %p : (tensor<32x1x16xf32>, tensor<8x16xf32>, index) -> tensor<32x1x16xf32>
    llama.cache_write @keys, %keys : tensor<32x1x16xf32>
    return %x : tensor<8x32xf32>
  }
  func.func @logits_chunk(%h: tensor<8x32xf32>) -> tensor<8x48xf32> {
    %e = llama.weight @embed : tensor<48x32xf32>
    %l = llama.linear %h, %e : (tensor<8x32xf32>, tensor<48x32xf32>) -> tensor<8x48xf32>
    return %l : tensor<8x48xf32>
  }
}
