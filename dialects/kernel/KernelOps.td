//===- KernelOps.td - The ops of the kernel dialect ------------------------===//
//
// Constraints that a verifier checks are numbered, as in LlamaOps.td.
//
//===----------------------------------------------------------------------===//
#ifndef CRIA_DIALECTS_KERNEL_OPS_TD
#define CRIA_DIALECTS_KERNEL_OPS_TD

include "dialects/kernel/KernelAttributes.td"
include "dialects/llama/LlamaAttributes.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/TilingInterface.td"

//===----------------------------------------------------------------------===//
// Storage
//===----------------------------------------------------------------------===//

def Kernel_StoredTensor : StaticShapeTensorOf<[AnyInteger, AnyFloat]>;

def Kernel_ConstantOp : Kernel_Op<"constant", [Symbol, SingleBlock, IsolatedFromAbove]> {
  let summary = "a tensor in the weights segment, and the expression that gives its value";
  let description = [{
    Lies `offset` bytes into the segment, row-major. The region holds weight
    expressions of the llama dialect; the compiler evaluates it while it writes
    the artifact.

    - (C1) the region yields a value of the constant's type.
    - (C2) `offset` is a multiple of 64 in [0, 2^62], and the tensor has at most 2^62 bytes,
      what lies between its parts counted in.

    ```mlir
    kernel.constant @layers.0.q at 8192 : tensor<8x256x32xf16> {
      %w = llama.weight @layers.0.q.source : tensor<256x256xf16>
      %p = llama.pack %w rows 32 : tensor<256x256xf16> -> tensor<8x256x32xf16>
      kernel.yield %p : tensor<8x256x32xf16>
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, I64Attr:$offset, TypeAttrOf<Kernel_StoredTensor>:$type);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$sym_name `at` $offset attr-dict `:` $type $body";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::RankedTensorType getTensorType() { return ::llvm::cast<::mlir::RankedTensorType>(getType()); }
  }];
}

def Kernel_StateOp : Kernel_Op<"state", [Symbol]> {
  let summary = "a tensor in the state segment: zero at start, kept from step to step";
  let description = [{
    - (C1) as `kernel.constant`'s (C2).

    ```mlir
    kernel.state @layers.0.keys at 4096 : tensor<33x2x64x16xf32, #kernel.pitch<90112>>
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, I64Attr:$offset, TypeAttrOf<Kernel_StoredTensor>:$type);
  let assemblyFormat = "$sym_name `at` $offset attr-dict `:` $type";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::RankedTensorType getTensorType() { return ::llvm::cast<::mlir::RankedTensorType>(getType()); }
  }];
}

def Kernel_GetOp : Kernel_Op<"get", [MemoryEffects<[MemRead]>,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "the value of a constant or of a piece of state";
  let description = [{
    A memref once tensors have become buffers. A state that its function sets, too, may be
    updated there in place; who writes into another one, or into a constant, gets a copy.

    - (C1) `storage` names a `kernel.constant` or `kernel.state` of the result's type, or
      of one whose buffer, with the strides that a pitch makes, is of the result's type.

    ```mlir
    %w = kernel.get @layers.0.q : tensor<8x256x32xf16>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$storage);
  let results = (outs AnyTypeOf<[AnyStaticShapeTensor, AnyStaticShapeMemRef]>:$result);
  let assemblyFormat = "$storage attr-dict `:` type($result)";
}

def Kernel_SetOp : Kernel_Op<"set", [MemoryEffects<[MemWrite]>,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "leaves a value in the state";
  let description = [{
    A value that was made in the state's place, from what `kernel.get` gave, is there already; another
    one is copied there, over what was got. So that both are seen within a function, bufferization expects:

    - (C1) `storage` names a `kernel.state` of the value's type.
    - (C2) a function that sets a state gets it once at most, earlier in the same block. Functions
      that it calls, or is called by, neither get nor set that state (not verified).
    - (C3) behind the set nothing changes in place what was got; nor reads it, if another value was set.

    ```mlir
    kernel.set @layers.0.keys, %k : tensor<33x2x64x16xf32, #kernel.pitch<90112>>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$storage, AnyStaticShapeTensor:$value);
  let assemblyFormat = "$storage `,` $value attr-dict `:` type($value)";
}

def Kernel_YieldOp : Kernel_Op<"yield", [Pure, Terminator, ReturnLike, HasParent<"ConstantOp">]> {
  let summary = "the value of a constant";
  let description = [{
    ```mlir
    kernel.yield %p : tensor<8x256x32xf16>
    ```
  }];
  let arguments = (ins AnyStaticShapeTensor:$value);
  let assemblyFormat = "$value attr-dict `:` type($value)";
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

class Kernel_TiledOp<string mnemonic, list<Trait> traits = []> : Kernel_Op<mnemonic, traits # [
    Pure, DestinationStyleOpInterface,
    DeclareOpInterfaceMethods<TilingInterface, ["getLoopIteratorTypes", "getIterationDomain",
      "getTiledImplementation", "getResultTilePosition", "generateResultTileValue"]>]> {
  code tiledDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getDestinationMutable(); }
  }];
}

// Of a tensor, or of a memref once tensors have become buffers.
class Kernel_Buffer<list<Type> elements, int rank>
    : AnyTypeOf<[TensorRankOf<elements, [rank]>, MemRefRankOf<elements, [rank]>]>;

// A cache's elements: what they are widened to is F32. i8: codes, with scales beside them.
def Kernel_CacheElement : AnyTypeOf<[F32, F16, BF16, I8], "f32, f16, bf16 or i8">;

def Kernel_AttentionOp : Kernel_TiledOp<"attention", [AttrSizedOperandSegments]> {
  let summary = "causal attention with a running maximum and sum";
  let description = [{
    The scores of a row are never all in memory: a few vectors of positions are
    taken at a time, in order, and rescale what came before by the change of the maximum
    (Milakov and Gimelshein, Online normalizer calculation for softmax, 2018;
    Dao et al., FlashAttention, 2022). The order is fixed, so the bits are too.

    query, destination [T, H, Dh]; keys [P, Hkv, Dh, L], P blocks of L positions, so
    that scores are sums of whole vectors; values [P, Hkv, L, Dh]. Row t stands at
    `position + t`; `scale` and `window` as in `llama.attention`. With a `table`
    [C, 2, Dh/2] the query is rotated first, in halves, as `llama.rope` says.

    Keys and values that are codes (i8) stand for themselves times a scale; their scales
    [P, Hkv, ceil(Dh/32), L], one for a position and 32 columns or what is left, follow the table.

    With `part p of S` a single token attends to a share of the context, for others to
    attend to the rest meanwhile (Dao et al., Flash-Decoding, 2023). The destination is
    then [M, H, Dh + 2 W], and the op makes parts p to p + M - 1 of S (AttentionParts.h says
    which positions are whose): the weighted values [Dh] of a head, the sums of its weights
    by the W lanes of a vector, and its maximum in base 2, W times. A part without positions
    makes nothing; `kernel.merge_parts` knows.

    - (C1) H is a multiple of Hkv; P, L and Dh agree, and so do the element types of keys
      and values.
    - (C2) the result has the destination's type, which is the query's, or of parts
      [M, H, Dh + 2 W], where W divides L.
    - (C3) the table is [C, 2, Dh/2].
    - (C4) codes, and nothing else, have scales, of keys and of values, [P, Hkv, ceil(Dh/32), L].
    - (C5) parts are of a single token, and there is at least one.
    - (C6) `scale` is finite, `window` not negative.

    ```mlir
    %a = kernel.attention %q, %k, %v at %p scale 0.125 into %o rotated %table
       : (tensor<1x4x64xf32>, tensor<33x2x64x16xf32>, tensor<33x2x16x64xf32>, index, tensor<1x4x64xf32>, tensor<512x2x32xf32>) -> tensor<1x4x64xf32>
    ```
  }];
  let arguments = (ins 3DTensorOf<[F32]>:$query, 4DTensorOf<[Kernel_CacheElement]>:$keys,
    4DTensorOf<[Kernel_CacheElement]>:$values, Index:$position, 3DTensorOf<[F32]>:$destination,
    Optional<3DTensorOf<[F32]>>:$table, Optional<4DTensorOf<[BF16]>>:$keyScales,
    Optional<4DTensorOf<[BF16]>>:$valueScales, Optional<Index>:$part, F64Attr:$scale,
    DefaultValuedAttr<I64Attr, "0">:$window, OptionalAttr<I64Attr>:$parts);
  let results = (outs 3DTensorOf<[F32]>:$result);
  let assemblyFormat = [{
    $query `,` $keys `,` $values `at` $position `scale` $scale (`window` $window^)?
    (`part` $part^ `of` $parts)? `into` $destination (`rotated` $table^)? (`scales` $keyScales^ `,` $valueScales)?
    attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = tiledDeclaration;
}

def Kernel_MergePartsOp : Kernel_TiledOp<"merge_parts"> {
  let summary = "attention of a single token, from what its parts found";
  let description = [{
    parts [S, H, Dh + 2 W] are those of a `kernel.attention` at the same `position` and
    with the same `window`. With o_s, d_s and m_s the weighted values, sums of weights and
    maximum of part s, over the parts that have positions, in order,

    `destination[0, h] = sum over s of 2^(m_s - m) o_s / sum over s of 2^(m_s - m) d_s`, m = max over s of m_s

    - (C1) the destination is [1, H, Dh], and a row of parts longer by an even number.
    - (C2) the result has the destination's type.
    - (C3) `window` is not negative.

    ```mlir
    %y = kernel.merge_parts %a at %p into %o : (tensor<8x4x96xf32>, index, tensor<1x4x64xf32>) -> tensor<1x4x64xf32>
    ```
  }];
  let arguments = (ins 3DTensorOf<[F32]>:$parts, Index:$position, 3DTensorOf<[F32]>:$destination,
    DefaultValuedAttr<I64Attr, "0">:$window);
  let results = (outs 3DTensorOf<[F32]>:$result);
  let assemblyFormat = [{
    $parts `at` $position (`window` $window^)? `into` $destination attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = tiledDeclaration;
}

def Kernel_AppendOp : Kernel_TiledOp<"append", [AttrSizedOperandSegments]> {
  let summary = "this step's keys or values written into the cache";
  let description = [{
    rows [T, Hkv, Dh]; the cache, which is the destination, is [P, Hkv, L, Dh]
    or, of `keys`, [P, Hkv, Dh, L]. Row t goes to position `position + t`, rounded
    to the cache's element type. With a `table` [C, 2, Dh/2] it is rotated first, in
    halves, as `llama.rope` says.

    A cache of codes (i8) has a second destination, scales [P, Hkv, ceil(Dh/32), L]; codes and
    scales are those of `!llama.q8`. Where the largest magnitude is infinite or NaN the
    codes are zero, and the scale passes it on to every product.

    - (C1) Hkv and Dh of rows and destination agree.
    - (C2) the results have the destinations' types.
    - (C3) a table is [C, 2, Dh/2], and the cache one of keys.
    - (C4) codes, and nothing else, have scales [P, Hkv, ceil(Dh/32), L].

    ```mlir
    %k1 = kernel.append keys %rows at %p into %k0 rotated %table
        : (tensor<1x2x64xf32>, index, tensor<33x2x64x16xf32>, tensor<512x2x32xf32>) -> tensor<33x2x64x16xf32>
    ```
  }];
  let arguments = (ins 3DTensorOf<[F32]>:$rows, Index:$position,
    4DTensorOf<[Kernel_CacheElement]>:$destination,
    Optional<4DTensorOf<[BF16]>>:$scalesDestination, Optional<3DTensorOf<[F32]>>:$table, UnitAttr:$areKeys);
  let results = (outs 4DTensorOf<[Kernel_CacheElement]>:$result, Optional<4DTensorOf<[BF16]>>:$scales);
  let assemblyFormat = [{
    (`keys` $areKeys^)? $rows `at` $position `into` $destination (`,` $scalesDestination^)? (`rotated` $table^)?
    attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() {
      return ::mlir::MutableOperandRange(*this, 2, getScalesDestination() ? 2 : 1);
    }
    /// L, the positions of a block.
    int64_t getLanes();
  }];
}

def Kernel_QuantizeRowsOp : Kernel_TiledOp<"quantize_rows"> {
  let summary = "rows of numbers as codes of 8 bits, 32 to a scale";
  let description = [{
    A row of `rows` [T, P, R] is its P parts of R numbers one after the other, in
    groups of 32. With m the largest magnitude of group g, its scale n u (see `llama.quantize_rows`) is the
    smallest that is not below m / 127 (rounded to F32), for n = 4, 5, 6 or 7 and u a power of two:

    - `codes[t, g, i]` is the number times `1 / (n u)` (rounded to F32), rounded to the nearest integer,
      ties to even; zero where m is below 2^-100, infinite or NaN;
    - `scales[t, 2 g] = 1.5 * 2^23 * u`: an F32 whose last bit counts u, so that adding an integer
      below 2^22 to its bits adds that many u. It is infinite where m is NaN or above 222.25 * 2^106 (of microscaled
      rows from 2^111 on), and no product is finite then;
    - `scales[t, 2 g + 1] = n`;
    - sums, [T, G] or [T, 2 G], are n u times those of 32 or of 16 codes each, in order, exactly; with an `offset` o,
      `scales[t, 2 g]` plus o u times those, which is what sums of products with codes that are o too large
      count from.

    `microscaled` (MXINT8): with 2^e the largest power of two that is not above m, u is 2^(e - 6), and
    n is 1 and not stored, so scales are [T, G]; codes are at most 127 in magnitude.

    - (C1) 32 is a multiple of R, or R of 32; the P * R numbers of a row are G groups.
    - (C2) scales are [T, 2 G], of microscaled rows [T, G], and sums [T, G] or [T, 2 G]; T agrees; the results
      have the destinations' types.
    - (C3) an offset is from 1 to 128; without one it is 0.

    ```mlir
    %q, %s, %n = kernel.quantize_rows %x into %a, %b, %c
       : (tensor<1x32x16xf32>, tensor<1x16x32xi8>, tensor<1x32xf32>, tensor<1x16xf32>)
         -> (tensor<1x16x32xi8>, tensor<1x32xf32>, tensor<1x16xf32>)
    ```
  }];
  let arguments = (ins 3DTensorOf<[F32]>:$rows, 3DTensorOf<[I8]>:$codesDestination,
    2DTensorOf<[F32]>:$scalesDestination, 2DTensorOf<[F32]>:$sumsDestination, UnitAttr:$microscaled,
    DefaultValuedAttr<I64Attr, "0">:$offset);
  let results = (outs 3DTensorOf<[I8]>:$codes, 2DTensorOf<[F32]>:$scales, 2DTensorOf<[F32]>:$sums);
  let assemblyFormat = [{
    $rows (`microscaled` $microscaled^)? (`offset` $offset^)? `into` $codesDestination `,` $scalesDestination `,` $sumsDestination
    attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return ::mlir::MutableOperandRange(*this, 1, 3); }
  }];
}

def Kernel_BlockMatmulOp : Kernel_TiledOp<"block_matmul"> {
  let summary = "a quantized matrix times quantized rows";
  let description = [{
    codes [T, G, 32], scales [T, 2 G], of `microscaled` rows [T, G], and sums are rows in groups of 32, as
    `kernel.quantize_rows` makes them for the offset of the matrix's codes: they stand for
    `n * u * codes[t, g, i]`. panels [P, K / Kb rounded up, B] are blocks of the matrix as
    `llama.pack_blocks` makes them, K being 32 G; their groups have Kg columns. With s, m and q the
    scales, minimums and levels of the matrix (see Quantization.h) and h the groups of min(Kg, 32)
    columns,

    `result[t, p, r] = destination[t, p, r] + sum over h of
       n * s * (u * (sum over i of q[p * R + r, i] * codes[t, g, i])) - m * sums[t, h]`

    for the i of h, and g, s, m where h lies. The inner sum is exact: it starts from the bits of a scale, whose
    last one counts u, and is what it stands for, times u, once what it counts from is subtracted as F32: no
    conversion, no product with u, and the offset costs nothing. The product of n and s, which has few bits, is
    exact, too. The outer sum is at F32, in the order of h; every term is added as it is made, rounded once.
    sums are one to each h, or [T, 2 G], two of which are then added where h has 32 columns.

    - (C1) the panels' last dimension is that of a block of R rows in `format`.
    - (C2) T, K, P agree; the result has the destination's type.
    - (C3) R is even in formats whose factors have 6 bits, as of `llama.pack_blocks`.

    ```mlir
    %y = kernel.block_matmul %q, %s, %n, %w format q4 into %o
       : (tensor<1x16x32xi8>, tensor<1x32xf32>, tensor<1x16xf32>, tensor<8x16x288xi8>, tensor<1x8x16xf32>) -> tensor<1x8x16xf32>
    ```
  }];
  let arguments = (ins 3DTensorOf<[I8]>:$codes, 2DTensorOf<[F32]>:$scales, 2DTensorOf<[F32]>:$sums,
    3DTensorOf<[I8]>:$panels, 3DTensorOf<[F32]>:$destination, Llama_FormatAttr:$format, UnitAttr:$microscaled);
  let results = (outs 3DTensorOf<[F32]>:$result);
  let assemblyFormat = [{
    $codes `,` $scales `,` $sums `,` $panels `format` $format (`microscaled` $microscaled^)? `into` $destination
    attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = tiledDeclaration;
}

def Kernel_BlockGatherOp : Kernel_TiledOp<"block_gather"> {
  let summary = "rows of a quantized matrix, as numbers";
  let description = [{
    `result[t, k] = matrix[indices[t], k]`, indices [T], for the numbers that codes stand
    for (see Quantization.h), at F32. panels [P, K / Kb rounded up, B] are blocks of R = `rows` rows of
    the matrix as `llama.pack_blocks` makes them: row n is lane n mod R of panel n / R. An
    index beyond the matrix is not defined.

    - (C1) the panels' last dimension is that of a block of R rows in `format`.
    - (C2) T and K agree, and K is static; the result has the destination's type.
    - (C3) R is even in formats whose factors have 6 bits, as of `llama.pack_blocks`.

    ```mlir
    %x = kernel.block_gather %tokens of %w rows 16 format q4 into %o
       : (tensor<1xi32>, tensor<64x16x288xi8>, tensor<1x512xf32>) -> tensor<1x512xf32>
    ```
  }];
  let arguments = (ins 1DTensorOf<[I32]>:$indices, 3DTensorOf<[I8]>:$panels, 2DTensorOf<[F32]>:$destination,
    I64Attr:$rows, Llama_FormatAttr:$format);
  let results = (outs 2DTensorOf<[F32]>:$result);
  let assemblyFormat = [{
    $indices `of` $panels `rows` $rows `format` $format `into` $destination attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = tiledDeclaration;
}

def Kernel_LookupOp : Kernel_Op<"lookup", [Pure, AllTypesMatch<["indices", "result"]>]> {
  let summary = "bytes of a table of 16";
  let description = [{
    `result[i] = table[indices[i]]` for indices below 16; what another index gives is
    not defined. A target lowers it to what its chip has.

    - (C1) the table has 16 entries.

    ```mlir
    %w = kernel.lookup %c in [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12] : vector<64xi8>
    ```
  }];
  let arguments = (ins VectorOfRankAndType<[1], [I8]>:$indices, DenseI8ArrayAttr:$table);
  let results = (outs VectorOfRankAndType<[1], [I8]>:$result);
  let assemblyFormat = "$indices `in` $table attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Kernel_DotOp : Kernel_Op<"dot", [Pure, AllTypesMatch<["sums", "result"]>]> {
  let summary = "products of narrow numbers, several to a lane, added to 32-bit sums";
  let description = [{
    What the dot-product instructions of many chips do; a target lowers it to what its
    chip has. Bytes, exactly:

    `result[r] = sums[r] + sum over c < 4 of unsigned(weights[4 r + c]) * signed(byte c of activations)`

    BF16, the products exact and both sums rounded to F32:

    `result[r] = (sums[r] + weights[2 r + 1] * upper half of activations) + weights[2 r] * lower half`

    Here a chip may take denormals as zero.

    Whoever knows that no byte of the weights is above `largest` says so: small ones can be
    added in fewer bits. With `signed` the bytes of the weights are signed, too, and no
    activation is -128 (which some chips could not negate).

    `in_order` asks that nothing behind the op is computed before it, nor anything before
    it behind: for sums that fill a chip's registers, which would have to make room.
    A chip with registers to spare need not.

    - (C1) there are four bytes to a sum, or two BF16.
    - (C2) sums of bytes are i32, of BF16 f32.
    - (C3) `largest` is 1 to 255, and of unsigned bytes; `signed` is of bytes.

    ```mlir
    %s1 = kernel.dot %s, %w, %a {largest = 15 : i32} : vector<16xi32>, vector<64xi8>
    %s2 = kernel.dot %s1, %x, %a signed in_order : vector<16xi32>, vector<64xi8>
    %t1 = kernel.dot %t, %v, %b : vector<16xf32>, vector<32xbf16>
    ```
  }];
  let arguments = (ins VectorOfRankAndType<[1], [I32, F32]>:$sums, VectorOfRankAndType<[1], [I8, BF16]>:$weights,
    I32:$activations, DefaultValuedAttr<I32Attr, "255">:$largest, UnitAttr:$isSigned, UnitAttr:$inOrder);
  let results = (outs VectorOfRankAndType<[1], [I32, F32]>:$result);
  let assemblyFormat = [{
    $sums `,` $weights `,` $activations (`signed` $isSigned^)? (`in_order` $inOrder^)? attr-dict `:` type($result) `,` type($weights)
  }];
  let hasVerifier = 1;
}

def Kernel_TileMatmulOp : Kernel_Op<"tile_matmul", [DestinationStyleOpInterface,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "narrow rows times narrow panels, tile by tile";
  let description = [{
    What matrix units do: rows [m, K] meet panels [P, K / c, c * R], in which c columns
    of a row lie beside each other, and give [m, P, R]. With `accumulate` that is added
    to what the destination holds. A target cuts it into the tiles that its chip has, or
    computes the same on vectors.

    Of bytes, signed on both sides, c is 4 and the sums are i32, exact modulo 2^32:

    `result[t, p, r] = sum over k of rows[t, k] * panels[p, k / 4, 4 r + k mod 4]`

    Of BF16 c is 2 and the sums are F32. The columns are taken in steps of 32, all of
    them where there are fewer: of a step first the even columns are summed, in order,
    each product exact and each addition rounded, and so are the odd ones; then both are
    added, and that to the result. Here a chip may take denormals as zero.

    On tensors the result is the destination's new value; on memrefs it is written there,
    and there is none.

    - (C1) a row of K elements is at most 64 bytes long, or a multiple of 64 bytes; of static
      shapes K, P, m and R agree.
    - (C2) sums of bytes are i32, of BF16 f32.
    - (C3) memrefs have static strides, the innermost 1.

    ```mlir
    %y = kernel.tile_matmul %x, %w into %z accumulate
       : tensor<32x64xbf16>, tensor<2x32x32xbf16>, tensor<32x2x16xf32> -> tensor<32x2x16xf32>
    kernel.tile_matmul %c, %q into %s : memref<16x32xi8>, memref<1x8x64xi8>, memref<16x1x16xi32>
    ```
  }];
  let arguments = (ins Kernel_Buffer<[I8, BF16], 2>:$rows, Kernel_Buffer<[I8, BF16], 3>:$panels,
    Kernel_Buffer<[I32, F32], 3>:$destination, UnitAttr:$accumulate);
  let results = (outs Optional<3DTensorOf<[I32, F32]>>:$result);
  let assemblyFormat = [{
    $rows `,` $panels `into` $destination (`accumulate` $accumulate^)? attr-dict
    `:` type($rows) `,` type($panels) `,` type($destination) (`->` type($result)^)?
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getDestinationMutable(); }
    /// Columns of a step: those of 64 bytes, or K if there are fewer.
    int64_t getStep();
  }];
}

def Kernel_LiveRowsOp : Kernel_Op<"live_rows", [Pure]> {
  let summary = "how many rows of a step of many tokens have one";
  let description = [{
    From 1 to the `kernel.chunk` of the function, the same for a whole step. Tokens lie in the first
    rows; what others hold is read by nobody, and kernels need not compute it. Becomes the function's
    argument `rows` (`runtime/Abi.h`) where kernels are shared out to the threads.

    - (C1) the function has a `kernel.chunk`.

    ```mlir
    %rows = kernel.live_rows
    ```
  }];
  let results = (outs Index:$rows);
  let assemblyFormat = "attr-dict";
  let hasVerifier = 1;
}

def Kernel_PrefetchOp : Kernel_Op<"prefetch", [MemoryEffects<[MemWrite]>]> {
  let summary = "a hint that the cache line of an element will be read soon";
  let description = [{
    Changes nothing but time. Indices may lie outside of the tensor: what is
    beyond a panel of weights is the next one. The line is wanted in a core's
    second cache or, if it is read within a few hundred cycles, in its first.

    - (C1) there is an index for every dimension.
    - (C2) `cache` is 1 or 2.

    ```mlir
    kernel.prefetch %panels[%p, %g, %c0] : tensor<2x64x288xi8>
    kernel.prefetch %panels[%p, %g, %c0] {cache = 1 : i64} : tensor<2x64x288xi8>
    ```
  }];
  let arguments = (ins AnyStaticShapeTensor:$tensor, Variadic<Index>:$indices, DefaultValuedAttr<I64Attr, "2">:$cache);
  let assemblyFormat = "$tensor `[` $indices `]` attr-dict `:` type($tensor)";
  let hasVerifier = 1;
}

#endif // CRIA_DIALECTS_KERNEL_OPS_TD
