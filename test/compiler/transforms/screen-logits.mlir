// RUN: cria-opt %s --llama-screen-logits=least=1 --canonicalize -split-input-file | FileCheck %s
// RUN: cria-opt %s --llama-screen-logits -split-input-file | FileCheck %s --check-prefix=NONE

// By default a head this small is none that a screen is worth.
// NONE-NOT: logits_screened

// The whole head stays. Rows of up to 512 columns take 6 bits; what BF16 rounds is quantized before.
// CHECK-LABEL: module @floats
// CHECK: func.func @logits_one
// CHECK-NOT: llama.screen
// CHECK: func.func @logits_screened(%[[H:.*]]: tensor<1x64xf32>, %[[M:.*]]: tensor<1xf32>) -> tensor<1x20xf32>
// CHECK-DAG: %[[W:.*]] = llama.cast
// CHECK-DAG: %[[X:.*]] = llama.round %[[H]] to bf16
// CHECK-DAG: %[[Y:.*]] = llama.linear %[[X]], %[[W]]
// CHECK-DAG: %[[R:.*]] = llama.quantize_rows %[[H]] : tensor<1x64xf32>
// CHECK-DAG: %[[Q:.*]] = llama.quantize %[[W]] format{{ +}}q6 rough : tensor<20x64xbf16> -> tensor<20x64xf32>
// CHECK-DAG: %[[A:.*]] = llama.linear %[[R]], %[[Q]]
// CHECK: %[[S:.*]] = llama.screen %[[Y]] by %[[A]] margin %[[M]] : tensor<1x20xf32>, tensor<1xf32>
// CHECK: return %[[S]]
module @floats {
  llama.source @w in "m" at 0 : tensor<20x64xf32>
  func.func @logits_one(%h: tensor<1x64xf32>) -> tensor<1x20xf32> {
    %w = llama.weight @w : tensor<20x64xf32>
    %c = llama.cast %w : tensor<20x64xf32> to tensor<20x64xbf16>
    %x = llama.round %h to bf16 : tensor<1x64xf32>
    %l = llama.linear %x, %c : (tensor<1x64xf32>, tensor<20x64xbf16>) -> tensor<1x20xf32>
    return %l : tensor<1x20xf32>
  }
}

// -----

// CHECK-LABEL: module @long_rows
// CHECK: llama.quantize %{{.*}} format{{ +}}q8 rough
module @long_rows {
  llama.source @w in "m" at 0 : tensor<20x544xf16>
  func.func @logits_one(%h: tensor<1x544xf32>) -> tensor<1x20xf32> {
    %w = llama.weight @w : tensor<20x544xf16>
    %l = llama.linear %h, %w : (tensor<1x544xf32>, tensor<20x544xf16>) -> tensor<1x20xf32>
    return %l : tensor<1x20xf32>
  }
}

// -----

// Codes of a file, multiplied as floats.
// CHECK-LABEL: module @stored_codes_as_floats
// CHECK: func.func @logits_screened
// CHECK: %[[W:.*]] = llama.weight
// CHECK: llama.quantize %[[W]] format{{ +}}q6 rough
module @stored_codes_as_floats {
  llama.source @w in "m" at 0 as q8_0 : tensor<20x64xf32>
  func.func @logits_one(%h: tensor<1x64xf32>) -> tensor<1x20xf32> {
    %w = llama.weight @w : tensor<20x64xf32>
    %l = llama.linear %h, %w : (tensor<1x64xf32>, tensor<20x64xf32>) -> tensor<1x20xf32>
    return %l : tensor<1x20xf32>
  }
}

// -----

// Multiplied as codes.
// CHECK-LABEL: module @stored_codes
// CHECK-NOT: logits_screened
module @stored_codes {
  llama.source @w in "m" at 0 as q8_0 : tensor<20x64xf32>
  func.func @logits_one(%h: tensor<1x64xf32>) -> tensor<1x20xf32> {
    %w = llama.weight @w : tensor<20x64xf32>
    %r = llama.quantize_rows %h : tensor<1x64xf32>
    %l = llama.linear %r, %w : (tensor<1x64xf32>, tensor<20x64xf32>) -> tensor<1x20xf32>
    return %l : tensor<1x20xf32>
  }
}

// -----

// Less than an eighth of what a token meets, in whatever layer.
// CHECK-LABEL: module @small_part
// CHECK-NOT: logits_screened
module @small_part {
  llama.source @w in "m" at 0 : tensor<20x64xf32>
  llama.source @v in "m" at 5120 : tensor<142x64xf32>
  func.func @forward_one(%tokens: tensor<1xi32>, %p: index) -> tensor<1x64xf32> {
    %w = llama.weight @w : tensor<20x64xf32>
    %v = llama.weight @v : tensor<142x64xf32>
    %x = llama.embed %tokens, %w : (tensor<1xi32>, tensor<20x64xf32>) -> tensor<1x64xf32>
    %y = llama.layer "a" (%x : tensor<1x64xf32>) -> tensor<1x64xf32> {
    ^bb0(%h: tensor<1x64xf32>):
      %z = llama.linear %h, %v : (tensor<1x64xf32>, tensor<142x64xf32>) -> tensor<1x142xf32>
      llama.yield %h : tensor<1x64xf32>
    }
    return %y : tensor<1x64xf32>
  }
  func.func @logits_one(%h: tensor<1x64xf32>) -> tensor<1x20xf32> {
    %w = llama.weight @w : tensor<20x64xf32>
    %l = llama.linear %h, %w : (tensor<1x64xf32>, tensor<20x64xf32>) -> tensor<1x20xf32>
    return %l : tensor<1x20xf32>
  }
}

// -----

// Codes already.
// CHECK-LABEL: module @codes
// CHECK-NOT: logits_screened
module @codes {
  llama.source @w in "m" at 0 : tensor<20x64xf32>
  func.func @logits_one(%h: tensor<1x64xf32>) -> tensor<1x20xf32> {
    %w = llama.weight @w : tensor<20x64xf32>
    %q = llama.quantize %w format q8 : tensor<20x64xf32> -> tensor<20x64xf32>
    %r = llama.quantize_rows %h : tensor<1x64xf32>
    %l = llama.linear %r, %q : (tensor<1x64xf32>, tensor<20x64xf32>) -> tensor<1x20xf32>
    return %l : tensor<1x20xf32>
  }
}

// -----

// A bias, which the bound does not know.
// CHECK-LABEL: module @biased
// CHECK-NOT: logits_screened
module @biased {
  llama.source @w in "m" at 0 : tensor<20x64xf32>
  llama.source @b in "m" at 5120 : tensor<20xf32>
  func.func @logits_one(%h: tensor<1x64xf32>) -> tensor<1x20xf32> {
    %w = llama.weight @w : tensor<20x64xf32>
    %b = llama.weight @b : tensor<20xf32>
    %l = llama.linear %h, %w bias %b : (tensor<1x64xf32>, tensor<20x64xf32>, tensor<20xf32>) -> tensor<1x20xf32>
    return %l : tensor<1x20xf32>
  }
}

// -----

// Groups that are not full.
// CHECK-LABEL: module @odd
// CHECK-NOT: logits_screened
module @odd {
  llama.source @w in "m" at 0 : tensor<20x48xf32>
  func.func @logits_one(%h: tensor<1x48xf32>) -> tensor<1x20xf32> {
    %w = llama.weight @w : tensor<20x48xf32>
    %l = llama.linear %h, %w : (tensor<1x48xf32>, tensor<20x48xf32>) -> tensor<1x20xf32>
    return %l : tensor<1x20xf32>
  }
}

// -----

// A model whose inputs are to be recorded: all logits are wanted.
// CHECK-LABEL: module @observed
// CHECK-NOT: logits_screened
module @observed {
  llama.source @w in "m" at 0 : tensor<20x64xf32>
  llama.observation @seen number 0 width 64
  func.func @logits_one(%h: tensor<1x64xf32>) -> tensor<1x20xf32> {
    %w = llama.weight @w : tensor<20x64xf32>
    llama.observe @seen, %h : tensor<1x64xf32>
    %l = llama.linear %h, %w : (tensor<1x64xf32>, tensor<20x64xf32>) -> tensor<1x20xf32>
    return %l : tensor<1x20xf32>
  }
}
