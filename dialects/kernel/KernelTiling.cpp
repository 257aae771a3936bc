//===- KernelTiling.cpp - How kernels are cut ------------------------------===//
//
// Attention: loops (h, t), both parallel: tiles that follow each other share keys and
// values, and later tokens, which see more, are shared out as earlier ones are. A tile
// of heads reads the key/value heads of its groups and advances the position by its
// first row. In parts: loops (h, s), so that those of a thread share heads.
// Merge parts: one parallel loop over the heads.
// Block matmul: loops (t, p), both parallel.
// Block gather: loops (t, k), both parallel; a tile is of whole blocks, or of all columns.
// Quantize rows: loops (t, p), both parallel; a tile is of whole groups.
// Append: one parallel loop over the key/value heads.
//
//===----------------------------------------------------------------------===//

#include "dialects/kernel/Kernel.h"
#include "dialects/llama/Quantization.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace cria::kernel;
using cria::llama::kGroup;

namespace {

/// The whole of dimension `dim` of `value` as a loop range.
Range wholeDimension(OpBuilder &builder, Location loc, Value value, int64_t dim) {
  return {builder.getIndexAttr(0), tensor::getMixedSize(builder, loc, value, dim), builder.getIndexAttr(1)};
}

/// The place of a tile of `value`, whose leading dimensions are the loops: the rest is whole.
void placeLeading(OpBuilder &builder, Location loc, Value value, ArrayRef<OpFoldResult> offsets,
                  ArrayRef<OpFoldResult> sizes, SmallVector<OpFoldResult> &valueOffsets,
                  SmallVector<OpFoldResult> &valueSizes) {
  valueOffsets.assign(offsets.begin(), offsets.end());
  valueSizes.assign(sizes.begin(), sizes.end());
  for (int64_t dim = offsets.size(), rank = cast<RankedTensorType>(value.getType()).getRank(); dim < rank; ++dim) {
    valueOffsets.push_back(builder.getIndexAttr(0));
    valueSizes.push_back(tensor::getMixedSize(builder, loc, value, dim));
  }
}

/// `source` cut along its leading dimensions to `offsets` and `sizes`, whole in
/// the others. Adds the op that does it to `slices`.
Value sliceLeading(OpBuilder &builder, Location loc, Value source, ArrayRef<OpFoldResult> offsets,
                   ArrayRef<OpFoldResult> sizes, SmallVectorImpl<Operation *> &slices) {
  SmallVector<OpFoldResult> allOffsets, allSizes;
  placeLeading(builder, loc, source, offsets, sizes, allOffsets, allSizes);
  SmallVector<OpFoldResult> strides(allSizes.size(), builder.getIndexAttr(1));
  auto slice = tensor::ExtractSliceOp::create(builder, loc, source, allOffsets, allSizes, strides);
  slices.push_back(slice);
  return slice;
}

/// Some heads of a KV cache [P, Hkv, ...].
Value sliceHeads(OpBuilder &builder, Location loc, Value cache, OpFoldResult first, OpFoldResult count,
                 SmallVectorImpl<Operation *> &slices) {
  return sliceLeading(builder, loc, cache, {builder.getIndexAttr(0), first},
                      {tensor::getMixedSize(builder, loc, cache, 0), count}, slices);
}

Value positionAfter(OpBuilder &builder, Location loc, Value position, OpFoldResult offset) {
  AffineExpr p, o;
  bindDims(builder.getContext(), p, o);
  return getValueOrCreateConstantIndexOp(
      builder, loc, affine::makeComposedFoldedAffineApply(builder, loc, p + o, {OpFoldResult(position), offset}));
}

} // namespace

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

SmallVector<utils::IteratorType> AttentionOp::getLoopIteratorTypes() {
  return {utils::IteratorType::parallel, utils::IteratorType::parallel};
}

SmallVector<Range> AttentionOp::getIterationDomain(OpBuilder &builder) {
  Value others = getPart() ? getDestination() : getQuery();
  return {wholeDimension(builder, getLoc(), getQuery(), 1), wholeDimension(builder, getLoc(), others, 0)};
}

FailureOr<TilingResult> AttentionOp::getTiledImplementation(OpBuilder &builder, ArrayRef<OpFoldResult> loopOffsets,
                                                            ArrayRef<OpFoldResult> loopSizes) {
  Location loc = getLoc();
  OpFoldResult offsets[] = {loopOffsets[1], loopOffsets[0]}, sizes[] = {loopSizes[1], loopSizes[0]}; // (t or s, h)
  OpFoldResult token = getPart() ? builder.getIndexAttr(0) : offsets[0];
  OpFoldResult tokens = getPart() ? builder.getIndexAttr(1) : sizes[0];
  auto queryType = cast<RankedTensorType>(getQuery().getType());
  auto keyType = cast<RankedTensorType>(getKeys().getType());
  std::optional<int64_t> heads = getConstantIntValue(sizes[1]);
  if (queryType.isDynamicDim(1) || keyType.isDynamicDim(1) || !heads)
    return emitOpError("expects a static number of heads to be tiled");
  int64_t group = queryType.getDimSize(1) / keyType.getDimSize(1);
  if (group % *heads && *heads % group)
    return emitOpError("expects a tile of heads that divides its groups of ") << group << ", but got " << *heads;

  AffineExpr h = builder.getAffineDimExpr(0);
  OpFoldResult kvHead =
      affine::makeComposedFoldedAffineApply(builder, loc, h.floorDiv(group), {offsets[1]});
  OpFoldResult kvHeads = builder.getIndexAttr(std::max<int64_t>(*heads / group, 1));
  SmallVector<Operation *> slices;
  Value query = sliceLeading(builder, loc, getQuery(), {token, offsets[1]}, {tokens, sizes[1]}, slices);
  Value keys = sliceHeads(builder, loc, getKeys(), kvHead, kvHeads, slices);
  Value values = sliceHeads(builder, loc, getValues(), kvHead, kvHeads, slices);
  Value destination = sliceLeading(builder, loc, getDestination(), offsets, sizes, slices);
  Value keyScales, valueScales;
  if (getKeyScales()) {
    keyScales = sliceHeads(builder, loc, getKeyScales(), kvHead, kvHeads, slices);
    valueScales = sliceHeads(builder, loc, getValueScales(), kvHead, kvHeads, slices);
  }
  Value position = positionAfter(builder, loc, getPosition(), token);
  Value part = getPart() ? positionAfter(builder, loc, getPart(), offsets[0]) : Value();
  auto tile = AttentionOp::create(builder, loc, destination.getType(), query, keys, values, position, destination,
                                  getTable(), keyScales, valueScales, part, getScaleAttr(), getWindowAttr(),
                                  getPartsAttr());
  return TilingResult{{tile}, {tile.getResult()}, slices};
}

LogicalResult AttentionOp::getResultTilePosition(OpBuilder &builder, unsigned, ArrayRef<OpFoldResult> offsets,
                                                 ArrayRef<OpFoldResult> sizes,
                                                 SmallVector<OpFoldResult> &resultOffsets,
                                                 SmallVector<OpFoldResult> &resultSizes) {
  placeLeading(builder, getLoc(), getDestination(), {offsets[1], offsets[0]}, {sizes[1], sizes[0]}, resultOffsets,
               resultSizes);
  return success();
}

FailureOr<TilingResult> AttentionOp::generateResultTileValue(OpBuilder &builder, unsigned,
                                                             ArrayRef<OpFoldResult> offsets,
                                                             ArrayRef<OpFoldResult> sizes) {
  return getTiledImplementation(builder, {offsets[1], offsets[0]}, {sizes[1], sizes[0]});
}

//===----------------------------------------------------------------------===//
// Merge parts
//===----------------------------------------------------------------------===//

SmallVector<utils::IteratorType> MergePartsOp::getLoopIteratorTypes() { return {utils::IteratorType::parallel}; }

SmallVector<Range> MergePartsOp::getIterationDomain(OpBuilder &builder) {
  return {wholeDimension(builder, getLoc(), getDestination(), 1)};
}

FailureOr<TilingResult> MergePartsOp::getTiledImplementation(OpBuilder &builder, ArrayRef<OpFoldResult> offsets,
                                                             ArrayRef<OpFoldResult> sizes) {
  Location loc = getLoc();
  SmallVector<Operation *> slices;
  OpFoldResult zero = builder.getIndexAttr(0), all = tensor::getMixedSize(builder, loc, getParts(), 0);
  Value parts = sliceLeading(builder, loc, getParts(), {zero, offsets[0]}, {all, sizes[0]}, slices);
  Value destination = sliceLeading(builder, loc, getDestination(), {zero, offsets[0]},
                                   {builder.getIndexAttr(1), sizes[0]}, slices);
  auto tile = MergePartsOp::create(builder, loc, destination.getType(), parts, getPosition(), destination,
                                   getWindowAttr());
  return TilingResult{{tile}, {tile.getResult()}, slices};
}

LogicalResult MergePartsOp::getResultTilePosition(OpBuilder &builder, unsigned, ArrayRef<OpFoldResult> offsets,
                                                  ArrayRef<OpFoldResult> sizes,
                                                  SmallVector<OpFoldResult> &resultOffsets,
                                                  SmallVector<OpFoldResult> &resultSizes) {
  resultOffsets = {builder.getIndexAttr(0), offsets[0], builder.getIndexAttr(0)};
  resultSizes = {builder.getIndexAttr(1), sizes[0], tensor::getMixedSize(builder, getLoc(), getDestination(), 2)};
  return success();
}

FailureOr<TilingResult> MergePartsOp::generateResultTileValue(OpBuilder &builder, unsigned,
                                                              ArrayRef<OpFoldResult> offsets,
                                                              ArrayRef<OpFoldResult> sizes) {
  return getTiledImplementation(builder, {offsets[1]}, {sizes[1]});
}

//===----------------------------------------------------------------------===//
// Block matmul
//===----------------------------------------------------------------------===//

SmallVector<utils::IteratorType> BlockMatmulOp::getLoopIteratorTypes() {
  return {utils::IteratorType::parallel, utils::IteratorType::parallel};
}

SmallVector<Range> BlockMatmulOp::getIterationDomain(OpBuilder &builder) {
  return {wholeDimension(builder, getLoc(), getCodes(), 0), wholeDimension(builder, getLoc(), getPanels(), 0)};
}

FailureOr<TilingResult> BlockMatmulOp::getTiledImplementation(OpBuilder &builder, ArrayRef<OpFoldResult> offsets,
                                                              ArrayRef<OpFoldResult> sizes) {
  Location loc = getLoc();
  SmallVector<Operation *> slices;
  Value codes = sliceLeading(builder, loc, getCodes(), offsets[0], sizes[0], slices);
  Value scales = sliceLeading(builder, loc, getScales(), offsets[0], sizes[0], slices);
  Value sums = sliceLeading(builder, loc, getSums(), offsets[0], sizes[0], slices);
  Value panels = sliceLeading(builder, loc, getPanels(), offsets[1], sizes[1], slices);
  Value destination = sliceLeading(builder, loc, getDestination(), offsets, sizes, slices);
  auto tile = BlockMatmulOp::create(builder, loc, destination.getType(), codes, scales, sums, panels, destination,
                                    getFormatAttr(), getMicroscaledAttr());
  return TilingResult{{tile}, {tile.getResult()}, slices};
}

LogicalResult BlockMatmulOp::getResultTilePosition(OpBuilder &builder, unsigned, ArrayRef<OpFoldResult> offsets,
                                                   ArrayRef<OpFoldResult> sizes,
                                                   SmallVector<OpFoldResult> &resultOffsets,
                                                   SmallVector<OpFoldResult> &resultSizes) {
  placeLeading(builder, getLoc(), getDestination(), offsets, sizes, resultOffsets, resultSizes);
  return success();
}

FailureOr<TilingResult> BlockMatmulOp::generateResultTileValue(OpBuilder &builder, unsigned,
                                                               ArrayRef<OpFoldResult> offsets,
                                                               ArrayRef<OpFoldResult> sizes) {
  return getTiledImplementation(builder, offsets.take_front(2), sizes.take_front(2));
}

//===----------------------------------------------------------------------===//
// Block gather
//===----------------------------------------------------------------------===//

SmallVector<utils::IteratorType> BlockGatherOp::getLoopIteratorTypes() {
  return {utils::IteratorType::parallel, utils::IteratorType::parallel};
}

SmallVector<Range> BlockGatherOp::getIterationDomain(OpBuilder &builder) {
  return {wholeDimension(builder, getLoc(), getDestination(), 0), wholeDimension(builder, getLoc(), getDestination(), 1)};
}

FailureOr<TilingResult> BlockGatherOp::getTiledImplementation(OpBuilder &builder, ArrayRef<OpFoldResult> offsets,
                                                              ArrayRef<OpFoldResult> sizes) {
  Location loc = getLoc();
  int64_t block = traits(getFormat()).block, columns = cast<RankedTensorType>(getDestination().getType()).getDimSize(1);
  std::optional<int64_t> width = getConstantIntValue(sizes[1]);
  if (!width || (*width % block && *width != columns))
    return emitOpError("expects a tile of whole blocks of ")
           << block << " columns, but got one of " << width.value_or(ShapedType::kDynamic);
  AffineExpr k = builder.getAffineDimExpr(0);
  OpFoldResult first = affine::makeComposedFoldedAffineApply(builder, loc, k.floorDiv(block), {offsets[1]});
  SmallVector<Operation *> slices;
  Value indices = sliceLeading(builder, loc, getIndices(), offsets[0], sizes[0], slices);
  OpFoldResult zero = builder.getIndexAttr(0), panels = tensor::getMixedSize(builder, loc, getPanels(), 0);
  Value blocks = sliceLeading(builder, loc, getPanels(), {zero, first},
                              {panels, builder.getIndexAttr(llvm::divideCeil(*width, block))}, slices);
  Value destination = sliceLeading(builder, loc, getDestination(), offsets, sizes, slices);
  auto tile = BlockGatherOp::create(builder, loc, destination.getType(), indices, blocks, destination, getRowsAttr(),
                                    getFormatAttr());
  return TilingResult{{tile}, {tile.getResult()}, slices};
}

LogicalResult BlockGatherOp::getResultTilePosition(OpBuilder &builder, unsigned, ArrayRef<OpFoldResult> offsets,
                                                   ArrayRef<OpFoldResult> sizes,
                                                   SmallVector<OpFoldResult> &resultOffsets,
                                                   SmallVector<OpFoldResult> &resultSizes) {
  placeLeading(builder, getLoc(), getDestination(), offsets, sizes, resultOffsets, resultSizes);
  return success();
}

FailureOr<TilingResult> BlockGatherOp::generateResultTileValue(OpBuilder &builder, unsigned,
                                                               ArrayRef<OpFoldResult> offsets,
                                                               ArrayRef<OpFoldResult> sizes) {
  return getTiledImplementation(builder, offsets, sizes);
}

//===----------------------------------------------------------------------===//
// Quantize rows
//===----------------------------------------------------------------------===//

SmallVector<utils::IteratorType> QuantizeRowsOp::getLoopIteratorTypes() {
  return {utils::IteratorType::parallel, utils::IteratorType::parallel};
}

SmallVector<Range> QuantizeRowsOp::getIterationDomain(OpBuilder &builder) {
  return {wholeDimension(builder, getLoc(), getRows(), 0), wholeDimension(builder, getLoc(), getRows(), 1)};
}

/// What numbers [offset * R, (offset + size) * R) of a row are in pieces of `columns`.
static std::pair<OpFoldResult, OpFoldResult> piecesOf(OpBuilder &builder, QuantizeRowsOp op, int64_t columns,
                                                      OpFoldResult offset, OpFoldResult size) {
  int64_t width = cast<RankedTensorType>(op.getRows().getType()).getDimSize(2);
  AffineExpr piece = (builder.getAffineDimExpr(0) * width).floorDiv(columns);
  return {affine::makeComposedFoldedAffineApply(builder, op.getLoc(), piece, {offset}),
          affine::makeComposedFoldedAffineApply(builder, op.getLoc(), piece, {size})};
}

/// Columns to an element of a row of `numbers`, scales or sums: 32 or 16.
static int64_t columnsOf(QuantizeRowsOp op, Value numbers) {
  auto codes = cast<RankedTensorType>(op.getCodesDestination().getType());
  return kGroup * codes.getDimSize(1) / cast<RankedTensorType>(numbers.getType()).getDimSize(1);
}

FailureOr<TilingResult> QuantizeRowsOp::getTiledImplementation(OpBuilder &builder, ArrayRef<OpFoldResult> offsets,
                                                               ArrayRef<OpFoldResult> sizes) {
  Location loc = getLoc();
  std::optional<int64_t> parts = getConstantIntValue(sizes[1]);
  int64_t width = cast<RankedTensorType>(getRows().getType()).getDimSize(2);
  if (!parts || *parts * width % kGroup)
    return emitOpError("expects a tile of whole groups of 32, but got parts of ") << width;
  auto [group, groups] = piecesOf(builder, *this, kGroup, offsets[1], sizes[1]);
  auto [scale, scaleCount] = piecesOf(builder, *this, columnsOf(*this, getScales()), offsets[1], sizes[1]);
  auto [sum, sumCount] = piecesOf(builder, *this, columnsOf(*this, getSums()), offsets[1], sizes[1]);
  SmallVector<Operation *> slices;
  Value rows = sliceLeading(builder, loc, getRows(), offsets, sizes, slices);
  Value codes = sliceLeading(builder, loc, getCodesDestination(), {offsets[0], group}, {sizes[0], groups}, slices);
  Value scales =
      sliceLeading(builder, loc, getScalesDestination(), {offsets[0], scale}, {sizes[0], scaleCount}, slices);
  Value sums = sliceLeading(builder, loc, getSumsDestination(), {offsets[0], sum}, {sizes[0], sumCount}, slices);
  auto tile = QuantizeRowsOp::create(builder, loc, TypeRange{codes.getType(), scales.getType(), sums.getType()}, rows,
                                     codes, scales, sums, getMicroscaledAttr(), getOffsetAttr());
  return TilingResult{{tile}, SmallVector<Value>(tile.getResults()), slices};
}

LogicalResult QuantizeRowsOp::getResultTilePosition(OpBuilder &builder, unsigned number,
                                                    ArrayRef<OpFoldResult> offsets, ArrayRef<OpFoldResult> sizes,
                                                    SmallVector<OpFoldResult> &resultOffsets,
                                                    SmallVector<OpFoldResult> &resultSizes) {
  int64_t columns = number == 0 ? kGroup : columnsOf(*this, getResult(number));
  auto [piece, pieces] = piecesOf(builder, *this, columns, offsets[1], sizes[1]);
  resultOffsets = {offsets[0], piece};
  resultSizes = {sizes[0], pieces};
  if (number == 0) { // codes
    resultOffsets.push_back(builder.getIndexAttr(0));
    resultSizes.push_back(builder.getIndexAttr(kGroup));
  }
  return success();
}

FailureOr<TilingResult> QuantizeRowsOp::generateResultTileValue(OpBuilder &, unsigned, ArrayRef<OpFoldResult>,
                                                                ArrayRef<OpFoldResult>) {
  return emitOpError("has no tile of a single result: it is the last op of its kernel");
}

//===----------------------------------------------------------------------===//
// Append
//===----------------------------------------------------------------------===//

SmallVector<utils::IteratorType> AppendOp::getLoopIteratorTypes() { return {utils::IteratorType::parallel}; }

SmallVector<Range> AppendOp::getIterationDomain(OpBuilder &builder) {
  return {wholeDimension(builder, getLoc(), getRows(), 1)};
}

FailureOr<TilingResult> AppendOp::getTiledImplementation(OpBuilder &builder, ArrayRef<OpFoldResult> offsets,
                                                         ArrayRef<OpFoldResult> sizes) {
  Location loc = getLoc();
  SmallVector<Operation *> slices;
  OpFoldResult tokens = tensor::getMixedSize(builder, loc, getRows(), 0);
  Value rows = sliceLeading(builder, loc, getRows(), {builder.getIndexAttr(0), offsets[0]},
                            {tokens, sizes[0]}, slices);
  Value destination = sliceHeads(builder, loc, getDestination(), offsets[0], sizes[0], slices), scales;
  if (getScalesDestination())
    scales = sliceHeads(builder, loc, getScalesDestination(), offsets[0], sizes[0], slices);
  auto tile = AppendOp::create(builder, loc, destination.getType(), scales ? scales.getType() : Type(), rows,
                               getPosition(), destination, scales, getTable(), getAreKeys());
  return TilingResult{{tile}, SmallVector<Value>(tile->getResults()), slices};
}

LogicalResult AppendOp::getResultTilePosition(OpBuilder &builder, unsigned number, ArrayRef<OpFoldResult> offsets,
                                              ArrayRef<OpFoldResult> sizes,
                                              SmallVector<OpFoldResult> &resultOffsets,
                                              SmallVector<OpFoldResult> &resultSizes) {
  Value cache = getDpsInits()[number];
  placeLeading(builder, getLoc(), cache, {builder.getIndexAttr(0), offsets[0]},
               {tensor::getMixedSize(builder, getLoc(), cache, 0), sizes[0]}, resultOffsets, resultSizes);
  return success();
}

FailureOr<TilingResult> AppendOp::generateResultTileValue(OpBuilder &builder, unsigned number,
                                                          ArrayRef<OpFoldResult> offsets,
                                                          ArrayRef<OpFoldResult> sizes) {
  FailureOr<TilingResult> tile = getTiledImplementation(builder, offsets.slice(1, 1), sizes.slice(1, 1));
  if (succeeded(tile))
    tile->tiledValues = {tile->tiledValues[number]};
  return tile;
}
