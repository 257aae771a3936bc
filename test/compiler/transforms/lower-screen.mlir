// RUN: cria-opt %s --llama-lower-to-kernels --canonicalize --cse | FileCheck %s
// A head whose file holds codes, which are multiplied as floats, is nothing else.
// RUN: sed 's/at 0 :/at 0 as q8_0 :/' %s | cria-opt --llama-lower-to-kernels --canonicalize --cse | FileCheck %s

// Of each panel of the copy the largest number; norms of x and of what it lost by rounding, by lanes and
// across them; A and B; what panels reach at least, of that the best, less the margin; and what they reach
// at most. c is (64 + 2 + 64) * 2^-24.
// CHECK-LABEL: func.func @cria_logits_screened
// CHECK-SAME: (%[[ROW:.*]]: index)
// CHECK: arith.constant 7.748{{.*}}E-6 : f32
// CHECK: %[[M:.*]] = kernel.get @margin : tensor<1xf32>
// CHECK: kernel.quantize_rows
// CHECK: %[[COPY:.*]] = kernel.block_matmul {{.*}} format q8 {{.*}} -> tensor<1x3x16xf32>
// CHECK: %[[MOST:.*]] = linalg.generic {{.*}} ins(%[[COPY]] : tensor<1x3x16xf32>) outs(%{{.*}} : tensor<1x3xf32>)
// CHECK:   arith.maximumf
// CHECK: linalg.generic {{.*}} outs(%{{.*}} : tensor<1x2x32xf32>)
// CHECK:   arith.divf
// CHECK:   arith.sitofp
// CHECK:   arith.subf
// CHECK-COUNT-4: math.sqrt
// CHECK-DAG: llama.row_norms %{{.*}} rows 16 : (tensor<40x64xf32>) -> tensor<3xf32>
// CHECK-DAG: llama.row_norms %{{.*}} minus %{{.*}} rows 16 : (tensor<40x64xf32>, tensor<40x64xf32>) -> tensor<3xf32>
// CHECK: kernel.set @logits
module attributes {kernel.target = "x86-64-v3", llama.model = #llama.model<name = "t", architecture = "llama",
    vocabulary = 40, width = 64, ffn = 64, layers = 1, heads = 2, kvHeads = 1, headSize = 32, contextSize = 30,
    chunk = 8, bosId = 1, addBos = true, eosIds = [2], parameters = 1, inputHash = "0">} {
  llama.source @embed in "m" at 0 : tensor<40x64xf32>
  func.func @forward_one(%tokens: tensor<1xi32>, %p: index) -> tensor<1x64xf32> {
    %e = llama.weight @embed : tensor<40x64xf32>
    %x = llama.embed %tokens, %e : (tensor<1xi32>, tensor<40x64xf32>) -> tensor<1x64xf32>
    return %x : tensor<1x64xf32>
  }
  func.func @logits_one(%h: tensor<1x64xf32>) -> tensor<1x40xf32> {
    %e = llama.weight @embed : tensor<40x64xf32>
    %l = llama.linear %h, %e : (tensor<1x64xf32>, tensor<40x64xf32>) -> tensor<1x40xf32>
    return %l : tensor<1x40xf32>
  }
  func.func @logits_screened(%h: tensor<1x64xf32>, %m: tensor<1xf32>) -> tensor<1x40xf32> {
    %e = llama.weight @embed : tensor<40x64xf32>
    %y = llama.linear %h, %e : (tensor<1x64xf32>, tensor<40x64xf32>) -> tensor<1x40xf32>
    %r = llama.quantize_rows %h : tensor<1x64xf32>
    %q = llama.quantize %e format q8 rough : tensor<40x64xf32> -> tensor<40x64xf32>
    %a = llama.linear %r, %q : (tensor<1x64xf32>, tensor<40x64xf32>) -> tensor<1x40xf32>
    %s = llama.screen %y by %a margin %m : tensor<1x40xf32>, tensor<1xf32>
    return %s : tensor<1x40xf32>
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
