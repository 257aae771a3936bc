// RUN: cria-opt %s --llama-defer-last-layer --canonicalize -split-input-file -verify-diagnostics | FileCheck %s
// RUN: not cria-opt %s --llama-defer-last-layer --canonicalize -split-input-file 2>/dev/null | FileCheck %s --check-prefix=FAILED --allow-empty

// What fails, all but the first two, is not printed.
// FAILED-COUNT-2: func.func @forward_one
// FAILED-NOT: func.func @forward_one

// The chunk keeps the last layer's cache, and returns what comes into that layer.
// CHECK-LABEL: func.func @forward_one
// CHECK: llama.embed
// CHECK: llama.layer "a"
// CHECK: %[[LAST:.*]] = llama.layer "b"
// CHECK: %[[NORMED:.*]] = llama.rms_norm %[[LAST]]
// CHECK: return %[[NORMED]]
// CHECK-LABEL: func.func @finish_one(
// CHECK-SAME: %[[X:[^:]*]]: tensor<1x4xf32>, %[[P:[^:]*]]: index) -> tensor<1x4xf32>
// CHECK: %[[W:.*]] = llama.weight @w
// CHECK: %[[Y:.*]] = llama.layer "b"{{ ?}}(%[[X]] :
// CHECK:   llama.observe @seen
// CHECK:   llama.linear %{{.*}}, %[[W]]
// CHECK:   llama.cache_update {{.*}} at %[[P]]
// CHECK:   llama.swiglu
// CHECK: %[[Z:.*]] = llama.rms_norm %[[Y]]
// CHECK: return %[[Z]]
// CHECK-LABEL: func.func @forward_chunk
// CHECK: %[[A:.*]] = llama.layer "a"
// CHECK: llama.swiglu
// CHECK: llama.layer "b"
// CHECK-NOT: llama.observe
// CHECK:   llama.linear
// CHECK:   llama.cache_update
// CHECK:   llama.cache_write
// CHECK-NOT: llama.swiglu
// CHECK-NOT: llama.rms_norm
// CHECK: return %[[A]]
// CHECK-LABEL: func.func @finish_chunk(
// CHECK-SAME: tensor<8x4xf32>, %{{.*}}: index) -> tensor<8x4xf32>
// CHECK:   llama.swiglu
module {
  llama.source @w in "m" at 0 : tensor<4x4xf32>
  llama.source @n in "m" at 64 : tensor<4xf32>
  llama.cache @keys : tensor<24x1x4xf32>
  llama.observation @seen number 0 width 4
  func.func @forward_one(%tokens: tensor<1xi32>, %p: index) -> tensor<1x4xf32> {
    %w = llama.weight @w : tensor<4x4xf32>
    %x = llama.embed %tokens, %w : (tensor<1xi32>, tensor<4x4xf32>) -> tensor<1x4xf32>
    %a = llama.layer "a" (%x : tensor<1x4xf32>) -> tensor<1x4xf32> {
    ^bb0(%h: tensor<1x4xf32>):
      %s = llama.swiglu %h, %h : tensor<1x4xf32>
      llama.yield %s : tensor<1x4xf32>
    }
    %b = llama.layer "b" (%a : tensor<1x4xf32>) -> tensor<1x4xf32> {
    ^bb0(%h: tensor<1x4xf32>):
      llama.observe @seen, %h : tensor<1x4xf32>
      %k = llama.linear %h, %w : (tensor<1x4xf32>, tensor<4x4xf32>) -> tensor<1x4xf32>
      %c = llama.cache_read @keys : tensor<24x1x4xf32>
      %d = llama.cache_update %c, %k at %p : (tensor<24x1x4xf32>, tensor<1x4xf32>, index) -> tensor<24x1x4xf32>
      llama.cache_write @keys, %d : tensor<24x1x4xf32>
      %s = llama.swiglu %h, %h : tensor<1x4xf32>
      llama.yield %s : tensor<1x4xf32>
    }
    %n = llama.weight @n : tensor<4xf32>
    %y = llama.rms_norm %b, %n epsilon 1.0e-5 : (tensor<1x4xf32>, tensor<4xf32>) -> tensor<1x4xf32>
    return %y : tensor<1x4xf32>
  }
  func.func @forward_chunk(%tokens: tensor<8xi32>, %p: index) -> tensor<8x4xf32> {
    %w = llama.weight @w : tensor<4x4xf32>
    %x = llama.embed %tokens, %w : (tensor<8xi32>, tensor<4x4xf32>) -> tensor<8x4xf32>
    %a = llama.layer "a" (%x : tensor<8x4xf32>) -> tensor<8x4xf32> {
    ^bb0(%h: tensor<8x4xf32>):
      %s = llama.swiglu %h, %h : tensor<8x4xf32>
      llama.yield %s : tensor<8x4xf32>
    }
    %b = llama.layer "b" (%a : tensor<8x4xf32>) -> tensor<8x4xf32> {
    ^bb0(%h: tensor<8x4xf32>):
      llama.observe @seen, %h : tensor<8x4xf32>
      %k = llama.linear %h, %w : (tensor<8x4xf32>, tensor<4x4xf32>) -> tensor<8x4xf32>
      %c = llama.cache_read @keys : tensor<24x1x4xf32>
      %d = llama.cache_update %c, %k at %p : (tensor<24x1x4xf32>, tensor<8x4xf32>, index) -> tensor<24x1x4xf32>
      llama.cache_write @keys, %d : tensor<24x1x4xf32>
      %s = llama.swiglu %h, %h : tensor<8x4xf32>
      llama.yield %s : tensor<8x4xf32>
    }
    %n = llama.weight @n : tensor<4xf32>
    %y = llama.rms_norm %b, %n epsilon 1.0e-5 : (tensor<8x4xf32>, tensor<4xf32>) -> tensor<8x4xf32>
    return %y : tensor<8x4xf32>
  }
}

// -----

// Without layers nothing is left to finish.
// CHECK-LABEL: func.func @finish_one(
// CHECK-SAME: %[[X:[^:]*]]: tensor<1x4xf32>
// CHECK-NEXT: return %[[X]]
module {
  func.func @forward_one(%tokens: tensor<1xi32>, %p: index) -> tensor<1x4xf32> {
    %x = llama.weight @w : tensor<1x4xf32>
    return %x : tensor<1x4xf32>
  }
  func.func @forward_chunk(%tokens: tensor<8xi32>, %p: index) -> tensor<8x4xf32> {
    %x = llama.weight @w8 : tensor<8x4xf32>
    return %x : tensor<8x4xf32>
  }
  llama.source @w in "m" at 0 : tensor<1x4xf32>
  llama.source @w8 in "m" at 0 : tensor<8x4xf32>
}

// -----

module {
  func.func @forward_one(%tokens: tensor<1xi32>, %p: index) -> tensor<1x4xf32> {
    %x = llama.weight @w : tensor<1x4xf32>
    %g = llama.swiglu %x, %x : tensor<1x4xf32>
    // expected-error @+1 {{expects nothing but weights and the position from in front of the last layer}}
    %a = llama.layer "a" (%x : tensor<1x4xf32>) -> tensor<1x4xf32> {
    ^bb0(%h: tensor<1x4xf32>):
      %s = llama.swiglu %h, %g : tensor<1x4xf32>
      llama.yield %s : tensor<1x4xf32>
    }
    return %a : tensor<1x4xf32>
  }
  llama.source @w in "m" at 0 : tensor<1x4xf32>
}

// -----

// What a chunk of a prompt leaves out must leave nothing behind.
module {
  llama.source @w in "m" at 0 : tensor<4x4xf32>
  llama.cache @keys : tensor<24x1x4xf32>
  llama.observation @seen number 0 width 4
  func.func @forward_one(%tokens: tensor<1xi32>, %p: index) -> tensor<1x4xf32> {
    %w = llama.weight @w : tensor<4x4xf32>
    %x = llama.embed %tokens, %w : (tensor<1xi32>, tensor<4x4xf32>) -> tensor<1x4xf32>
    %c = llama.cache_read @keys : tensor<24x1x4xf32>
    %k = llama.cache_update %c, %x at %p : (tensor<24x1x4xf32>, tensor<1x4xf32>, index) -> tensor<24x1x4xf32>
    %a = llama.layer "a" (%x : tensor<1x4xf32>) -> tensor<1x4xf32> {
    ^bb0(%h: tensor<1x4xf32>):
      llama.yield %h : tensor<1x4xf32>
    }
    llama.observe @seen, %a : tensor<1x4xf32>
    // expected-error @+1 {{'llama.cache_write' op expects to have no memory effects behind the last layer}}
    llama.cache_write @keys, %k : tensor<24x1x4xf32>
    return %a : tensor<1x4xf32>
  }
}

// -----

// A weight is made of weights alone.
module {
  llama.source @w in "m" at 0 : tensor<1x4xf32>
  func.func @forward_one(%tokens: tensor<1xi32>, %p: index) -> tensor<1x4xf32> {
    %w = llama.weight @w : tensor<1x4xf32>
    %x = llama.embed %tokens, %w : (tensor<1xi32>, tensor<1x4xf32>) -> tensor<1x4xf32>
    %y = llama.add %x, %x : tensor<1x4xf32>
    %n = llama.cast %x : tensor<1x4xf32> to tensor<1x4xf16>
    // expected-error @+1 {{expects nothing but weights and the position from in front of the last layer}}
    %a = llama.layer "a" (%y : tensor<1x4xf32>) -> tensor<1x4xf32> {
    ^bb0(%h: tensor<1x4xf32>):
      %z = llama.linear %h, %n : (tensor<1x4xf32>, tensor<1x4xf16>) -> tensor<1x1xf32>
      llama.yield %h : tensor<1x4xf32>
    }
    return %a : tensor<1x4xf32>
  }
}
