//===- LlamaTypes.td - Element types that MLIR does not have ---------------===//
#ifndef CRIA_DIALECTS_LLAMA_TYPES_TD
#define CRIA_DIALECTS_LLAMA_TYPES_TD

include "dialects/llama/LlamaDialect.td"
include "mlir/IR/AttrTypeBase.td"

def Llama_Q8 : TypeDef<Llama_Dialect, "Q8"> {
  let mnemonic = "q8";
  let summary = "numbers of 8 bits, 32 of a row to a scale";
  let description = [{
    The element type of a KV cache whose numbers are codes. With m the largest magnitude
    of 32 numbers x that follow each other in a row, and s = m / 127 rounded to BF16, what
    is kept of them is

    `s * (x / s rounded to the nearest integer, ties to even)`

    and zero where m is below 2^-100. Codes are within -127 and 127: s may be smaller than
    m / 127 by one in 512 at most. 8.5 bits to a number. BF16 reaches as far as F32, so no
    head is too large or too small for it, and every chip widens it by a shift.

    ```mlir
    llama.cache @layers.0.keys : tensor<512x2x64x!llama.q8>
    ```
  }];
}

#endif // CRIA_DIALECTS_LLAMA_TYPES_TD
