//===- Passes.td - Passes that every target runs ---------------------------===//
//
// A target has its own in a Passes.td of its folder.
// In the order in which compiler/pipeline runs them. Source, flag and test
// share their words: `SplitRope.cpp`, `llama-split-rope`, `split-rope.mlir`.
//
//===----------------------------------------------------------------------===//
#ifndef CRIA_COMPILER_TRANSFORMS_PASSES_TD
#define CRIA_COMPILER_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

//===----------------------------------------------------------------------===//
// Model phase
//===----------------------------------------------------------------------===//

def CastWeights : Pass<"llama-cast-weights", "::mlir::ModuleOp"> {
  let summary = "decide the type of every weight";
  let description = [{
    Matrices become `type` (empty: stay as stored). Vectors (norms, biases) become
    F32: they are few bytes, and a kernel then needs no conversion for them.

    ```mlir
    %w = llama.weight @q : tensor<256x256xf32>
    %y = llama.linear %x, %w : …
    // becomes, with type=f16,
    %w = llama.weight @q : tensor<256x256xf32>
    %c = llama.cast %w : tensor<256x256xf32> to tensor<256x256xf16>
    %y = llama.linear %x, %c : …
    ```
  }];
  let options = [Option<"type", "type", "std::string", "\"\"", "f32, f16 or bf16; empty: as stored">];
  let dependentDialects = ["::cria::llama::LlamaDialect"];
}

def CastCaches : Pass<"llama-cast-caches", "::mlir::ModuleOp"> {
  let summary = "decide the type of the KV cache";
  let description = [{
    Every cache holds `type`; what is written into it is rounded (`llama.cache_update`).

    ```mlir
    llama.cache @keys : tensor<512x2x64xf32>
    // becomes, with type=f16,
    llama.cache @keys : tensor<512x2x64xf16>
    ```
  }];
  let options = [Option<"type", "type", "std::string", "\"\"", "f32, f16, bf16 or q8; empty: f32">];
  let dependentDialects = ["::cria::llama::LlamaDialect"];
}

def SplitRope : Pass<"llama-split-rope", "::mlir::ModuleOp"> {
  let summary = "rotate halves instead of neighbours, by reordering rows of weights";
  let description = [{
    `layout interleaved` becomes `layout half`: the rows of the projection that
    feeds the rotation (its bias too, and a norm of every head in between) change
    their order within each head, once, while the artifact is written. Queries
    and keys change alike, so their products do not: it is an error if something else
    reads them, or if queries and keys of one cache do not change alike.

    ```mlir
    %q = llama.linear %x, %w : …
    %r = llama.rope %q, %t at %p layout interleaved : …
    // becomes
    %s = llama.split_rope_rows %w heads 4 : …
    %q = llama.linear %x, %s : …
    %r = llama.rope %q, %t at %p layout half : …
    ```
  }];
  let dependentDialects = ["::cria::llama::LlamaDialect"];
}

def ObserveInputs : Pass<"llama-observe-inputs", "::mlir::ModuleOp"> {
  let summary = "look at what matrices are multiplied by";
  let description = [{
    Every vector that meets a matrix is observed, once for all the matrices that it
    meets. Without `records` the model will leave them for its runtime to record; with
    it they are what an earlier run has recorded there, and guide the choice of codes.

    ```mlir
    %y = llama.linear %x, %w : (tensor<?x256xf32>, tensor<512x256xf16>) -> tensor<?x512xf32>
    // becomes
    llama.observation @q.input number 0 width 256
    llama.observe @q.input, %x : tensor<?x256xf32>
    %y = llama.linear %x, %w : (tensor<?x256xf32>, tensor<512x256xf16>) -> tensor<?x512xf32>
    ```
  }];
  let options = [Option<"records", "records", "std::string", "\"\"", "the file with the records; empty: to be made">];
  let dependentDialects = ["::cria::llama::LlamaDialect"];
}

def QuantizeWeights : Pass<"llama-quantize-weights", "::mlir::ModuleOp"> {
  let summary = "matrices at few bits";
  let description = [{
    Every matrix that is multiplied by takes the format that `format` gives it: a
    default and exceptions, as QuantizeRules.h describes (empty: none), and so does the
    table of embeddings, which is gathered from. What is multiplied by quantized
    weights is rounded to 8 bits itself, so that the products are of integers: by scales that are
    powers of two (`microscaled`), which cost kernels nothing, where the weights have at most
    5 bits. With `keep-stored` that also happens where no format is asked for and a file holds codes
    already (GGUF's Q and K types), which are then taken as they are.

    Where what a matrix is multiplied by has been recorded (`llama-observe-inputs` with
    `records`), the records guide the choice of its codes, and the `llama.observe` goes.

    ```mlir
    %y = llama.linear %x, %w : (tensor<?x256xf32>, tensor<512x256xf16>) -> tensor<?x512xf32>
    // becomes, with format=q4,
    %r = llama.quantize_rows %x microscaled : tensor<?x256xf32>
    %q = llama.quantize %w format q4 : tensor<512x256xf16> -> tensor<512x256xf32>
    %y = llama.linear %r, %q : (tensor<?x256xf32>, tensor<512x256xf32>) -> tensor<?x512xf32>
    ```
  }];
  let options = [Option<"format", "format", "std::string", "\"\"",
                        "as --quantize: q4,lm_head=q8,… ; empty: none">,
                 Option<"keepStored", "keep-stored", "bool", "false",
                        "where no format is asked for, multiply what a file holds as codes as codes">];
  let dependentDialects = ["::cria::llama::LlamaDialect"];
}

def RoundInputs : Pass<"llama-round-inputs", "::mlir::func::FuncOp"> {
  let summary = "what meets BF16 weights rounded to BF16";
  let description = [{
    So that a chip with dot products of BF16 may use them, and every other computes the
    same. Matrices of an odd number of columns, which have no pairs, are left alone.

    ```mlir
    %y = llama.linear %x, %w : (tensor<?x256xf32>, tensor<512x256xbf16>) -> tensor<?x512xf32>
    // becomes
    %r = llama.round %x to bf16 : tensor<?x256xf32>
    %y = llama.linear %r, %w : (tensor<?x256xf32>, tensor<512x256xbf16>) -> tensor<?x512xf32>
    ```
  }];
  let dependentDialects = ["::cria::llama::LlamaDialect"];
}

def SpecializeSteps : Pass<"llama-specialize-steps", "::mlir::ModuleOp"> {
  let summary = "one function for a single token, one for a chunk";
  let description = [{
    `forward` and `logits`, whose T is dynamic, become `forward_one`,
    `forward_chunk`, `logits_one` and `logits_chunk` with T = 1 and T = the
    model's chunk. Every shape is static afterwards. Dynamic are the position and,
    of a chunk, how many of its rows hold a token.

    ```mlir
    func.func @forward(%tokens: tensor<?xi32>, %position: index) -> tensor<?x256xf32>
    // becomes
    func.func @forward_one(%tokens: tensor<1xi32>, %position: index) -> tensor<1x256xf32>
    func.func @forward_chunk(%tokens: tensor<64xi32>, %position: index) -> tensor<64x256xf32>
    ```
  }];
  let dependentDialects = ["::cria::llama::LlamaDialect"];
}

def DeferLastLayer : Pass<"llama-defer-last-layer", "::mlir::ModuleOp"> {
  let summary = "a prompt's tokens leave out what only logits need";
  let description = [{
    The last `llama.layer` of `forward_chunk` keeps what its caches need, and the function
    returns what comes into it. `finish_chunk`, and `finish_one` for a single row, are that layer,
    whole, and what follows: from those rows [T, D] and the position of the first one to
    what `logits_…` take. `forward_one` stays as it is. Behind the last layer nothing may read
    or write state, which a prompt would then not do.

    ```mlir
    func.func @finish_one(%hidden: tensor<1x256xf32>, %position: index) -> tensor<1x256xf32>
    func.func @finish_chunk(%hidden: tensor<64x256xf32>, %position: index) -> tensor<64x256xf32>
    ```
  }];
  let dependentDialects = ["::cria::llama::LlamaDialect"];
}

def ScreenLogits : Pass<"llama-screen-logits", "::mlir::ModuleOp"> {
  let summary = "for one token, compute the logits that matter";
  let description = [{
    Where the head is multiplied as floats (whatever its file holds), and has at least `least` numbers, and
    one in `part` of those that a token meets, `logits_screened` is another `logits_one`, which may leave out
    logits that are further below the best one than a margin: a copy of the head in 6 or 8 bits tells which
    can be near it.

    ```mlir
    %y = llama.linear %x, %w : (tensor<1x256xf32>, tensor<32000x256xf32>) -> tensor<1x32000xf32>
    // becomes
    %y = llama.linear %x, %w : …
    %r = llama.quantize_rows %x : tensor<1x256xf32>
    %q = llama.quantize %w format q6 rough : tensor<32000x256xf32> -> tensor<32000x256xf32>
    %a = llama.linear %r, %q : …
    %s = llama.screen %y by %a margin %m : tensor<1x32000xf32>, tensor<1xf32>
    ```
  }];
  let options = [Option<"least", "least", "int64_t", "1048576", "of numbers of a head that is worth it">,
                 Option<"part", "part", "int64_t", "8", "of all numbers that it has at least">];
  let dependentDialects = ["::cria::llama::LlamaDialect"];
}

//===----------------------------------------------------------------------===//
// Kernel phase
//===----------------------------------------------------------------------===//

def LowerToKernels : Pass<"llama-lower-to-kernels", "::mlir::ModuleOp"> {
  let summary = "the model as linalg and kernel ops, its state as storage";
  let description = [{
    Every computation becomes a `linalg.generic` or a `kernel` op in
    destination-passing style; matrices are packed into panels of as many rows as the
    target asks, and those that meet one input in the same form become one matrix
    (`llama.concat_rows`). Tokens, hidden states, logits and caches become `kernel.state`;
    an entry function's only argument is the index that `runtime/Abi.h` gives it.

    ```mlir
    %y = llama.linear %x, %w : (tensor<1x256xf32>, tensor<512x256xf16>) -> tensor<1x512xf32>
    // becomes
    %p = llama.pack %w rows 16 : tensor<512x256xf16> -> tensor<32x256x16xf16>
    %e = linalg.generic {…} ins(%x, %p : tensor<1x256xf32>, tensor<32x256x16xf16>)
                            outs(%zero : tensor<1x32x16xf32>) …
    %y = tensor.collapse_shape %e [[0], [1, 2]] : …
    ```
  }];
  let dependentDialects = ["::cria::kernel::KernelDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::math::MathDialect", "::mlir::tensor::TensorDialect"];
}

def OutlineLayers : Pass<"llama-outline-layers", "::mlir::ModuleOp"> {
  let summary = "layers that are alike become one function";
  let description = [{
    Each `llama.layer` becomes a call; its weights and caches are arguments, the
    updated caches results. Layers with equal bodies share one function, so code
    size and compile time do not grow with depth.

    ```mlir
    %y = llama.layer "layers.0" (%x : …) -> … { … }
    // becomes
    %k = kernel.get @layers.0.keys : …
    %y, %k1, %v1 = call @layer_one(%x, %position, %w0, …, %k, %v) : …
    kernel.set @layers.0.keys, %k1 : …
    ```
  }];
  let statistics = [Statistic<"layerCount", "layers", "Layers outlined">,
                    Statistic<"functionCount", "functions", "Functions made of them">];
  let dependentDialects = ["::cria::kernel::KernelDialect", "::mlir::func::FuncDialect"];
}

def LayOutWeights : Pass<"llama-lay-out-weights", "::mlir::ModuleOp"> {
  let summary = "every weight expression gets its place in the artifact";
  let description = [{
    A weight expression that a computation uses becomes a `kernel.constant` with
    an offset in the weights segment; equal expressions share one. The order is
    that of their first use, which is the order in which decoding reads them.

    ```mlir
    %w = llama.weight @q : tensor<256x256xf16>
    %p = llama.pack %w rows 16 : …
    // becomes
    kernel.constant @q at 0 : tensor<16x256x16xf16> { … }
    %p = kernel.get @q : tensor<16x256x16xf16>
    ```
  }];
  let dependentDialects = ["::cria::kernel::KernelDialect"];
}

//===----------------------------------------------------------------------===//
// Schedule phase
//===----------------------------------------------------------------------===//

def SplitAttention : Pass<"kernel-split-attention", "::mlir::ModuleOp"> {
  let summary = "the context of a single token in parts, for more threads than key/value heads";
  let description = [{
    Heads of a group share keys and values, so without this a decode step's attention is as
    many pieces as there are key/value heads: few, and no even share for most numbers of
    threads. Where they are fewer than `pieces` and the cache has room for `positions`, each
    attends in parts, which a kernel behind it merges, in their order. How many
    parts depends on the model alone, so the bits do not depend on the threads.

    ```mlir
    %a = kernel.attention %q, %k, %v at %p scale 0.125 into %o : …
    // becomes
    %s = kernel.attention %q, %k, %v at %p scale 0.125 part %c0 of 8 into %e : … -> tensor<8x32x96xf32>
    %a = kernel.merge_parts %s at %p into %o : …
    ```
  }];
  let options = [Option<"pieces", "pieces", "int64_t", "32", "the least that threads shall share">,
                 Option<"positions", "positions", "int64_t", "512", "of the smallest cache that is worth it">];
  let dependentDialects = ["::cria::kernel::KernelDialect", "::mlir::arith::ArithDialect",
                           "::mlir::tensor::TensorDialect"];
}

def SelectSchedules : Pass<"kernel-select-schedules", "::mlir::ModuleOp"> {
  let summary = "ask the target how each kernel is cut";
  let description = [{
    Puts a `#kernel.schedule` on the root of every kernel that has a parallel loop; one thread
    does what has none. An op is no root if
    its only consumer is scheduled and every loop that the consumer deals to the
    threads indexes it: then it is computed once where it is used. So gate, up,
    their activation and its rounding to codes are one kernel, cut as the products
    ask; a norm and its rounding are another.

    ```mlir
    linalg.generic {…} … attrs = {kernel.schedule = #kernel.schedule<threads = [0, 2, 0, 0], tiles = [0, 0, 0, 0]>}
    ```
  }];
  let dependentDialects = ["::cria::kernel::KernelDialect"];
}

def Distribute : Pass<"kernel-distribute", "::mlir::func::FuncOp"> {
  let summary = "cut kernels for the threads, and into what one op takes";
  let description = [{
    Each scheduled op becomes an `scf.forall` over its thread tiles, with its unscheduled
    producers fused in, and an `scf.for` inside where its schedule says how many rows an op takes.
    Where it has streams, a turn is a tile of each of as many equal parts, op beside like op.
    Loops over a chunk's rows are marked `#kernel.rows`, or end behind the last token.

    ```mlir
    %r = scf.forall (%p) in (16) shared_outs(%o = %init) -> (tensor<1x16x32xf32>) {
      … linalg.generic on tensor<1x1x32xf32> …
    }
    ```
  }];
  let dependentDialects = ["::cria::kernel::KernelDialect", "::mlir::scf::SCFDialect",
                           "::mlir::affine::AffineDialect", "::mlir::tensor::TensorDialect",
                           "::mlir::linalg::LinalgDialect"];
}

def SkipScreened : Pass<"kernel-skip-screened", "::mlir::func::FuncOp"> {
  let summary = "no product for panels of a head that do not matter";
  let description = [{
    An op marked `kernel.screened` chooses between a product and minus infinity, by a bound of each
    panel. Where no panel of its tile needs the product, it is not computed, and its weights are not read.

    ```mlir
    %y = linalg.generic {…} ins(%x, %panels : …) outs(%zeros : tensor<1x1x16xf32>) …
    %s = linalg.generic {…} ins(%y, %bounds, %threshold : …) outs(%o : tensor<1x1x16xf32>) attrs = {kernel.screened} …
    // becomes
    %s = scf.if %matters -> (tensor<1x1x16xf32>) { … both … } else { linalg.fill ins(%infinity) outs(%o) … }
    ```
  }];
  let dependentDialects = ["::mlir::scf::SCFDialect", "::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect",
                           "::mlir::linalg::LinalgDialect"];
}

//===----------------------------------------------------------------------===//
// Vector phase
//===----------------------------------------------------------------------===//

def VectorizeMatmul : Pass<"kernel-vectorize-matmul", "::mlir::func::FuncOp"> {
  let summary = "the micro-kernel of a packed matrix product";
  let description = [{
    Input rows are cut into tiles. One of m rows and a few panels keeps its sums in registers
    while one loop runs over the columns: a vector of weights is loaded and widened once, and
    each input row adds it times its own element. Sums are in the order of the
    columns. Tiles that follow each other fetch the panels that come next; of a chunk two tokens,
    or four, are one lower tile; a single row takes a few panels at once, and sums even and odd
    columns apart. Where the target's schedule wants tiles, an op of BF16 becomes one
    `kernel.tile_matmul`.

    ```mlir
    %acc:m = scf.for %k = %c0 to %K step %u iter_args(…) -> (vector<16xf32>, …) {
      %w = vector.transfer_read %panels[%c0, %k, %c0] …
      %x = tensor.extract %input[%c0, %k]
      %s = vector.fma …
    }
    ```
  }];
  let statistics = [Statistic<"tileCount", "tiles", "Tiles vectorized">];
  let dependentDialects = ["::mlir::vector::VectorDialect", "::mlir::scf::SCFDialect",
                           "::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect",
                           "::cria::kernel::KernelDialect"];
}

def VectorizeBlockMatmul : Pass<"kernel-vectorize-block-matmul", "::mlir::func::FuncOp"> {
  let summary = "the micro-kernel of quantized products";
  let description = [{
    A `kernel.block_matmul` tile of m rows and a few panels becomes one loop over the
    groups of 32 columns (two, where blocks hold several): every vector of codes is read
    and unpacked once and meets four codes of each input row in a `kernel.dot`. Tiles
    that follow each other fetch the panels that come next; a single row takes a few panels
    at once, also those of ops side by side that differ in nothing else, and may fetch ahead.
    The target's schedule says whether the vectors of a group are a loop, and which codes are
    unpacked before a panel's first tile. Where it wants tiles of a matrix unit, all are, and the
    integers of a tile of rows and a group are one `kernel.tile_matmul`.

    ```mlir
    %acc:m = scf.for %g = %c0 to %G step %c1 iter_args(…) -> (vector<16xf32>, …) {
      %w = vector.transfer_read %panels[%c0, %g, %c32] … vector<64xi8>
      %s = kernel.dot %start, %w, %codes : vector<16xi32>, vector<64xi8>
      …
      %y = vector.fma …
    }
    ```
  }];
  let dependentDialects = ["::mlir::vector::VectorDialect", "::mlir::scf::SCFDialect",
                           "::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect",
                           "::cria::kernel::KernelDialect"];
}

def VectorizeBlockGather : Pass<"kernel-vectorize-block-gather", "::mlir::func::FuncOp"> {
  let summary = "rows of a quantized matrix, 32 columns at a time";
  let description = [{
    A `kernel.block_gather` tile becomes a loop over its rows and their groups of 32
    columns: the row's bytes are picked out of its panel, put in the order of the columns
    and become numbers.

    ```mlir
    %c = vector.transfer_read %panels[%p, %g, %at] … vector<4xi8>
    %n = arith.sitofp %levels : vector<32xi32> to vector<32xf32>
    %y = arith.mulf %n, %scale : vector<32xf32>
    ```
  }];
  let dependentDialects = ["::mlir::vector::VectorDialect", "::mlir::scf::SCFDialect",
                           "::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect",
                           "::cria::kernel::KernelDialect"];
}

def VectorizeQuantizeRows : Pass<"kernel-vectorize-quantize-rows", "::mlir::func::FuncOp"> {
  let summary = "groups of 32 numbers as codes, a group at a time";
  let description = [{
    A `kernel.quantize_rows` tile becomes a loop over its rows and groups; the 32
    numbers of a group are one vector.

    ```mlir
    %m = vector.reduction <maxsi>, %magnitudes : vector<32xi32> into i32
    %c = arith.fptosi %rounded : vector<32xf32> to vector<32xi32>
    ```
  }];
  let dependentDialects = ["::mlir::vector::VectorDialect", "::mlir::scf::SCFDialect",
                           "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
                           "::mlir::tensor::TensorDialect"];
}

def VectorizeAttention : Pass<"kernel-vectorize-attention", "::mlir::func::FuncOp"> {
  let summary = "online softmax attention, rows by blocks of positions";
  let description = [{
    A `kernel.attention` tile of M rows (tokens times heads of one group) becomes a loop
    over the positions that every row sees, several vectors of them at a time, and one over the
    rest, where positions beyond a row's own, or before its window, weigh nothing.
    Scores and weighted values are register tiles of M rows and a few vectors;
    the maximum changes once per step. What lies between is in the thread's scratch.

    Scales of codes never meet single elements: those of keys multiply the scores' partial
    sums of 32 columns, those of values the weights, once for each 32 columns.

    A tile of one part does the same with its share of the steps, if it has any, and
    leaves what it found as it is.
  }];
  let dependentDialects = ["::mlir::vector::VectorDialect", "::mlir::scf::SCFDialect",
                           "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
                           "::mlir::tensor::TensorDialect"];
}

def VectorizeMergeParts : Pass<"kernel-vectorize-merge-parts", "::mlir::func::FuncOp"> {
  let summary = "parts of attention merged, head by head";
  let description = [{
    A `kernel.merge_parts` tile becomes, for each head, a loop over the parts that have
    positions for the greatest of their maxima, and one that adds their sums and values.
  }];
  let dependentDialects = ["::mlir::vector::VectorDialect", "::mlir::scf::SCFDialect",
                           "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
                           "::mlir::tensor::TensorDialect"];
}

def VectorizeAppend : Pass<"kernel-vectorize-append", "::mlir::func::FuncOp"> {
  let summary = "rows of keys and values written into the cache";
  let description = [{
    A row of values is one vector store; a row of keys goes element by element, rotated
    if the op has a table, into the lane of its position. Where the cache holds codes, a
    row is rotated first, then 32 numbers at a time become codes and a scale.
  }];
  let dependentDialects = ["::mlir::vector::VectorDialect", "::mlir::scf::SCFDialect",
                           "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
                           "::mlir::tensor::TensorDialect"];
}

def VectorizeElementwise : Pass<"kernel-vectorize-elementwise", "::mlir::func::FuncOp"> {
  let summary = "everything else, a vector of the innermost loop at a time";
  let description = [{
    Remaining linalg ops are tiled to one vector of the largest width that divides
    their innermost loop, and vectorized. An op that cannot be is left as scalar
    loops, with a `missed` remark that says why. A loop over the rows of a chunk ends behind
    the last token (`kernel.live_rows`).
  }];
  let statistics = [Statistic<"vectorizedCount", "vectorized", "Ops vectorized">,
                    Statistic<"scalarCount", "scalar", "Ops left scalar">];
  let dependentDialects = ["::cria::kernel::KernelDialect", "::mlir::vector::VectorDialect", "::mlir::scf::SCFDialect",
                           "::mlir::affine::AffineDialect", "::mlir::tensor::TensorDialect"];
}

def HoistInvariants : Pass<"kernel-hoist-invariants", "::mlir::func::FuncOp"> {
  let summary = "move what does not change out of sequential loops";
  let description = [{
    Loop-invariant ops leave `scf.for` loops, and a sum that a loop carries through
    a tensor becomes a vector that it carries. Unlike the passes upstream, nothing
    leaves an `scf.forall`: outside of it every thread would do it.

    ```mlir
    %t = scf.for … iter_args(%o = %init) -> (tensor<1x16xf32>) { read %o, add, write }
    // becomes
    %v = scf.for … iter_args(%s = %first) -> (vector<1x16xf32>) { add }
    ```
  }];
  let dependentDialects = ["::mlir::scf::SCFDialect"];
}

//===----------------------------------------------------------------------===//
// Buffer phase
//===----------------------------------------------------------------------===//

def Bufferize : Pass<"kernel-bufferize", "::mlir::ModuleOp"> {
  let summary = "tensors become buffers, in place wherever the analysis allows";
  let description = [{
    One-shot bufferization across function boundaries. Weight expressions inside
    `kernel.constant` stay tensors: they are evaluated, never run.
  }];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect", "::mlir::memref::MemRefDialect"];
}

def Replicate : Pass<"kernel-replicate", "::mlir::func::FuncOp"> {
  let summary = "every thread runs small kernels by itself, and keeps what they make";
  let description = [{
    A kernel of one iteration, or one that touches few bytes, is run by every thread from end to
    end (`#kernel.each`) if all that it writes are allocations that only such kernels write.
    Those are marked `kernel.own`: each thread has its own. Then no thread waits for what another
    one made of them.

    ```mlir
    %row = memref.alloc() : memref<1x256xf32>
    scf.forall (%t) in (1) { … } {mapping = [#kernel.thread<0>]} // writes %row
    // becomes
    %row = memref.alloc() {kernel.own} : memref<1x256xf32>
    scf.forall (%t) in (1) { … } {mapping = [#kernel.each<0>]}
    ```
  }];
}

def PlanMemory : Pass<"kernel-plan-memory", "::mlir::ModuleOp"> {
  let summary = "one static place for every buffer";
  let description = [{
    Functions gain arguments: the four segments before their own, the live rows, the thread's
    number, how many threads there are and the barrier behind them. Storage
    becomes a view into its segment; an allocation becomes a view into the
    workspace (shared by the threads; buffers whose lifetimes do not overlap
    share bytes) or, inside an `scf.forall` or marked `kernel.own`, into the thread's own
    scratch. The sizes end up on the module as `kernel.segments`. Nothing allocates afterwards;
    copies that are left are `linalg` ops.

    ```mlir
    %a = memref.alloc() : memref<1x256xf32>
    // becomes
    %a = memref.view %workspace[%c4096][] : memref<16384xi8> to memref<1x256xf32>
    ```
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect", "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect", "::mlir::LLVM::LLVMDialect"];
}

def LowerForall : Pass<"kernel-lower-forall", "::mlir::ModuleOp"> {
  let summary = "each thread takes its static share of a kernel, then all meet";
  let description = [{
    ```mlir
    scf.forall (%p) in (16) { … }
    // becomes
    %begin = thread * 16 / threads, %end = (thread + 1) * 16 / threads
    scf.for %p = %begin to %end step 1 { … }
    call @cria_barrier(%barrier)
    ```

    Of a dimension that counts a chunk's rows (`#kernel.rows`) only the tiles that hold a token
    are shared out. Of a loop marked `#kernel.each` every thread runs all.

    The barrier is left out where the next kernel touches nothing that this one, or one
    before it since the last barrier, writes, and writes nothing that they touch
    (Accesses.h): memory is planned, so that every buffer's bytes are known.
  }];
  let dependentDialects = ["::mlir::scf::SCFDialect", "::mlir::arith::ArithDialect",
                           "::mlir::func::FuncDialect", "::mlir::LLVM::LLVMDialect"];
}

//===----------------------------------------------------------------------===//
// Every phase
//===----------------------------------------------------------------------===//

def VerifyPhase : Pass<"cria-verify-phase", "::mlir::ModuleOp"> {
  let summary = "check that only what a phase allows is left";
  let description = [{
    Fails on the first op of a dialect that is not in `allowed`, or, with
    `static-memory`, on the first allocation. Bodies of `kernel.constant` are
    weight expressions and always allowed.
  }];
  let options = [Option<"phase", "phase", "std::string", "\"\"", "name for messages">,
                 ListOption<"allowed", "allowed", "std::string", "dialects that may remain">,
                 Option<"staticMemory", "static-memory", "bool", "false", "refuse allocations">];
}

#endif // CRIA_COMPILER_TRANSFORMS_PASSES_TD
