//===- LlamaAttributes.td - Hyperparameters and small choices --------------===//
#ifndef CRIA_DIALECTS_LLAMA_ATTRIBUTES_TD
#define CRIA_DIALECTS_LLAMA_ATTRIBUTES_TD

include "dialects/llama/LlamaDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

def Llama_RopeLayout : I32EnumAttr<"RopeLayout", "which elements of a head rotate together", [
    I32EnumAttrCase<"Half", 0, "half">,
    I32EnumAttrCase<"Interleaved", 1, "interleaved">]> {
  let cppNamespace = "::cria::llama";
  let description = [{
    `half`: elements i and i + Dh/2 (Hugging Face); `interleaved`: 2i and
    2i + 1 (the original LLaMA code, llama2.c, GGUF).
  }];
  let genSpecializedAttr = 0;
}
def Llama_RopeLayoutAttr : EnumAttr<Llama_Dialect, Llama_RopeLayout, "rope_layout"> {
  let assemblyFormat = "$value";
}

def Llama_Encoding : I32EnumAttr<"Encoding", "how the bytes of a source hold its numbers", [
    I32EnumAttrCase<"Plain", 0, "plain">,
    I32EnumAttrCase<"Q8_0", 1, "q8_0">,
    I32EnumAttrCase<"Q4_0", 2, "q4_0">,
    I32EnumAttrCase<"Q4_1", 3, "q4_1">,
    I32EnumAttrCase<"Q5_0", 4, "q5_0">,
    I32EnumAttrCase<"Q5_1", 5, "q5_1">,
    I32EnumAttrCase<"Q2_K", 6, "q2_k">,
    I32EnumAttrCase<"Q3_K", 7, "q3_k">,
    I32EnumAttrCase<"Q4_K", 8, "q4_k">,
    I32EnumAttrCase<"Q5_K", 9, "q5_k">,
    I32EnumAttrCase<"Q6_K", 10, "q6_k">,
    I32EnumAttrCase<"MXFP4", 11, "mxfp4">]> {
  let cppNamespace = "::cria::llama";
  let description = [{
    `plain`: the element type of the tensor, little-endian, row-major. The others are
    ggml's blocks along the last dimension; the tensor type is the F32 that they stand
    for. In the order of a block's bytes, d, e and m being F16, c codes, "low then high"
    the two halves of a byte:

    - `q8_0` (32 columns): d, 32 signed bytes c. d c.
    - `q4_0` (32): d, 16 bytes c, column i low and i + 16 high. d (c - 8).
    - `q4_1` (32): d, m, codes as in `q4_0`. d c + m.
    - `q5_0` (32): d, 32 bits h, low codes as in `q4_0`; bit i of h is the fifth of
      column i. d (c - 16).
    - `q5_1` (32): d, m, then as `q5_0`. d c + m.
    - `q2_k` (256, groups of 16): 16 bytes (a low, b high), 64 bytes c, d, e. Bits 2 j and
      2 j + 1 of byte 32 n + l are column 128 n + 32 j + l. d a c - e b.
    - `q3_k` (256, groups of 16): 32 bytes h, 64 bytes c as in `q2_k`, 12 bytes of 6-bit
      a, d. Bit 4 n + j of byte l of h is the third of c in column 128 n + 32 j + l. a of
      group g has its low bits in byte g % 8 (low for g < 8, then high) and its high two
      bits in byte 8 + g % 4, bits 2 (g / 4) on. d (a - 32) (c - 4).
    - `q4_k` (256, groups of 32): d, e, 12 bytes of 6-bit a and b, 128 bytes c: columns
      64 n + l low and 64 n + 32 + l high in byte 32 n + l. For g < 4, a is in byte g and
      b in byte 4 + g, in the low six bits; for the others their low four bits are in
      byte 4 + g (a low, b high), the high two in the high two of bytes g - 4 and g.
      d a c - e b.
    - `q5_k` (256, groups of 32): d, e, 12 bytes, 32 bytes h, 128 bytes as in `q4_k`; bit
      g of byte l of h is the fifth of column 32 g + l.
    - `q6_k` (256, groups of 16): 128 bytes low, 64 bytes high, 16 signed bytes a, d. In
      half n, columns l, 32 + l, 64 + l, 96 + l have their low four bits in bytes
      64 n + l (low), 64 n + 32 + l (low), and the same two (high), and their high two
      in byte 32 n + l of the second array, from bit 0 on. d a (c - 32).
    - `mxfp4` (32): a byte e, codes as in `q4_0`. 2^(e - 127) times the E2M1 that c is: its
      sign, two bits of exponent and one of fraction: 0, 0.5, 1, 1.5, 2, 3, 4, 6. NaN for e = 255.
  }];
  let genSpecializedAttr = 0;
}
def Llama_EncodingAttr : EnumAttr<Llama_Dialect, Llama_Encoding, "encoding"> {
  let assemblyFormat = "$value";
}

def Llama_Format : I32EnumAttr<"Format", "how few bits a weight takes", [
    I32EnumAttrCase<"Q8", 0, "q8">,
    I32EnumAttrCase<"Q6", 1, "q6">,
    I32EnumAttrCase<"Q5", 2, "q5">,
    I32EnumAttrCase<"Q5Z", 3, "q5z">,
    I32EnumAttrCase<"Q4", 4, "q4">,
    I32EnumAttrCase<"Q4x64", 5, "q4_64">,
    I32EnumAttrCase<"Q4x128", 6, "q4_128">,
    I32EnumAttrCase<"Q4Z", 7, "q4z">,
    I32EnumAttrCase<"Q4Zx64", 8, "q4z_64">,
    I32EnumAttrCase<"Q4Zx128", 9, "q4z_128">,
    I32EnumAttrCase<"NF4", 10, "nf4">,
    I32EnumAttrCase<"MXFP4", 11, "mxfp4">,
    I32EnumAttrCase<"Q3", 12, "q3">,
    I32EnumAttrCase<"Q2", 13, "q2">,
    I32EnumAttrCase<"Ternary", 14, "ternary">,
    I32EnumAttrCase<"Q2K", 15, "q2_k">,
    I32EnumAttrCase<"Q3K", 16, "q3_k">,
    I32EnumAttrCase<"Q4K", 17, "q4_k">,
    I32EnumAttrCase<"Q5K", 18, "q5_k">,
    I32EnumAttrCase<"Q6K", 19, "q6_k">]> {
  let cppNamespace = "::cria::llama";
  let description = [{
    Groups of columns with codes of a few bits and F16 scales. What exactly they stand
    for, and how they are packed, is defined in Quantization.h. The last five come from
    files only.
  }];
  let genSpecializedAttr = 0;
}
def Llama_FormatAttr : EnumAttr<Llama_Dialect, Llama_Format, "format"> {
  let assemblyFormat = "$value";
}

def Llama_RopeScaling : I32EnumAttr<"RopeScaling", "how rotary frequencies are stretched", [
    I32EnumAttrCase<"None", 0, "none">,
    I32EnumAttrCase<"Linear", 1, "linear">,
    I32EnumAttrCase<"Llama3", 2, "llama3">,
    I32EnumAttrCase<"Yarn", 3, "yarn">]> {
  let cppNamespace = "::cria::llama";
  let genSpecializedAttr = 0;
}
def Llama_RopeScalingAttr : EnumAttr<Llama_Dialect, Llama_RopeScaling, "rope_scaling"> {
  let assemblyFormat = "$value";
}

def Llama_ModelAttr : AttrDef<Llama_Dialect, "Model"> {
  let mnemonic = "model";
  let summary = "hyperparameters of a model, on its module as `llama.model`";
  let description = [{
    What the runtime must know and the ops do not say. `bosId` is -1 where the
    model has none; `chunk` is the T of the prefill step.

    - (C1) every size is positive and at most 2^31 - 1.
    - (C2) `heads` is a multiple of `kvHeads`.
    - (C3) `bosId` is -1 or a token of the vocabulary, every one of `eosIds` a token.

    ```mlir
    module attributes {llama.model = #llama.model<name = "stories", architecture = "llama",
      vocabulary = 512, width = 64, ffn = 172, layers = 5, heads = 8, kvHeads = 4,
      headSize = 8, contextSize = 512, chunk = 64, bosId = 1, addBos = true, eosIds = [2],
      parameters = 260032, inputHash = "…">} { … }
    ```
  }];
  let parameters = (ins
    StringRefParameter<>:$name, StringRefParameter<>:$architecture,
    "int64_t":$vocabulary, "int64_t":$width, "int64_t":$ffn, "int64_t":$layers,
    "int64_t":$heads, "int64_t":$kvHeads, "int64_t":$headSize,
    "int64_t":$contextSize, "int64_t":$chunk,
    "int64_t":$bosId, "bool":$addBos, "::mlir::DenseI64ArrayAttr":$eosIds,
    "uint64_t":$parameters, StringRefParameter<>:$inputHash);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

#endif // CRIA_DIALECTS_LLAMA_ATTRIBUTES_TD
