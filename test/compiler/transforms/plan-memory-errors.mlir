// RUN: cria-opt %s --kernel-plan-memory -verify-diagnostics

// What is allocated in a loop of its own has no place among what the function allocates.
func.func @nested(%index: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %a = memref.alloc() : memref<64xf32>
  scf.for %i = %c0 to %index step %c1 {
    // expected-error @+1 {{expects to stand at the top of its function, or within a kernel}}
    %b = memref.alloc() : memref<64xf32>
    memref.store %zero, %b[%i] : memref<64xf32>
    memref.store %zero, %a[%i] : memref<64xf32>
  }
  return
}
