//===- LlamaOps.td - The ops of the llama dialect --------------------------===//
//
// Constraints that a verifier checks are numbered in the op's description
// ((C1), (C2) …); LlamaOps.cpp and the tests carry the same numbers. What ODS
// types already say is not said again.
//
//===----------------------------------------------------------------------===//
#ifndef CRIA_DIALECTS_LLAMA_OPS_TD
#define CRIA_DIALECTS_LLAMA_OPS_TD

include "dialects/llama/LlamaAttributes.td"
include "dialects/llama/LlamaInterfaces.td"
include "dialects/llama/LlamaTypes.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"

def Llama_Float : AnyTypeOf<[F32, F16, BF16], "f32, f16 or bf16">;
// Weights and caches have static shapes; only T may be dynamic, until the model phase.
// No dimension is zero and products of dimensions never overflow, so that no
// verifier, pass or evaluator has to ask (see isBounded in Llama.h).
def Llama_BoundedPred : CPred<"::cria::llama::isBounded($_self)">;
def Llama_StaticColumnsPred
    : CPred<"!::llvm::cast<::mlir::ShapedType>($_self).isDynamicDim(1)">;
class Llama_StaticTensor<list<Type> elements, int rank>
    : RankedTensorOf<elements, [HasAnyRankOfPred<[rank]>, HasStaticShapePred, Llama_BoundedPred],
                     "non-empty static " # rank # "D tensor">;
def Llama_Weight1D : Llama_StaticTensor<[Llama_Float], 1>;
def Llama_Weight2D : Llama_StaticTensor<[Llama_Float], 2>;
def Llama_WeightAny : RankedTensorOf<[Llama_Float], [HasStaticShapePred, Llama_BoundedPred],
                                     "non-empty static tensor">;
def Llama_Activation
    : RankedTensorOf<[F32], [HasAnyRankOfPred<[2]>, Llama_StaticColumnsPred, Llama_BoundedPred],
                     "non-empty 2D tensor with static columns">;
def Llama_Tokens : RankedTensorOf<[I32], [HasAnyRankOfPred<[1]>, Llama_BoundedPred],
                                  "non-empty 1D tensor">;
def Llama_Blocks : Llama_StaticTensor<[I8], 3>;
def Llama_RopeTable : Llama_StaticTensor<[F32], 3>;
def Llama_CacheElement : AnyTypeOf<[F32, F16, BF16, Llama_Q8], "f32, f16, bf16 or q8">;
def Llama_CacheTensor : Llama_StaticTensor<[Llama_CacheElement], 3>;

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

def Llama_SourceOp : Llama_Op<"source", [Symbol]> {
  let summary = "a tensor's place in a model file";
  let description = [{
    The bytes of a tensor lie in `file` from `offset` on, in `encoding`. Nothing
    is read until the artifact is written.

    - (C1) `offset` lies in [0, 2^62], so that no end of a tensor overflows.
    - (C2) with a block encoding the element type is f32 and the last dimension
      a multiple of a block's columns.

    ```mlir
    llama.source @layers.0.q in "model.safetensors" at 2048 : tensor<256x256xf16>
    llama.source @layers.0.k in "model.gguf" at 4096 as q4_0 : tensor<128x256xf32>
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrAttr:$file, I64Attr:$offset,
    DefaultValuedAttr<Llama_EncodingAttr, "::cria::llama::Encoding::Plain">:$encoding,
    TypeAttrOf<Llama_WeightAny>:$type);
  let assemblyFormat = "$sym_name `in` $file `at` $offset (`as` $encoding^)? attr-dict `:` $type";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::RankedTensorType getTensorType() {
      return ::llvm::cast<::mlir::RankedTensorType>(getType());
    }
    /// Bytes that the tensor takes in its file.
    uint64_t getStoredBytes();
  }];
}

def Llama_SyntheticOp : Llama_Op<"synthetic", [Symbol]> {
  let summary = "a tensor of seeded random numbers instead of a file";
  let description = [{
    Element i is `mean + deviation * sqrt(3) * u(i)`, u uniform in [-1, 1) and a
    pure function of (seed, i), rounded to the element type: the same bits on
    every machine and in any order of evaluation (see Synthetic.h).

    - (C1) `mean` and `deviation` are finite as F32, `deviation` is not negative.

    ```mlir
    llama.synthetic @layers.0.q seed 17 mean 0.0 deviation 0.02 : tensor<256x256xf32>
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, I64Attr:$seed, F64Attr:$mean, F64Attr:$deviation,
    TypeAttrOf<Llama_WeightAny>:$type);
  let assemblyFormat = [{
    $sym_name `seed` $seed `mean` $mean `deviation` $deviation attr-dict `:` $type
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::RankedTensorType getTensorType() {
      return ::llvm::cast<::mlir::RankedTensorType>(getType());
    }
  }];
}

def Llama_WeightOp : Llama_Op<"weight", [Pure, Llama_WeightExpression,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "the tensor that a source symbol names";
  let description = [{
    - (C1) `source` names a `llama.source` or `llama.synthetic` op.
    - (C2) the result type is that op's type.

    ```mlir
    %w = llama.weight @layers.0.q : tensor<256x256xf16>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$source);
  let results = (outs Llama_WeightAny:$result);
  let assemblyFormat = "$source attr-dict `:` type($result)";
}

def Llama_CastOp : Llama_Op<"cast", [Pure, Llama_WeightExpression, SameOperandsAndResultShape]> {
  let summary = "a weight at another floating-point type";
  let description = [{
    Rounds to nearest, ties to even. A cast to the same type folds away.

    ```mlir
    %h = llama.cast %w : tensor<256x256xf32> to tensor<256x256xbf16>
    ```
  }];
  let arguments = (ins Llama_WeightAny:$input);
  let results = (outs Llama_WeightAny:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `to` type($result)";
  let hasFolder = 1;
}

def Llama_SplitRopeRowsOp : Llama_Op<"split_rope_rows", [Pure, Llama_WeightExpression,
    AllTypesMatch<["input", "result"]>]> {
  let summary = "rows of a projection reordered from interleaved to half-split rotary pairs";
  let description = [{
    Within each head of Dh = N / heads rows, row 2i becomes row i and row 2i + 1
    becomes row i + Dh/2, so that `rope` may rotate halves. The input is [N, K],
    or a bias [N].

    - (C1) the input is a matrix or a vector.
    - (C2) `heads` is positive and N a multiple of 2 * `heads`.

    ```mlir
    %q = llama.split_rope_rows %w heads 4 : tensor<256x256xf16>
    ```
  }];
  let arguments = (ins Llama_WeightAny:$input, I64Attr:$heads);
  let results = (outs Llama_WeightAny:$result);
  let assemblyFormat = "$input `heads` $heads attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Llama_ConcatRowsOp : Llama_Op<"concat_rows", [Pure, Llama_WeightExpression,
    InferTypeOpAdaptor]> {
  let summary = "matrices one below the other";
  let description = [{
    So that one product multiplies by all of them: queries, keys and values of a layer.

    - (C1) there is at least one input.
    - (C2) all inputs have the first one's columns and element type.

    ```mlir
    %qkv = llama.concat_rows %q, %k, %v
      : (tensor<256x256xf16>, tensor<128x256xf16>, tensor<128x256xf16>) -> tensor<512x256xf16>
    ```
  }];
  let arguments = (ins Variadic<Llama_Weight2D>:$inputs);
  let results = (outs Llama_Weight2D:$result);
  let assemblyFormat = "$inputs attr-dict `:` functional-type($inputs, $result)";
  let hasVerifier = 1;
}

def Llama_PackOp : Llama_Op<"pack", [Pure, Llama_WeightExpression,
    InferTypeOpAdaptor]> {
  let summary = "a matrix in panels of rows, columns outermost within a panel";
  let description = [{
    [N, K] becomes [ceil(N / rows), K, rows]: `result[p, k, r] = input[p * rows + r, k]`,
    zero beyond row N. A kernel then reads one vector of `rows` weights per
    column, and the whole panel as one stream. With C = `columns` above 1, C columns of
    a row lie beside each other, as dot products of narrow types take them:
    [ceil(N / rows), K / C, rows, C], `result[p, k, r, c] = input[p * rows + r, k * C + c]`.

    - (C1) `rows` lies in [1, 4096].
    - (C2) `columns` is 1, 2 or 4 and divides K.

    ```mlir
    %p = llama.pack %w rows 32 : tensor<256x512xf16> -> tensor<8x512x32xf16>
    %q = llama.pack %v rows 16 columns 2 : tensor<256x512xbf16> -> tensor<16x256x16x2xbf16>
    ```
  }];
  let arguments = (ins Llama_Weight2D:$input, I64Attr:$rows, DefaultValuedAttr<I64Attr, "1">:$columns);
  let results = (outs Llama_WeightAny:$result);
  let assemblyFormat = [{
    $input `rows` $rows (`columns` $columns^)? attr-dict `:` type($input) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Llama_QuantizeOp : Llama_Op<"quantize", [Pure, Llama_WeightExpression,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "a matrix rounded to what a low-bit format can hold";
  let description = [{
    The result has the values that the codes stand for (Quantization.h), so that
    what follows means the same with and without it. `llama.pack_blocks` stores
    the codes themselves.

    - (C1) the result has the input's shape.
    - (C2) `format` is none that only files hold (the K-quants).
    - (C3) `guide` names a `llama.observation` as wide as the rows are long: what an error
      costs is told by its vectors, and columns make up for what earlier ones err.

    `rough`: no matrix of the model but an aid beside it, which no report lists, and in which
    numbers that no scale can say are NaN.

    ```mlir
    %q = llama.quantize %w format q4 : tensor<256x512xf16> -> tensor<256x512xf32>
    %g = llama.quantize %w format q4 guided by @layers.0.q.input : tensor<256x512xf16> -> tensor<256x512xf32>
    %r = llama.quantize %w format q8 rough : tensor<256x512xf16> -> tensor<256x512xf32>
    ```
  }];
  let arguments = (ins Llama_Weight2D:$input, Llama_FormatAttr:$format,
    OptionalAttr<FlatSymbolRefAttr>:$guide, UnitAttr:$rough);
  let results = (outs Llama_Weight2D:$result);
  let assemblyFormat = [{
    $input `format` $format (`guided` `by` $guide^)? (`rough` $rough^)? attr-dict `:` type($input) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Llama_PackBlocksOp : Llama_Op<"pack_blocks", [Pure, Llama_WeightExpression]> {
  let summary = "the codes and scales of a quantized matrix, in blocks of rows and columns";
  let description = [{
    [N, K] becomes bytes [ceil(N / rows), ceil(K / S), B], S being the columns of a block of
    the format. A block holds the F16 numbers of `rows` rows, with two levels the factors
    of their groups, and then, for every 32 columns, unsigned codes with four columns of
    a row beside each other, as the machine's dot products take them: Quantization.h
    has the format's and the block's definition.

    Rows beyond N have scale 0 (or the least power of two, where scales are such) and code 0,
    columns beyond K code 0. The input is a `llama.quantize`, or a weight whose source is
    stored in a block encoding of that format; in between only the order of rows may change,
    and such matrices lie one below the other.

    - (C1) `rows` lies in [1, 64].
    - (C2) the result is [ceil(N / rows), ceil(K / S), B] of i8.
    - (C3) `rows` is even in formats whose factors have 6 bits (q3_k, q4_k, q5_k).

    ```mlir
    %p = llama.pack_blocks %q rows 16 format q4 : tensor<256x512xf32> -> tensor<16x16x288xi8>
    ```
  }];
  let arguments = (ins Llama_Weight2D:$input, I64Attr:$rows, Llama_FormatAttr:$format);
  let results = (outs Llama_Blocks:$result);
  let assemblyFormat = "$input `rows` $rows `format` $format attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Llama_RowNormsOp : Llama_Op<"row_norms", [Pure, Llama_WeightExpression]> {
  let summary = "the largest norm among every few rows of a matrix, or of what two of them differ by";
  let description = [{
    With R = `rows`, `result[p] = max over r < R of |input[p * R + r]|`, |.| being the Euclidean norm of a row
    (of the difference, if there is a matrix to be taken away), rounded up to F32: a bound, by
    Cauchy and Schwarz, for products with the rows. Of fewer than R rows, the last ones of a matrix, it is infinite.

    - (C1) `rows` lies in [1, 4096].
    - (C2) what is taken away has the input's shape.
    - (C3) the result is [ceil(N / rows)].

    ```mlir
    %n = llama.row_norms %w rows 16 : (tensor<256x512xf16>) -> tensor<16xf32>
    %e = llama.row_norms %w minus %q rows 16 : (tensor<256x512xf16>, tensor<256x512xf32>) -> tensor<16xf32>
    ```
  }];
  let arguments = (ins Llama_Weight2D:$input, Optional<Llama_Weight2D>:$other, I64Attr:$rows);
  let results = (outs Llama_StaticTensor<[F32], 1>:$result);
  let assemblyFormat = "$input (`minus` $other^)? `rows` $rows attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Llama_RopeTableOp : Llama_Op<"rope_table", [Pure, Llama_WeightExpression]> {
  let summary = "cosines and sines of every position and frequency";
  let description = [{
    `result[p, 0, i] = m cos(p g(i))` and `result[p, 1, i] = m sin(p g(i))` for
    position p < C and i < Dh/2, computed in F64 and rounded to F32, with m = `attentionFactor`,
    f(i) = theta^(-2i/Dh), O = `originalContext`, and g by `scaling`:

    - `none`: g = f.
    - `linear`: g = f / factor.
    - `llama3` (Meta, Llama 3.1 reference code): with the wavelength
      w = 2 pi / f and s = (O / w - low) / (high - low) of the two frequency
      factors, g = f / factor where w > O / low, g = f where w < O / high,
      else g = (1 - s) f / factor + s f.
    - `yarn` (Peng et al., YaRN, 2023, equations 17 to 22, as Hugging Face's transformers
      compute them): the dimension where r rotations fit into O is
      d(r) = Dh ln(O / (2 pi r)) / (2 ln theta); with a = max(floor(d(betaFast)), 0),
      b = min(ceil(d(betaSlow)), Dh - 1), which may be below a (if it is a, 0.001 is added),
      and s = clamp((i - a) / (b - a), 0, 1), g = s f / factor + (1 - s) f.

    - (C1) `theta`, `factor`, `attentionFactor` are finite and positive.
    - (C2) the second dimension is 2.
    - (C3) with `llama3`, `originalContext` and `lowFrequencyFactor` are finite
      and positive, `highFrequencyFactor` is finite and above the low one.
    - (C4) with `yarn`, `originalContext` and `betaSlow` are finite and positive,
      `betaFast` is finite and at least `betaSlow`, and theta is above 1.

    ```mlir
    %t = llama.rope_table theta 1.0e4 : tensor<512x2x32xf32>
    ```
  }];
  let arguments = (ins F64Attr:$theta,
    DefaultValuedAttr<Llama_RopeScalingAttr, "::cria::llama::RopeScaling::None">:$scaling,
    DefaultValuedAttr<F64Attr, "1.0">:$factor,
    DefaultValuedAttr<F64Attr, "0.0">:$originalContext,
    DefaultValuedAttr<F64Attr, "1.0">:$lowFrequencyFactor,
    DefaultValuedAttr<F64Attr, "4.0">:$highFrequencyFactor,
    DefaultValuedAttr<F64Attr, "32.0">:$betaFast,
    DefaultValuedAttr<F64Attr, "1.0">:$betaSlow,
    DefaultValuedAttr<F64Attr, "1.0">:$attentionFactor);
  let results = (outs Llama_RopeTable:$result);
  let assemblyFormat = "`theta` $theta (`scaling` $scaling^)? attr-dict `:` type($result)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Computation
//===----------------------------------------------------------------------===//

def Llama_EmbedOp : Llama_Op<"embed", [Pure, InferTypeOpAdaptor]> {
  let summary = "rows of the embedding table, one per token";
  let description = [{
    `result[t, :] = table[tokens[t], :]`, tokens [T], table [V, D], result [T, D].

    ```mlir
    %x = llama.embed %tokens, %table : (tensor<?xi32>, tensor<1024x256xf16>) -> tensor<?x256xf32>
    ```
  }];
  let arguments = (ins Llama_Tokens:$tokens, Llama_Weight2D:$table);
  let results = (outs Llama_Activation:$result);
  let assemblyFormat = "$tokens `,` $table attr-dict `:` functional-type(operands, results)";
}

def Llama_RmsNormOp : Llama_Op<"rms_norm", [Pure, AllTypesMatch<["input", "result"]>]> {
  let summary = "root mean square normalization (Zhang and Sennrich, 2019)";
  let description = [{
    The last dimension of `input` [T, D] is taken in groups as long as `weight`
    [K] (K = D for a layer's norm, K = Dh for a norm of every head); each group
    x becomes `x * weight / sqrt(mean(x^2) + epsilon)`.

    - (C1) D is a multiple of K.
    - (C2) `epsilon` is finite and not negative.

    ```mlir
    %h = llama.rms_norm %x, %g epsilon 1.0e-5
       : (tensor<?x256xf32>, tensor<256xf32>) -> tensor<?x256xf32>
    ```
  }];
  let arguments = (ins Llama_Activation:$input, Llama_Weight1D:$weight, F64Attr:$epsilon);
  let results = (outs Llama_Activation:$result);
  let assemblyFormat = [{
    $input `,` $weight `epsilon` $epsilon attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Llama_LinearOp : Llama_Op<"linear", [Pure, InferTypeOpAdaptor]> {
  let summary = "a matrix of weights times every token's vector, plus a bias";
  let description = [{
    `result[t, n] = sum over k of weight[n, k] * input[t, k] (+ bias[n])`,
    input [T, K], weight [N, K], bias [N], result [T, N].

    - (C1) the columns of `weight` are those of `input`.
    - (C2) `bias` has one element per row of `weight`.

    ```mlir
    %q = llama.linear %h, %w : (tensor<?x256xf32>, tensor<128x256xf16>) -> tensor<?x128xf32>
    ```
  }];
  let arguments = (ins Llama_Activation:$input, Llama_Weight2D:$weight,
    Optional<Llama_Weight1D>:$bias);
  let results = (outs Llama_Activation:$result);
  let assemblyFormat = [{
    $input `,` $weight (`bias` $bias^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Llama_ScreenOp : Llama_Op<"screen", [Pure, AllTypesMatch<["exact", "approximation", "result"]>]> {
  let summary = "numbers that are the largest, or nearly so";
  let description = [{
    `result[t, n]` is `exact[t, n]` [T, N] where that is not below the row's largest number less `margin` [1].
    Others may be minus infinity: those of which `approximation`, which is cheap to compute, tells that
    they are below, whatever it errs. NaN tells nothing.

    So `exact` need not be computed where it does not matter. Both are products with one input: `exact` with
    floats, without a bias, `approximation` with a `rough` copy of them. How much it errs at most follows from
    norms (`llama.row_norms`).

    - (C1) `margin` is one number.

    ```mlir
    %s = llama.screen %y by %a margin %m : tensor<1x1024xf32>, tensor<1xf32>
    ```
  }];
  let arguments = (ins Llama_Activation:$exact, Llama_Activation:$approximation,
    Llama_StaticTensor<[F32], 1>:$margin);
  let results = (outs Llama_Activation:$result);
  let assemblyFormat = "$exact `by` $approximation `margin` $margin attr-dict `:` type($result) `,` type($margin)";
  let hasVerifier = 1;
}

def Llama_QuantizeRowsOp : Llama_Op<"quantize_rows", [Pure, SameOperandsAndResultType]> {
  let summary = "every token's vector rounded to what an integer kernel sees of it";
  let description = [{
    The rows of `input` [T, K] in groups of 32, the last of which may be shorter, each with a scale s: a
    number becomes s times x / s rounded to the nearest integer, ties to even. s has three significant bits: it is
    the smallest of 4, 5, 6 or 7 times a power of two that is not below max |x| / 127. Where max |x| is below
    2^-100, all become 0.

    `microscaled`: to MXINT8 (OCP Microscaling Formats, 2023). With 2^e the largest power
    of two that is not above max |x|, s is 2^(e - 6), and integers are at most 127 in
    magnitude. Kernels multiply by such scales for nothing, and round with an error up to twice
    as large; by the others at the price of a load.

    ```mlir
    %r = llama.quantize_rows %x : tensor<?x256xf32>
    %m = llama.quantize_rows %x microscaled : tensor<?x256xf32>
    ```
  }];
  let arguments = (ins Llama_Activation:$input, UnitAttr:$microscaled);
  let results = (outs Llama_Activation:$result);
  let assemblyFormat = "$input (`microscaled` $microscaled^)? attr-dict `:` type($result)";
}

def Llama_RoundOp : Llama_Op<"round", [Pure, SameOperandsAndResultType]> {
  let summary = "every token's vector rounded to what a narrower type can hold";
  let description = [{
    To nearest, ties to even. The result keeps the type, so that what follows means
    the same with and without it; a kernel may hold it as `narrow`.

    ```mlir
    %r = llama.round %x to bf16 : tensor<?x256xf32>
    ```
  }];
  let arguments = (ins Llama_Activation:$input, TypeAttrOf<AnyTypeOf<[F16, BF16]>>:$narrow);
  let results = (outs Llama_Activation:$result);
  let assemblyFormat = "$input `to` $narrow attr-dict `:` type($result)";
}

def Llama_RopeOp : Llama_Op<"rope", [Pure, AllTypesMatch<["input", "result"]>]> {
  let summary = "rotary position embedding of every head (Su et al., RoFormer, 2021)";
  let description = [{
    Row t of `input` [T, H * Dh] stands at position p = position + t. With
    c = table[p, 0, i] and s = table[p, 1, i], table [C, 2, Dh/2], pair number i
    (a, b) of each head (see `layout`) becomes (a c - b s, b c + a s).

    - (C1) H * Dh is a multiple of Dh = 2 * (last dimension of `table`).
    - (C2) the second dimension of `table` is 2.

    ```mlir
    %r = llama.rope %q, %table at %position layout half
       : (tensor<?x256xf32>, tensor<512x2x32xf32>, index) -> tensor<?x256xf32>
    ```
  }];
  let arguments = (ins Llama_Activation:$input, Llama_RopeTable:$table, Index:$position,
    Llama_RopeLayoutAttr:$layout);
  let results = (outs Llama_Activation:$result);
  let assemblyFormat = [{
    $input `,` $table `at` $position `layout` $layout attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Llama_AttentionOp : Llama_Op<"attention", [Pure, AllTypesMatch<["query", "result"]>]> {
  let summary = "causal attention over the KV cache, in groups of query heads";
  let description = [{
    Vaswani et al., 2017; grouped queries: Ainslie et al., GQA, 2023.
    Row t of `query` [T, H * Dh] stands at p = position + t and attends to the
    positions c <= p (with `window` > 0: also c > p - window) of its group's
    head g = h * Hkv / H in `keys` and `values` [C, Hkv, Dh]:

    `result[t, h] = sum over c of softmax_c(scale * q[t, h] . keys[c, g]) * values[c, g]`

    - (C1) keys and values have the same type.
    - (C2) H * Dh is a multiple of Hkv * Dh.
    - (C3) `scale` is finite, `window` not negative.

    ```mlir
    %a = llama.attention %q, %k, %v at %position scale 0.125
       : (tensor<?x256xf32>, tensor<512x2x64xf32>, tensor<512x2x64xf32>, index) -> tensor<?x256xf32>
    ```
  }];
  let arguments = (ins Llama_Activation:$query, Llama_CacheTensor:$keys, Llama_CacheTensor:$values,
    Index:$position, F64Attr:$scale, DefaultValuedAttr<I64Attr, "0">:$window);
  let results = (outs Llama_Activation:$result);
  let assemblyFormat = [{
    $query `,` $keys `,` $values `at` $position `scale` $scale (`window` $window^)?
    attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Llama_SwigluOp : Llama_Op<"swiglu", [Pure, SameOperandsAndResultType]> {
  let summary = "gated feed-forward activation (Shazeer, GLU Variants, 2020)";
  let description = [{
    `result = gate * sigmoid(gate) * up`, all [T, F].

    ```mlir
    %f = llama.swiglu %gate, %up : tensor<?x512xf32>
    ```
  }];
  let arguments = (ins Llama_Activation:$gate, Llama_Activation:$up);
  let results = (outs Llama_Activation:$result);
  let assemblyFormat = "$gate `,` $up attr-dict `:` type($result)";
}

def Llama_AddOp : Llama_Op<"add", [Pure, SameOperandsAndResultType]> {
  let summary = "the residual connection";
  let description = [{
    `result = residual + branch`, all [T, D].

    ```mlir
    %y = llama.add %x, %o : tensor<?x256xf32>
    ```
  }];
  let arguments = (ins Llama_Activation:$residual, Llama_Activation:$branch);
  let results = (outs Llama_Activation:$result);
  let assemblyFormat = "$residual `,` $branch attr-dict `:` type($result)";
}

//===----------------------------------------------------------------------===//
// KV cache
//===----------------------------------------------------------------------===//

def Llama_CacheOp : Llama_Op<"cache", [Symbol]> {
  let summary = "keys or values of one layer, kept from step to step";
  let description = [{
    Zero at start. [C, Hkv, Dh], C being the positions that it has room for; elements of `!llama.q8`
    have a scale for 32 of the Dh columns, or the last ones.

    ```mlir
    llama.cache @layers.0.keys : tensor<512x2x64xf32>
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<Llama_CacheTensor>:$type);
  let assemblyFormat = "$sym_name attr-dict `:` $type";
  let extraClassDeclaration = [{
    ::mlir::RankedTensorType getTensorType() {
      return ::llvm::cast<::mlir::RankedTensorType>(getType());
    }
  }];
}

def Llama_CacheReadOp : Llama_Op<"cache_read", [MemoryEffects<[MemRead]>,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "the cache as it is";
  let description = [{
    As the last `llama.cache_write` left it: that of an earlier step, or one that this step has
    already done. Zero before the first one. The result stays what it is, whatever is written later.

    - (C1) `cache` names a `llama.cache` op.
    - (C2) the result type is that op's type.

    ```mlir
    %k = llama.cache_read @layers.0.keys : tensor<512x2x64xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$cache);
  let results = (outs Llama_CacheTensor:$result);
  let assemblyFormat = "$cache attr-dict `:` type($result)";
}

def Llama_CacheUpdateOp : Llama_Op<"cache_update", [Pure, AllTypesMatch<["cache", "result"]>]> {
  let summary = "the cache with this step's rows in place";
  let description = [{
    `result[position + t, h, :] = rows[t, h * Dh ...]` for t < T, rounded to the cache's
    element type (to nearest, ties to even; `!llama.q8` says how to codes), else as in
    `cache` [C, Hkv, Dh]; rows [T, Hkv * Dh].

    - (C1) rows are Hkv * Dh wide.

    ```mlir
    %k1 = llama.cache_update %k0, %rows at %position
       : (tensor<512x2x64xf32>, tensor<?x128xf32>, index) -> tensor<512x2x64xf32>
    ```
  }];
  let arguments = (ins Llama_CacheTensor:$cache, Llama_Activation:$rows, Index:$position);
  let results = (outs Llama_CacheTensor:$result);
  let assemblyFormat = [{
    $cache `,` $rows `at` $position attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Llama_CacheWriteOp : Llama_Op<"cache_write", [MemoryEffects<[MemWrite]>,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "leaves a cache for what follows";
  let description = [{
    In this step and in later ones, up to the next write, `llama.cache_read` finds `value`.

    - (C1) `cache` names a `llama.cache` op.
    - (C2) the value's type is that op's type.

    ```mlir
    llama.cache_write @layers.0.keys, %k1 : tensor<512x2x64xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$cache, Llama_CacheTensor:$value);
  let assemblyFormat = "$cache `,` $value attr-dict `:` type($value)";
}

//===----------------------------------------------------------------------===//
// Calibration
//===----------------------------------------------------------------------===//

def Llama_ObservationOp : Llama_Op<"observation", [Symbol]> {
  let summary = "what matrices are multiplied by, as a calibration text shows it";
  let description = [{
    Vectors of `width` numbers, one for every token of a text. Without a `file` they are
    still to be recorded: the artifact leaves them where its runtime finds them. With
    one, they are number `number` of those that `--record` wrote there (runtime/Record.h).

    - (C1) `number` is not negative, `width` in [1, 2^20].

    ```mlir
    llama.observation @layers.0.q.input number 0 width 256
    llama.observation @layers.0.o.input in "records" number 1 width 256
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, OptionalAttr<StrAttr>:$file, I64Attr:$number, I64Attr:$width);
  let assemblyFormat = "$sym_name (`in` $file^)? `number` $number `width` $width attr-dict";
  let hasVerifier = 1;
}

def Llama_ObserveOp : Llama_Op<"observe", [MemoryEffects<[MemWrite]>,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "leaves this step's vectors to be looked at";
  let description = [{
    The rows of `input` [T, K] become the observation's vectors of this step.

    - (C1) `observation` names a `llama.observation` op.
    - (C2) K is its width.

    ```mlir
    llama.observe @layers.0.q.input, %x : tensor<?x256xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$observation, Llama_Activation:$input);
  let assemblyFormat = "$observation `,` $input attr-dict `:` type($input)";
}

//===----------------------------------------------------------------------===//
// Structure
//===----------------------------------------------------------------------===//

def Llama_LayerOp : Llama_Op<"layer", [SingleBlock, RecursiveMemoryEffects,
    RecursivelySpeculatable]> {
  let summary = "one decoder layer";
  let description = [{
    Groups the ops of layer `name` so that passes can see where a layer begins
    and ends; `llama-outline-layers` makes one function of all that are alike.
    The block's argument is the hidden state [T, D] that comes in; values from
    above may be used inside.

    - (C1) the block has one argument of the input's type.
    - (C2) it ends in a `llama.yield` of the result's type.
    - (C3) no layer lies in another.

    ```mlir
    %y = llama.layer "layers.0" (%x : tensor<?x256xf32>) -> tensor<?x256xf32> {
    ^bb0(%h: tensor<?x256xf32>):
      …
      llama.yield %z : tensor<?x256xf32>
    }
    ```
  }];
  let arguments = (ins StrAttr:$name, Llama_Activation:$input);
  let results = (outs Llama_Activation:$result);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $name `(` $input `:` type($input) `)` `->` type($result) attr-dict-with-keyword $body
  }];
  let hasRegionVerifier = 1;
}

def Llama_YieldOp : Llama_Op<"yield", [Pure, Terminator, ReturnLike, ParentOneOf<["LayerOp"]>]> {
  let summary = "what a layer passes on";
  let description = [{
    ```mlir
    llama.yield %z : tensor<?x256xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$value);
  let assemblyFormat = "$value attr-dict `:` type($value)";
}

#endif // CRIA_DIALECTS_LLAMA_OPS_TD
