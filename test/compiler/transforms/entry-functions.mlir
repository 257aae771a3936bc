// What a model is called by has a body, and takes and returns what it is called with.
//
// RUN: not cria-opt %s --llama-specialize-steps -split-input-file 2>&1 | FileCheck %s --check-prefix=SPECIALIZE
// RUN: not cria-opt %s --llama-defer-last-layer -split-input-file 2>&1 | FileCheck %s --check-prefix=DEFER
// RUN: not cria-opt %s --llama-screen-logits=least=1 -split-input-file 2>&1 | FileCheck %s --check-prefix=SCREEN
// RUN: not cria-opt %s --llama-lower-to-kernels -split-input-file 2>&1 | FileCheck %s --check-prefix=LOWER

// SPECIALIZE: error: 'func.func' op @forward expects a body of one block, but got a declaration
// DEFER: error: 'func.func' op @forward_one expects a body of one block, but got a declaration
// SCREEN: error: 'func.func' op @logits_one expects a body of one block, but got a declaration
// LOWER: error: 'func.func' op @forward_one expects a body of one block, but got a declaration
module attributes {kernel.target = "x86-64-v3", llama.model = #llama.model<name = "t", architecture = "llama",
    vocabulary = 32, width = 64, ffn = 64, layers = 1, heads = 1, kvHeads = 1, headSize = 64, contextSize = 64,
    chunk = 8, bosId = 1, addBos = true, eosIds = [2], parameters = 1, inputHash = "0">} {
  func.func private @forward(tensor<?xi32>, index) -> tensor<?x64xf32>
  func.func private @logits(tensor<?x64xf32>) -> tensor<?x32xf32>
  func.func private @forward_one(tensor<1xi32>, index) -> tensor<1x64xf32>
  func.func private @logits_one(tensor<1x64xf32>) -> tensor<1x32xf32>
  func.func private @forward_chunk(tensor<8xi32>, index) -> tensor<8x64xf32>
  func.func private @logits_chunk(tensor<8x64xf32>) -> tensor<8x32xf32>
}

// -----

// SPECIALIZE: error: 'func.func' op @forward expects to take tokens [T] and a position and to return a hidden state [T, D], but got '(tensor<?xi32>) -> tensor<?x64xf32>'
// DEFER: error: 'func.func' op @forward_one expects to take tokens [T] and a position and to return a hidden state [T, D], but got '(tensor<1x64xf32>) -> tensor<1x64xf32>'
// SCREEN: error: 'func.func' op @logits_one expects to take a hidden state [T, D] and to return logits [T, V], but got '() -> ()'
// LOWER: error: 'func.func' op @forward_one expects to take tokens [T] and a position and to return a hidden state [T, D], but got '(tensor<1x64xf32>) -> tensor<1x64xf32>'
module attributes {kernel.target = "x86-64-v3", llama.model = #llama.model<name = "t", architecture = "llama",
    vocabulary = 32, width = 64, ffn = 64, layers = 1, heads = 1, kvHeads = 1, headSize = 64, contextSize = 64,
    chunk = 8, bosId = 1, addBos = true, eosIds = [2], parameters = 1, inputHash = "0">} {
  func.func @forward(%x: tensor<?xi32>) -> tensor<?x64xf32> {
    %w = llama.weight @w : tensor<32x64xf32>
    %e = llama.embed %x, %w : (tensor<?xi32>, tensor<32x64xf32>) -> tensor<?x64xf32>
    return %e : tensor<?x64xf32>
  }
  func.func @logits() { return }
  func.func @forward_one(%x: tensor<1x64xf32>) -> tensor<1x64xf32> { return %x : tensor<1x64xf32> }
  func.func @forward_chunk(%x: tensor<8x64xf32>) -> tensor<8x64xf32> { return %x : tensor<8x64xf32> }
  func.func @logits_one() { return }
  func.func @logits_chunk() { return }
  llama.source @w in "m" at 0 : tensor<32x64xf32>
}

// -----

// SPECIALIZE: error: 'func.func' op @logits expects a body of one block, but got 2
// DEFER: error: 'func.func' op @forward_chunk expects to take tokens [T] and a position and to return a hidden state [T, D], but got '(tensor<8xi32>, index) -> ()'
// SCREEN: error: 'func.func' op @logits_one expects a body of one block, but got 2
// LOWER: error: 'func.func' op @logits_one expects a body of one block, but got 2
module attributes {kernel.target = "x86-64-v3", llama.model = #llama.model<name = "t", architecture = "llama",
    vocabulary = 32, width = 64, ffn = 64, layers = 1, heads = 1, kvHeads = 1, headSize = 64, contextSize = 64,
    chunk = 8, bosId = 1, addBos = true, eosIds = [2], parameters = 1, inputHash = "0">} {
  llama.source @w in "m" at 0 : tensor<32x64xf32>
  func.func @forward(%x: tensor<?xi32>, %p: index) -> tensor<?x64xf32> {
    %w = llama.weight @w : tensor<32x64xf32>
    %e = llama.embed %x, %w : (tensor<?xi32>, tensor<32x64xf32>) -> tensor<?x64xf32>
    return %e : tensor<?x64xf32>
  }
  func.func @logits(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
    cf.br ^bb1
  ^bb1:
    return %x : tensor<?x64xf32>
  }
  func.func @forward_one(%x: tensor<1xi32>, %p: index) -> tensor<1x64xf32> {
    %w = llama.weight @w : tensor<32x64xf32>
    %e = llama.embed %x, %w : (tensor<1xi32>, tensor<32x64xf32>) -> tensor<1x64xf32>
    return %e : tensor<1x64xf32>
  }
  func.func @forward_chunk(%x: tensor<8xi32>, %p: index) { return }
  func.func @logits_one(%x: tensor<1x64xf32>) -> tensor<1x64xf32> {
    cf.br ^bb1
  ^bb1:
    return %x : tensor<1x64xf32>
  }
  func.func @logits_chunk(%x: tensor<8x64xf32>) -> tensor<8x32xf32> {
    %w = llama.weight @w : tensor<32x64xf32>
    %y = llama.linear %x, %w : (tensor<8x64xf32>, tensor<32x64xf32>) -> tensor<8x32xf32>
    return %y : tensor<8x32xf32>
  }
}

// -----

// Of the sizes that the model says it has.
// LOWER: error: 'func.func' op @logits_one expects '(tensor<1x64xf32>) -> tensor<1x32xf32>' by the sizes of the model, but got '(tensor<1x64xf32>) -> tensor<1x20xf32>'
module attributes {kernel.target = "x86-64-v3", llama.model = #llama.model<name = "t", architecture = "llama",
    vocabulary = 32, width = 64, ffn = 64, layers = 1, heads = 1, kvHeads = 1, headSize = 64, contextSize = 64,
    chunk = 8, bosId = 1, addBos = true, eosIds = [2], parameters = 1, inputHash = "0">} {
  llama.source @w in "m" at 0 : tensor<20x64xf32>
  func.func @forward_one(%x: tensor<1xi32>, %p: index) -> tensor<1x64xf32> {
    %w = llama.weight @w : tensor<20x64xf32>
    %e = llama.embed %x, %w : (tensor<1xi32>, tensor<20x64xf32>) -> tensor<1x64xf32>
    return %e : tensor<1x64xf32>
  }
  func.func @logits_one(%x: tensor<1x64xf32>) -> tensor<1x20xf32> {
    %w = llama.weight @w : tensor<20x64xf32>
    %y = llama.linear %x, %w : (tensor<1x64xf32>, tensor<20x64xf32>) -> tensor<1x20xf32>
    return %y : tensor<1x20xf32>
  }
}
