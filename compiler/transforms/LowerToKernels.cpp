//===- LowerToKernels.cpp - The model as linalg and kernel ops -------------===//
//
// A walk over each entry function in program order: every llama op is replaced
// by its kernel form, and `values` remembers what stands for what. See
// ModelLowering.h for the letters of shapes.
//
//===----------------------------------------------------------------------===//

#include "compiler/transforms/EntryFunctions.h"
#include "compiler/transforms/ModelLowering.h"
#include "compiler/transforms/Passes.h"

#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

#include <numeric>

using namespace mlir;

namespace cria {
#define GEN_PASS_DEF_LOWERTOKERNELS
#include "compiler/transforms/Passes.h.inc"
} // namespace cria

using namespace cria;

/// At most this many elements of an observed vector are copied by one thread at a time.
static constexpr int64_t kObservedPart = 256;

//===----------------------------------------------------------------------===//
// State
//===----------------------------------------------------------------------===//

/// The state called `name`, made at its first use.
kernel::StateOp ModelLowering::state(StringRef name, RankedTensorType type) {
  if (auto existing = symbols.lookup<kernel::StateOp>(name))
    return existing;
  auto op = kernel::StateOp::create(stateBuilder, module.getLoc(), name, stateBytes, type);
  symbols.insert(op);
  int64_t bytes = type.getNumElements() * llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  stateBytes += llvm::alignTo(bytes, 64);
  return op;
}

/// Whether some attention, maybe that of another function, takes the cache as its keys.
bool ModelLowering::areKeys(llama::CacheUpdateOp op) const { return keyCaches.contains(llama::cacheOf(op.getCache())); }

/// The last chunk of a prompt may overhang the context (Abi.h), and `type` [C, …] must reach as far.
LogicalResult ModelLowering::checkPositions(Operation *op, StringRef what, RankedTensorType type) {
  if (type.getDimSize(0) >= model.getContextSize() + model.getChunk())
    return success();
  return op->emitOpError("expects ") << what << " for a context of " << model.getContextSize() << " and a chunk of "
                                     << model.getChunk() << " positions, but got " << type.getDimSize(0);
}

/// [C, Hkv, Dh] becomes keys [P, Hkv, Dh, L] or values [P, Hkv, L, Dh], where L positions are
/// what attention takes at once, and P * L is C rounded up; if they are codes, with scales
/// [P, Hkv, ceil(Dh/32), L]. Attention says which cache holds keys. The symbols of the model's
/// caches make room for those of the state.
LogicalResult ModelLowering::planCaches() {
  llvm::StringSet<> valueCaches;
  module.walk([&](llama::AttentionOp op) {
    keyCaches.insert(llama::cacheOf(op.getKeys()));
    valueCaches.insert(llama::cacheOf(op.getValues()));
  });
  keyCaches.erase(""); // what the model does not keep
  Schedule one = chip.target->schedule(*chip.chip, {KernelKey::Kind::Attention, false, {}});
  Schedule many = chip.target->schedule(*chip.chip, {KernelKey::Kind::Attention, true, {}});
  assert(one.lanes == many.lanes && "one cache serves both steps");
  int64_t positions = one.lanes * std::lcm(one.block, many.block);
  SmallVector<NamedType> caches;
  for (auto cache : llvm::make_early_inc_range(module.getOps<llama::CacheOp>())) {
    RankedTensorType type = cache.getTensorType();
    if (keyCaches.contains(cache.getSymName()) && valueCaches.contains(cache.getSymName()))
      return cache.emitOpError("expects to hold keys or values, but got attention that takes it for both");
    if (failed(checkPositions(cache, "room", type)))
      return failure();
    int64_t heads = type.getDimSize(1), size = type.getDimSize(2);
    int64_t blocks = llvm::divideCeil(type.getDimSize(0), positions);
    if (int64_t others = caches.empty() ? blocks : caches.front().second.getDimSize(0); blocks != others)
      return cache.emitOpError("expects as many positions as in other caches, ")
             << others * positions << ", but got " << blocks * positions;
    SmallVector<int64_t> shape = {blocks, heads, positions, size};
    if (keyCaches.contains(cache.getSymName()))
      std::swap(shape[2], shape[3]);
    bool coded = isa<llama::Q8Type>(type.getElementType());
    Type element = coded ? Type(stateBuilder.getI8Type()) : type.getElementType();
    caches.emplace_back(cache.getSymName(), RankedTensorType::get(shape, element));
    int64_t groups = llvm::divideCeil(size, llama::kGroup);
    if (coded)
      caches.emplace_back(scalesName(cache.getSymName()),
                          RankedTensorType::get({blocks, heads, groups, positions}, stateBuilder.getBF16Type()));
    symbols.erase(cache);
  }
  placeBesideEachOther(caches, positions);
  return success();
}

/// State for caches [P, Hkv, ...]: first a block of positions of every cache, then the next block
/// of every cache. What is in use is then one piece of memory, whose pages can be large and made
/// at once. The pitch from block to block is an odd number of the largest block of a head, so that
/// the blocks of one head are spread over all sets of a chip's caches.
void ModelLowering::placeBesideEachOther(ArrayRef<NamedType> caches, int64_t positions) {
  if (caches.empty())
    return;
  auto elementBytes = [](RankedTensorType type) { return type.getElementTypeBitWidth() / 8; };
  SmallVector<int64_t> offsets;
  int64_t blocks = caches.front().second.getDimSize(0), pitch = 0, headBytes = 0;
  for (const auto &[name, type] : caches) {
    int64_t bytes = type.getNumElements() / blocks * elementBytes(type);
    offsets.push_back(stateBytes + pitch);
    pitch += llvm::alignTo(bytes, 64);
    headBytes = std::max<int64_t>(headBytes, llvm::alignTo(bytes / type.getDimSize(1), 64));
  }
  pitch = (llvm::divideCeil(pitch, headBytes) | 1) * headBytes;
  for (const auto &[cache, offset] : llvm::zip_equal(caches, offsets)) {
    auto [name, type] = cache;
    type = type.cloneWithEncoding(kernel::PitchAttr::get(module.getContext(), pitch / elementBytes(type)));
    auto op = kernel::StateOp::create(stateBuilder, module.getLoc(), name, offset, type);
    op->setAttr(kernel::kPositionsAttrName, stateBuilder.getI64IntegerAttr(positions));
    symbols.insert(op);
  }
  stateBytes += blocks * pitch;
}

/// An uninitialized destination [shape], or the entry's result if `op` makes it.
Value ModelLowering::destination(Operation *op, ArrayRef<int64_t> shape, KernelBuilder &b) {
  return op == resultOp ? resultDestination : b.empty(shape);
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

/// Rows of the table, gathered. tokens [T]; table [V, D] or panels. A table of codes is
/// stored as a quantized matrix is, so that a tied one serves both.
Value ModelLowering::lower(llama::EmbedOp op, KernelBuilder &b) {
  Value tokens = lookup(op.getTokens()), table = lookup(op.getTable());
  if (int64_t columns = columnsBesideIfMatrix(op.getTable())) {
    table = packed(table, std::nullopt, columns, b);
  } else if (Format format = llama::codeFormat(op.getTable())) {
    Value init = destination(op, op.getType().getShape(), b);
    return kernel::BlockGatherOp::create(b.builder, b.loc, init.getType(), tokens, packed(table, format, 1, b), init,
                                         panelRows(table, format), *format);
  }
  RankedTensorType type = tensorType(table);
  AffineExpr t, d;
  bindDims(b.builder.getContext(), t, d);
  return b.generic(
      {{tokens, {t}}}, {destination(op, op.getType().getShape(), b), {t, d}}, {},
      [&](OpBuilder &builder, Location loc, ValueRange scalars) -> Value {
        Value token = arith::IndexCastOp::create(builder, loc, builder.getIndexType(), scalars[0]);
        Value column = linalg::IndexOp::create(builder, loc, 1);
        SmallVector<Value> place = {token, column};
        if (type.getRank() >= 3) {
          Value rows = arith::ConstantIndexOp::create(builder, loc, type.getDimSize(2));
          place = {arith::DivUIOp::create(builder, loc, token, rows), column,
                   arith::RemUIOp::create(builder, loc, token, rows)};
        }
        if (type.getRank() == 4) {
          Value beside = arith::ConstantIndexOp::create(builder, loc, type.getDimSize(3));
          place[1] = arith::DivUIOp::create(builder, loc, column, beside);
          place.push_back(arith::RemUIOp::create(builder, loc, column, beside));
        }
        return widen(builder, loc, tensor::ExtractOp::create(builder, loc, table, place));
      });
}

/// One number [T, H] of each group of x [T, H * K], from `start` on: what `byLanes` makes of
/// its numbers lane by lane, and `ofLanes` of the lanes. So the order is part of the IR.
Value ModelLowering::acrossGroups(Value x, Groups groups, double start, KernelBuilder::Body byLanes,
                                  KernelBuilder::Body ofLanes, KernelBuilder &b) {
  auto [tokens, count, size] = groups;
  int64_t lanes = std::gcd(size, chip.target->schedule(*chip.chip, {KernelKey::Kind::Elementwise, chunk, {}}).lanes);
  Value vectors = b.expand(x, {tokens, count, size / lanes, lanes}, {{0}, {1, 2, 3}});
  AffineExpr t, h, i, l;
  bindDims(b.builder.getContext(), t, h, i, l);
  Value some = b.generic({{vectors, {t, h, i, l}}}, {b.filled({tokens, count, lanes}, start), {t, h, l}}, {i}, byLanes);
  AffineExpr r; // reduction over lanes: loops (t, h, r)
  bindDims(b.builder.getContext(), t, h, r);
  return b.generic({{some, {t, h, r}}}, {b.filled({tokens, count}, start), {t, h}}, {r}, ofLanes);
}

/// x [T, D] as [T, H, K] with K the weight's length.
Value ModelLowering::lower(llama::RmsNormOp op, KernelBuilder &b) {
  int64_t tokens = op.getType().getDimSize(0), width = op.getType().getDimSize(1);
  int64_t group = op.getWeight().getType().getDimSize(0), heads = width / group;
  SmallVector<int64_t> shape = {tokens, heads, group};
  Value input = lookup(op.getInput());
  AffineExpr t, h, i;
  bindDims(b.builder.getContext(), t, h, i);
  Value sum = acrossGroups(
      input, {tokens, heads, group}, 0.0,
      [](OpBuilder &builder, Location loc, ValueRange in) -> Value {
        Value square = arith::MulFOp::create(builder, loc, in[0], in[0]);
        return arith::AddFOp::create(builder, loc, in[1], square);
      },
      [](OpBuilder &builder, Location loc, ValueRange in) -> Value {
        return arith::AddFOp::create(builder, loc, in[1], in[0]);
      },
      b);
  double epsilon = op.getEpsilon().convertToDouble();
  Value scale = b.generic({{sum, {t, h}}}, {b.empty({tokens, heads}), {t, h}}, {},
                          [&](OpBuilder &builder, Location loc, ValueRange in) -> Value {
                            Value count = f32(builder, loc, double(group));
                            Value mean = arith::DivFOp::create(builder, loc, in[0], count);
                            Value shifted = arith::AddFOp::create(builder, loc, mean, f32(builder, loc, epsilon));
                            Value root = math::SqrtOp::create(builder, loc, shifted);
                            return arith::DivFOp::create(builder, loc, f32(builder, loc, 1.0), root);
                          });
  Value flat = destination(op, {tokens, width}, b);
  Value rows = b.expand(input, shape, {{0}, {1, 2}});
  Value result = b.generic({{rows, {t, h, i}}, {scale, {t, h}}, {lookup(op.getWeight()), {i}}},
                           {b.expand(flat, shape, {{0}, {1, 2}}), {t, h, i}}, {},
                           [](OpBuilder &builder, Location loc, ValueRange in) -> Value {
                             Value scaled = arith::MulFOp::create(builder, loc, in[0], in[1]);
                             return arith::MulFOp::create(builder, loc, scaled, in[2]);
                           });
  return b.collapse(result, {{0}, {1, 2}});
}

/// Rounded numbers, which are F32 again where nothing multiplies narrower ones.
Value ModelLowering::lower(llama::RoundOp op, KernelBuilder &b) {
  AffineExpr t, d;
  bindDims(b.builder.getContext(), t, d);
  bool narrow = !op.getNarrow().isBF16() || chip.target->multipliesBf16(*chip.chip);
  Type type = narrow ? op.getNarrow() : op.getType().getElementType();
  return b.generic({{lookup(op.getInput()), {t, d}}}, {b.empty(op.getType().getShape(), type), {t, d}}, {},
                   [&](OpBuilder &builder, Location loc, ValueRange in) -> Value {
                     Value rounded = arith::TruncFOp::create(builder, loc, op.getNarrow(), in[0]);
                     return narrow ? rounded : widen(builder, loc, rounded);
                   });
}

/// Whether every user of `op` rotates by itself.
bool ModelLowering::isFused(llama::RopeOp op) const {
  return llvm::all_of(op->getUses(), [&](OpOperand &use) {
    if (auto attention = dyn_cast<llama::AttentionOp>(use.getOwner()))
      return use.get() == attention.getQuery() && attention.getPosition() == op.getPosition();
    auto update = dyn_cast<llama::CacheUpdateOp>(use.getOwner());
    return update && update.getPosition() == op.getPosition() && areKeys(update);
  });
}

/// x [T, H * Dh] as [T, H, 2, Dh/2]; both halves are written into one destination.
/// Nothing, if attention and cache do it on their way.
Value ModelLowering::lower(llama::RopeOp op, KernelBuilder &b) {
  if (isFused(op))
    return {};
  int64_t tokens = op.getType().getDimSize(0), half = op.getTable().getType().getDimSize(2);
  int64_t heads = op.getType().getDimSize(1) / (2 * half);
  SmallVector<ReassociationIndices> split = {{0}, {1, 2, 3}};
  SmallVector<int64_t> shape = {tokens, heads, 2, half};
  Value x = b.expand(lookup(op.getInput()), shape, split);
  Value table = lookup(op.getTable()), position = lookup(op.getPosition());
  Value cosines = b.plane(table, position, 0, tokens), sines = b.plane(table, position, 1, tokens);
  Value low = b.half(x, 0), high = b.half(x, 1); // [T, H, Dh/2]
  AffineExpr t, h, i;
  bindDims(b.builder.getContext(), t, h, i);

  Value result = b.empty(shape);
  for (int64_t part : {0, 1}) {
    Value rotated = b.generic(
        {{low, {t, h, i}}, {high, {t, h, i}}, {cosines, {t, i}}, {sines, {t, i}}},
        {b.half(result, part), {t, h, i}}, {}, [&](OpBuilder &builder, Location loc, ValueRange in) -> Value {
          Value a = in[part], other = in[1 - part];
          Value kept = arith::MulFOp::create(builder, loc, a, in[2]);
          Value turned = arith::MulFOp::create(builder, loc, other, in[3]);
          return part == 0 ? arith::SubFOp::create(builder, loc, kept, turned).getResult()
                           : arith::AddFOp::create(builder, loc, kept, turned).getResult();
        });
    result = b.insertHalf(rotated, result, part);
  }
  return b.collapse(result, split);
}

/// What stands for `rows`, and the table to rotate them by if that is still to be done.
std::pair<Value, Value> ModelLowering::rotated(Value rows) {
  auto rope = rows.getDefiningOp<llama::RopeOp>();
  if (rope && isFused(rope))
    return {lookup(rope.getInput()), lookup(rope.getTable())};
  return {lookup(rows), Value()};
}

Value ModelLowering::lower(llama::AttentionOp op, KernelBuilder &b) {
  int64_t tokens = op.getType().getDimSize(0), width = op.getType().getDimSize(1);
  int64_t size = op.getKeys().getType().getDimSize(2);
  SmallVector<int64_t> shape = {tokens, width / size, size};
  auto [rows, table] = rotated(op.getQuery());
  Value query = b.expand(rows, shape, {{0}, {1, 2}});
  Value result = kernel::AttentionOp::create(
      b.builder, b.loc, query.getType(), query, lookup(op.getKeys()), lookup(op.getValues()),
      lookup(op.getPosition()), b.empty(shape), table, cacheScales.lookup(lookup(op.getKeys())),
      cacheScales.lookup(lookup(op.getValues())), /*part=*/Value(), op.getScaleAttr(), op.getWindowAttr(),
      /*parts=*/IntegerAttr());
  return b.collapse(result, {{0}, {1, 2}});
}

/// In the panels that both products come in, if they do: then all three become one kernel.
Value ModelLowering::lower(llama::SwigluOp op, KernelBuilder &b) {
  int64_t tokens = op.getType().getDimSize(0), width = op.getType().getDimSize(1);
  Value gate = lookup(op.getGate()), up = lookup(op.getUp());
  SmallVector<ReassociationIndices> split = {{0}, {1, 2}};
  bool alike = inParts(gate) && inParts(up) && inParts(gate).getType() == inParts(up).getType();
  SmallVector<int64_t> shape = {tokens, 1, width};
  if (alike)
    shape = llvm::to_vector(tensorType(inParts(gate)).getShape());
  AffineExpr t, p, r;
  bindDims(b.builder.getContext(), t, p, r);
  Value result = b.generic({{alike ? inParts(gate) : b.expand(gate, shape, split), {t, p, r}},
                            {alike ? inParts(up) : b.expand(up, shape, split), {t, p, r}}},
                           {b.empty(shape), {t, p, r}}, {},
                           [](OpBuilder &builder, Location loc, ValueRange in) -> Value {
                             Value negated = arith::NegFOp::create(builder, loc, in[0]);
                             Value power = math::ExpOp::create(builder, loc, negated);
                             Value one = f32(builder, loc, 1.0);
                             Value divisor = arith::AddFOp::create(builder, loc, one, power);
                             Value silu = arith::DivFOp::create(builder, loc, in[0], divisor);
                             return arith::MulFOp::create(builder, loc, silu, in[1]);
                           });
  return b.collapse(result, split);
}

/// In place into the residual, unless the product before it already started from there.
Value ModelLowering::lower(llama::AddOp op, KernelBuilder &b) {
  if (values.contains(op.getResult()))
    return lookup(op.getResult());
  AffineExpr t, d;
  bindDims(b.builder.getContext(), t, d);
  return b.generic({{lookup(op.getBranch()), {t, d}}}, {lookup(op.getResidual()), {t, d}}, {},
                   [](OpBuilder &builder, Location loc, ValueRange in) -> Value {
                     return arith::AddFOp::create(builder, loc, in[1], in[0]);
                   });
}

Value ModelLowering::lower(llama::CacheReadOp op, KernelBuilder &b) {
  auto get = [&](StringRef name) -> Value {
    auto state = symbols.lookup<kernel::StateOp>(name);
    return state ? kernel::GetOp::create(b.builder, b.loc, state.getTensorType(), name) : Value();
  };
  Value cache = get(op.getCache());
  if (Value scales = get(scalesName(op.getCache())))
    cacheScales[cache] = scales;
  return cache;
}

void ModelLowering::lower(llama::CacheWriteOp op, KernelBuilder &b) {
  Value cache = lookup(op.getValue());
  kernel::SetOp::create(b.builder, b.loc, op.getCache(), cache);
  if (Value scales = cacheScales.lookup(cache))
    kernel::SetOp::create(b.builder, b.loc, scalesName(op.getCache()), scales);
}

Value ModelLowering::lower(llama::CacheUpdateOp op, KernelBuilder &b) {
  Value cache = lookup(op.getCache());
  RankedTensorType type = op.getCache().getType();
  SmallVector<int64_t> shape = {op.getRows().getType().getDimSize(0), type.getDimSize(1), type.getDimSize(2)};
  auto [input, table] = rotated(op.getRows());
  Value rows = b.expand(input, shape, {{0}, {1, 2}});
  Value scales = cacheScales.lookup(cache);
  auto append = kernel::AppendOp::create(b.builder, b.loc, cache.getType(), scales ? scales.getType() : Type(), rows,
                                         lookup(op.getPosition()), cache, scales, table, areKeys(op));
  if (scales)
    cacheScales[append.getResult()] = append.getScales();
  return append.getResult();
}

/// x [T, K] appended, as values are, to a cache that forgets, of one block: [1, K / part, chunk,
/// part], from row 0 on at every step.
void ModelLowering::lower(llama::ObserveOp op, KernelBuilder &b) {
  RankedTensorType type = op.getInput().getType();
  int64_t part = divisorUpTo(type.getDimSize(1), kObservedPart);
  int64_t parts = type.getDimSize(1) / part;
  auto stateType = RankedTensorType::get({1, parts, model.getChunk(), part}, type.getElementType());
  if (auto observation = symbols.lookup<llama::ObservationOp>(op.getObservation())) {
    IntegerAttr number = observation.getNumberAttr();
    symbols.erase(observation); // makes room for the state
    state(op.getObservation(), stateType)->setAttr(kernel::kObservationAttrName, number);
  }
  Value before = kernel::GetOp::create(b.builder, b.loc, stateType, op.getObservation());
  Value rows = b.expand(lookup(op.getInput()), {type.getDimSize(0), parts, part}, {{0}, {1, 2}});
  Value zero = arith::ConstantIndexOp::create(b.builder, b.loc, 0);
  auto after = kernel::AppendOp::create(b.builder, b.loc, stateType, /*scales=*/Type(), rows, zero, before,
                                        /*scalesDestination=*/Value(), /*table=*/Value(), /*areKeys=*/false);
  kernel::SetOp::create(b.builder, b.loc, op.getObservation(), after.getResult());
}

//===----------------------------------------------------------------------===//
// Structure
//===----------------------------------------------------------------------===//

/// Weight expressions, constants and what is computed of the position stay, and what the lowering made at the
/// function's beginning. Of the model's tensors nothing else is computed.
LogicalResult ModelLowering::keep(Operation *op) {
  if (op->hasTrait<llama::WeightExpression>() || isa<func::ReturnOp>(op))
    return success();
  auto isOfModel = [](Operation *op) { return !op || isa<llama::LlamaDialect>(op->getDialect()); };
  bool takesTensors = llvm::any_of(op->getOperands(), [&](Value value) {
    return isa<TensorType>(value.getType()) && isOfModel(value.getDefiningOp());
  });
  if (isOfModel(op) || takesTensors || op->getNumRegions())
    return op->emitOpError("has no lowering to kernels");
  for (OpOperand &operand : op->getOpOperands())
    operand.set(lookup(operand.get()));
  return success();
}

LogicalResult ModelLowering::lowerOp(Operation *op) {
  KernelBuilder b(op, buffers);
  Value result;
  LogicalResult status =
      llvm::TypeSwitch<Operation *, LogicalResult>(op)
          .Case<llama::EmbedOp, llama::RmsNormOp, llama::LinearOp, llama::ScreenOp, llama::QuantizeRowsOp,
                llama::RoundOp, llama::RopeOp, llama::AttentionOp, llama::SwigluOp, llama::AddOp, llama::CacheReadOp,
                llama::CacheUpdateOp>([&](auto typed) {
            result = lower(typed, b);
            return success();
          })
          .Case([&](llama::CacheWriteOp write) {
            lower(write, b);
            return success();
          })
          .Case([&](llama::LayerOp layer) {
            // Layers alike must be so to the letter: each numbers its own buffers.
            int64_t outer = std::exchange(buffers, 0);
            quantizedRows.clear();
            layer.getInputMutable().set(lookup(layer.getInput()));
            LogicalResult done = lowerBlock(layer.getBody().front());
            buffers = outer;
            quantizedRows.clear();
            return done;
          })
          .Case([&](llama::YieldOp yield) {
            yield.getValueMutable().set(lookup(yield.getValue()));
            return success();
          })
          .Case([&](llama::ObserveOp observe) {
            lower(observe, b);
            return success();
          })
          .Default([&](Operation *other) { return keep(other); });
  if (failed(status) || isa<llama::LayerOp, llama::YieldOp>(op) || op->getDialect()->getNamespace() != "llama" ||
      op->hasTrait<llama::WeightExpression>())
    return status;
  if (result)
    values.map(op->getResult(0), result);
  replaced.push_back(op);
  return status;
}

LogicalResult ModelLowering::lowerBlock(Block &block) {
  SmallVector<Operation *> ops;
  for (Operation &op : block)
    ops.push_back(&op);
  for (Operation *op : ops)
    if (failed(lowerOp(op)))
      return failure();
  return success();
}

/// `func` takes only the index from now on, and returns nothing; that of a chunk says that it is one.
void ModelLowering::makeEntry(func::FuncOp func, Value index) {
  Block &block = func.getBody().front();
  Operation *end = block.getTerminator();
  end->eraseOperands(0, end->getNumOperands());
  for (Operation *op : llvm::reverse(replaced))
    op->erase();
  replaced.clear();
  // What they knew of is gone, and another function's values may lie where it was.
  values.clear();
  quantizedRows.clear();
  cacheScales.clear();
  block.eraseArguments([&](BlockArgument argument) { return argument != index; });
  Builder builder(module.getContext());
  func.setFunctionType(builder.getFunctionType({builder.getIndexType()}, {}));
  func.removeArgAttrsAttr();
  func.setName((kEntryPrefix + func.getName()).str());
  if (chunk && model.getChunk() > 1)
    func->setAttr(kernel::kChunkAttrName, builder.getI64IntegerAttr(model.getChunk()));
}

/// tokens [T] from the state; hidden [T, D] into its first T rows.
LogicalResult ModelLowering::lowerForward(func::FuncOp func) {
  Block &block = func.getBody().front();
  KernelBuilder b(&block.front(), buffers);
  int64_t tokens = tensorType(block.getArgument(0)).getDimSize(0);
  auto tokensType = RankedTensorType::get({model.getChunk()}, b.builder.getI32Type());
  state("tokens", tokensType);
  Value all = kernel::GetOp::create(b.builder, b.loc, tokensType, "tokens");
  values.map(block.getArgument(0), b.slice(all, {tokens}));
  if (failed(lowerIntoHidden(func, hiddenRows(b), b)))
    return failure();
  makeEntry(func, block.getArgument(1));
  return success();
}

/// hidden [T, D] from row index mod T' on, T' being a chunk's rows, which began at position index / T';
/// what becomes of it goes into the first T rows.
LogicalResult ModelLowering::lowerFinish(func::FuncOp func) {
  Block &block = func.getBody().front();
  KernelBuilder b(&block.front(), buffers);
  int64_t tokens = tensorType(block.getArgument(0)).getDimSize(0);
  BlockArgument index = block.addArgument(b.builder.getIndexType(), b.loc);
  Value chunkRows = arith::ConstantIndexOp::create(b.builder, b.loc, model.getChunk());
  Value row = arith::RemUIOp::create(b.builder, b.loc, index, chunkRows);
  Value begin = arith::DivUIOp::create(b.builder, b.loc, index, chunkRows);
  Value hidden = hiddenRows(b);
  values.map(block.getArgument(0), b.sliceFrom(hidden, row, {tokens, model.getWidth()}));
  values.map(block.getArgument(1), arith::AddIOp::create(b.builder, b.loc, begin, row).getResult());
  if (failed(lowerIntoHidden(func, hidden, b)))
    return failure();
  makeEntry(func, index);
  return success();
}

/// The state of all hidden rows [T', D].
Value ModelLowering::hiddenRows(KernelBuilder &b) {
  auto type = RankedTensorType::get({model.getChunk(), model.getWidth()}, b.builder.getF32Type());
  state("hidden", type);
  return kernel::GetOp::create(b.builder, b.loc, type, "hidden");
}

/// The body of `func`, its result [T, D] in the first T rows of `hidden`; `b` stands at its beginning.
LogicalResult ModelLowering::lowerIntoHidden(func::FuncOp func, Value hidden, KernelBuilder &b) {
  Block &block = func.getBody().front();
  Operation *end = block.getTerminator();
  resultOp = end->getOperand(0).getDefiningOp();
  resultDestination = b.slice(hidden, {tensorType(end->getOperand(0)).getDimSize(0), model.getWidth()});
  if (failed(lowerBlock(block)))
    return failure();
  KernelBuilder atEnd(end, buffers);
  Value updated = atEnd.insert(lookup(end->getOperand(0)), hidden);
  kernel::SetOp::create(atEnd.builder, atEnd.loc, "hidden", updated);
  return success();
}

/// hidden [T, D] from row `index` on; logits [T, Vp] into the first T rows. A second argument is
/// the margin [1] of those that matter.
LogicalResult ModelLowering::lowerLogits(func::FuncOp func) {
  Block &block = func.getBody().front();
  KernelBuilder b(&block.front(), buffers);
  int64_t tokens = tensorType(block.getArgument(0)).getDimSize(0);
  BlockArgument index = block.addArgument(b.builder.getIndexType(), b.loc);
  Operation *end = block.getTerminator();
  auto screen = end->getOperand(0).getDefiningOp<llama::ScreenOp>();
  if (screen && failed(checkScreen(screen)))
    return failure();
  auto head = (screen ? screen.getExact() : end->getOperand(0)).getDefiningOp<llama::LinearOp>();
  if (!head)
    return func.emitError("expects @logits to return a llama.linear, or what a llama.screen leaves of one");
  int64_t rows = panelRows(head.getWeight(), formatOf(head));
  int64_t padded = llvm::alignTo(model.getVocabulary(), rows);
  if (head.getBias() && padded != model.getVocabulary())
    return head.emitOpError("expects no bias beside a vocabulary that does not fill panels of ")
           << rows << " rows, but got one for " << model.getVocabulary();
  auto logitsType = RankedTensorType::get({model.getChunk(), padded}, b.builder.getF32Type());
  Value hidden = hiddenRows(b);
  state("logits", logitsType);
  values.map(block.getArgument(0), b.sliceFrom(hidden, index, {tokens, model.getWidth()}));
  if (block.getNumArguments() > 2) {
    auto marginType = tensorType(block.getArgument(1));
    state("margin", marginType);
    values.map(block.getArgument(1), kernel::GetOp::create(b.builder, b.loc, marginType, "margin").getResult());
  }
  Value logits = kernel::GetOp::create(b.builder, b.loc, logitsType, "logits");
  resultOp = end->getOperand(0).getDefiningOp();
  resultDestination = b.slice(logits, {tokens, padded});
  if (failed(lowerBlock(block)))
    return failure();
  KernelBuilder atEnd(end, buffers);
  Value updated = atEnd.insert(lookup(end->getOperand(0)), logits);
  kernel::SetOp::create(atEnd.builder, atEnd.loc, "logits", updated);
  makeEntry(func, index);
  return success();
}

/// Whether only products read what `op` rounds, with codes where it makes codes; a diagnostic says what else
/// does. They take it in a form of their own, and nothing else does.
static LogicalResult checkRounded(Operation *op) {
  bool toCodes = isa<llama::QuantizeRowsOp>(op);
  for (OpOperand &use : op->getUses()) {
    auto product = dyn_cast<llama::LinearOp>(use.getOwner());
    bool isInput = product && &use == &product.getInputMutable();
    if (isInput && (!toCodes || llama::codeFormat(product.getWeight())))
      continue;
    InFlightDiagnostic error = op->emitOpError("expects to be read by products ");
    error << (toCodes ? "with codes " : "") << "only, but got ";
    if (isInput)
      return error << "one with floats";
    return error << "'" << use.getOwner()->getName() << "'";
  }
  return success();
}

/// Entry function `name`, which is about to be lowered.
FailureOr<func::FuncOp> ModelLowering::entry(const Twine &name) {
  FailureOr<func::FuncOp> func = lookupEntry(module, name.str());
  if (failed(func) || failed(checkSizes(*func, model, chunk ? model.getChunk() : 1)))
    return failure();
  return func;
}

LogicalResult ModelLowering::run() {
  WalkResult rotations = module.walk([&](llama::RopeOp op) -> WalkResult {
    if (op.getLayout() == llama::RopeLayout::Half)
      return checkPositions(op, "a table", op.getTable().getType());
    return op.emitOpError("expects layout half, as llama-split-rope leaves it");
  });
  WalkResult roundings = module.walk([](Operation *op) -> WalkResult {
    return isa<llama::QuantizeRowsOp, llama::RoundOp>(op) ? checkRounded(op) : success();
  });
  if (rotations.wasInterrupted() || roundings.wasInterrupted() || failed(planCaches()))
    return failure();
  for (StringRef suffix : {"_one", "_chunk"}) {
    chunk = suffix == "_chunk";
    FailureOr<func::FuncOp> forward = entry(llama::kForwardName + suffix);
    FailureOr<func::FuncOp> logits = failed(forward) ? forward : entry(llama::kLogitsName + suffix);
    if (failed(logits) || failed(lowerForward(*forward)))
      return failure();
    if (std::string finish = (llama::kFinishName + suffix).str(); module.lookupSymbol(finish)) {
      FailureOr<func::FuncOp> func = entry(finish);
      if (failed(func) || failed(lowerFinish(*func)))
        return failure();
    }
    if (failed(lowerLogits(*logits)))
      return failure();
    if (!chunk && module.lookupSymbol(llama::kScreenedName)) {
      FailureOr<func::FuncOp> func = entry(llama::kScreenedName);
      if (failed(func) || failed(lowerLogits(*func)))
        return failure();
    }
  }
  return success();
}

namespace {

struct LowerToKernels : cria::impl::LowerToKernelsBase<LowerToKernels> {
  void runOnOperation() override {
    auto model = getOperation()->getAttrOfType<llama::ModelAttr>(llama::kModelAttrName);
    if (!model) {
      getOperation().emitError("expects a '") << llama::kModelAttrName << "' attribute";
      return signalPassFailure();
    }
    FailureOr<ChipRef> chip = chipOf(getOperation());
    if (failed(chip) || failed(ModelLowering(getOperation(), model, *chip).run()))
      signalPassFailure();
  }
};

} // namespace
