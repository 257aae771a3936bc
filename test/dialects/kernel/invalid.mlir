// RUN: cria-opt %s -split-input-file -verify-diagnostics

// kernel.constant (C1)
llama.source @s in "m" at 0 : tensor<8x8xf16>
// expected-error @+1 {{'kernel.constant' op expects its region to end in a kernel.yield of 'tensor<8x8xf32>'}}
kernel.constant @w at 0 : tensor<8x8xf32> {
  %w = llama.weight @s : tensor<8x8xf16>
  kernel.yield %w : tensor<8x8xf16>
}

// -----

// kernel.constant (C2)
llama.source @s in "m" at 0 : tensor<8x8xf16>
// expected-error @+1 {{expects an offset that is a multiple of 64 in [0, 2^62], but got 8}}
kernel.constant @w at 8 : tensor<8x8xf16> {
  %w = llama.weight @s : tensor<8x8xf16>
  kernel.yield %w : tensor<8x8xf16>
}

// -----

// kernel.state (C1)
// expected-error @+1 {{expects an offset that is a multiple of 64 in [0, 2^62], but got -64}}
kernel.state @s at -64 : tensor<4xf32>

// -----

// kernel.state (C1): so far behind that its end has no number
// expected-error @+1 {{'kernel.state' op expects an offset that is a multiple of 64 in [0, 2^62], but got 9223372036854775744}}
kernel.state @s at 9223372036854775744 : tensor<4096xf32>

// -----

// kernel.state (C1): as long
// expected-error @+1 {{'kernel.state' op expects at most 2^62 bytes, but got 'tensor<4294967296x4294967296xf32>'}}
kernel.state @s at 0 : tensor<4294967296x4294967296xf32>

// -----

// kernel.state (C1): as long, with what lies between its parts
// expected-error @+1 {{'kernel.state' op expects at most 2^62 bytes, but got 'tensor<4x4xf32, #kernel.pitch<1152921504606846976>>'}}
kernel.state @s at 0 : tensor<4x4xf32, #kernel.pitch<1152921504606846976>>

// -----

// An index has no number of bytes.
// expected-error @+1 {{'kernel.state' op attribute 'type' failed to satisfy constraint: type attribute of statically shaped tensor of integer or floating-point values}}
kernel.state @s at 0 : tensor<4xindex>

// -----

// kernel.get (C1)
kernel.state @s at 0 : tensor<4xf32>
func.func @f() {
  // expected-error @+1 {{'kernel.get' op expects 'tensor<4xf32>', as @s has it, but got 'tensor<5xf32>'}}
  %0 = kernel.get @s : tensor<5xf32>
  return
}

// -----

// kernel.get (C1)
func.func @f() {
  // expected-error @+1 {{'kernel.get' op expects @f to name a kernel.constant or kernel.state}}
  %0 = kernel.get @f : tensor<5xf32>
  return
}

// -----

// kernel.get (C1): what lies between its parts would be read as a part
kernel.state @s at 0 : tensor<2x4x64xf32, #kernel.pitch<1024>>
func.func @f() {
  // expected-error @+1 {{'kernel.get' op expects 'tensor<2x4x64xf32, #kernel.pitch<1024>>', as @s has it, but got 'tensor<2x4x64xf32>'}}
  %0 = kernel.get @s : tensor<2x4x64xf32>
  return
}

// -----

// kernel.get (C1): so it would of a buffer
kernel.state @s at 0 : tensor<2x4x64xf32, #kernel.pitch<1024>>
func.func @f() {
  // expected-error @+1 {{'kernel.get' op expects 'memref<2x4x64xf32, strided<[1024, 64, 1]>>', as @s has it, but got 'memref<2x4x64xf32>'}}
  %0 = kernel.get @s : memref<2x4x64xf32>
  return
}

// -----

// kernel.set (C1): a constant cannot be set
llama.source @s in "m" at 0 : tensor<4xf32>
kernel.constant @w at 0 : tensor<4xf32> {
  %w = llama.weight @s : tensor<4xf32>
  kernel.yield %w : tensor<4xf32>
}
func.func @f(%x: tensor<4xf32>) {
  // expected-error @+1 {{'kernel.set' op expects @w to name a kernel.state of type 'tensor<4xf32>'}}
  kernel.set @w, %x : tensor<4xf32>
  return
}

// -----

// kernel.attention (C1)
func.func @f(%q: tensor<1x3x8xf32>, %k: tensor<3x2x8x4xf32>, %v: tensor<3x2x4x8xf32>, %p: index) {
  // expected-error @+1 {{'kernel.attention' op expects query [T, H, Dh], keys [P, Hkv, Dh, L] and values [P, Hkv, L, Dh]}}
  %a = kernel.attention %q, %k, %v at %p scale 0.125 into %q
    : (tensor<1x3x8xf32>, tensor<3x2x8x4xf32>, tensor<3x2x4x8xf32>, index, tensor<1x3x8xf32>) -> tensor<1x3x8xf32>
  return
}

// -----

// kernel.attention (C2)
func.func @f(%q: tensor<1x4x8xf32>, %k: tensor<3x2x8x4xf32>, %v: tensor<3x2x4x8xf32>, %p: index, %o: tensor<2x4x8xf32>) {
  // expected-error @+1 {{'kernel.attention' op expects result and destination of the query's type}}
  %a = kernel.attention %q, %k, %v at %p scale 0.125 into %o
    : (tensor<1x4x8xf32>, tensor<3x2x8x4xf32>, tensor<3x2x4x8xf32>, index, tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return
}

// -----

// kernel.append (C1)
func.func @f(%r: tensor<1x2x9xf32>, %p: index, %k: tensor<3x2x4x8xf32>) {
  // expected-error @+1 {{'kernel.append' op expects rows [T, Hkv, Dh] that fit the destination}}
  %a = kernel.append %r at %p into %k : (tensor<1x2x9xf32>, index, tensor<3x2x4x8xf32>) -> tensor<3x2x4x8xf32>
  return
}

// -----

// kernel.append (C1): keys, but not said to be
func.func @f(%r: tensor<1x2x8xf32>, %p: index, %k: tensor<3x2x8x4xf32>) {
  // expected-error @+1 {{'kernel.append' op expects rows [T, Hkv, Dh] that fit the destination}}
  %a = kernel.append %r at %p into %k : (tensor<1x2x8xf32>, index, tensor<3x2x8x4xf32>) -> tensor<3x2x8x4xf32>
  return
}

// -----

// kernel.append (C2)
func.func @f(%r: tensor<1x2x8xf32>, %p: index, %k: tensor<3x2x4x8xf32>) {
  // expected-error @+1 {{'kernel.append' op expects a result of the destination's type, but got 'tensor<4x2x4x8xf32>'}}
  %a = kernel.append %r at %p into %k : (tensor<1x2x8xf32>, index, tensor<3x2x4x8xf32>) -> tensor<4x2x4x8xf32>
  return
}

// -----

// kernel.attention (C1): keys and values of two types
func.func @f(%q: tensor<1x4x8xf32>, %k: tensor<3x2x8x4xf16>, %v: tensor<3x2x4x8xf32>, %p: index) {
  // expected-error @+1 {{'kernel.attention' op expects query [T, H, Dh], keys [P, Hkv, Dh, L] and values [P, Hkv, L, Dh]}}
  %a = kernel.attention %q, %k, %v at %p scale 0.125 into %q
    : (tensor<1x4x8xf32>, tensor<3x2x8x4xf16>, tensor<3x2x4x8xf32>, index, tensor<1x4x8xf32>) -> tensor<1x4x8xf32>
  return
}

// -----

// kernel.attention (C3)
func.func @f(%q: tensor<1x4x8xf32>, %k: tensor<3x2x8x4xf32>, %v: tensor<3x2x4x8xf32>, %p: index, %t: tensor<9x2x8xf32>) {
  // expected-error @+1 {{'kernel.attention' op expects a table [C, 2, Dh/2] for heads of 8, but got 'tensor<9x2x8xf32>'}}
  %a = kernel.attention %q, %k, %v at %p scale 0.125 into %q rotated %t
    : (tensor<1x4x8xf32>, tensor<3x2x8x4xf32>, tensor<3x2x4x8xf32>, index, tensor<1x4x8xf32>, tensor<9x2x8xf32>) -> tensor<1x4x8xf32>
  return
}

// -----

// kernel.append (C3): values are not rotated
func.func @f(%r: tensor<1x2x8xf32>, %p: index, %k: tensor<3x2x4x8xf32>, %t: tensor<9x2x4xf32>) {
  // expected-error @+1 {{'kernel.append' op expects a table [C, 2, Dh/2] only for keys [P, Hkv, Dh, L], but got 'tensor<9x2x4xf32>' for values 'tensor<3x2x4x8xf32>'}}
  %a = kernel.append %r at %p into %k rotated %t
    : (tensor<1x2x8xf32>, index, tensor<3x2x4x8xf32>, tensor<9x2x4xf32>) -> tensor<3x2x4x8xf32>
  return
}

// -----

// kernel.attention (C4): codes without scales
func.func @f(%q: tensor<1x2x32xf32>, %k: tensor<3x2x32x4xi8>, %v: tensor<3x2x4x32xi8>, %p: index) {
  // expected-error @+1 {{'kernel.attention' op expects scales [P, Hkv, ceil(Dh/32), L] of keys and values that are codes, only, but got none and none for 'tensor<3x2x32x4xi8>' and 'tensor<3x2x4x32xi8>'}}
  %a = kernel.attention %q, %k, %v at %p scale 0.125 into %q
    : (tensor<1x2x32xf32>, tensor<3x2x32x4xi8>, tensor<3x2x4x32xi8>, index, tensor<1x2x32xf32>) -> tensor<1x2x32xf32>
  return
}

// -----

// kernel.attention (C4): scales of another shape
func.func @f(%q: tensor<1x2x32xf32>, %k: tensor<3x2x32x4xi8>, %v: tensor<3x2x4x32xi8>, %p: index, %ks: tensor<3x2x1x4xbf16>, %vs: tensor<3x2x2x4xbf16>) {
  // expected-error @+1 {{'kernel.attention' op expects scales [P, Hkv, ceil(Dh/32), L] of keys and values that are codes, only, but got 'tensor<3x2x1x4xbf16>' and 'tensor<3x2x2x4xbf16>'}}
  %a = kernel.attention %q, %k, %v at %p scale 0.125 into %q scales %ks, %vs
    : (tensor<1x2x32xf32>, tensor<3x2x32x4xi8>, tensor<3x2x4x32xi8>, index, tensor<1x2x32xf32>, tensor<3x2x1x4xbf16>, tensor<3x2x2x4xbf16>) -> tensor<1x2x32xf32>
  return
}

// -----

// kernel.append (C2): scales of another type than their destination's
func.func @f(%r: tensor<1x2x32xf32>, %p: index, %k: tensor<3x2x4x32xi8>, %s: tensor<3x2x1x4xbf16>) {
  // expected-error @+1 {{'kernel.append' op expects scales of their destination's type, but got 'tensor<3x2x2x4xbf16>'}}
  %a, %b = kernel.append %r at %p into %k, %s
    : (tensor<1x2x32xf32>, index, tensor<3x2x4x32xi8>, tensor<3x2x1x4xbf16>) -> (tensor<3x2x4x32xi8>, tensor<3x2x2x4xbf16>)
  return
}

// -----

// kernel.append (C4): floats with scales
func.func @f(%r: tensor<1x2x32xf32>, %p: index, %k: tensor<3x2x4x32xf16>, %s: tensor<3x2x1x4xbf16>) {
  // expected-error @+1 {{'kernel.append' op expects scales [P, Hkv, ceil(Dh/32), L] beside a cache of codes, only, but got 'tensor<3x2x1x4xbf16>' for 'tensor<3x2x4x32xf16>'}}
  %a, %b = kernel.append %r at %p into %k, %s
    : (tensor<1x2x32xf32>, index, tensor<3x2x4x32xf16>, tensor<3x2x1x4xbf16>) -> (tensor<3x2x4x32xf16>, tensor<3x2x1x4xbf16>)
  return
}

// -----

// kernel.append (C4): scales of fewer positions
func.func @f(%r: tensor<1x2x32xf32>, %p: index, %k: tensor<3x2x4x32xi8>, %s: tensor<2x2x1x4xbf16>) {
  // expected-error @+1 {{'kernel.append' op expects scales [P, Hkv, ceil(Dh/32), L] beside a cache of codes, only, but got 'tensor<2x2x1x4xbf16>' for 'tensor<3x2x4x32xi8>'}}
  %a, %b = kernel.append %r at %p into %k, %s
    : (tensor<1x2x32xf32>, index, tensor<3x2x4x32xi8>, tensor<2x2x1x4xbf16>) -> (tensor<3x2x4x32xi8>, tensor<2x2x1x4xbf16>)
  return
}

// -----

// kernel.attention (C2): a part is longer than a row of the query
func.func @f(%q: tensor<1x4x8xf32>, %k: tensor<3x2x8x4xf32>, %v: tensor<3x2x4x8xf32>, %p: index) {
  // expected-error @+1 {{'kernel.attention' op expects result and destination [M, H, Dh + 2 W], where W divides L, but got 'tensor<1x4x8xf32>' and 'tensor<1x4x8xf32>'}}
  %a = kernel.attention %q, %k, %v at %p scale 0.125 part %p of 2 into %q
    : (tensor<1x4x8xf32>, tensor<3x2x8x4xf32>, tensor<3x2x4x8xf32>, index, tensor<1x4x8xf32>, index) -> tensor<1x4x8xf32>
  return
}

// -----

// kernel.attention (C5): one token
func.func @f(%q: tensor<2x4x8xf32>, %k: tensor<3x2x8x4xf32>, %v: tensor<3x2x4x8xf32>, %p: index, %o: tensor<2x4x16xf32>) {
  // expected-error @+1 {{'kernel.attention' op expects parts, at least one, of a single token, but got 2 for 'tensor<2x4x8xf32>'}}
  %a = kernel.attention %q, %k, %v at %p scale 0.125 part %p of 2 into %o
    : (tensor<2x4x8xf32>, tensor<3x2x8x4xf32>, tensor<3x2x4x8xf32>, index, tensor<2x4x16xf32>, index) -> tensor<2x4x16xf32>
  return
}

// -----

// kernel.attention (C5): a part of none
func.func @f(%q: tensor<1x4x8xf32>, %k: tensor<3x2x8x4xf32>, %v: tensor<3x2x4x8xf32>, %p: index, %o: tensor<2x4x16xf32>) {
  // expected-error @+1 {{'kernel.attention' op expects parts, at least one, of a single token, but got 0 for 'tensor<1x4x8xf32>'}}
  %a = kernel.attention %q, %k, %v at %p scale 0.125 part %p of 0 into %o
    : (tensor<1x4x8xf32>, tensor<3x2x8x4xf32>, tensor<3x2x4x8xf32>, index, tensor<2x4x16xf32>, index) -> tensor<2x4x16xf32>
  return
}

// -----

// kernel.merge_parts (C1): another number of heads
func.func @f(%s: tensor<3x2x16xf32>, %p: index, %o: tensor<1x4x8xf32>) {
  // expected-error @+1 {{'kernel.merge_parts' op expects parts [S, H, Dh + 2 W] and a destination [1, H, Dh], but got 'tensor<3x2x16xf32>' and 'tensor<1x4x8xf32>'}}
  %a = kernel.merge_parts %s at %p into %o : (tensor<3x2x16xf32>, index, tensor<1x4x8xf32>) -> tensor<1x4x8xf32>
  return
}

// -----

// kernel.merge_parts (C1): a row that is longer by an odd number
func.func @f(%s: tensor<3x4x15xf32>, %p: index, %o: tensor<1x4x8xf32>) {
  // expected-error @+1 {{'kernel.merge_parts' op expects parts [S, H, Dh + 2 W] and a destination [1, H, Dh]}}
  %a = kernel.merge_parts %s at %p into %o : (tensor<3x4x15xf32>, index, tensor<1x4x8xf32>) -> tensor<1x4x8xf32>
  return
}

// -----

// kernel.merge_parts (C2)
func.func @f(%s: tensor<3x4x16xf32>, %p: index, %o: tensor<1x4x8xf32>) {
  // expected-error @+1 {{'kernel.merge_parts' op expects a result of the destination's type, but got 'tensor<2x4x8xf32>'}}
  %a = kernel.merge_parts %s at %p into %o : (tensor<3x4x16xf32>, index, tensor<1x4x8xf32>) -> tensor<2x4x8xf32>
  return
}

// -----

// kernel.attention (C1): no heads of keys
func.func @f(%q: tensor<1x4x8xf32>, %k: tensor<3x0x8x4xf32>, %v: tensor<3x0x4x8xf32>, %p: index) {
  // expected-error @+1 {{'kernel.attention' op expects query [T, H, Dh], keys [P, Hkv, Dh, L] and values [P, Hkv, L, Dh]}}
  %a = kernel.attention %q, %k, %v at %p scale 0.125 into %q
    : (tensor<1x4x8xf32>, tensor<3x0x8x4xf32>, tensor<3x0x4x8xf32>, index, tensor<1x4x8xf32>) -> tensor<1x4x8xf32>
  return
}

// -----

// #kernel.pitch: of slices
// expected-error @+1 {{expects a tensor with slices for a pitch, but got one of rank 0}}
kernel.state @s at 0 : tensor<f32, #kernel.pitch<4>>

// -----

// #kernel.pitch: no slice lies in the next one
// expected-error @+1 {{expects slices of at most 15 elements for that pitch, but got 16}}
kernel.state @s at 0 : tensor<3x4x4xf32, #kernel.pitch<15>>

// -----

func.func @live_rows() -> index {
  // kernel.live_rows (C1)
  // expected-error @+1 {{'kernel.live_rows' op expects a function with 'kernel.chunk'}}
  %r = kernel.live_rows
  return %r : index
}

// -----

// kernel.attention (C6)
func.func @f(%q: tensor<1x4x8xf32>, %k: tensor<3x2x8x4xf32>, %v: tensor<3x2x4x8xf32>, %p: index) {
  // expected-error @+1 {{'kernel.attention' op expects a finite scale, but got 0x7FF0000000000000 : f64}}
  %a = kernel.attention %q, %k, %v at %p scale 0x7FF0000000000000 into %q
    : (tensor<1x4x8xf32>, tensor<3x2x8x4xf32>, tensor<3x2x4x8xf32>, index, tensor<1x4x8xf32>) -> tensor<1x4x8xf32>
  return
}

// -----

// kernel.attention (C6)
func.func @f(%q: tensor<1x4x8xf32>, %k: tensor<3x2x8x4xf32>, %v: tensor<3x2x4x8xf32>, %p: index) {
  // expected-error @+1 {{'kernel.attention' op expects a window that is not negative, but got -1}}
  %a = kernel.attention %q, %k, %v at %p scale 0.125 window -1 into %q
    : (tensor<1x4x8xf32>, tensor<3x2x8x4xf32>, tensor<3x2x4x8xf32>, index, tensor<1x4x8xf32>) -> tensor<1x4x8xf32>
  return
}

// -----

// kernel.merge_parts (C3)
func.func @f(%s: tensor<3x4x16xf32>, %p: index, %o: tensor<1x4x8xf32>) {
  // expected-error @+1 {{'kernel.merge_parts' op expects a window that is not negative, but got -1}}
  %a = kernel.merge_parts %s at %p window -1 into %o : (tensor<3x4x16xf32>, index, tensor<1x4x8xf32>) -> tensor<1x4x8xf32>
  return
}
