// Rows of codes times a matrix of sevens, run on this machine: seven times what each row's
// one number is rounded to, at both ends of what scales can be.
// RUN: cria-opt %s --pass-pipeline='builtin.module(func.func(kernel-vectorize-quantize-rows,kernel-vectorize-block-matmul,x86-lower-dot{vector-bytes=16}),one-shot-bufferize{bufferize-function-boundaries},convert-vector-to-scf,convert-scf-to-cf,expand-strided-metadata,convert-vector-to-llvm,convert-math-to-llvm,convert-arith-to-llvm,finalize-memref-to-llvm,convert-func-to-llvm,convert-cf-to-llvm,reconcile-unrealized-casts)' \
// RUN:   | mlir-runner -e main --entry-point-result=void --shared-libs=%llvm_lib/libmlir_c_runner_utils.so | FileCheck %s

module attributes {kernel.target = "x86-64-v2"} {
// Rows of 32: each of 8 numbers, followed by zeros.
func.func private @rows(%numbers: tensor<8xf32>) -> tensor<8x1x32xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %zeros = arith.constant dense<0.0> : tensor<8x1x32xf32>
  %x = scf.for %t = %c0 to %c8 step %c1 iter_args(%a = %zeros) -> tensor<8x1x32xf32> {
    %number = tensor.extract %numbers[%t] : tensor<8xf32>
    %b = tensor.insert %number into %a[%t, %c0, %c0] : tensor<8x1x32xf32>
    scf.yield %b : tensor<8x1x32xf32>
  }
  return %x : tensor<8x1x32xf32>
}

// Four rows: their scales 1.0, F16, then codes 15.
func.func private @sevens() -> tensor<1x1x72xi8> {
  %codes = arith.constant dense<-1> : tensor<1x1x72xi8>
  %ones = arith.constant dense<[[[0, 60, 0, 60, 0, 60, 0, 60]]]> : tensor<1x1x8xi8>
  %w = tensor.insert_slice %ones into %codes[0, 0, 0] [1, 1, 8] [1, 1, 1] : tensor<1x1x8xi8> into tensor<1x1x72xi8>
  return %w : tensor<1x1x72xi8>
}

func.func private @print(%y: tensor<8x1x4xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  scf.for %t = %c0 to %c8 step %c1 {
    %product = tensor.extract %y[%t, %c0, %c0] : tensor<8x1x4xf32>
    vector.print %product : f32
  }
  return
}

// Powers of two.
func.func private @microscaled() {
  %numbers = arith.constant dense<[127.9, -127.9, 0.0, 0x7F800000, 0x77000000, 0x0D000000, 0x0D800000, 0x76C00000]> : tensor<8xf32>
  %x = call @rows(%numbers) : (tensor<8xf32>) -> tensor<8x1x32xf32>
  %w = call @sevens() : () -> tensor<1x1x72xi8>
  %q = tensor.empty() : tensor<8x1x32xi8>
  %s = tensor.empty() : tensor<8x1xf32>
  %n = tensor.empty() : tensor<8x1xf32>
  %a, %b, %c = kernel.quantize_rows %x microscaled offset 8 into %q, %s, %n
    : (tensor<8x1x32xf32>, tensor<8x1x32xi8>, tensor<8x1xf32>, tensor<8x1xf32>) -> (tensor<8x1x32xi8>, tensor<8x1xf32>, tensor<8x1xf32>)
  %o = arith.constant dense<0.0> : tensor<8x1x4xf32>
  %y = kernel.block_matmul %a, %b, %c, %w format q4 microscaled into %o
    : (tensor<8x1x32xi8>, tensor<8x1xf32>, tensor<8x1xf32>, tensor<1x1x72xi8>, tensor<8x1x4xf32>) -> tensor<8x1x4xf32>
  // CHECK: {{^}}889{{$}}
  // CHECK-NEXT: {{^}}-889{{$}}
  // CHECK-NEXT: {{^}}0{{$}}
  // CHECK-NEXT: {{nan|inf}}
  // CHECK-NEXT: {{nan|inf}}
  // CHECK-NEXT: {{^}}0{{$}}
  // CHECK-NEXT: 5.52{{.*}}e-30
  // CHECK-NEXT: 1.36{{.*}}e+34
  call @print(%y) : (tensor<8x1x4xf32>) -> ()
  return
}

// 4, 5 or 7 of a power of two.
func.func private @short() {
  %numbers = arith.constant dense<[127.0, 128.0, -222.25, 0.0, 0x7FFFFFFF, 0x78E00000, 0x0D800000, 0x785E4000]> : tensor<8xf32>
  %x = call @rows(%numbers) : (tensor<8xf32>) -> tensor<8x1x32xf32>
  %w = call @sevens() : () -> tensor<1x1x72xi8>
  %q = tensor.empty() : tensor<8x1x32xi8>
  %s = tensor.empty() : tensor<8x2xf32>
  %n = tensor.empty() : tensor<8x1xf32>
  %a, %b, %c = kernel.quantize_rows %x offset 8 into %q, %s, %n
    : (tensor<8x1x32xf32>, tensor<8x1x32xi8>, tensor<8x2xf32>, tensor<8x1xf32>) -> (tensor<8x1x32xi8>, tensor<8x2xf32>, tensor<8x1xf32>)
  %o = arith.constant dense<0.0> : tensor<8x1x4xf32>
  %y = kernel.block_matmul %a, %b, %c, %w format q4 into %o
    : (tensor<8x1x32xi8>, tensor<8x2xf32>, tensor<8x1xf32>, tensor<1x1x72xi8>, tensor<8x1x4xf32>) -> tensor<8x1x4xf32>
  // CHECK-NEXT: {{^}}889{{$}}
  // CHECK-NEXT: {{^}}892.5{{$}}
  // CHECK-NEXT: {{^}}-1555.75{{$}}
  // CHECK-NEXT: {{^}}0{{$}}
  // CHECK-NEXT: {{nan|inf}}
  // CHECK-NEXT: {{nan|inf}}
  // CHECK-NEXT: 5.500{{.*}}e-30
  // CHECK-NEXT: 1.262{{.*}}e+35
  call @print(%y) : (tensor<8x1x4xf32>) -> ()
  return
}

func.func @main() {
  call @microscaled() : () -> ()
  call @short() : () -> ()
  return
}
}
