// RUN: cria-opt %s --llama-specialize-steps | FileCheck %s
// RUN: not cria-opt %s --llama-specialize-steps --llama-specialize-steps 2>&1 | FileCheck %s --check-prefix=TWICE

// TWICE: error: expects a function @forward

module attributes {llama.model = #llama.model<name = "t", architecture = "llama", vocabulary = 6, width = 4, ffn = 4,
    layers = 1, heads = 1, kvHeads = 1, headSize = 4, contextSize = 8, chunk = 3, bosId = 1, addBos = true,
    eosIds = [2], parameters = 24, inputHash = "0">} {
  llama.source @w in "m" at 0 : tensor<6x4xf32>

  // CHECK-NOT: func.func @forward(
  // CHECK-LABEL: func.func @forward_one(%{{.*}}: tensor<1xi32>, %{{.*}}: index) -> tensor<1x4xf32>
  // CHECK: llama.embed {{.*}} -> tensor<1x4xf32>
  // CHECK: llama.layer "layers.0"{{ ?}}(%{{.*}} : tensor<1x4xf32>) -> tensor<1x4xf32>
  // CHECK: ^bb0(%{{.*}}: tensor<1x4xf32>)
  // CHECK-LABEL: func.func @forward_chunk(%{{.*}}: tensor<3xi32>, %{{.*}}: index) -> tensor<3x4xf32>
  // CHECK: llama.add {{.*}} : tensor<3x4xf32>
  func.func @forward(%tokens: tensor<?xi32>, %position: index) -> tensor<?x4xf32> {
    %w = llama.weight @w : tensor<6x4xf32>
    %x = llama.embed %tokens, %w : (tensor<?xi32>, tensor<6x4xf32>) -> tensor<?x4xf32>
    %y = llama.layer "layers.0" (%x : tensor<?x4xf32>) -> tensor<?x4xf32> {
    ^bb0(%h: tensor<?x4xf32>):
      %z = llama.add %h, %h : tensor<?x4xf32>
      llama.yield %z : tensor<?x4xf32>
    }
    return %y : tensor<?x4xf32>
  }
  // CHECK-LABEL: func.func @logits_one(%{{.*}}: tensor<1x4xf32>) -> tensor<1x6xf32>
  // CHECK-LABEL: func.func @logits_chunk(%{{.*}}: tensor<3x4xf32>) -> tensor<3x6xf32>
  func.func @logits(%h: tensor<?x4xf32>) -> tensor<?x6xf32> {
    %w = llama.weight @w : tensor<6x4xf32>
    %l = llama.linear %h, %w : (tensor<?x4xf32>, tensor<6x4xf32>) -> tensor<?x6xf32>
    return %l : tensor<?x6xf32>
  }
}
