// RUN: cria-opt %s -verify-diagnostics -split-input-file

// embed: the result's type is inferred
func.func @f(%tokens: tensor<?xi32>, %table: tensor<8x4xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{inferred type(s) 'tensor<?x4xf32>' are incompatible with return type(s) of operation 'tensor<?x8xf32>'}}
  %x = llama.embed %tokens, %table : (tensor<?xi32>, tensor<8x4xf32>) -> tensor<?x8xf32>
  return
}

// -----

// Types: tokens
func.func @f(%tokens: tensor<?xi64>, %table: tensor<8x4xf32>) {
  // expected-error @+1 {{operand #0 must be non-empty 1D tensor of 32-bit signless integer values, but got 'tensor<?xi64>'}}
  %x = llama.embed %tokens, %table : (tensor<?xi64>, tensor<8x4xf32>) -> tensor<?x4xf32>
  return
}

// -----

// Types: columns are static
func.func @f(%x: tensor<?x?xf32>, %g: tensor<4xf32>) {
  // expected-error @+1 {{operand #0 must be non-empty 2D tensor with static columns of 32-bit float values, but got 'tensor<?x?xf32>'}}
  %h = llama.rms_norm %x, %g epsilon 1.0e-5 : (tensor<?x?xf32>, tensor<4xf32>) -> tensor<?x?xf32>
  return
}

// -----

// Types: an empty weight would divide by zero
func.func @f(%x: tensor<?x4xf32>, %g: tensor<0xf32>) {
  // expected-error @+1 {{operand #1 must be non-empty static 1D tensor of f32, f16 or bf16 values, but got 'tensor<0xf32>'}}
  %h = llama.rms_norm %x, %g epsilon 1.0e-5 : (tensor<?x4xf32>, tensor<0xf32>) -> tensor<?x4xf32>
  return
}

// -----

// Types: no rank
func.func @f(%x: tensor<*xf32>) {
  // expected-error @+1 {{operand #0 must be non-empty 2D tensor with static columns}}
  %h = "llama.swiglu"(%x, %x) : (tensor<*xf32>, tensor<*xf32>) -> tensor<*xf32>
  return
}

// -----

// rms_norm (C1)
func.func @f(%x: tensor<?x6xf32>, %g: tensor<4xf32>) {
  // expected-error @+1 {{expects a width that is a multiple of its weight's 4, but got 6}}
  %h = llama.rms_norm %x, %g epsilon 1.0e-5 : (tensor<?x6xf32>, tensor<4xf32>) -> tensor<?x6xf32>
  return
}

// -----

// rms_norm (C2)
func.func @f(%x: tensor<?x4xf32>, %g: tensor<4xf32>) {
  // expected-error @+1 {{expects a finite epsilon that is not negative, but got -1.0000000000000001E-5}}
  %h = llama.rms_norm %x, %g epsilon -1.0e-5 : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  return
}

// -----

// rms_norm (C2)
func.func @f(%x: tensor<?x4xf32>, %g: tensor<4xf32>) {
  // expected-error @+1 {{expects a finite epsilon that is not negative, but got NaN}}
  %h = llama.rms_norm %x, %g epsilon 0x7FF8000000000000
    : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  return
}

// -----

// linear (C1)
func.func @f(%x: tensor<?x4xf32>, %w: tensor<4x8xf32>) {
  // expected-error @+1 {{expects a weight of 4 columns, but got 'tensor<4x8xf32>'}}
  %y = llama.linear %x, %w : (tensor<?x4xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  return
}

// -----

// linear (C2)
func.func @f(%x: tensor<?x4xf32>, %w: tensor<8x4xf32>, %b: tensor<4xf32>) {
  // expected-error @+1 {{expects a bias of 8 elements, but got 'tensor<4xf32>'}}
  %y = llama.linear %x, %w bias %b
    : (tensor<?x4xf32>, tensor<8x4xf32>, tensor<4xf32>) -> tensor<?x8xf32>
  return
}

// -----

// linear: the result's type is inferred
func.func @f(%x: tensor<?x4xf32>, %w: tensor<8x4xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{inferred type(s) 'tensor<?x8xf32>' are incompatible with return type(s) of operation 'tensor<1x8xf32>'}}
  %y = llama.linear %x, %w : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<1x8xf32>
  return
}

// -----

// rope (C1)
func.func @f(%x: tensor<?x12xf32>, %table: tensor<4x2x4xf32>, %p: index) {
  // expected-error @+1 {{expects a width that is a multiple of its table's head size 8, but got 12}}
  %r = llama.rope %x, %table at %p layout half
    : (tensor<?x12xf32>, tensor<4x2x4xf32>, index) -> tensor<?x12xf32>
  return
}

// -----

// rope (C2)
func.func @f(%x: tensor<?x8xf32>, %table: tensor<4x4x2xf32>, %p: index) {
  // expected-error @+1 {{expects a table of cosines and sines [C, 2, Dh/2], but got 'tensor<4x4x2xf32>'}}
  %r = llama.rope %x, %table at %p layout half
    : (tensor<?x8xf32>, tensor<4x4x2xf32>, index) -> tensor<?x8xf32>
  return
}

// -----

// attention (C1)
func.func @f(%q: tensor<?x8xf32>, %k: tensor<4x2x4xf32>, %v: tensor<4x1x4xf32>, %p: index) {
  // expected-error @+1 {{expects keys and values of one type, but got 'tensor<4x2x4xf32>' and 'tensor<4x1x4xf32>'}}
  %a = llama.attention %q, %k, %v at %p scale 0.5
    : (tensor<?x8xf32>, tensor<4x2x4xf32>, tensor<4x1x4xf32>, index) -> tensor<?x8xf32>
  return
}

// -----

// attention (C2)
func.func @f(%q: tensor<?x12xf32>, %k: tensor<4x2x4xf32>, %p: index) {
  // expected-error @+1 {{expects a query width that is a multiple of its keys' 8, but got 12}}
  %a = llama.attention %q, %k, %k at %p scale 0.5
    : (tensor<?x12xf32>, tensor<4x2x4xf32>, tensor<4x2x4xf32>, index) -> tensor<?x12xf32>
  return
}

// -----

// attention (C3)
func.func @f(%q: tensor<?x8xf32>, %k: tensor<4x2x4xf32>, %p: index) {
  // expected-error @+1 {{expects a finite scale and a window that is not negative, but got NaN and 0}}
  %a = llama.attention %q, %k, %k at %p scale 0x7FF8000000000000
    : (tensor<?x8xf32>, tensor<4x2x4xf32>, tensor<4x2x4xf32>, index) -> tensor<?x8xf32>
  return
}

// -----

// attention (C3)
func.func @f(%q: tensor<?x8xf32>, %k: tensor<4x2x4xf32>, %p: index) {
  // expected-error @+1 {{expects a finite scale and a window that is not negative, but got 0.5 and -1}}
  %a = llama.attention %q, %k, %k at %p scale 0.5 window -1
    : (tensor<?x8xf32>, tensor<4x2x4xf32>, tensor<4x2x4xf32>, index) -> tensor<?x8xf32>
  return
}

// -----

// swiglu, add: one type
func.func @f(%x: tensor<?x8xf32>, %y: tensor<?x4xf32>) {
  // expected-error @+1 {{requires the same type for all operands and results}}
  %z = "llama.add"(%x, %y) : (tensor<?x8xf32>, tensor<?x4xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>) {
  // expected-error @+1 {{requires the same type for all operands and results}}
  %z = "llama.swiglu"(%x, %x) : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x4xf32>
  return
}

// -----

// No operands at all
func.func @f() {
  // expected-error @+1 {{expected 2 or more operands, but found 0}}
  %z = "llama.linear"() : () -> tensor<?x4xf32>
  return
}

// -----

// llama.screen (C1)
func.func @f(%y: tensor<1x40xf32>, %a: tensor<1x40xf32>, %m: tensor<2xf32>) {
  // expected-error @+1 {{'llama.screen' op expects a margin of one number, but got 'tensor<2xf32>'}}
  %s = llama.screen %y by %a margin %m : tensor<1x40xf32>, tensor<2xf32>
  return
}
