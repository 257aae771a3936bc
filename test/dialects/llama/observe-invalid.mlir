// RUN: cria-opt %s -verify-diagnostics -split-input-file

// observation (C1)
// expected-error @+1 {{expects a number that is not negative and a width in [1, 1048576], but got -1 and 8}}
llama.observation @a number -1 width 8

// -----

// observation (C1)
// expected-error @+1 {{but got 0 and 1048577}}
llama.observation @a number 0 width 1048577

// -----

// observe (C1)
llama.cache @a : tensor<32x2x4xf32>
func.func @f(%x: tensor<?x8xf32>) {
  // expected-error @+1 {{expects @a to name a llama.observation op, but got llama.cache}}
  llama.observe @a, %x : tensor<?x8xf32>
  return
}

// -----

// observe (C2)
llama.observation @a number 0 width 16
func.func @f(%x: tensor<?x8xf32>) {
  // expected-error @+1 {{expects vectors of the width of @a, 16, but got 'tensor<?x8xf32>'}}
  llama.observe @a, %x : tensor<?x8xf32>
  return
}
