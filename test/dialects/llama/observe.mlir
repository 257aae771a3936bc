// RUN: cria-opt %s | cria-opt | FileCheck %s
// RUN: cria-opt %s --mlir-print-op-generic | cria-opt | FileCheck %s
// RUN: cria-opt %s --canonicalize --cse | FileCheck %s

// CHECK: llama.observation @a number 0 width 8
llama.observation @a number 0 width 8
// CHECK: llama.observation @b in "records" number 1 width 16
llama.observation @b in "records" number 1 width 16

// It stays although nothing uses it.
// CHECK-LABEL: func.func @step
// CHECK: llama.observe @a, %{{.*}} : tensor<?x8xf32>
func.func @step(%x: tensor<?x8xf32>) {
  llama.observe @a, %x : tensor<?x8xf32>
  return
}
