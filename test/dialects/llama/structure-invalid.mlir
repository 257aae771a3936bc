// RUN: cria-opt %s -verify-diagnostics -split-input-file

// layer (C1): the argument's type
func.func @f(%x: tensor<?x2xf32>) {
  // expected-error @+1 {{expects a block with one argument of type 'tensor<?x2xf32>'}}
  %y = llama.layer "l" (%x : tensor<?x2xf32>) -> tensor<?x2xf32> {
  ^bb0(%h: tensor<?x4xf32>):
    llama.yield %x : tensor<?x2xf32>
  }
  return
}

// -----

// layer (C1): no argument
func.func @f(%x: tensor<?x2xf32>) {
  // expected-error @+1 {{expects a block with one argument of type 'tensor<?x2xf32>'}}
  %y = llama.layer "l" (%x : tensor<?x2xf32>) -> tensor<?x2xf32> {
    llama.yield %x : tensor<?x2xf32>
  }
  return
}

// -----

// layer (C2): another type
func.func @f(%x: tensor<?x2xf32>, %z: tensor<?x4xf32>) {
  // expected-error @+1 {{expects its block to end in a llama.yield of 'tensor<?x2xf32>'}}
  %y = llama.layer "l" (%x : tensor<?x2xf32>) -> tensor<?x2xf32> {
  ^bb0(%h: tensor<?x2xf32>):
    llama.yield %z : tensor<?x4xf32>
  }
  return
}

// -----

// layer (C3): a layer of a layer
func.func @f(%x: tensor<?x2xf32>) {
  %y = llama.layer "outer" (%x : tensor<?x2xf32>) -> tensor<?x2xf32> {
  ^bb0(%h: tensor<?x2xf32>):
    // expected-error @+1 {{'llama.layer' op expects to lie in no other layer, but got one in "outer"}}
    %z = llama.layer "inner" (%h : tensor<?x2xf32>) -> tensor<?x2xf32> {
    ^bb0(%g: tensor<?x2xf32>):
      llama.yield %g : tensor<?x2xf32>
    }
    llama.yield %z : tensor<?x2xf32>
  }
  return
}

// -----

// layer: an empty block
func.func @f(%x: tensor<?x2xf32>) {
  // expected-error @+1 {{expects a non-empty block}}
  %y = "llama.layer"(%x) <{name = "l"}> ({
  ^bb0(%h: tensor<?x2xf32>):
  }) : (tensor<?x2xf32>) -> tensor<?x2xf32>
  return
}

// -----

// layer: no block
func.func @f(%x: tensor<?x2xf32>) {
  // expected-error @+1 {{region with 1 blocks}}
  %y = "llama.layer"(%x) <{name = "l"}> ({
  }) : (tensor<?x2xf32>) -> tensor<?x2xf32>
  return
}

// -----

// yield: only in a layer
func.func @f(%x: tensor<?x2xf32>) {
  // expected-error @+1 {{expects parent op 'llama.layer'}}
  llama.yield %x : tensor<?x2xf32>
}

// -----

// llama.model is a #llama.model
// expected-error @+1 {{expects 'llama.model' to be a #llama.model on a module, but got 1 : i64}}
module attributes {llama.model = 1} {}

// -----

// model (C1)
// expected-error @+1 {{expects vocabulary in [1, 2147483647], but got 0}}
module attributes {llama.model = #llama.model<name = "m", architecture = "llama", vocabulary = 0, width = 4, ffn = 4, layers = 1, heads = 4, kvHeads = 2, headSize = 2, contextSize = 8, chunk = 2, bosId = 1, addBos = true, eosIds = [2], parameters = 0, inputHash = "">} {}

// -----

// model (C1)
// expected-error @+1 {{expects kvHeads in [1, 2147483647], but got -2}}
module attributes {llama.model = #llama.model<name = "m", architecture = "llama", vocabulary = 8, width = 4, ffn = 4, layers = 1, heads = 4, kvHeads = -2, headSize = 2, contextSize = 8, chunk = 2, bosId = 1, addBos = true, eosIds = [2], parameters = 0, inputHash = "">} {}

// -----

// model (C1)
// expected-error @+1 {{expects contextSize in [1, 2147483647], but got 2147483648}}
module attributes {llama.model = #llama.model<name = "m", architecture = "llama", vocabulary = 8, width = 4, ffn = 4, layers = 1, heads = 4, kvHeads = 2, headSize = 2, contextSize = 2147483648, chunk = 2, bosId = 1, addBos = true, eosIds = [2], parameters = 0, inputHash = "">} {}

// -----

// model (C2)
// expected-error @+1 {{expects heads that are a multiple of kvHeads 3, but got 4}}
module attributes {llama.model = #llama.model<name = "m", architecture = "llama", vocabulary = 8, width = 4, ffn = 4, layers = 1, heads = 4, kvHeads = 3, headSize = 2, contextSize = 8, chunk = 2, bosId = 1, addBos = true, eosIds = [2], parameters = 0, inputHash = "">} {}

// -----

// model (C3)
// expected-error @+1 {{expects bosId in [-1, 8), but got 8}}
module attributes {llama.model = #llama.model<name = "m", architecture = "llama", vocabulary = 8, width = 4, ffn = 4, layers = 1, heads = 4, kvHeads = 2, headSize = 2, contextSize = 8, chunk = 2, bosId = 8, addBos = true, eosIds = [2], parameters = 0, inputHash = "">} {}

// -----

// model (C3)
// expected-error @+1 {{expects eosIds in [0, 8), but got -1}}
module attributes {llama.model = #llama.model<name = "m", architecture = "llama", vocabulary = 8, width = 4, ffn = 4, layers = 1, heads = 4, kvHeads = 2, headSize = 2, contextSize = 8, chunk = 2, bosId = 1, addBos = true, eosIds = [2, -1], parameters = 0, inputHash = "">} {}
