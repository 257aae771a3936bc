//===- KernelOps.cpp - Verifiers -------------------------------------------===//
//
// (C1), (C2) … are the constraints of the ops' descriptions in KernelOps.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/kernel/Kernel.h"
#include "dialects/llama/Quantization.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/Support/CheckedArithmetic.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace cria::kernel;
using cria::llama::kGroup;

namespace {

constexpr int64_t kAlignment = 64;             ///< bytes: a cache line, a 512-bit vector
constexpr int64_t kMostBytes = int64_t(1) << 62; ///< of an offset, and of a tensor

RankedTensorType tensorType(Value value) { return cast<RankedTensorType>(value.getType()); }

/// That no end of a tensor overflows, as llama.source has it.
LogicalResult verifyPlace(Operation *op, int64_t offset, RankedTensorType type) {
  if (offset < 0 || offset > kMostBytes || offset % kAlignment)
    return op->emitOpError("expects an offset that is a multiple of 64 in [0, 2^62], but got ") << offset;
  SmallVector<int64_t> sizes(type.getShape());
  if (auto pitch = dyn_cast_if_present<PitchAttr>(type.getEncoding()))
    sizes = {sizes.front(), pitch.getElements()};
  std::optional<int64_t> bytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  for (int64_t size : sizes)
    bytes = bytes ? llvm::checkedMul(*bytes, size) : bytes;
  if (!bytes || *bytes > kMostBytes)
    return op->emitOpError("expects at most 2^62 bytes, but got ") << type;
  return success();
}

/// True if two dimensions are certainly different.
bool differ(int64_t a, int64_t b) {
  return !ShapedType::isDynamic(a) && !ShapedType::isDynamic(b) && a != b;
}

/// Whether `table` [C, 2, Dh/2] is one for heads of `size` = Dh elements.
bool turns(Value table, int64_t size) {
  RankedTensorType type = tensorType(table);
  return size % 2 == 0 && !differ(type.getDimSize(1), 2) && !differ(type.getDimSize(2), size / 2);
}

/// Whether `scales`, which may be null, are [P, Hkv, size / 32 rounded up, lanes] if `cache`
/// [P, Hkv, ...] holds codes, and null if not.
bool scalesFit(Value scales, RankedTensorType cache, int64_t size, int64_t lanes) {
  if (!scales || !cache.getElementType().isInteger(8))
    return !scales && !cache.getElementType().isInteger(8);
  RankedTensorType type = tensorType(scales);
  int64_t groups = ShapedType::isDynamic(size) ? size : llvm::divideCeil(size, kGroup);
  return !differ(type.getDimSize(0), cache.getDimSize(0)) && !differ(type.getDimSize(1), cache.getDimSize(1)) &&
         !differ(type.getDimSize(2), groups) && !differ(type.getDimSize(3), lanes);
}

/// The type of `value`, or that there is none.
InFlightDiagnostic &describe(InFlightDiagnostic &error, Value value) {
  return value ? error << value.getType() : error << "none";
}

} // namespace

LogicalResult ConstantOp::verify() {
  auto yield = dyn_cast<YieldOp>(getBody().front().getTerminator());
  if (!yield || yield.getValue().getType() != getType()) // (C1)
    return emitOpError("expects its region to end in a kernel.yield of ") << getType();
  return verifyPlace(*this, getOffset(), getTensorType()); // (C2)
}

LogicalResult StateOp::verify() { return verifyPlace(*this, getOffset(), getTensorType()); } // (C1)

LogicalResult GetOp::verifySymbolUses(SymbolTableCollection &symbols) {
  Operation *symbol = symbols.lookupNearestSymbolFrom(*this, getStorageAttr());
  RankedTensorType found;
  if (auto op = dyn_cast_or_null<ConstantOp>(symbol))
    found = op.getTensorType();
  else if (auto op = dyn_cast_or_null<StateOp>(symbol))
    found = op.getTensorType();
  if (!found) // (C1)
    return emitOpError("expects ") << getStorageAttr() << " to name a kernel.constant or kernel.state";
  Type expected = isa<MemRefType>(getType()) ? Type(bufferType(found)) : found;
  if (getType() != expected) // (C1)
    return emitOpError("expects ") << expected << ", as " << getStorageAttr() << " has it, but got " << getType();
  return success();
}

LogicalResult SetOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto state = symbols.lookupNearestSymbolFrom<StateOp>(*this, getStorageAttr());
  if (!state || state.getType() != getValue().getType()) // (C1)
    return emitOpError("expects ") << getStorageAttr() << " to name a kernel.state of type "
                                   << getValue().getType();
  return success();
}

static LogicalResult verifyWindow(Operation *op, int64_t window) {
  if (window < 0)
    return op->emitOpError("expects a window that is not negative, but got ") << window;
  return success();
}

LogicalResult AttentionOp::verify() {
  RankedTensorType query = tensorType(getQuery()), keys = tensorType(getKeys()),
                   values = tensorType(getValues());
  int64_t heads = query.getDimSize(1), groups = keys.getDimSize(1), size = keys.getDimSize(2),
          lanes = keys.getDimSize(3);
  bool whole = ShapedType::isDynamic(heads) || ShapedType::isDynamic(groups) || (groups && heads % groups == 0);
  if (!whole || differ(keys.getDimSize(0), values.getDimSize(0)) || differ(groups, values.getDimSize(1)) ||
      differ(query.getDimSize(2), size) || differ(query.getDimSize(2), values.getDimSize(3)) ||
      ShapedType::isDynamic(lanes) || differ(lanes, values.getDimSize(2)) ||
      keys.getElementType() != values.getElementType()) // (C1)
    return emitOpError("expects query [T, H, Dh], keys [P, Hkv, Dh, L] and values [P, Hkv, L, Dh], but got ")
           << query << ", " << keys << " and " << values;
  RankedTensorType destination = tensorType(getDestination());
  bool fits = destination == query;
  if (getPart()) {
    int64_t twice = destination.getDimSize(2) - size; // 2 W
    bool known = !ShapedType::isDynamic(size) && !ShapedType::isDynamic(destination.getDimSize(2));
    fits = !differ(destination.getDimSize(1), heads) && (!known || (twice > 0 && 2 * lanes % twice == 0));
  }
  if (getResult().getType() != destination || !fits) // (C2)
    return emitOpError("expects result and destination ")
           << (getPart() ? "[M, H, Dh + 2 W], where W divides L" : "of the query's type") << ", but got "
           << getResult().getType() << " and " << destination;
  if (getTable() && !turns(getTable(), query.getDimSize(2))) // (C3)
    return emitOpError("expects a table [C, 2, Dh/2] for heads of ")
           << query.getDimSize(2) << ", but got " << getTable().getType();
  if (!scalesFit(getKeyScales(), keys, size, lanes) || !scalesFit(getValueScales(), values, size, lanes)) { // (C4)
    InFlightDiagnostic error = emitOpError("expects scales [P, Hkv, ceil(Dh/32), L] of keys and values that are codes, "
                                           "only, but got ");
    describe(error, getKeyScales()) << " and ";
    return describe(error, getValueScales()) << " for " << keys << " and " << values;
  }
  if (getPart().operator bool() != getParts().has_value() ||
      (getPart() && (query.getDimSize(0) != 1 || int64_t(*getParts()) < 1))) // (C5)
    return emitOpError("expects parts, at least one, of a single token, but got ")
           << int64_t(getParts().value_or(0)) << " for " << query;
  if (!getScale().isFinite()) // (C6)
    return emitOpError("expects a finite scale, but got ") << getScaleAttr();
  return verifyWindow(*this, getWindow()); // (C6)
}

LogicalResult MergePartsOp::verify() {
  RankedTensorType parts = tensorType(getParts()), destination = tensorType(getDestination());
  int64_t row = parts.getDimSize(2), size = destination.getDimSize(2);
  bool longer = ShapedType::isDynamic(row) || ShapedType::isDynamic(size) || (row > size && (row - size) % 2 == 0);
  if (destination.getDimSize(0) != 1 || differ(parts.getDimSize(1), destination.getDimSize(1)) || !longer) // (C1)
    return emitOpError("expects parts [S, H, Dh + 2 W] and a destination [1, H, Dh], but got ")
           << parts << " and " << destination;
  if (getResult().getType() != destination) // (C2)
    return emitOpError("expects a result of the destination's type, but got ") << getResult().getType();
  return verifyWindow(*this, getWindow()); // (C3)
}

int64_t AppendOp::getLanes() { return tensorType(getDestination()).getDimSize(getAreKeys() ? 3 : 2); }

LogicalResult AppendOp::verify() {
  RankedTensorType rows = tensorType(getRows()), cache = tensorType(getDestination());
  int64_t size = cache.getDimSize(getAreKeys() ? 2 : 3);
  if (differ(rows.getDimSize(1), cache.getDimSize(1)) || differ(rows.getDimSize(2), size)) // (C1)
    return emitOpError("expects rows [T, Hkv, Dh] that fit the destination, but got ")
           << rows << " and " << cache;
  if (getResult().getType() != cache) // (C2)
    return emitOpError("expects a result of the destination's type, but got ") << getResult().getType();
  Type scales = getScales() ? getScales().getType() : Type();
  if (scales != (getScalesDestination() ? getScalesDestination().getType() : Type())) { // (C2)
    InFlightDiagnostic error = emitOpError("expects scales of their destination's type, but got ");
    return describe(error, getScales());
  }
  if (getTable() && (!getAreKeys() || !turns(getTable(), rows.getDimSize(2)))) // (C3)
    return emitOpError("expects a table [C, 2, Dh/2] only for keys [P, Hkv, Dh, L], but got ")
           << getTable().getType() << " for " << (getAreKeys() ? "keys " : "values ") << cache;
  if (!scalesFit(getScalesDestination(), cache, size, getLanes())) { // (C4)
    InFlightDiagnostic error = emitOpError("expects scales [P, Hkv, ceil(Dh/32), L] beside a cache of codes, only, "
                                           "but got ");
    return describe(error, getScalesDestination()) << " for " << cache;
  }
  return success();
}

/// Whether `scales` are those of `groups` groups: one number to each of microscaled rows, else two.
static bool rowScalesFit(RankedTensorType scales, int64_t groups, bool microscaled) {
  bool two = !microscaled && !ShapedType::isDynamic(groups);
  return !differ(scales.getDimSize(1), two ? 2 * groups : groups);
}

LogicalResult QuantizeRowsOp::verify() {
  RankedTensorType rows = tensorType(getRows()), codes = tensorType(getCodesDestination()),
                   scales = tensorType(getScalesDestination()), sums = tensorType(getSumsDestination());
  int64_t parts = rows.getDimSize(1), width = rows.getDimSize(2), groups = codes.getDimSize(1);
  bool whole = !ShapedType::isDynamic(width) && width && (kGroup % width == 0 || width % kGroup == 0);
  if (!whole || differ(codes.getDimSize(2), kGroup) ||
      (!ShapedType::isDynamic(parts) && differ(groups * kGroup, parts * width))) // (C1)
    return emitOpError("expects rows of whole groups of 32 and codes [T, G, 32], but got ") << rows << " and " << codes;
  bool agree = !differ(rows.getDimSize(0), codes.getDimSize(0)) && !differ(rows.getDimSize(0), scales.getDimSize(0)) &&
               !differ(rows.getDimSize(0), sums.getDimSize(0)) && rowScalesFit(scales, groups, getMicroscaled()) &&
               (!differ(groups, sums.getDimSize(1)) || !differ(2 * groups, sums.getDimSize(1)));
  if (!agree || getCodes().getType() != codes || getScales().getType() != scales ||
      getSums().getType() != sums) // (C2)
    return emitOpError("expects rows [T, P, R], codes [T, G, 32], scales ")
           << (getMicroscaled() ? "[T, G]" : "[T, 2 G]") << ", sums [T, G] or [T, 2 G] and results alike, but got " << rows
           << ", " << codes << ", " << scales << " and " << sums;
  int64_t offset = getOffset();
  if (offset < 0 || offset > 128) // (C3)
    return emitOpError("expects an offset from 0 to 128, but got ") << offset;
  return success();
}

LogicalResult BlockMatmulOp::verify() {
  RankedTensorType codes = tensorType(getCodes()), scales = tensorType(getScales()), sums = tensorType(getSums()),
                   panels = tensorType(getPanels()), destination = tensorType(getDestination());
  int64_t rows = destination.getDimSize(2);
  if (ShapedType::isDynamic(rows) ||
      differ(panels.getDimSize(2), cria::llama::BlockLayout(getFormat(), rows).bytes)) // (C1)
    return emitOpError("expects blocks of the destination's rows in format ")
           << cria::llama::stringifyFormat(getFormat()) << ", but got " << panels << " for " << destination;
  const cria::llama::FormatTraits &format = traits(getFormat());
  int64_t groups = codes.getDimSize(1), columns = groups * kGroup;
  bool whole = ShapedType::isDynamic(groups) ||
               ((!differ(2 * groups, sums.getDimSize(1)) || (format.group >= kGroup && !differ(groups, sums.getDimSize(1)))) &&
                !differ(llvm::divideCeil(columns, format.block), panels.getDimSize(1)));
  bool agree = !differ(codes.getDimSize(0), scales.getDimSize(0)) && !differ(codes.getDimSize(0), sums.getDimSize(0)) &&
               !differ(codes.getDimSize(0), destination.getDimSize(0)) &&
               rowScalesFit(scales, groups, getMicroscaled()) && !differ(codes.getDimSize(2), 32) &&
               !differ(panels.getDimSize(0), destination.getDimSize(1));
  if (!whole || !agree || getResult().getType() != destination) // (C2)
    return emitOpError("expects codes [T, G, 32], scales ")
           << (getMicroscaled() ? "[T, G]" : "[T, 2 G]") << ", sums " << (format.group >= kGroup ? "[T, G] or " : "")
           << "[T, 2 G], panels [P, 32 G / " << format.block
           << " rounded up, B] and destination [T, P, R], but got " << codes << ", " << scales << ", " << sums << ", " << panels
           << " and " << destination;
  return cria::llama::verifyBlockRows(*this, getFormat(), rows); // (C3)
}

LogicalResult BlockGatherOp::verify() {
  RankedTensorType panels = tensorType(getPanels()), destination = tensorType(getDestination());
  int64_t rows = getRows(), columns = destination.getDimSize(1), block = traits(getFormat()).block;
  if (rows < 1 || rows > cria::llama::kMostBlockRows ||
      differ(panels.getDimSize(2), cria::llama::BlockLayout(getFormat(), rows).bytes)) // (C1)
    return emitOpError("expects blocks of 1 to ") << cria::llama::kMostBlockRows << " rows in format "
                                                  << cria::llama::stringifyFormat(getFormat()) << ", but got " << panels
                                                  << " and " << rows << " rows";
  if (ShapedType::isDynamic(columns) || differ(llvm::divideCeil(columns, block), panels.getDimSize(1)) ||
      differ(tensorType(getIndices()).getDimSize(0), destination.getDimSize(0)) ||
      getResult().getType() != destination) // (C2)
    return emitOpError("expects indices [T], panels [P, K / ")
           << block << " rounded up, B] and destination and result [T, K], but got " << getIndices().getType() << ", "
           << panels << ", " << destination << " and " << getResult().getType();
  return cria::llama::verifyBlockRows(*this, getFormat(), rows); // (C3)
}

LogicalResult LookupOp::verify() {
  if (getTable().size() != 16) // (C1)
    return emitOpError("expects a table of 16 entries, but got ") << getTable().size();
  return success();
}

LogicalResult DotOp::verify() {
  int64_t sums = cast<VectorType>(getSums().getType()).getNumElements();
  int64_t weights = cast<VectorType>(getWeights().getType()).getNumElements();
  bool bytes = cast<VectorType>(getWeights().getType()).getElementType().isInteger(8);
  if (weights != (bytes ? 4 : 2) * sums) // (C1)
    return emitOpError("expects ") << (bytes ? "four bytes" : "two BF16") << " to a sum, but got " << weights << " for "
                                   << sums;
  if (bytes != cast<VectorType>(getSums().getType()).getElementType().isInteger(32)) // (C2)
    return emitOpError("expects sums of ") << (bytes ? "i32" : "f32") << " for " << getWeights().getType()
                                           << ", but got " << getSums().getType();
  bool isPlain = getLargest() == 255;
  if (int32_t(getLargest()) < 1 || getLargest() > 255 || ((!bytes || getIsSigned()) && !isPlain)) // (C3)
    return emitOpError("expects the largest of unsigned bytes to be 1 to 255, but got ")
           << int32_t(getLargest()) << " for " << (getIsSigned() ? "signed " : "") << getWeights().getType();
  if (getIsSigned() && !bytes) // (C3)
    return emitOpError("expects signed weights to be bytes, but got ") << getWeights().getType();
  return success();
}

static int64_t bytesOfElement(Value value) { return getElementTypeOrSelf(value).getIntOrFloatBitWidth() / 8; }

int64_t TileMatmulOp::getStep() {
  return std::min(cast<ShapedType>(getRows().getType()).getDimSize(1), 64 / bytesOfElement(getRows()));
}

/// Whether rows lie at a known distance, and the elements of one beside each other.
static bool hasPlainRows(MemRefType type) {
  SmallVector<int64_t> strides;
  int64_t offset;
  return succeeded(type.getStridesAndOffset(strides, offset)) && strides.back() == 1 &&
         llvm::none_of(strides, ShapedType::isDynamic);
}

LogicalResult TileMatmulOp::verify() {
  auto rows = cast<ShapedType>(getRows().getType()), panels = cast<ShapedType>(getPanels().getType()),
       destination = cast<ShapedType>(getDestination().getType());
  bool isStatic = rows.hasStaticShape() && panels.hasStaticShape() && destination.hasStaticShape();
  int64_t beside = 4 / bytesOfElement(getRows()); // c
  if (!isStatic || rows.getElementType() != panels.getElementType() || !rows.getDimSize(1) ||
      rows.getDimSize(1) % getStep() ||
      rows.getDimSize(1) != beside * panels.getDimSize(1) || panels.getDimSize(2) != beside * destination.getDimSize(2) ||
      rows.getDimSize(0) != destination.getDimSize(0) || panels.getDimSize(0) != destination.getDimSize(1)) // (C1)
    return emitOpError("expects rows [m, K], panels [P, K / ")
           << beside << ", " << beside << " R] and destination [m, P, R] with K no more than, or a multiple of, "
           << 64 / bytesOfElement(getRows()) << ", but got " << rows << ", " << panels << " and " << destination;
  if (rows.getElementType().isInteger() != destination.getElementType().isInteger()) // (C2)
    return emitOpError("expects sums of ") << (rows.getElementType().isInteger() ? "i32" : "f32") << " for " << rows
                                           << ", but got " << destination;
  for (ShapedType type : {rows, panels, destination})
    if (auto buffer = dyn_cast<MemRefType>(type); buffer && !hasPlainRows(buffer)) // (C3)
      return emitOpError("expects static strides, the innermost 1, but got ") << buffer;
  return success();
}

void TileMatmulOp::getEffects(SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  auto add = [&](MemoryEffects::Effect *effect, OpOperand &operand) {
    if (isa<MemRefType>(operand.get().getType()))
      effects.emplace_back(effect, &operand, SideEffects::DefaultResource::get());
  };
  add(MemoryEffects::Read::get(), getRowsMutable());
  add(MemoryEffects::Read::get(), getPanelsMutable());
  if (getAccumulate())
    add(MemoryEffects::Read::get(), getDestinationMutable());
  add(MemoryEffects::Write::get(), getDestinationMutable());
}

LogicalResult PrefetchOp::verify() {
  int64_t rank = cast<RankedTensorType>(getTensor().getType()).getRank(), indices = getIndices().size();
  if (indices != rank) // (C1)
    return emitOpError("expects ") << rank << " indices, but got " << indices;
  if (getCache() != 1 && getCache() != 2) // (C2)
    return emitOpError("expects cache 1 or 2, but got ") << getCache();
  return success();
}

LogicalResult LiveRowsOp::verify() {
  if (!chunkOf(*this)) // (C1)
    return emitOpError("expects a function with '") << kChunkAttrName << "'";
  return success();
}

#define GET_OP_CLASSES
#include "dialects/kernel/KernelOps.cpp.inc"

/// A BF16 is the upper half of an F32: one of a pair is shifted there, the other is
/// there already and its neighbour is masked off.
Value cria::kernel::widenHalf(OpBuilder &b, Location loc, Value words, bool upper) {
  auto type = cast<VectorType>(words.getType());
  auto constant = [&](uint32_t value) {
    return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, APInt(32, value)));
  };
  Value bits = upper ? arith::AndIOp::create(b, loc, words, constant(0xffff0000)).getResult()
                     : arith::ShLIOp::create(b, loc, words, constant(16)).getResult();
  return arith::BitcastOp::create(b, loc, type.clone(b.getF32Type()), bits);
}

int64_t cria::kernel::chunkOf(Operation *op) {
  for (; op; op = op->getParentOp())
    if (auto rows = op->getAttrOfType<IntegerAttr>(kChunkAttrName))
      return rows.getInt();
  return 0;
}

Value cria::kernel::liveRows(OpBuilder &b, Location loc, int64_t rows) {
  if (!rows || rows != chunkOf(b.getInsertionBlock()->getParentOp())) // 0 of no chunk
    return {};
  return LiveRowsOp::create(b, loc, b.getIndexType());
}
