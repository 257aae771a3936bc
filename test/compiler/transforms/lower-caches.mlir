// RUN: cria-opt %s --llama-lower-to-kernels -verify-diagnostics

// A block of positions of every cache lies beside those of the others: they all have as many.
module attributes {kernel.target = "x86-64-v4", llama.model = #llama.model<name = "t", architecture = "llama",
    vocabulary = 40, width = 64, ffn = 64, layers = 1, heads = 1, kvHeads = 1, headSize = 64, contextSize = 30,
    chunk = 8, bosId = 1, addBos = true, eosIds = [2], parameters = 1, inputHash = "0">} {
  llama.cache @keys : tensor<38x1x64xf32>
  // expected-error @+1 {{'llama.cache' op expects as many positions as in other caches, 64, but got 128}}
  llama.cache @values : tensor<100x1x64xf32>
}
