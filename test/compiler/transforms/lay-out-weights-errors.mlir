// RUN: cria-opt %s --llama-lay-out-weights -split-input-file -verify-diagnostics
// RUN: not cria-opt %s --llama-lay-out-weights -split-input-file 2>/dev/null | FileCheck %s --check-prefix=FAILED --allow-empty

// What fails leaves nothing to print.
// FAILED-NOT: module

// What only a run knows has no place in the artifact.
func.func @argument(%w: tensor<16x16xf32>) -> tensor<1x16x16xf32> {
  // expected-error @+1 {{'llama.pack' op expects to be made of weights alone, but got a block argument}}
  %p = llama.pack %w rows 16 : tensor<16x16xf32> -> tensor<1x16x16xf32>
  return %p : tensor<1x16x16xf32>
}

// -----

func.func @computed(%x: tensor<16x16xf32>) -> tensor<1x16x16xf16> {
  %y = llama.add %x, %x : tensor<16x16xf32>
  %c = llama.cast %y : tensor<16x16xf32> to tensor<16x16xf16>
  // expected-error @+1 {{'llama.pack' op expects to be made of weights alone, but got 'llama.add'}}
  %p = llama.pack %c rows 16 : tensor<16x16xf16> -> tensor<1x16x16xf16>
  return %p : tensor<1x16x16xf16>
}
