// RUN: cria-opt %s -verify-diagnostics -split-input-file

// source (C1)
// expected-error @+1 {{expects an offset in [0, 4611686018427387904], but got -1}}
llama.source @w in "f" at -1 : tensor<4xf32>

// -----

// source (C1)
// expected-error @+1 {{expects an offset in [0, 4611686018427387904], but got 9223372036854775807}}
llama.source @w in "f" at 9223372036854775807 : tensor<4xf32>

// -----

// source (C2): rows that are no multiple of 32
// expected-error @+1 {{expects f32 in rows of a multiple of 32 with encoding q8_0, but got 'tensor<2x48xf32>'}}
llama.source @w in "f" at 0 as q8_0 : tensor<2x48xf32>

// -----

// source (C2): blocks of 256
// expected-error @+1 {{expects f32 in rows of a multiple of 256 with encoding q4_k, but got 'tensor<2x128xf32>'}}
llama.source @w in "f" at 0 as q4_k : tensor<2x128xf32>

// -----

// source (C2): not f32
// expected-error @+1 {{expects f32 in rows of a multiple of 32 with encoding q4_0, but got 'tensor<2x32xf16>'}}
llama.source @w in "f" at 0 as q4_0 : tensor<2x32xf16>

// -----

// source (C2): no rows at all
// expected-error @+1 {{expects f32 in rows of a multiple of 32 with encoding q4_0, but got 'tensor<f32>'}}
llama.source @w in "f" at 0 as q4_0 : tensor<f32>

// -----

// Types: a dimension that is zero
// expected-error @+1 {{failed to satisfy constraint: type attribute of non-empty static tensor of f32, f16 or bf16 values}}
llama.source @w in "f" at 0 : tensor<0x4xf32>

// -----

// Types: more than 2^48 elements, whose product would overflow
// expected-error @+1 {{failed to satisfy constraint: type attribute of non-empty static tensor}}
llama.source @w in "f" at 0 : tensor<4294967296x4294967296x4294967296xf32>

// -----

// Types: a dynamic dimension
// expected-error @+1 {{failed to satisfy constraint: type attribute of non-empty static tensor}}
llama.synthetic @w seed 1 mean 0.0 deviation 1.0 : tensor<?xf32>

// -----

// Types: no float
// expected-error @+1 {{failed to satisfy constraint: type attribute of non-empty static tensor}}
llama.synthetic @w seed 1 mean 0.0 deviation 1.0 : tensor<4xi8>

// -----

// synthetic (C1): a negative deviation
// expected-error @+1 {{expects a mean and a deviation that are finite as f32, the latter not negative, but got 0 and -1}}
llama.synthetic @w seed 1 mean 0.0 deviation -1.0 : tensor<4xf32>

// -----

// synthetic (C1): a mean that is no f32
// expected-error @+1 {{expects a mean and a deviation that are finite as f32, the latter not negative, but got 1.0000000000000001E+300 and 1}}
llama.synthetic @w seed 1 mean 1.0e300 deviation 1.0 : tensor<4xf32>

// -----

// synthetic (C1): NaN
// expected-error @+1 {{but got 0 and NaN}}
llama.synthetic @w seed 1 mean 0.0 deviation 0x7FF8000000000000 : tensor<4xf32>

// -----

// weight (C1): no such symbol
func.func @f() {
  // expected-error @+1 {{expects @missing to name a llama.source or llama.synthetic op, but got nothing}}
  %w = llama.weight @missing : tensor<4xf32>
  return
}

// -----

// weight (C1): a symbol of another kind
// expected-error @+2 {{expects @f to name a llama.source or llama.synthetic op, but got func.func}}
func.func @f() {
  %w = llama.weight @f : tensor<4xf32>
  return
}

// -----

// weight (C2)
llama.source @w in "f" at 0 : tensor<4xf32>
func.func @f() {
  // expected-error @+1 {{expects the type of @w, 'tensor<4xf32>', but got 'tensor<4xf16>'}}
  %w = llama.weight @w : tensor<4xf16>
  return
}

// -----

// cast: shapes
func.func @f(%w: tensor<4x2xf32>) {
  // expected-error @+1 {{requires the same shape for all operands and results}}
  %c = llama.cast %w : tensor<4x2xf32> to tensor<2x4xf16>
  return
}

// -----

// split_rope_rows (C1)
func.func @f(%w: tensor<2x2x2xf32>) {
  // expected-error @+1 {{expects a matrix or a vector, but got 'tensor<2x2x2xf32>'}}
  %s = llama.split_rope_rows %w heads 1 : tensor<2x2x2xf32>
  return
}

// -----

// split_rope_rows (C2): odd heads
func.func @f(%w: tensor<6x2xf32>) {
  // expected-error @+1 {{expects rows that are a multiple of twice its heads, but got 'tensor<6x2xf32>' and 2 heads}}
  %s = llama.split_rope_rows %w heads 2 : tensor<6x2xf32>
  return
}

// -----

// split_rope_rows (C2): no heads
func.func @f(%w: tensor<6x2xf32>) {
  // expected-error @+1 {{but got 'tensor<6x2xf32>' and 0 heads}}
  %s = llama.split_rope_rows %w heads 0 : tensor<6x2xf32>
  return
}

// -----

// split_rope_rows (C2): twice the heads would overflow
func.func @f(%w: tensor<6x2xf32>) {
  // expected-error @+1 {{but got 'tensor<6x2xf32>' and 4611686018427387904 heads}}
  %s = llama.split_rope_rows %w heads 4611686018427387904 : tensor<6x2xf32>
  return
}

// -----

// concat_rows (C1)
func.func @f() {
  // expected-error @+1 {{expects at least one input, but got none}}
  %c = llama.concat_rows : () -> tensor<6x2xf32>
  return
}

// -----

// concat_rows (C2): other columns
func.func @f(%a: tensor<6x2xf32>, %b: tensor<6x3xf32>) {
  // expected-error @+1 {{expects inputs of 2 columns of 'f32', but got 'tensor<6x3xf32>'}}
  %c = llama.concat_rows %a, %b : (tensor<6x2xf32>, tensor<6x3xf32>) -> tensor<12x2xf32>
  return
}

// -----

// concat_rows (C2): another element type
func.func @f(%a: tensor<6x2xf32>, %b: tensor<6x2xf16>) {
  // expected-error @+1 {{expects inputs of 2 columns of 'f32', but got 'tensor<6x2xf16>'}}
  %c = llama.concat_rows %a, %b : (tensor<6x2xf32>, tensor<6x2xf16>) -> tensor<12x2xf32>
  return
}

// -----

// concat_rows: other rows than those of its inputs
func.func @f(%a: tensor<6x2xf32>, %b: tensor<4x2xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{inferred type(s) 'tensor<10x2xf32>' are incompatible with return type(s) of operation 'tensor<12x2xf32>'}}
  %c = llama.concat_rows %a, %b : (tensor<6x2xf32>, tensor<4x2xf32>) -> tensor<12x2xf32>
  return
}

// -----

// pack (C1)
func.func @f(%w: tensor<4x2xf32>) {
  // expected-error @+1 {{expects rows in [1, 4096], but got 0}}
  %p = llama.pack %w rows 0 : tensor<4x2xf32> -> tensor<4x2x1xf32>
  return
}

// -----

// pack (C1)
func.func @f(%w: tensor<4x2xf32>) {
  // expected-error @+1 {{expects rows in [1, 4096], but got 9223372036854775807}}
  %p = llama.pack %w rows 9223372036854775807 : tensor<4x2xf32> -> tensor<1x2x4xf32>
  return
}

// -----

// pack (C2)
func.func @f(%w: tensor<4x6xf32>) {
  // expected-error @+1 {{'llama.pack' op expects columns of 1, 2 or 4 that divide those of 'tensor<4x6xf32>', but got 4}}
  %p = llama.pack %w rows 2 columns 4 : tensor<4x6xf32> -> tensor<2x2x2x4xf32>
  return
}

// -----

// pack: the result's type is inferred
func.func @f(%w: tensor<5x2xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{inferred type(s) 'tensor<3x2x2xf32>' are incompatible with return type(s) of operation 'tensor<2x2x2xf32>'}}
  %p = llama.pack %w rows 2 : tensor<5x2xf32> -> tensor<2x2x2xf32>
  return
}

// -----

// pack: an attribute that the generic form leaves out
func.func @f(%w: tensor<5x2xf32>) {
  // expected-error @+1 {{requires attribute 'rows'}}
  %p = "llama.pack"(%w) : (tensor<5x2xf32>) -> tensor<3x2x2xf32>
  return
}

// -----

// rope_table (C1)
func.func @f() {
  // expected-error @+1 {{expects a finite, positive theta, but got 0}}
  %t = llama.rope_table theta 0.0 : tensor<4x2x2xf32>
  return
}

// -----

// rope_table (C1)
func.func @f() {
  // expected-error @+1 {{expects a finite, positive factor, but got +Inf}}
  %t = llama.rope_table theta 1.0e4 {factor = 0x7FF0000000000000 : f64} : tensor<4x2x2xf32>
  return
}

// -----

// rope_table (C1)
func.func @f() {
  // expected-error @+1 {{expects a finite, positive attentionFactor, but got -1}}
  %t = llama.rope_table theta 1.0e4 {attentionFactor = -1.0 : f64} : tensor<4x2x2xf32>
  return
}

// -----

// rope_table (C2)
func.func @f() {
  // expected-error @+1 {{expects a second dimension of 2 (cosine and sine), but got 'tensor<4x32x2xf32>'}}
  %t = llama.rope_table theta 1.0e4 : tensor<4x32x2xf32>
  return
}

// -----

// rope_table (C3): originalContext is needed
func.func @f() {
  // expected-error @+1 {{expects 0 < originalContext and 0 < lowFrequencyFactor < highFrequencyFactor with scaling llama3, but got 0, 1 and 4}}
  %t = llama.rope_table theta 1.0e4 scaling llama3 : tensor<4x2x2xf32>
  return
}

// -----

// rope_table (C3): equal factors would divide by zero
func.func @f() {
  // expected-error @+1 {{with scaling llama3, but got 8, 4 and 4}}
  %t = llama.rope_table theta 1.0e4 scaling llama3
    {originalContext = 8.0 : f64, lowFrequencyFactor = 4.0 : f64} : tensor<4x2x2xf32>
  return
}

// -----

// rope_table (C4)
func.func @f() {
  // expected-error @+1 {{expects 0 < originalContext, 0 < betaSlow <= betaFast and 1 < theta with scaling yarn, but got 8, 33, 32 and 1.0E+4}}
  %t = llama.rope_table theta 1.0e4 scaling yarn
    {originalContext = 8.0 : f64, betaSlow = 33.0 : f64} : tensor<4x2x2xf32>
  return
}

// -----

// rope_table (C4): ln(theta) would divide by zero
func.func @f() {
  // expected-error @+1 {{with scaling yarn, but got 8, 1, 32 and 1}}
  %t = llama.rope_table theta 1.0 scaling yarn {originalContext = 8.0 : f64} : tensor<4x2x2xf32>
  return
}
