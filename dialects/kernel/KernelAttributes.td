//===- KernelAttributes.td - Schedules, layouts -------------------------------------===//
#ifndef CRIA_DIALECTS_KERNEL_ATTRIBUTES_TD
#define CRIA_DIALECTS_KERNEL_ATTRIBUTES_TD

include "dialects/kernel/KernelDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/TensorEncoding.td"
include "mlir/Dialect/SCF/IR/DeviceMappingInterface.td"

def Kernel_ScheduleAttr : AttrDef<Kernel_Dialect, "Schedule"> {
  let mnemonic = "schedule";
  let summary = "how a kernel is cut: for the threads, then within a thread";
  let description = [{
    One number per loop of the op, 0 for a loop that is not cut. `threads` tiles
    are dealt out to the threads; `tiles` are the ops that one of them is cut
    into. Register tiles are smaller: those a micro-kernel makes. An op that
    carries a schedule is the root of a kernel: its unscheduled producers are
    fused into it.

    The tiles of the threads, in order, are `streams` parts of one length, and what is
    dealt out is a tile of each: a thread goes through all parts side by side. `streams`
    divides their number; where it is not 1, one loop is cut.

    - (C1) `threads` and `tiles` have a number for the same loops, none of which is negative.
    - (C2) `threads` cuts a loop.
    - (C3) `streams` is 1, or more where one loop is cut.

    ```mlir
    #kernel.schedule<threads = [0, 1, 0, 0], tiles = [32, 0, 0, 0]>
    #kernel.schedule<threads = [0, 1, 0, 0], tiles = [0, 0, 0, 0], streams = 4>
    ```
  }];
  let parameters = (ins "::mlir::DenseI64ArrayAttr":$threads, "::mlir::DenseI64ArrayAttr":$tiles,
                        DefaultValuedParameter<"int64_t", "1">:$streams);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def Kernel_ThreadAttr : AttrDef<Kernel_Dialect, "Thread", [
    DeclareAttrInterfaceMethods<DeviceMappingAttrInterface>]> {
  let mnemonic = "thread";
  let summary = "a dimension of an `scf.forall` that is dealt out to the threads";
  let description = [{
    `dimension` counts the dimensions of one loop. The mark keeps a loop of one
    iteration a loop: one thread runs it, not all of them.

    ```mlir
    scf.forall (%h) in (4) shared_outs(…) { … } {mapping = [#kernel.thread<0>]}
    ```
  }];
  let parameters = (ins "int64_t":$dimension);
  let assemblyFormat = "`<` $dimension `>`";
}

def Kernel_RowsAttr : AttrDef<Kernel_Dialect, "Rows", [
    DeclareAttrInterfaceMethods<DeviceMappingAttrInterface>]> {
  let mnemonic = "rows";
  let summary = "a dimension of an `scf.forall` that is dealt out as far as a chunk has tokens";
  let description = [{
    As `#kernel.thread`, of a dimension that counts the rows of a chunk: those behind
    the last token (`kernel.live_rows`) are nobody's.

    ```mlir
    scf.forall (%t, %h) in (64, 4) shared_outs(…) { … } {mapping = [#kernel.rows<0>, #kernel.thread<1>]}
    ```
  }];
  let parameters = (ins "int64_t":$dimension);
  let assemblyFormat = "`<` $dimension `>`";
}

def Kernel_EachAttr : AttrDef<Kernel_Dialect, "Each", [
    DeclareAttrInterfaceMethods<DeviceMappingAttrInterface>]> {
  let mnemonic = "each";
  let summary = "a dimension of an `scf.forall` that every thread goes through from end to end";
  let description = [{
    As `#kernel.thread`, but nothing is dealt out: what the loop writes is the thread's own
    (`kernel.own`). All dimensions of a loop have it, or none.

    ```mlir
    scf.forall (%t) in (1) { … } {mapping = [#kernel.each<0>]}
    ```
  }];
  let parameters = (ins "int64_t":$dimension);
  let assemblyFormat = "`<` $dimension `>`";
}

def Kernel_PitchAttr : AttrDef<Kernel_Dialect, "Pitch", [
    DeclareAttrInterfaceMethods<VerifiableTensorEncoding>]> {
  let mnemonic = "pitch";
  let summary = "the encoding of a tensor that has others between its parts";
  let description = [{
    Slice [i] of the outermost dimension lies i times `elements` elements behind slice [0],
    and each is row-major. So a block of positions of every KV cache can lie beside the same
    block of the others (see LowerToKernels.cpp). A slice has no more elements than that.

    ```mlir
    tensor<33x2x64x16xf32, #kernel.pitch<90112>>
    ```
  }];
  let parameters = (ins "int64_t":$elements);
  let assemblyFormat = "`<` $elements `>`";
}

#endif // CRIA_DIALECTS_KERNEL_ATTRIBUTES_TD
