// RUN: cria-opt %s --kernel-bufferize -split-input-file -verify-diagnostics
// RUN: not cria-opt %s --kernel-bufferize -split-input-file 2>/dev/null | FileCheck %s --check-prefix=FAILED --allow-empty

// What fails leaves nothing to print.
// FAILED-NOT: module

// kernel.set (C2): a second value would be the same buffer.
kernel.state @s at 0 : tensor<4xf32>
func.func @twice(%v: f32) -> tensor<4xf32> {
  %a = kernel.get @s : tensor<4xf32>
  %f = linalg.fill ins(%v : f32) outs(%a : tensor<4xf32>) -> tensor<4xf32>
  %b = kernel.get @s : tensor<4xf32>
  // expected-error @+1 {{'kernel.set' op expects one kernel.get of @s in its function, but got 2}}
  kernel.set @s, %f : tensor<4xf32>
  return %b : tensor<4xf32>
}

// -----

// kernel.set (C2)
kernel.state @s at 0 : tensor<4xf32>
func.func @late(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{'kernel.set' op expects the kernel.get of @s before it in its block, but got one elsewhere}}
  kernel.set @s, %x : tensor<4xf32>
  %a = kernel.get @s : tensor<4xf32>
  return %a : tensor<4xf32>
}

// -----

// kernel.set (C2): the second time around, the buffer has another value.
kernel.state @s at 0 : tensor<4xf32>
func.func @loop(%x: tensor<4xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %a = kernel.get @s : tensor<4xf32>
  scf.for %i = %c0 to %n step %c1 {
    // expected-error @+1 {{'kernel.set' op expects the kernel.get of @s before it in its block, but got one elsewhere}}
    kernel.set @s, %x : tensor<4xf32>
  }
  return
}

// -----

// kernel.set (C3)
kernel.state @s at 0 : tensor<4xf32>
func.func @overwritten(%x: tensor<4xf32>) -> tensor<4xf32> {
  %a = kernel.get @s : tensor<4xf32>
  // expected-error @+1 {{'kernel.set' op expects that what @s held is not used behind it, but got func.return}}
  kernel.set @s, %x : tensor<4xf32>
  return %a : tensor<4xf32>
}

// -----

// kernel.set (C3): the update is not in place, as the old value is still read.
kernel.state @s at 0 : tensor<4xf32>
func.func @old(%v: f32, %i: index) -> f32 {
  %a = kernel.get @s : tensor<4xf32>
  %f = linalg.fill ins(%v : f32) outs(%a : tensor<4xf32>) -> tensor<4xf32>
  // expected-error @+1 {{'kernel.set' op expects that what @s held is not used behind it, but got tensor.extract}}
  kernel.set @s, %f : tensor<4xf32>
  %r = tensor.extract %a[%i] : tensor<4xf32>
  return %r : f32
}

// -----

// kernel.set (C3): the state would change with it.
kernel.state @s at 0 : tensor<4xf32>
func.func @further(%v: f32, %i: index) -> f32 {
  %a = kernel.get @s : tensor<4xf32>
  %f = tensor.insert %v into %a[%i] : tensor<4xf32>
  // expected-error @+1 {{'kernel.set' op expects that what @s held is not changed behind it, but got tensor.insert}}
  kernel.set @s, %f : tensor<4xf32>
  %c0 = arith.constant 0 : index
  %g = tensor.insert %v into %f[%c0] : tensor<4xf32>
  %r = tensor.extract %g[%i] : tensor<4xf32>
  return %r : f32
}
