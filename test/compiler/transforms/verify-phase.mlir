// RUN: not cria-opt %s --cria-verify-phase="phase=model allowed=func,llama" 2>&1 | FileCheck %s
// RUN: not cria-opt %s --cria-verify-phase="phase=buffer allowed=func,memref static-memory=true" 2>&1 | FileCheck %s --check-prefix=MEMORY
// RUN: cria-opt %s --cria-verify-phase="phase=buffer allowed=func,memref"

// CHECK: error: 'memref.alloc' op may not remain after phase 'model', which allows func, llama
// MEMORY: error: 'memref.alloc' op may not remain after phase 'buffer': memory is planned statically

// Bodies of constants are evaluated, not run: any op may be there.
llama.source @s in "m" at 0 : tensor<4xf32>
kernel.constant @w at 0 : tensor<4xf32> {
  %w = llama.weight @s : tensor<4xf32>
  kernel.yield %w : tensor<4xf32>
}

func.func @f() {
  %0 = memref.alloc() : memref<4xf32>
  return
}
