// RUN: cria-opt %s --llama-outline-layers | FileCheck %s

llama.source @a in "m" at 0 : tensor<4x4xf32>
llama.source @b in "m" at 64 : tensor<4x4xf32>
kernel.state @ka at 0 : tensor<1x1x4x4xf32>
kernel.state @kb at 64 : tensor<1x1x4x4xf32>

// Two layers alike are one function, the third, with another body, is one of its own.
// CHECK: func.func private @layer_one(%{{.*}}: tensor<1x4xf32>, %{{.*}}: tensor<4x4xf32>, %{{.*}}: index, %{{.*}}: tensor<1x1x4x4xf32>) -> (tensor<1x4xf32>, tensor<1x1x4x4xf32>)
// CHECK: func.func private @layer_one_0(
// CHECK-NOT: func.func private @layer_one_1

// CHECK-LABEL: func.func @cria_forward_one
func.func @cria_forward_one(%x: tensor<1x4xf32>, %p: index) -> tensor<1x4xf32> {
  // CHECK: %[[WA:.*]] = llama.weight @a
  // CHECK: %[[KA:.*]] = kernel.get @ka
  // CHECK: %[[A:.*]]:2 = call @layer_one(%{{.*}}, %[[WA]], %{{.*}}, %[[KA]])
  // CHECK: kernel.set @ka, %[[A]]#1
  %0 = llama.layer "a" (%x : tensor<1x4xf32>) -> tensor<1x4xf32> {
  ^bb0(%h: tensor<1x4xf32>):
    %w = llama.weight @a : tensor<4x4xf32>
    %y = llama.linear %h, %w : (tensor<1x4xf32>, tensor<4x4xf32>) -> tensor<1x4xf32>
    %rows = tensor.expand_shape %y [[0], [1, 2]] output_shape [1, 1, 4] : tensor<1x4xf32> into tensor<1x1x4xf32>
    %k = kernel.get @ka : tensor<1x1x4x4xf32>
    %k1 = kernel.append %rows at %p into %k : (tensor<1x1x4xf32>, index, tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32>
    kernel.set @ka, %k1 : tensor<1x1x4x4xf32>
    llama.yield %y : tensor<1x4xf32>
  }
  // CHECK: %[[WB:.*]] = llama.weight @b
  // CHECK: %[[KB:.*]] = kernel.get @kb
  // CHECK: %[[B:.*]]:2 = call @layer_one(%[[A]]#0, %[[WB]], %{{.*}}, %[[KB]])
  // CHECK: kernel.set @kb, %[[B]]#1
  %1 = llama.layer "b" (%0 : tensor<1x4xf32>) -> tensor<1x4xf32> {
  ^bb0(%h: tensor<1x4xf32>):
    %w = llama.weight @b : tensor<4x4xf32>
    %y = llama.linear %h, %w : (tensor<1x4xf32>, tensor<4x4xf32>) -> tensor<1x4xf32>
    %rows = tensor.expand_shape %y [[0], [1, 2]] output_shape [1, 1, 4] : tensor<1x4xf32> into tensor<1x1x4xf32>
    %k = kernel.get @kb : tensor<1x1x4x4xf32>
    %k1 = kernel.append %rows at %p into %k : (tensor<1x1x4xf32>, index, tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32>
    kernel.set @kb, %k1 : tensor<1x1x4x4xf32>
    llama.yield %y : tensor<1x4xf32>
  }
  // CHECK: call @layer_one_0(%[[B]]#0, %{{.*}})
  %2 = llama.layer "c" (%1 : tensor<1x4xf32>) -> tensor<1x4xf32> {
  ^bb0(%h: tensor<1x4xf32>):
    %w = llama.weight @a : tensor<4x4xf32>
    %y = llama.linear %h, %w : (tensor<1x4xf32>, tensor<4x4xf32>) -> tensor<1x4xf32>
    llama.yield %y : tensor<1x4xf32>
  }
  return %2 : tensor<1x4xf32>
}

// Of a chunk's layers is known that they are.
// CHECK: func.func private @layer_chunk(%{{.*}}: tensor<4x4xf32>) -> tensor<4x4xf32> attributes {kernel.chunk = 4 : i64}
func.func @cria_forward_chunk(%x: tensor<4x4xf32>) -> tensor<4x4xf32> attributes {kernel.chunk = 4 : i64} {
  %0 = llama.layer "a" (%x : tensor<4x4xf32>) -> tensor<4x4xf32> {
  ^bb0(%h: tensor<4x4xf32>):
    llama.yield %h : tensor<4x4xf32>
  }
  return %0 : tensor<4x4xf32>
}

// A cache that stays as it was is an argument, too.
// CHECK: func.func private @layer_kept(%{{.*}}: tensor<1x4xf32>, %[[K:.*]]: tensor<1x1x4x4xf32>) -> (tensor<1x4xf32>, tensor<1x1x4x4xf32>)
// CHECK: return %{{.*}}, %[[K]]
// CHECK-LABEL: func.func @cria_forward_kept
// CHECK: %[[KA:.*]] = kernel.get @ka
// CHECK: %[[A:.*]]:2 = call @layer_kept(%{{.*}}, %[[KA]])
// CHECK: kernel.set @ka, %[[A]]#1
func.func @cria_forward_kept(%x: tensor<1x4xf32>) -> tensor<1x4xf32> {
  %0 = llama.layer "a" (%x : tensor<1x4xf32>) -> tensor<1x4xf32> {
  ^bb0(%h: tensor<1x4xf32>):
    %k = kernel.get @ka : tensor<1x1x4x4xf32>
    kernel.set @ka, %k : tensor<1x1x4x4xf32>
    llama.yield %h : tensor<1x4xf32>
  }
  return %0 : tensor<1x4xf32>
}

// What is read behind a write is what was written.
// CHECK: func.func private @layer_again(%{{.*}}: tensor<1x4xf32>, %{{.*}}: tensor<1x1x4x4xf32>, %{{.*}}: index) -> (tensor<1x4xf32>, tensor<1x1x4x4xf32>, tensor<1x1x4x4xf32>)
// CHECK: %[[ONCE:.*]] = kernel.append
// CHECK: %[[TWICE:.*]] = kernel.append %{{.*}} into %[[ONCE]]
// CHECK: return %{{.*}}, %[[ONCE]], %[[TWICE]]
func.func @cria_forward_again(%x: tensor<1x4xf32>, %p: index, %q: index) -> tensor<1x4xf32> {
  %0 = llama.layer "a" (%x : tensor<1x4xf32>) -> tensor<1x4xf32> {
  ^bb0(%h: tensor<1x4xf32>):
    %rows = tensor.expand_shape %h [[0], [1, 2]] output_shape [1, 1, 4] : tensor<1x4xf32> into tensor<1x1x4xf32>
    %k = kernel.get @ka : tensor<1x1x4x4xf32>
    %k1 = kernel.append %rows at %p into %k : (tensor<1x1x4xf32>, index, tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32>
    kernel.set @ka, %k1 : tensor<1x1x4x4xf32>
    %k2 = kernel.get @ka : tensor<1x1x4x4xf32>
    %k3 = kernel.append %rows at %q into %k2 : (tensor<1x1x4xf32>, index, tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32>
    kernel.set @ka, %k3 : tensor<1x1x4x4xf32>
    llama.yield %h : tensor<1x4xf32>
  }
  return %0 : tensor<1x4xf32>
}
