//===- LlamaOps.cpp - Verifiers, type inference, folds ---------------------===//
//
// (C1), (C2) … are the constraints of the ops' descriptions in LlamaOps.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/llama/Llama.h"
#include "dialects/llama/Quantization.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mlir;
using namespace cria::llama;

namespace {

constexpr int64_t kMostElements = int64_t(1) << 48; ///< of any tensor
constexpr int64_t kMostOffset = int64_t(1) << 62; ///< of a tensor in its file
constexpr int64_t kMostWidth = int64_t(1) << 20; ///< of what is observed
constexpr int64_t kMostPanelRows = 4096; ///< far above any vector register

RankedTensorType tensorType(Value value) { return cast<RankedTensorType>(value.getType()); }

bool finite(const APFloat &value) { return value.isFinite(); }
bool finiteNotNegative(const APFloat &value) {
  return value.isFinite() && (value.isZero() || !value.isNegative());
}
bool finitePositive(const APFloat &value) {
  return value.isFinite() && !value.isZero() && !value.isNegative();
}

/// `value` is finite after rounding to F32 as well.
bool finiteFloat(APFloat value) {
  bool losesInfo;
  value.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven, &losesInfo);
  return value.isFinite();
}

std::string text(const APFloat &value) {
  SmallString<16> buffer;
  value.toString(buffer);
  return std::string(buffer);
}

/// A symbol user expects `name` to be a `SymbolOp` (or `OtherOp`) of `type`.
template <typename SymbolOp, typename OtherOp = SymbolOp>
LogicalResult verifySymbol(Operation *user, FlatSymbolRefAttr name, Type type,
                           SymbolTableCollection &symbols, StringRef kinds) {
  Operation *symbol = symbols.lookupNearestSymbolFrom(user, name);
  Type found;
  if (auto op = dyn_cast_or_null<SymbolOp>(symbol))
    found = op.getTensorType();
  else if (auto op = dyn_cast_or_null<OtherOp>(symbol))
    found = op.getTensorType();
  if (!found) // (C1)
    return user->emitOpError("expects ") << name << " to name a " << kinds << " op, but got "
                                         << (symbol ? symbol->getName().getStringRef() : "nothing");
  if (found != type) // (C2)
    return user->emitOpError("expects the type of ")
           << name << ", " << found << ", but got " << type;
  return success();
}

} // namespace

bool cria::llama::isBounded(Type type) {
  auto shaped = dyn_cast<ShapedType>(type);
  if (!shaped || !shaped.hasRank())
    return false;
  int64_t elements = 1;
  for (int64_t size : shaped.getShape()) {
    if (ShapedType::isDynamic(size))
      continue;
    if (size < 1 || size > kMostElements / elements)
      return false;
    elements *= size;
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

uint64_t SourceOp::getStoredBytes() {
  uint64_t elements = getTensorType().getNumElements();
  std::optional<Format> format = codeFormat(getEncoding());
  if (!format)
    return elements * getTensorType().getElementTypeBitWidth() / 8;
  return elements / traits(*format).block * encodedBytes(getEncoding());
}

LogicalResult SourceOp::verify() {
  int64_t offset = getOffset();
  if (offset < 0 || offset > kMostOffset) // (C1)
    return emitOpError("expects an offset in [0, ") << kMostOffset << "], but got " << offset;
  std::optional<Format> format = codeFormat(getEncoding());
  if (!format)
    return success();
  RankedTensorType type = getTensorType();
  int64_t block = traits(*format).block;
  if (!type.getElementType().isF32() || type.getRank() == 0 || type.getShape().back() % block) // (C2)
    return emitOpError("expects f32 in rows of a multiple of ")
           << block << " with encoding " << stringifyEncoding(getEncoding()) << ", but got " << type;
  return success();
}

LogicalResult SyntheticOp::verify() {
  APFloat mean = getMean(), deviation = getDeviation();
  if (!finiteFloat(mean) || !finiteFloat(deviation) || !finiteNotNegative(deviation)) // (C1)
    return emitOpError("expects a mean and a deviation that are finite as f32, the latter not ")
           << "negative, but got " << text(mean) << " and " << text(deviation);
  return success();
}

LogicalResult WeightOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifySymbol<SourceOp, SyntheticOp>(*this, getSourceAttr(), getType(), symbols,
                                             "llama.source or llama.synthetic");
}

OpFoldResult CastOp::fold(FoldAdaptor) {
  return getInput().getType() == getType() ? OpFoldResult(getInput()) : OpFoldResult();
}

LogicalResult SplitRopeRowsOp::verify() {
  RankedTensorType type = tensorType(getInput());
  int64_t heads = getHeads();
  if (type.getRank() != 1 && type.getRank() != 2) // (C1)
    return emitOpError("expects a matrix or a vector, but got ") << type;
  if (heads < 1 || type.getDimSize(0) % heads || type.getDimSize(0) / heads % 2) // (C2)
    return emitOpError("expects rows that are a multiple of twice its heads, but got ")
           << type << " and " << heads << " heads";
  return success();
}

/// Whether so many columns of a matrix may lie beside each other.
static bool areColumns(int64_t columns, RankedTensorType matrix) {
  return (columns == 1 || columns == 2 || columns == 4) && matrix.getDimSize(1) % columns == 0;
}

LogicalResult PackOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                       SmallVectorImpl<Type> &types) {
  auto input = cast<RankedTensorType>(adaptor.getInput().getType());
  int64_t rows = adaptor.getRows(), columns = adaptor.getColumns();
  if (rows < 1 || rows > kMostPanelRows || !areColumns(columns, input)) // (C1), (C2), told by verify
    return failure();
  SmallVector<int64_t> shape = {int64_t(llvm::divideCeil(input.getDimSize(0), rows)), input.getDimSize(1) / columns,
                                rows};
  if (columns > 1)
    shape.push_back(columns);
  types.push_back(RankedTensorType::get(shape, input.getElementType()));
  return success();
}

LogicalResult PackOp::verify() {
  int64_t rows = getRows();
  if (rows < 1 || rows > kMostPanelRows) // (C1)
    return emitOpError("expects rows in [1, ") << kMostPanelRows << "], but got " << rows;
  if (!areColumns(getColumns(), getInput().getType())) // (C2)
    return emitOpError("expects columns of 1, 2 or 4 that divide those of ")
           << getInput().getType() << ", but got " << getColumns();
  return success();
}

LogicalResult ConcatRowsOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                             SmallVectorImpl<Type> &types) {
  if (adaptor.getInputs().empty()) // (C1), told by verify
    return failure();
  auto first = tensorType(adaptor.getInputs().front());
  int64_t rows = 0;
  for (Value input : adaptor.getInputs())
    rows += tensorType(input).getDimSize(0);
  types.push_back(RankedTensorType::get({rows, first.getDimSize(1)}, first.getElementType()));
  return success();
}

LogicalResult ConcatRowsOp::verify() {
  if (getInputs().empty()) // (C1)
    return emitOpError("expects at least one input, but got none");
  for (Value input : getInputs())
    if (tensorType(input).getDimSize(1) != getType().getDimSize(1) ||
        tensorType(input).getElementType() != getType().getElementType()) // (C2)
      return emitOpError("expects inputs of ") << getType().getDimSize(1) << " columns of "
                                               << getType().getElementType() << ", but got " << input.getType();
  return success();
}

StringRef cria::llama::sourceOf(Value weight) {
  while (Operation *op = weight.getDefiningOp()) {
    if (auto leaf = dyn_cast<WeightOp>(op))
      return leaf.getSource();
    if (op->getNumOperands() != 1)
      break;
    weight = op->getOperand(0);
  }
  return "";
}

std::optional<Format> cria::llama::codeFormat(Value weight) {
  if (auto concat = weight.getDefiningOp<ConcatRowsOp>()) {
    std::optional<Format> format = codeFormat(concat.getInputs().front());
    bool isShared = llvm::all_of(concat.getInputs(), [&](Value input) { return codeFormat(input) == format; });
    return isShared ? format : std::nullopt;
  }
  while (auto split = weight.getDefiningOp<SplitRopeRowsOp>())
    weight = split.getInput();
  if (auto quantize = weight.getDefiningOp<QuantizeOp>())
    return quantize.getFormat();
  auto leaf = weight.getDefiningOp<WeightOp>();
  auto source = leaf ? SymbolTable::lookupNearestSymbolFrom<SourceOp>(leaf, leaf.getSourceAttr()) : SourceOp();
  return source ? codeFormat(source.getEncoding()) : std::nullopt;
}

LogicalResult QuantizeOp::verify() {
  if (!isQuantizable(getFormat())) // (C2)
    return emitOpError("expects a format of ")
           << quantizableFormats() << ", but got " << stringifyFormat(getFormat()) << ", which only files hold";
  if (tensorType(getInput()).getShape() != getType().getShape()) // (C1)
    return emitOpError("expects a result of the input's shape, but got ")
           << getType() << " for " << getInput().getType();
  return success();
}

LogicalResult PackBlocksOp::verify() {
  RankedTensorType input = tensorType(getInput());
  int64_t rows = getRows(), columns = input.getDimSize(1);
  int64_t block = traits(getFormat()).block;
  if (rows < 1 || rows > kMostBlockRows) // (C1)
    return emitOpError("expects blocks of 1 to ") << kMostBlockRows << " rows, but got " << rows;
  if (failed(verifyBlockRows(*this, getFormat(), rows))) // (C3)
    return failure();
  int64_t panels = llvm::divideCeil(input.getDimSize(0), rows);
  SmallVector<int64_t> shape = {panels, int64_t(llvm::divideCeil(columns, block)), BlockLayout(getFormat(), rows).bytes};
  if (getType().getShape() != ArrayRef(shape)) // (C2)
    return emitOpError("expects a result of shape [") << shape << "], but got " << getType();
  return success();
}

LogicalResult RowNormsOp::verify() {
  RankedTensorType input = tensorType(getInput());
  int64_t rows = getRows();
  if (rows < 1 || rows > kMostPanelRows) // (C1)
    return emitOpError("expects rows in [1, ") << kMostPanelRows << "], but got " << rows;
  if (getOther() && tensorType(getOther()).getShape() != input.getShape()) // (C2)
    return emitOpError("expects to take away a matrix of the input's shape, but got ")
           << getOther().getType() << " for " << input;
  if (int64_t count = llvm::divideCeil(input.getDimSize(0), rows); getType().getDimSize(0) != count) // (C3)
    return emitOpError("expects a result of ") << count << " norms, but got " << getType();
  return success();
}

LogicalResult RopeTableOp::verify() {
  for (auto [name, value] : {std::pair("theta", getTheta()), std::pair("factor", getFactor()),
                             std::pair("attentionFactor", getAttentionFactor())})
    if (!finitePositive(value)) // (C1)
      return emitOpError("expects a finite, positive ") << name << ", but got " << text(value);
  if (getType().getDimSize(1) != 2) // (C2)
    return emitOpError("expects a second dimension of 2 (cosine and sine), but got ") << getType();
  APFloat context = getOriginalContext(), low = getLowFrequencyFactor();
  APFloat high = getHighFrequencyFactor(), slow = getBetaSlow(), fast = getBetaFast();
  if (getScaling() == RopeScaling::Llama3 &&
      !(finitePositive(context) && finitePositive(low) && finite(high) && high > low)) // (C3)
    return emitOpError("expects 0 < originalContext and 0 < lowFrequencyFactor < ")
           << "highFrequencyFactor with scaling llama3, but got " << text(context) << ", "
           << text(low) << " and " << text(high);
  if (getScaling() == RopeScaling::Yarn &&
      !(finitePositive(context) && finitePositive(slow) && finite(fast) && fast >= slow &&
        getTheta() > APFloat(1.0))) // (C4)
    return emitOpError("expects 0 < originalContext, 0 < betaSlow <= betaFast and 1 < theta ")
           << "with scaling yarn, but got " << text(context) << ", " << text(slow) << ", "
           << text(fast) << " and " << text(getTheta());
  return success();
}

//===----------------------------------------------------------------------===//
// Computation
//===----------------------------------------------------------------------===//

LogicalResult EmbedOp::inferReturnTypes(MLIRContext *context, std::optional<Location>,
                                        Adaptor adaptor, SmallVectorImpl<Type> &types) {
  auto tokens = cast<RankedTensorType>(adaptor.getTokens().getType());
  auto table = cast<RankedTensorType>(adaptor.getTable().getType());
  types.push_back(RankedTensorType::get({tokens.getDimSize(0), table.getDimSize(1)},
                                        Float32Type::get(context)));
  return success();
}

LogicalResult RmsNormOp::verify() {
  int64_t width = tensorType(getInput()).getDimSize(1);
  int64_t group = tensorType(getWeight()).getDimSize(0);
  if (width % group) // (C1)
    return emitOpError("expects a width that is a multiple of its weight's ")
           << group << ", but got " << width;
  if (!finiteNotNegative(getEpsilon())) // (C2)
    return emitOpError("expects a finite epsilon that is not negative, but got ")
           << text(getEpsilon());
  return success();
}

LogicalResult LinearOp::inferReturnTypes(MLIRContext *context, std::optional<Location>,
                                         Adaptor adaptor, SmallVectorImpl<Type> &types) {
  auto input = cast<RankedTensorType>(adaptor.getInput().getType());
  auto weight = cast<RankedTensorType>(adaptor.getWeight().getType());
  types.push_back(RankedTensorType::get({input.getDimSize(0), weight.getDimSize(0)},
                                        Float32Type::get(context)));
  return success();
}

LogicalResult LinearOp::verify() {
  RankedTensorType input = tensorType(getInput()), weight = tensorType(getWeight());
  if (input.getDimSize(1) != weight.getDimSize(1)) // (C1)
    return emitOpError("expects a weight of ")
           << input.getDimSize(1) << " columns, but got " << weight;
  if (getBias() && tensorType(getBias()).getDimSize(0) != weight.getDimSize(0)) // (C2)
    return emitOpError("expects a bias of ")
           << weight.getDimSize(0) << " elements, but got " << getBias().getType();
  return success();
}

LogicalResult ScreenOp::verify() {
  if (tensorType(getMargin()).getDimSize(0) != 1) // (C1)
    return emitOpError("expects a margin of one number, but got ") << getMargin().getType();
  return success();
}

LogicalResult RopeOp::verify() {
  RankedTensorType table = tensorType(getTable());
  if (table.getDimSize(1) != 2) // (C2)
    return emitOpError("expects a table of cosines and sines [C, 2, Dh/2], but got ") << table;
  int64_t width = tensorType(getInput()).getDimSize(1), head = 2 * table.getDimSize(2);
  if (width % head) // (C1)
    return emitOpError("expects a width that is a multiple of its table's head size ")
           << head << ", but got " << width;
  return success();
}

LogicalResult AttentionOp::verify() {
  RankedTensorType keys = tensorType(getKeys());
  if (keys != getValues().getType()) // (C1)
    return emitOpError("expects keys and values of one type, but got ")
           << keys << " and " << getValues().getType();
  int64_t width = tensorType(getQuery()).getDimSize(1);
  int64_t group = keys.getDimSize(1) * keys.getDimSize(2);
  if (width % group) // (C2)
    return emitOpError("expects a query width that is a multiple of its keys' ")
           << group << ", but got " << width;
  if (!finite(getScale()) || int64_t(getWindow()) < 0) // (C3)
    return emitOpError("expects a finite scale and a window that is not negative, but got ")
           << text(getScale()) << " and " << int64_t(getWindow());
  return success();
}

//===----------------------------------------------------------------------===//
// KV cache
//===----------------------------------------------------------------------===//

LogicalResult cria::llama::verifyBlockRows(Operation *op, Format format, int64_t rows) {
  if (traits(format).factorBits == 6 && rows % 2)
    return op->emitOpError("expects an even number of rows, two of which share bytes in ")
           << stringifyFormat(format) << ", but got " << rows;
  return success();
}

StringRef cria::llama::cacheOf(Value value) {
  while (auto update = value.getDefiningOp<CacheUpdateOp>())
    value = update.getCache();
  auto read = value.getDefiningOp<CacheReadOp>();
  return read ? read.getCache() : StringRef();
}

LogicalResult CacheReadOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifySymbol<CacheOp>(*this, getCacheAttr(), getType(), symbols, "llama.cache");
}

LogicalResult CacheWriteOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifySymbol<CacheOp>(*this, getCacheAttr(), getValue().getType(), symbols,
                               "llama.cache");
}

LogicalResult CacheUpdateOp::verify() {
  RankedTensorType cache = tensorType(getCache());
  int64_t width = cache.getDimSize(1) * cache.getDimSize(2);
  if (tensorType(getRows()).getDimSize(1) != width) // (C1)
    return emitOpError("expects rows of ") << width << ", but got " << getRows().getType();
  return success();
}

//===----------------------------------------------------------------------===//
// Calibration
//===----------------------------------------------------------------------===//

LogicalResult ObservationOp::verify() {
  int64_t number = getNumber(), width = getWidth();
  if (number < 0 || width < 1 || width > kMostWidth) // (C1)
    return emitOpError("expects a number that is not negative and a width in [1, ")
           << kMostWidth << "], but got " << number << " and " << width;
  return success();
}

/// `user` expects `name` to be an observation as wide as a matrix of `type` has
/// columns.
static LogicalResult verifyObservation(Operation *user, FlatSymbolRefAttr name, Type type,
                                       SymbolTableCollection &symbols) {
  Operation *symbol = symbols.lookupNearestSymbolFrom(user, name);
  auto observation = dyn_cast_or_null<ObservationOp>(symbol);
  if (!observation)
    return user->emitOpError("expects ") << name << " to name a llama.observation op, but got "
                                         << (symbol ? symbol->getName().getStringRef() : "nothing");
  if (int64_t(observation.getWidth()) != cast<RankedTensorType>(type).getDimSize(1))
    return user->emitOpError("expects vectors of the width of ")
           << name << ", " << int64_t(observation.getWidth()) << ", but got " << type;
  return success();
}

LogicalResult ObserveOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyObservation(*this, getObservationAttr(), getInput().getType(), symbols); // (C1), (C2)
}

LogicalResult QuantizeOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return getGuideAttr() ? verifyObservation(*this, getGuideAttr(), getType(), symbols) : success(); // (C3)
}

//===----------------------------------------------------------------------===//
// Structure
//===----------------------------------------------------------------------===//

// After the body's own ops, so that the block is known to have a terminator.
LogicalResult LayerOp::verifyRegions() {
  Block &block = getBody().front();
  if (block.getNumArguments() != 1 ||
      block.getArgument(0).getType() != getInput().getType()) // (C1)
    return emitOpError("expects a block with one argument of type ") << getInput().getType();
  auto yield = dyn_cast<YieldOp>(block.getTerminator());
  if (!yield || yield.getValue().getType() != getType()) // (C2)
    return emitOpError("expects its block to end in a llama.yield of ") << getType();
  if (auto outer = (*this)->getParentOfType<LayerOp>()) // (C3)
    return emitOpError("expects to lie in no other layer, but got one in ") << outer.getNameAttr();
  return success();
}

#define GET_OP_CLASSES
#include "dialects/llama/LlamaOps.cpp.inc"
