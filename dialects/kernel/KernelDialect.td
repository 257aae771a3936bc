//===- KernelDialect.td - What linalg cannot say ---------------------------===//
#ifndef CRIA_DIALECTS_KERNEL_DIALECT_TD
#define CRIA_DIALECTS_KERNEL_DIALECT_TD

include "mlir/IR/OpBase.td"

def Kernel_Dialect : Dialect {
  let name = "kernel";
  let cppNamespace = "::cria::kernel";
  let summary = "kernels and storage between the model and the machine";
  let description = [{
    Admission rule: what can be a `linalg.generic` and still reach the hardware's limit
    must be one. So here are

    storage, the artifact's segments:

    - `kernel.constant`: a tensor among the weights, and the expression that gives its value;
    - `kernel.state`: a tensor that lives from step to step;
    - `kernel.get`, `kernel.set`: the value of either, and a new one for a state;
    - `kernel.yield`: the end of a constant's expression;

    kernels, in destination-passing style, to be tiled:

    - `kernel.attention`: with a running maximum and sum;
    - `kernel.merge_parts`: the whole of what attention made of parts of the context;
    - `kernel.append`: keys or values written into the cache, at a dynamic position;
    - `kernel.quantize_rows`: numbers become codes of 8 bits, and scales;
    - `kernel.block_matmul`: such codes times a quantized matrix;
    - `kernel.block_gather`: rows of a quantized matrix, as numbers;

    what micro-kernels are made of, for a target to lower to what its chip has:

    - `kernel.dot`: products of narrow numbers, several to a 32-bit sum;
    - `kernel.tile_matmul`: products of narrow numbers, tile by tile;
    - `kernel.lookup`: bytes of a table of 16;
    - `kernel.prefetch`: a hint that a cache line will be read;

    and of a step of many tokens, a chunk:

    - `kernel.live_rows`: how many of its rows have a token.

    Letters as in the llama dialect, and:

    | letter | meaning                                                                         |
    |--------|---------------------------------------------------------------------------------|
    | P, L   | of a KV cache: blocks, and positions of each; enough for C                      |
    | S, M   | parts of a context, and those of them that one op makes                         |
    | W      | lanes of a vector of positions, in what is made of a part                       |
    | P, R   | of a matrix: panels, and rows of each; of what meets it, [T, P, R], parts of a row and numbers of each |
    | K, G   | columns of any matrix, and groups of 32 of them                                 |
    | Kb, B  | columns of a block of a panel, and its bytes                                    |

    Attributes of the dialect, each on ops of one kind:

    | attribute            | on what                        | type                | set by        | read by |
    |----------------------|--------------------------------|---------------------|---------------|---------|
    | `kernel.target`      | module                         | string              | the driver    | who asks the target |
    | `kernel.positions`   | `kernel.state` with a pitch    | i64, L, at least 1  | LowerToKernels | the artifact |
    | `kernel.observation` | `kernel.state` of rank 4       | i64, not negative   | LowerToKernels | the artifact |
    | `kernel.chunk`       | function                       | i64, T, at least 1  | LowerToKernels, OutlineLayers | `kernel.live_rows` |
    | `kernel.screened`    | `linalg.generic` of three inputs | unit              | LowerToKernels | SkipScreened |
    | `kernel.buffer`      | `tensor.empty`                 | i64                 | who makes kernels | CSE |
    | `kernel.schedule`    | op that can be tiled           | `#kernel.schedule`, a number to a loop | SelectSchedules | Distribute |
    | `kernel.own`         | `memref.alloc`                 | unit                | Replicate     | PlanMemory |
    | `kernel.segments`    | module                         | dictionary: `weights`, `state`, `workspace`, `scratch`, each i64, not negative | PlanMemory | the artifact |
  }];
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::cria::llama::LlamaDialect", "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
                           "::mlir::tensor::TensorDialect"];
  let hasOperationAttrVerify = 1;
}

class Kernel_Op<string mnemonic, list<Trait> traits = []> : Op<Kernel_Dialect, mnemonic, traits>;

#endif // CRIA_DIALECTS_KERNEL_DIALECT_TD
