// RUN: cria-opt %s -split-input-file -verify-diagnostics

// #kernel.schedule (C1): tiles of another number of loops
// expected-error @+1 {{expects threads and tiles of the same loops, not negative, but got [0, 1] and [8]}}
func.func private @f() attributes {kernel.schedule = #kernel.schedule<threads = [0, 1], tiles = [8]>}

// -----

// #kernel.schedule (C1)
// expected-error @+1 {{expects threads and tiles of the same loops, not negative, but got [0, -1] and [8, 0]}}
func.func private @f() attributes {kernel.schedule = #kernel.schedule<threads = [0, -1], tiles = [8, 0]>}

// -----

// #kernel.schedule (C2): nothing for the threads
// expected-error @+1 {{expects threads that cut a loop, but got [0, 0]}}
func.func private @f() attributes {kernel.schedule = #kernel.schedule<threads = [0, 0], tiles = [8, 0]>}

// -----

// #kernel.schedule (C3): streams are of one loop's tiles
// expected-error @+1 {{expects one stream, or several of one loop that is cut, but got 4 of 2}}
func.func private @f() attributes {kernel.schedule = #kernel.schedule<threads = [1, 1], tiles = [0, 0], streams = 4>}

// -----

// #kernel.schedule (C3)
// expected-error @+1 {{expects one stream, or several of one loop that is cut, but got 0 of 1}}
func.func private @f() attributes {kernel.schedule = #kernel.schedule<threads = [0, 1], tiles = [0, 0], streams = 0>}

// -----

// kernel.schedule: a number that is none
func.func @f(%s: tensor<3x4x16xf32>, %p: index, %o: tensor<1x4x8xf32>) {
  // expected-error @+1 {{'kernel.merge_parts' op expects 'kernel.schedule' to be a #kernel.schedule on an op that can be tiled, but got 3 : i64}}
  %a = kernel.merge_parts %s at %p into %o {kernel.schedule = 3 : i64}
    : (tensor<3x4x16xf32>, index, tensor<1x4x8xf32>) -> tensor<1x4x8xf32>
  return
}

// -----

// kernel.schedule: nothing to tile
// expected-error @+1 {{'func.func' op expects 'kernel.schedule' to be a #kernel.schedule on an op that can be tiled}}
func.func private @f() attributes {kernel.schedule = #kernel.schedule<threads = [0, 1], tiles = [8, 0]>}

// -----

// kernel.schedule: more numbers than loops
func.func @f(%s: tensor<3x4x16xf32>, %p: index, %o: tensor<1x4x8xf32>) {
  // expected-error @+1 {{'kernel.merge_parts' op expects a schedule with a number for each of 1 loops, but got #kernel.schedule<threads = [1, 1], tiles = [0, 0]>}}
  %a = kernel.merge_parts %s at %p into %o {kernel.schedule = #kernel.schedule<threads = [1, 1], tiles = [0, 0]>}
    : (tensor<3x4x16xf32>, index, tensor<1x4x8xf32>) -> tensor<1x4x8xf32>
  return
}

// -----

// kernel.schedule: on an op that is wrong itself, which is said instead
func.func @f(%s: tensor<3x4x15xf32>, %p: index, %o: tensor<1x4x8xf32>) {
  // expected-error @+1 {{'kernel.merge_parts' op expects parts [S, H, Dh + 2 W] and a destination [1, H, Dh]}}
  %a = kernel.merge_parts %s at %p into %o {kernel.schedule = #kernel.schedule<threads = [1, 1], tiles = [0, 0]>}
    : (tensor<3x4x15xf32>, index, tensor<1x4x8xf32>) -> tensor<1x4x8xf32>
  return
}

// -----

// kernel.target
// expected-error @+1 {{'builtin.module' op expects 'kernel.target' to be a string on a module, but got 3 : i64}}
module attributes {kernel.target = 3 : i64} {}

// -----

// kernel.target: of a module, not of a function
// expected-error @+1 {{'func.func' op expects 'kernel.target' to be a string on a module, but got "x86-64-v3"}}
func.func private @f() attributes {kernel.target = "x86-64-v3"}

// -----

// kernel.segments: all four of them
// expected-error @+1 {{'builtin.module' op expects 'kernel.segments' to be the bytes of weights, state, workspace and scratch, i64 that are not negative, on a module, but got {scratch = 64 : i64, state = 0 : i64, weights = 128 : i64}}}
module attributes {kernel.segments = {scratch = 64 : i64, state = 0 : i64, weights = 128 : i64}} {}

// -----

// kernel.segments
// expected-error @+1 {{expects 'kernel.segments' to be the bytes of weights, state, workspace and scratch}}
module attributes {kernel.segments = {scratch = 64 : i64, state = -1 : i64, weights = 128 : i64, workspace = 0 : i64}} {}

// -----

// kernel.buffer
func.func @f() {
  // expected-error @+1 {{'tensor.empty' op expects 'kernel.buffer' to be an i64 on a tensor.empty, but got 1 : i32}}
  %o = tensor.empty() {kernel.buffer = 1 : i32} : tensor<4xf32>
  return
}

// -----

// kernel.screened: a product has two inputs
func.func @f(%x: tensor<4x4xf32>, %o: tensor<4x4xf32>) {
  // expected-error @+1 {{'linalg.matmul' op expects 'kernel.screened' to be a unit on a linalg.generic of three inputs, but got unit}}
  %y = linalg.matmul {kernel.screened} ins(%x, %x : tensor<4x4xf32>, tensor<4x4xf32>) outs(%o : tensor<4x4xf32>) -> tensor<4x4xf32>
  return
}

// -----

// kernel.own
func.func @f() {
  // expected-error @+1 {{'memref.alloca' op expects 'kernel.own' to be a unit on a memref.alloc, but got unit}}
  %o = memref.alloca() {kernel.own} : memref<4xf32>
  return
}

// -----

// kernel.own
func.func @f() {
  // expected-error @+1 {{'memref.alloc' op expects 'kernel.own' to be a unit on a memref.alloc, but got true}}
  %o = memref.alloc() {kernel.own = true} : memref<4xf32>
  return
}

// -----

// kernel.observation
// expected-error @+1 {{'kernel.state' op expects 'kernel.observation' to be an i64, not negative, on a kernel.state of rank 4, but got -1 : i64}}
kernel.state @s at 0 {kernel.observation = -1 : i64} : tensor<1x2x8x4xf32>

// -----

// kernel.observation: no parts in it
// expected-error @+1 {{'kernel.state' op expects 'kernel.observation' to be an i64, not negative, on a kernel.state of rank 4, but got 0 : i64}}
kernel.state @s at 0 {kernel.observation = 0 : i64} : tensor<4xf32>

// -----

// kernel.positions: not beside other caches
// expected-error @+1 {{'kernel.state' op expects 'kernel.positions' to be an i64, at least 1, on a kernel.state with a pitch, but got 16 : i64}}
kernel.state @s at 0 {kernel.positions = 16 : i64} : tensor<3x2x8x16xf32>

// -----

// kernel.positions
// expected-error @+1 {{'kernel.state' op expects 'kernel.positions' to be an i64, at least 1, on a kernel.state with a pitch, but got 0 : i64}}
kernel.state @s at 0 {kernel.positions = 0 : i64} : tensor<3x2x8x16xf32, #kernel.pitch<256>>

// -----

// kernel.chunk
// expected-error @+1 {{'func.func' op expects 'kernel.chunk' to be an i64, at least 1, on a function, but got 0 : i64}}
func.func private @f() attributes {kernel.chunk = 0 : i64}

// -----

// kernel.chunk: a step is a function
// expected-error @+1 {{'builtin.module' op expects 'kernel.chunk' to be an i64, at least 1, on a function, but got 8 : i64}}
module attributes {kernel.chunk = 8 : i64} {}

// -----

// An attribute that nobody would read.
// expected-error @+1 {{'func.func' op expects an attribute that the kernel dialect has, but got 'kernel.shedule'}}
func.func private @f() attributes {kernel.shedule}
