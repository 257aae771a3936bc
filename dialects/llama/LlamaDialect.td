//===- LlamaDialect.td - The model as its papers describe it ---------------===//
#ifndef CRIA_DIALECTS_LLAMA_DIALECT_TD
#define CRIA_DIALECTS_LLAMA_DIALECT_TD

include "mlir/IR/OpBase.td"

def Llama_Dialect : Dialect {
  let name = "llama";
  let cppNamespace = "::cria::llama";
  let summary = "LLaMA-style transformer models: one op per concept of the papers";
  let description = [{
    Value semantics on ranked tensors, no tiling, no target. An op exists here
    if a rewrite of the model must see it. The same letters everywhere:

    | letter | meaning                              |
    |--------|--------------------------------------|
    | T      | tokens of one step                   |
    | C      | context: positions in the KV cache   |
    | V      | vocabulary                           |
    | D      | width of the model                   |
    | F      | width of the feed-forward network    |
    | H, Hkv | query heads, key/value heads         |
    | Dh     | size of one head                     |
    | N, K   | rows (outputs), columns (inputs) of a weight |

    A weight is an expression: `llama.source` says where its bytes lie,
    `llama.weight` refers to it, and the pure ops with the `WeightExpression`
    trait change it (cast, reorder, pack). The compiler evaluates these
    expressions while it writes the artifact, one tensor at a time.
  }];
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect"];
  let hasOperationAttrVerify = 1;
}

class Llama_Op<string mnemonic, list<Trait> traits = []> : Op<Llama_Dialect, mnemonic, traits>;

#endif // CRIA_DIALECTS_LLAMA_DIALECT_TD
