//===- KernelDialect.td - What linalg cannot say ---------------------------===//
#ifndef CRIA_DIALECTS_KERNEL_DIALECT_TD
#define CRIA_DIALECTS_KERNEL_DIALECT_TD

include "mlir/IR/OpBase.td"

def Kernel_Dialect : Dialect {
  let name = "kernel";
  let cppNamespace = "::cria::kernel";
  let summary = "kernels and storage between the model and the machine";
  let description = [{
    Destination-passing style, tileable. Admission rule: what can be a
    `linalg.generic` and still reach the hardware's limit must be one. So here
    are attention with its running maximum and sum, writes into the KV cache at
    a dynamic position, the artifact's storage (constants that the compiler
    evaluates, state that lives from step to step), and the schedule of a
    kernel as an attribute.

    Letters as in the llama dialect; L is the number of positions that one block
    of a KV cache holds, P the number of blocks: enough for the cache's C positions.
  }];
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::cria::llama::LlamaDialect", "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
                           "::mlir::tensor::TensorDialect"];
}

class Kernel_Op<string mnemonic, list<Trait> traits = []> : Op<Kernel_Dialect, mnemonic, traits>;

#endif // CRIA_DIALECTS_KERNEL_DIALECT_TD
