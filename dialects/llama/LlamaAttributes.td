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
    I32EnumAttrCase<"Q4_0", 2, "q4_0">]> {
  let cppNamespace = "::cria::llama";
  let description = [{
    `plain`: the element type of the tensor, little-endian, row-major. `q8_0`,
    `q4_0`: ggml's blocks of 32 along the last dimension (an F16 scale, then 32
    signed bytes, or 16 bytes of nibbles: element i low, i + 16 high, minus 8);
    the tensor type is the F32 that they stand for.
  }];
  let genSpecializedAttr = 0;
}
def Llama_EncodingAttr : EnumAttr<Llama_Dialect, Llama_Encoding, "encoding"> {
  let assemblyFormat = "$value";
}

def Llama_Format : I32EnumAttr<"Format", "how few bits a weight takes", [
    I32EnumAttrCase<"Q8", 0, "q8">,
    I32EnumAttrCase<"Q4", 1, "q4">]> {
  let cppNamespace = "::cria::llama";
  let description = [{
    Groups of 32 along a row, one F16 scale each, signed codes of 8 or 4 bits. What
    exactly they stand for is defined in Quantization.h.
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
