//===- LlamaInterfaces.td - What generic passes ask of an op ---------------===//
#ifndef CRIA_DIALECTS_LLAMA_INTERFACES_TD
#define CRIA_DIALECTS_LLAMA_INTERFACES_TD

include "mlir/IR/OpBase.td"

// The op computes a weight from weights alone: the compiler evaluates it while
// it writes the artifact, and no step function ever runs it.
def Llama_WeightExpression : NativeOpTrait<"WeightExpression"> {
  let cppNamespace = "::cria::llama";
}

#endif // CRIA_DIALECTS_LLAMA_INTERFACES_TD
