// RUN: cria-opt %s --pass-pipeline='builtin.module(func.func(kernel-vectorize-block-matmul,kernel-vectorize-block-gather,kernel-vectorize-quantize-rows,kernel-vectorize-attention,kernel-vectorize-append,kernel-vectorize-merge-parts))' -split-input-file -verify-diagnostics
// RUN: not cria-opt %s --pass-pipeline='builtin.module(func.func(kernel-vectorize-block-matmul,kernel-vectorize-block-gather,kernel-vectorize-quantize-rows,kernel-vectorize-attention,kernel-vectorize-append,kernel-vectorize-merge-parts))' -split-input-file 2>/dev/null | FileCheck %s --check-prefix=FAILED --allow-empty

// What fails leaves nothing to print.
// FAILED-NOT: module

// Micro-kernels are built from the sizes of their tensors: none may be unknown, or zero.

module attributes {kernel.target = "x86-64-v3"} {
  func.func @tokens_of_a_product(%q: tensor<?x16x32xi8>, %s: tensor<?x32xf32>, %n: tensor<?x16xf32>,
                                 %w: tensor<8x16x288xi8>, %o: tensor<?x8x16xf32>) -> tensor<?x8x16xf32> {
    // expected-error @+1 {{'kernel.block_matmul' op expects tensors of static shape that are not empty, but got 'tensor<?x16x32xi8>'}}
    %y = kernel.block_matmul %q, %s, %n, %w format q4 into %o
        : (tensor<?x16x32xi8>, tensor<?x32xf32>, tensor<?x16xf32>, tensor<8x16x288xi8>, tensor<?x8x16xf32>) -> tensor<?x8x16xf32>
    return %y : tensor<?x8x16xf32>
  }
}

// -----

module attributes {kernel.target = "x86-64-v3"} {
  func.func @panels(%q: tensor<1x16x32xi8>, %s: tensor<1x32xf32>, %n: tensor<1x16xf32>, %w: tensor<?x16x288xi8>,
                    %o: tensor<1x?x16xf32>) -> tensor<1x?x16xf32> {
    // expected-error @+1 {{'kernel.block_matmul' op expects tensors of static shape that are not empty, but got 'tensor<?x16x288xi8>'}}
    %y = kernel.block_matmul %q, %s, %n, %w format q4 into %o
        : (tensor<1x16x32xi8>, tensor<1x32xf32>, tensor<1x16xf32>, tensor<?x16x288xi8>, tensor<1x?x16xf32>) -> tensor<1x?x16xf32>
    return %y : tensor<1x?x16xf32>
  }
}

// -----

module attributes {kernel.target = "x86-64-v3"} {
  func.func @no_tokens(%q: tensor<0x16x32xi8>, %s: tensor<0x32xf32>, %n: tensor<0x16xf32>, %w: tensor<8x16x288xi8>,
                       %o: tensor<0x8x16xf32>) -> tensor<0x8x16xf32> {
    // expected-error @+1 {{'kernel.block_matmul' op expects tensors of static shape that are not empty, but got 'tensor<0x16x32xi8>'}}
    %y = kernel.block_matmul %q, %s, %n, %w format q4 into %o
        : (tensor<0x16x32xi8>, tensor<0x32xf32>, tensor<0x16xf32>, tensor<8x16x288xi8>, tensor<0x8x16xf32>) -> tensor<0x8x16xf32>
    return %y : tensor<0x8x16xf32>
  }
}

// -----

module attributes {kernel.target = "x86-64-v3"} {
  func.func @gathered_rows(%t: tensor<?xi32>, %w: tensor<64x16x288xi8>, %o: tensor<?x512xf32>) -> tensor<?x512xf32> {
    // expected-error @+1 {{'kernel.block_gather' op expects tensors of static shape that are not empty, but got 'tensor<?xi32>'}}
    %x = kernel.block_gather %t of %w rows 16 format q4 into %o
        : (tensor<?xi32>, tensor<64x16x288xi8>, tensor<?x512xf32>) -> tensor<?x512xf32>
    return %x : tensor<?x512xf32>
  }
}

// -----

module attributes {kernel.target = "x86-64-v3"} {
  func.func @tokens_of_codes(%x: tensor<?x1x32xf32>, %a: tensor<?x1x32xi8>, %b: tensor<?x2xf32>, %c: tensor<?x1xf32>)
      -> (tensor<?x1x32xi8>, tensor<?x2xf32>, tensor<?x1xf32>) {
    // expected-error @+1 {{'kernel.quantize_rows' op expects tensors of static shape that are not empty, but got 'tensor<?x1x32xf32>'}}
    %q, %s, %n = kernel.quantize_rows %x into %a, %b, %c
        : (tensor<?x1x32xf32>, tensor<?x1x32xi8>, tensor<?x2xf32>, tensor<?x1xf32>) -> (tensor<?x1x32xi8>, tensor<?x2xf32>, tensor<?x1xf32>)
    return %q, %s, %n : tensor<?x1x32xi8>, tensor<?x2xf32>, tensor<?x1xf32>
  }
}

// -----

module attributes {kernel.target = "x86-64-v3"} {
  func.func @no_groups(%x: tensor<1x0x32xf32>, %a: tensor<1x0x32xi8>, %b: tensor<1x0xf32>, %c: tensor<1x0xf32>)
      -> (tensor<1x0x32xi8>, tensor<1x0xf32>, tensor<1x0xf32>) {
    // expected-error @+1 {{'kernel.quantize_rows' op expects tensors of static shape that are not empty, but got 'tensor<1x0x32xf32>'}}
    %q, %s, %n = kernel.quantize_rows %x into %a, %b, %c
        : (tensor<1x0x32xf32>, tensor<1x0x32xi8>, tensor<1x0xf32>, tensor<1x0xf32>) -> (tensor<1x0x32xi8>, tensor<1x0xf32>, tensor<1x0xf32>)
    return %q, %s, %n : tensor<1x0x32xi8>, tensor<1x0xf32>, tensor<1x0xf32>
  }
}

// -----

module attributes {kernel.target = "x86-64-v3"} {
  func.func @queries(%q: tensor<?x1x64xf32>, %k: tensor<2x1x64x64xf32>, %v: tensor<2x1x64x64xf32>, %p: index,
                     %o: tensor<?x1x64xf32>) -> tensor<?x1x64xf32> {
    // expected-error @+1 {{'kernel.attention' op expects tensors of static shape that are not empty, but got 'tensor<?x1x64xf32>'}}
    %a = kernel.attention %q, %k, %v at %p scale 0.125 into %o
        : (tensor<?x1x64xf32>, tensor<2x1x64x64xf32>, tensor<2x1x64x64xf32>, index, tensor<?x1x64xf32>) -> tensor<?x1x64xf32>
    return %a : tensor<?x1x64xf32>
  }
}

// -----

module attributes {kernel.target = "x86-64-v3"} {
  func.func @appended_rows(%r: tensor<?x1x64xf32>, %v: tensor<2x1x64x64xf32>, %p: index) -> tensor<2x1x64x64xf32> {
    // expected-error @+1 {{'kernel.append' op expects tensors of static shape that are not empty, but got 'tensor<?x1x64xf32>'}}
    %a = kernel.append %r at %p into %v : (tensor<?x1x64xf32>, index, tensor<2x1x64x64xf32>) -> tensor<2x1x64x64xf32>
    return %a : tensor<2x1x64x64xf32>
  }
}

// -----

module attributes {kernel.target = "x86-64-v3"} {
  func.func @lanes(%r: tensor<1x1x64xf32>, %v: tensor<2x1x?x64xf32>, %p: index) -> tensor<2x1x?x64xf32> {
    // expected-error @+1 {{'kernel.append' op expects tensors of static shape that are not empty, but got 'tensor<2x1x?x64xf32>'}}
    %a = kernel.append %r at %p into %v : (tensor<1x1x64xf32>, index, tensor<2x1x?x64xf32>) -> tensor<2x1x?x64xf32>
    return %a : tensor<2x1x?x64xf32>
  }
}

// -----

module attributes {kernel.target = "x86-64-v3"} {
  func.func @parts(%a: tensor<?x4x96xf32>, %p: index, %o: tensor<1x4x64xf32>) -> tensor<1x4x64xf32> {
    // expected-error @+1 {{'kernel.merge_parts' op expects tensors of static shape that are not empty, but got 'tensor<?x4x96xf32>'}}
    %y = kernel.merge_parts %a at %p into %o : (tensor<?x4x96xf32>, index, tensor<1x4x64xf32>) -> tensor<1x4x64xf32>
    return %y : tensor<1x4x64xf32>
  }
}
