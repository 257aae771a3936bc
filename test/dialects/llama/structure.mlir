// RUN: cria-opt %s | cria-opt | FileCheck %s
// RUN: cria-opt %s --mlir-print-op-generic | cria-opt | FileCheck %s
// RUN: cria-opt %s --canonicalize | FileCheck %s --check-prefix=DEAD

// CHECK: module @stories attributes {llama.model = #llama.model<name = "stories", architecture = "llama",
// CHECK-SAME: vocabulary = 512, width = 64, ffn = 172, layers = 5, heads = 8, kvHeads = 4,
// CHECK-SAME: headSize = 8, contextSize = 512, chunk = 64, bosId = 1, addBos = true,
// CHECK-SAME: eosIds = [2, 7], parameters = 260032, inputHash = "abc">}
module @stories attributes {llama.model = #llama.model<name = "stories", architecture = "llama",
    vocabulary = 512, width = 64, ffn = 172, layers = 5, heads = 8, kvHeads = 4, headSize = 8,
    contextSize = 512, chunk = 64, bosId = 1, addBos = true, eosIds = [2, 7],
    parameters = 260032, inputHash = "abc">} {
  llama.cache @keys : tensor<8x1x2xf32>

  // CHECK-LABEL: func.func @layer
  func.func @layer(%x: tensor<?x2xf32>, %position: index) -> tensor<?x2xf32> {
    // CHECK: %[[Y:.*]] = llama.layer "layers.0"(%[[X:.*]] : tensor<?x2xf32>) -> tensor<?x2xf32> {
    // CHECK-NEXT: ^bb0(%[[H:.*]]: tensor<?x2xf32>):
    // CHECK-NEXT: %[[Z:.*]] = llama.add %[[H]], %[[X]]
    // CHECK: llama.yield %[[Z]] : tensor<?x2xf32>
    %y = llama.layer "layers.0" (%x : tensor<?x2xf32>) -> tensor<?x2xf32> {
    ^bb0(%h: tensor<?x2xf32>):
      %z = llama.add %h, %x : tensor<?x2xf32>
      llama.yield %z : tensor<?x2xf32>
    }
    // Attributes come before the region.
    // CHECK: llama.layer "layers.1"(%[[Y]] : tensor<?x2xf32>) -> tensor<?x2xf32> attributes {note = 1 : i64} {
    %w = llama.layer "layers.1" (%y : tensor<?x2xf32>) -> tensor<?x2xf32> attributes {note = 1} {
    ^bb0(%h: tensor<?x2xf32>):
      llama.yield %h : tensor<?x2xf32>
    }
    return %w : tensor<?x2xf32>
  }

  // A layer without effects dies with its last use, one that writes a cache stays.
  // DEAD-LABEL: func.func @effects
  // DEAD-NOT: "pure"
  // DEAD: llama.layer "writes"
  // DEAD: llama.cache_write
  func.func @effects(%x: tensor<?x2xf32>, %position: index) {
    %a = llama.layer "pure" (%x : tensor<?x2xf32>) -> tensor<?x2xf32> {
    ^bb0(%h: tensor<?x2xf32>):
      llama.yield %h : tensor<?x2xf32>
    }
    %b = llama.layer "writes" (%x : tensor<?x2xf32>) -> tensor<?x2xf32> {
    ^bb0(%h: tensor<?x2xf32>):
      %k0 = llama.cache_read @keys : tensor<8x1x2xf32>
      %k1 = llama.cache_update %k0, %h at %position
        : (tensor<8x1x2xf32>, tensor<?x2xf32>, index) -> tensor<8x1x2xf32>
      llama.cache_write @keys, %k1 : tensor<8x1x2xf32>
      llama.yield %h : tensor<?x2xf32>
    }
    return
  }
}

// A model without BOS and EOS.
// CHECK: #llama.model<{{.*}}bosId = -1, addBos = false, eosIds = [],
module attributes {llama.model = #llama.model<name = "none", architecture = "llama",
    vocabulary = 1, width = 1, ffn = 1, layers = 1, heads = 1, kvHeads = 1, headSize = 1,
    contextSize = 1, chunk = 1, bosId = -1, addBos = false, eosIds = [],
    parameters = 0, inputHash = "">} {}
