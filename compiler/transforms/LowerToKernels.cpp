//===- LowerToKernels.cpp - The model as linalg and kernel ops -------------===//
//
// A walk over each entry function in program order: every llama op is replaced
// by its kernel form, and `values` remembers what stands for what. Shapes are
// written with the dialects' letters; R is the panel height of a packed matrix
// [P, K, R] or, of BF16 in pairs of columns, [P, K / 2, R, 2]; L the vector length.
//
//===----------------------------------------------------------------------===//

#include "compiler/transforms/Passes.h"
#include "compiler/transforms/KernelBuilder.h"
#include "dialects/llama/Quantization.h"
#include "targets/Target.h"

#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

#include <numeric>

using namespace mlir;

namespace cria {
#define GEN_PASS_DEF_LOWERTOKERNELS
#include "compiler/transforms/Passes.h.inc"
} // namespace cria

using namespace cria;

namespace {

RankedTensorType tensorType(Value value) { return cast<RankedTensorType>(value.getType()); }

/// Numbers of a vector that is observed which a thread copies at once, at most.
constexpr int64_t kObservedPart = 256;

/// Lowers one module. State is created on the way, in the order of first use.
class Lowering {
public:
  Lowering(ModuleOp module, llama::ModelAttr model, ChipRef chip)
      : module(module), model(model), chip(chip), symbols(module),
        stateBuilder(OpBuilder::atBlockBegin(module.getBody())) {}

  LogicalResult run();

private:
  /// Of codes that meet codes; none for floats.
  using Format = std::optional<llama::Format>;
  static Format formatOf(llama::LinearOp op) {
    return op.getInput().getDefiningOp<llama::QuantizeRowsOp>() ? llama::codeFormat(op.getWeight()) : std::nullopt;
  }

  // Structure.
  LogicalResult lowerForward(func::FuncOp func);
  LogicalResult lowerLogits(func::FuncOp func);
  LogicalResult lowerBlock(Block &block);
  LogicalResult lowerOp(Operation *op);
  void makeEntry(func::FuncOp func, Value index);

  // Ops; each returns what stands for the op's result.
  Value lower(llama::EmbedOp op, KernelBuilder &b);
  Value lower(llama::RmsNormOp op, KernelBuilder &b);
  Value lower(llama::LinearOp op, KernelBuilder &b);
  /// What reads it takes codes and scales; the numbers themselves stay.
  Value lower(llama::QuantizeRowsOp op, KernelBuilder &) { return lookup(op.getInput()); }
  Value lower(llama::RoundOp op, KernelBuilder &b);
  Value lower(llama::RopeOp op, KernelBuilder &b);
  Value lower(llama::AttentionOp op, KernelBuilder &b);
  Value lower(llama::SwigluOp op, KernelBuilder &b);
  Value lower(llama::AddOp op, KernelBuilder &b);
  Value lower(llama::CacheReadOp op, KernelBuilder &b);
  Value lower(llama::CacheUpdateOp op, KernelBuilder &b);

  void lower(llama::CacheWriteOp op, KernelBuilder &b);
  void lower(llama::ObserveOp op, KernelBuilder &b);

  std::pair<Value, Value> rotated(Value rows);

  // Matrices.
  int64_t panelRows(Value weight, Format format) const;
  int64_t columnsBeside(llama::LinearOp op) const;
  int64_t isAlsoMatrix(Value table);
  Value packed(Value weight, Format format, int64_t columns, KernelBuilder &b);
  /// Rows [T, K] in groups, the last one filled up with zeros: codes [T, G, 32], scales
  /// [T, G], sums of 32 codes [T, G] or of 16 [T, 2 * G].
  struct QuantizedRows {
    Value codes, scales, sums;
  };
  int64_t sumsPerGroup(llama::LinearOp op) const;
  QuantizedRows quantizeRows(Value x, int64_t sumsPerGroup, KernelBuilder &b);
  Value filledUp(Value x, int64_t width, KernelBuilder &b);
  /// What x [T, P * R] was before its parts were joined: [T, P, R]; null if it was not.
  static Value inParts(Value x) {
    auto joined = x.getDefiningOp<tensor::CollapseShapeOp>();
    return joined && joined.getSrcType().getRank() == 3 ? joined.getSrc() : Value();
  }
  Value multiply(llama::LinearOp op, Value x, Value panels, Value init, KernelBuilder &b);

  // State.
  kernel::StateOp state(StringRef name, RankedTensorType type);
  void planCaches();
  static std::string scalesName(StringRef cache) { return (cache + ".scales").str(); }
  Value destination(Operation *op, ArrayRef<int64_t> shape, KernelBuilder &b);

  llama::FormatAttr formatAttr(llama::Format format) {
    return llama::FormatAttr::get(module.getContext(), format);
  }
  Value lookup(Value value) const { return values.lookupOrDefault(value); }

  ModuleOp module;
  llama::ModelAttr model;
  ChipRef chip;
  SymbolTable symbols;
  OpBuilder stateBuilder;
  IRMapping values;
  llvm::DenseMap<Value, QuantizedRows> quantizedRows; ///< each input once, however many matrices it meets
  SmallVector<Operation *> replaced; ///< old ops, in program order
  struct CacheTypes {
    RankedTensorType elements, scales; ///< scales: of codes, else null
  };
  llvm::StringMap<CacheTypes> cacheTypes; ///< by symbol: how the state holds a cache
  llvm::DenseMap<Value, Value> cacheScales; ///< of the codes of a cache
  int64_t stateBytes = 0;
  int64_t buffers = 0; ///< numbers for uninitialized tensors, see KernelBuilder
  bool chunk = false; ///< the function being lowered is the chunk's
  /// Where the op that makes the entry function's result must leave it.
  Operation *resultOp = nullptr;
  Value resultDestination; ///< [T, D] or [T, Vp]
};

} // namespace

//===----------------------------------------------------------------------===//
// State
//===----------------------------------------------------------------------===//

/// The state called `name`, made at its first use.
kernel::StateOp Lowering::state(StringRef name, RankedTensorType type) {
  if (auto existing = symbols.lookup<kernel::StateOp>(name))
    return existing;
  auto op = kernel::StateOp::create(stateBuilder, module.getLoc(), name, stateBytes, type);
  symbols.insert(op);
  int64_t bytes = type.getNumElements() * llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  stateBytes += llvm::alignTo(bytes, 64);
  return op;
}

/// [C, Hkv, Dh] becomes keys [Hkv, P, Dh, L] or values [Hkv, P * L, Dh], where
/// P * L is C rounded up to what attention takes at once; if they are codes, with scales
/// [Hkv, P, Dh/32, L]. Attention says which cache holds keys. The symbols of the model's
/// caches make room for those of the state.
void Lowering::planCaches() {
  llvm::StringSet<> keys;
  module.walk([&](llama::AttentionOp op) {
    Value cache = op.getKeys();
    while (auto update = cache.getDefiningOp<llama::CacheUpdateOp>())
      cache = update.getCache();
    if (auto read = cache.getDefiningOp<llama::CacheReadOp>())
      keys.insert(read.getCache());
  });
  Schedule one = chip.target->schedule(*chip.chip, {KernelKey::Kind::Attention, false, {}});
  Schedule many = chip.target->schedule(*chip.chip, {KernelKey::Kind::Attention, true, {}});
  assert(one.lanes == many.lanes && "one cache serves both steps");
  int64_t lanes = one.lanes, together = std::lcm(one.block, many.block);
  for (auto cache : llvm::make_early_inc_range(module.getOps<llama::CacheOp>())) {
    RankedTensorType type = cache.getTensorType();
    int64_t context = type.getDimSize(0), heads = type.getDimSize(1), size = type.getDimSize(2);
    int64_t blocks = llvm::alignTo(llvm::divideCeil(context, lanes), together);
    SmallVector<int64_t> shape = {heads, blocks * lanes, size};
    if (keys.contains(cache.getSymName()))
      shape = {heads, blocks, size, lanes};
    bool coded = isa<llama::Q8Type>(type.getElementType());
    Type element = coded ? Type(stateBuilder.getI8Type()) : type.getElementType();
    cacheTypes[cache.getSymName()] = {RankedTensorType::get(shape, element), {}};
    if (coded)
      cacheTypes[cache.getSymName()].scales =
          RankedTensorType::get({heads, blocks, size / llama::kGroup, lanes}, stateBuilder.getBF16Type());
    symbols.erase(cache);
  }
}

/// An uninitialized destination [shape], or the entry's result if `op` makes it.
Value Lowering::destination(Operation *op, ArrayRef<int64_t> shape, KernelBuilder &b) {
  return op == resultOp ? resultDestination : b.empty(shape);
}

//===----------------------------------------------------------------------===//
// Matrices
//===----------------------------------------------------------------------===//

int64_t Lowering::panelRows(Value weight, Format format) const {
  auto kind = format ? KernelKey::Kind::BlockMatmul : KernelKey::Kind::Matmul;
  return chip.target->schedule(*chip.chip, {kind, chunk, tensorType(weight).getElementType()}).panelRows;
}

/// Columns of a row that lie beside each other in a panel of `op`'s matrix: pairs
/// where BF16 meets BF16.
int64_t Lowering::columnsBeside(llama::LinearOp op) const {
  auto round = op.getInput().getDefiningOp<llama::RoundOp>();
  RankedTensorType type = tensorType(op.getWeight());
  return round && round.getNarrow().isBF16() && type.getElementType().isBF16() && type.getDimSize(1) % 2 == 0 ? 2 : 1;
}

/// Whether the source of an embedding table is multiplied by as floats, too: then it
/// lies in the artifact once, as panels, with so many columns beside each other.
int64_t Lowering::isAlsoMatrix(Value table) {
  auto sourceOf = [](Value weight) -> StringRef {
    while (auto cast = weight.getDefiningOp<llama::CastOp>())
      weight = cast.getInput();
    auto leaf = weight.getDefiningOp<llama::WeightOp>();
    return leaf ? leaf.getSource() : StringRef();
  };
  StringRef source = sourceOf(table);
  int64_t columns = 0;
  if (source.empty())
    return columns;
  module.walk([&](llama::PackOp op) {
    if (sourceOf(op.getInput()) == source)
      columns = op.getColumns();
  });
  module.walk([&](llama::LinearOp op) {
    if (!formatOf(op) && sourceOf(op.getWeight()) == source)
      columns = columnsBeside(op);
  });
  return columns;
}

Value Lowering::packed(Value weight, Format format, int64_t columns, KernelBuilder &b) {
  int64_t rows = panelRows(weight, format);
  if (!format)
    return llama::PackOp::create(b.builder, b.loc, weight, rows, columns);
  RankedTensorType type = tensorType(weight);
  SmallVector<int64_t> shape = {int64_t(llvm::divideCeil(type.getDimSize(0), rows)),
                                int64_t(llvm::divideCeil(type.getDimSize(1), traits(*format).block)),
                                llama::BlockLayout(*format, rows).bytes};
  return llama::PackBlocksOp::create(b.builder, b.loc, RankedTensorType::get(shape, b.builder.getI8Type()), weight,
                                     b.builder.getI64IntegerAttr(rows), formatAttr(*format));
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

/// Rows of the table, gathered. tokens [T]; table [V, D] or panels. A table of codes is
/// stored as a quantized matrix is, so that a tied one serves both.
Value Lowering::lower(llama::EmbedOp op, KernelBuilder &b) {
  Value tokens = lookup(op.getTokens()), table = lookup(op.getTable());
  if (int64_t columns = isAlsoMatrix(op.getTable())) {
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

/// Sums of squares by lanes, then across lanes: the order is part of the IR.
/// x [T, D] as [T, H, K] or [T, H, K/L, L] with K the weight's length.
Value Lowering::lower(llama::RmsNormOp op, KernelBuilder &b) {
  int64_t tokens = op.getType().getDimSize(0), width = op.getType().getDimSize(1);
  int64_t group = op.getWeight().getType().getDimSize(0), heads = width / group;
  int64_t lanes = std::gcd(group, chip.target->schedule(*chip.chip, {KernelKey::Kind::Elementwise, chunk, {}}).lanes);
  SmallVector<int64_t> shape = {tokens, heads, group};
  Value input = lookup(op.getInput());
  Value x = b.expand(input, {tokens, heads, group / lanes, lanes}, {{0}, {1, 2, 3}});
  AffineExpr t, h, i, l;
  bindDims(b.builder.getContext(), t, h, i, l);

  Value squares = b.generic({{x, {t, h, i, l}}}, {b.zeros({tokens, heads, lanes}), {t, h, l}}, {i},
                            [](OpBuilder &builder, Location loc, ValueRange in) -> Value {
                              Value square = arith::MulFOp::create(builder, loc, in[0], in[0]);
                              return arith::AddFOp::create(builder, loc, in[1], square);
                            });
  AffineExpr r; // reduction over lanes: loops (t, h, r)
  bindDims(b.builder.getContext(), t, h, r);
  Value sum = b.generic({{squares, {t, h, r}}}, {b.zeros({tokens, heads}), {t, h}}, {r},
                        [](OpBuilder &builder, Location loc, ValueRange in) -> Value {
                          return arith::AddFOp::create(builder, loc, in[1], in[0]);
                        });
  double epsilon = op.getEpsilon().convertToDouble();
  Value scale = b.generic({{sum, {t, h}}}, {b.empty({tokens, heads}), {t, h}}, {},
                          [&](OpBuilder &builder, Location loc, ValueRange in) -> Value {
                            Value count = f32(builder, loc, double(group));
                            Value mean = arith::DivFOp::create(builder, loc, in[0], count);
                            Value shifted = arith::AddFOp::create(builder, loc, mean, f32(builder, loc, epsilon));
                            Value root = math::SqrtOp::create(builder, loc, shifted);
                            return arith::DivFOp::create(builder, loc, f32(builder, loc, 1.0), root);
                          });
  bindDims(b.builder.getContext(), t, h, i);
  Value flat = destination(op, {tokens, width}, b);
  Value result = b.generic({{b.expand(input, shape, {{0}, {1, 2}}), {t, h, i}}, {scale, {t, h}}, {lookup(op.getWeight()), {i}}},
                           {b.expand(flat, shape, {{0}, {1, 2}}), {t, h, i}}, {},
                           [](OpBuilder &builder, Location loc, ValueRange in) -> Value {
                             Value scaled = arith::MulFOp::create(builder, loc, in[0], in[1]);
                             return arith::MulFOp::create(builder, loc, scaled, in[2]);
                           });
  return b.collapse(result, {{0}, {1, 2}});
}

/// The sums that `op` and all other products of its input's codes can take: of 16 codes
/// if one of their matrices has groups of 16.
int64_t Lowering::sumsPerGroup(llama::LinearOp op) const {
  Value x = op.getInput().getDefiningOp<llama::QuantizeRowsOp>().getInput();
  int64_t columns = llama::kGroup;
  for (Operation *rows : x.getUsers())
    if (isa<llama::QuantizeRowsOp>(rows))
      for (Operation *user : rows->getUsers())
        if (auto product = dyn_cast<llama::LinearOp>(user))
          if (Format format = formatOf(product))
            columns = std::min<int64_t>(columns, traits(*format).group);
  return llama::kGroup / columns;
}

/// x [T, K] as [T, 1, `width`], zero beyond K.
Value Lowering::filledUp(Value x, int64_t width, KernelBuilder &b) {
  int64_t tokens = tensorType(x).getDimSize(0), columns = tensorType(x).getDimSize(1);
  AffineExpr t, p, k;
  bindDims(b.builder.getContext(), t, p, k);
  return b.generic({}, {b.empty({tokens, 1, width}), {t, p, k}}, {},
                   [&](OpBuilder &builder, Location loc, ValueRange) -> Value {
                     Value row = linalg::IndexOp::create(builder, loc, 0), column = linalg::IndexOp::create(builder, loc, 2);
                     Value end = arith::ConstantIndexOp::create(builder, loc, columns);
                     Value isThere = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ult, column, end);
                     Value last = arith::ConstantIndexOp::create(builder, loc, columns - 1);
                     Value place = arith::SelectOp::create(builder, loc, isThere, column, last);
                     Value number = tensor::ExtractOp::create(builder, loc, x, ValueRange{row, place});
                     return arith::SelectOp::create(builder, loc, isThere, number, f32(builder, loc, 0.0));
                   });
}

/// In the shape that x was computed in, if that is one of parts: then both become one kernel.
Lowering::QuantizedRows Lowering::quantizeRows(Value x, int64_t sumsPerGroup, KernelBuilder &b) {
  QuantizedRows &rows = quantizedRows[x];
  if (rows.codes)
    return rows;
  int64_t tokens = tensorType(x).getDimSize(0), columns = tensorType(x).getDimSize(1);
  int64_t groups = llvm::divideCeil(columns, llama::kGroup);
  Value parts = inParts(x);
  int64_t width = parts ? tensorType(parts).getDimSize(2) : 0;
  if (columns % llama::kGroup)
    parts = filledUp(x, groups * llama::kGroup, b);
  else if (!width || (llama::kGroup % width && width % llama::kGroup))
    parts = b.expand(x, {tokens, 1, columns}, {{0}, {1, 2}});
  Value codes = b.empty({tokens, groups, llama::kGroup}, b.builder.getI8Type());
  Value scales = b.empty({tokens, groups}), sums = b.empty({tokens, groups * sumsPerGroup}, b.builder.getI32Type());
  auto op = kernel::QuantizeRowsOp::create(b.builder, b.loc, TypeRange{codes.getType(), scales.getType(), sums.getType()},
                                           parts, codes, scales, sums);
  rows = {op.getCodes(), op.getScales(), op.getSums()};
  return rows;
}

Value Lowering::lower(llama::RoundOp op, KernelBuilder &b) {
  AffineExpr t, d;
  bindDims(b.builder.getContext(), t, d);
  return b.generic({{lookup(op.getInput()), {t, d}}}, {b.empty(op.getType().getShape(), op.getNarrow()), {t, d}}, {},
                   [&](OpBuilder &builder, Location loc, ValueRange in) -> Value {
                     return arith::TruncFOp::create(builder, loc, op.getNarrow(), in[0]);
                   });
}

/// init [T, P, R] plus the product of x [T, K] and the matrix of `op` in `panels`: F32 sums of
/// floats, or of exact sums of codes if the matrix is quantized.
Value Lowering::multiply(llama::LinearOp op, Value x, Value panels, Value init, KernelBuilder &b) {
  if (Format format = formatOf(op)) {
    QuantizedRows rows = quantizeRows(x, sumsPerGroup(op), b);
    return kernel::BlockMatmulOp::create(b.builder, b.loc, init.getType(), rows.codes, rows.scales, rows.sums, panels,
                                         init, formatAttr(*format));
  }
  AffineExpr t, p, k, r, c;
  bindDims(b.builder.getContext(), t, p, k, r, c);
  auto body = [](OpBuilder &builder, Location loc, ValueRange in) -> Value {
    Value input = widen(builder, loc, in[0]), weight = widen(builder, loc, in[1]);
    Value term = arith::MulFOp::create(builder, loc, input, weight);
    return arith::AddFOp::create(builder, loc, in[2], term);
  };
  RankedTensorType type = tensorType(panels);
  if (type.getRank() == 3)
    return b.generic({{x, {t, k}}, {panels, {p, k, r}}}, {init, {t, p, r}}, {k}, body);
  Value grouped = b.expand(x, {tensorType(x).getDimSize(0), type.getDimSize(1), type.getDimSize(3)}, {{0}, {1, 2}});
  return b.generic({{grouped, {t, k, c}}, {panels, {p, k, r, c}}}, {init, {t, p, r}}, {k, c}, body);
}

/// y [T, P, R] += x [T, K] * panels [P, K, R]. The sums start from the bias, from
/// the residual that the result is added to, or from zero.
Value Lowering::lower(llama::LinearOp op, KernelBuilder &b) {
  Value x = lookup(op.getInput());
  int64_t tokens = op.getType().getDimSize(0), rows = op.getType().getDimSize(1);
  Format format = formatOf(op);
  Value panels = packed(lookup(op.getWeight()), format, columnsBeside(op), b);
  int64_t count = tensorType(panels).getDimSize(0), height = panelRows(op.getWeight(), format);
  bool whole = rows == count * height;
  SmallVector<int64_t> shape = {tokens, count, height};
  SmallVector<ReassociationIndices> flatten = {{0}, {1, 2}};
  AffineExpr t, n;
  bindDims(b.builder.getContext(), t, n);

  auto add = op->hasOneUse() ? dyn_cast<llama::AddOp>(*op->user_begin()) : llama::AddOp();
  bool intoResidual = add && add.getBranch() == op.getResult() && whole && !op.getBias();
  bool fromBias = op.getBias() && whole;
  Value init;
  if (intoResidual) {
    init = b.expand(lookup(add.getResidual()), shape, flatten);
  } else {
    Value flat = destination(op, {tokens, count * height}, b);
    init = b.expand(flat, shape, flatten);
    if (fromBias) {
      AffineExpr bt, bp, br;
      bindDims(b.builder.getContext(), bt, bp, br);
      Value bias = b.expand(lookup(op.getBias()), {count, height}, {{0, 1}});
      init = b.generic({{bias, {bp, br}}}, {init, {bt, bp, br}}, {},
                       [](OpBuilder &, Location, ValueRange in) -> Value { return in[0]; });
    } else {
      init = linalg::FillOp::create(b.builder, b.loc, f32(b.builder, b.loc, 0.0), init).getResult(0);
    }
  }
  Value result = b.collapse(multiply(op, x, panels, init, b), flatten); // [T, P * R]
  if (op == resultOp)
    return result;
  if (!whole)
    result = b.slice(result, {tokens, rows});
  if (intoResidual)
    values.map(add.getResult(), result);
  if (op.getBias() && !fromBias) {
    result = b.generic({{lookup(op.getBias()), {n}}}, {result, {t, n}}, {},
                       [](OpBuilder &builder, Location loc, ValueRange in) -> Value {
                         return arith::AddFOp::create(builder, loc, in[1], in[0]);
                       });
  }
  return result;
}

/// Whether an attention takes the updated cache as its keys.
static bool areKeys(llama::CacheUpdateOp op) {
  return llvm::any_of(op->getUsers(), [&](Operation *user) {
    auto attention = dyn_cast<llama::AttentionOp>(user);
    return attention && attention.getKeys() == op.getResult();
  });
}

/// Whether every user of `op` rotates by itself.
static bool isFused(llama::RopeOp op) {
  return llvm::all_of(op->getUses(), [&](OpOperand &use) {
    if (auto attention = dyn_cast<llama::AttentionOp>(use.getOwner()))
      return use.get() == attention.getQuery() && attention.getPosition() == op.getPosition();
    auto update = dyn_cast<llama::CacheUpdateOp>(use.getOwner());
    return update && update.getPosition() == op.getPosition() && areKeys(update);
  });
}

/// x [T, H * Dh] as [T, H, 2, Dh/2]; both halves are written into one destination.
/// Nothing, if attention and cache do it on their way.
Value Lowering::lower(llama::RopeOp op, KernelBuilder &b) {
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
std::pair<Value, Value> Lowering::rotated(Value rows) {
  auto rope = rows.getDefiningOp<llama::RopeOp>();
  if (rope && isFused(rope))
    return {lookup(rope.getInput()), lookup(rope.getTable())};
  return {lookup(rows), Value()};
}

Value Lowering::lower(llama::AttentionOp op, KernelBuilder &b) {
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
Value Lowering::lower(llama::SwigluOp op, KernelBuilder &b) {
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
Value Lowering::lower(llama::AddOp op, KernelBuilder &b) {
  if (values.contains(op.getResult()))
    return lookup(op.getResult());
  AffineExpr t, d;
  bindDims(b.builder.getContext(), t, d);
  return b.generic({{lookup(op.getBranch()), {t, d}}}, {lookup(op.getResidual()), {t, d}}, {},
                   [](OpBuilder &builder, Location loc, ValueRange in) -> Value {
                     return arith::AddFOp::create(builder, loc, in[1], in[0]);
                   });
}

Value Lowering::lower(llama::CacheReadOp op, KernelBuilder &b) {
  CacheTypes types = cacheTypes.lookup(op.getCache());
  state(op.getCache(), types.elements);
  Value cache = kernel::GetOp::create(b.builder, b.loc, types.elements, op.getCache());
  if (types.scales) {
    std::string name = scalesName(op.getCache());
    state(name, types.scales);
    cacheScales[cache] = kernel::GetOp::create(b.builder, b.loc, types.scales, name);
  }
  return cache;
}

void Lowering::lower(llama::CacheWriteOp op, KernelBuilder &b) {
  Value cache = lookup(op.getValue());
  kernel::SetOp::create(b.builder, b.loc, op.getCache(), cache);
  if (Value scales = cacheScales.lookup(cache))
    kernel::SetOp::create(b.builder, b.loc, scalesName(op.getCache()), scales);
}

Value Lowering::lower(llama::CacheUpdateOp op, KernelBuilder &b) {
  Value cache = lookup(op.getCache());
  RankedTensorType type = op.getCache().getType();
  SmallVector<int64_t> shape = {op.getRows().getType().getDimSize(0), type.getDimSize(1), type.getDimSize(2)};
  auto [input, table] = rotated(op.getRows());
  Value rows = b.expand(input, shape, {{0}, {1, 2}});
  Value scales = cacheScales.lookup(cache);
  auto append = kernel::AppendOp::create(b.builder, b.loc, cache.getType(), scales ? scales.getType() : Type(), rows,
                                         lookup(op.getPosition()), cache, scales, table);
  if (scales)
    cacheScales[append.getResult()] = append.getScales();
  return append.getResult();
}

/// x [T, K] appended, as values are, to a cache that forgets: [K / L, chunk, L], from
/// row 0 on at every step.
void Lowering::lower(llama::ObserveOp op, KernelBuilder &b) {
  RankedTensorType type = op.getInput().getType();
  int64_t part = kObservedPart;
  while (type.getDimSize(1) % part)
    --part;
  int64_t parts = type.getDimSize(1) / part;
  auto stateType = RankedTensorType::get({parts, model.getChunk(), part}, type.getElementType());
  if (auto observation = symbols.lookup<llama::ObservationOp>(op.getObservation())) {
    IntegerAttr number = observation.getNumberAttr();
    symbols.erase(observation); // makes room for the state
    state(op.getObservation(), stateType)->setAttr(kernel::kObservationAttrName, number);
  }
  Value before = kernel::GetOp::create(b.builder, b.loc, stateType, op.getObservation());
  Value rows = b.expand(lookup(op.getInput()), {type.getDimSize(0), parts, part}, {{0}, {1, 2}});
  Value zero = arith::ConstantIndexOp::create(b.builder, b.loc, 0);
  auto after = kernel::AppendOp::create(b.builder, b.loc, stateType, /*scales=*/Type(), rows, zero, before,
                                        /*scalesDestination=*/Value(), /*table=*/Value());
  kernel::SetOp::create(b.builder, b.loc, op.getObservation(), after.getResult());
}

//===----------------------------------------------------------------------===//
// Structure
//===----------------------------------------------------------------------===//

LogicalResult Lowering::lowerOp(Operation *op) {
  KernelBuilder b(op, buffers);
  Value result;
  LogicalResult status =
      llvm::TypeSwitch<Operation *, LogicalResult>(op)
          .Case<llama::EmbedOp, llama::RmsNormOp, llama::LinearOp, llama::QuantizeRowsOp, llama::RoundOp,
                llama::RopeOp, llama::AttentionOp, llama::SwigluOp, llama::AddOp, llama::CacheReadOp, llama::CacheUpdateOp>([&](auto typed) {
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
          // Weight expressions and constants stay as they are.
          .Default([](Operation *) { return success(); });
  if (isa<llama::LayerOp, llama::YieldOp>(op) || op->getDialect()->getNamespace() != "llama" ||
      op->hasTrait<llama::WeightExpression>())
    return status;
  if (result)
    values.map(op->getResult(0), result);
  replaced.push_back(op);
  return status;
}

LogicalResult Lowering::lowerBlock(Block &block) {
  SmallVector<Operation *> ops;
  for (Operation &op : block)
    ops.push_back(&op);
  for (Operation *op : ops)
    if (failed(lowerOp(op)))
      return failure();
  return success();
}

/// `func` takes only the index from now on, and returns nothing.
void Lowering::makeEntry(func::FuncOp func, Value index) {
  Block &block = func.getBody().front();
  Operation *end = block.getTerminator();
  end->eraseOperands(0, end->getNumOperands());
  for (Operation *op : llvm::reverse(replaced))
    op->erase();
  replaced.clear();
  block.eraseArguments([&](BlockArgument argument) { return argument != index; });
  Builder builder(module.getContext());
  func.setFunctionType(builder.getFunctionType({builder.getIndexType()}, {}));
  func.removeArgAttrsAttr();
  func.setName((kEntryPrefix + func.getName()).str());
}

/// tokens [T] from the state; hidden [T, D] into its first T rows.
LogicalResult Lowering::lowerForward(func::FuncOp func) {
  Block &block = func.getBody().front();
  KernelBuilder b(&block.front(), buffers);
  int64_t tokens = tensorType(block.getArgument(0)).getDimSize(0);
  auto tokensType = RankedTensorType::get({model.getChunk()}, b.builder.getI32Type());
  auto hiddenType = RankedTensorType::get({model.getChunk(), model.getWidth()}, b.builder.getF32Type());
  state("tokens", tokensType);
  state("hidden", hiddenType);
  Value all = kernel::GetOp::create(b.builder, b.loc, tokensType, "tokens");
  values.map(block.getArgument(0), b.slice(all, {tokens}));
  Value hidden = kernel::GetOp::create(b.builder, b.loc, hiddenType, "hidden");
  Operation *end = block.getTerminator();
  resultOp = end->getOperand(0).getDefiningOp();
  resultDestination = b.slice(hidden, {tokens, model.getWidth()});
  if (failed(lowerBlock(block)))
    return failure();
  KernelBuilder atEnd(end, buffers);
  Value updated = atEnd.insert(lookup(end->getOperand(0)), hidden);
  kernel::SetOp::create(atEnd.builder, atEnd.loc, "hidden", updated);
  makeEntry(func, block.getArgument(1));
  return success();
}

/// hidden [T, D] from row `index` on; logits [T, Vp] into the first T rows.
LogicalResult Lowering::lowerLogits(func::FuncOp func) {
  Block &block = func.getBody().front();
  KernelBuilder b(&block.front(), buffers);
  int64_t tokens = tensorType(block.getArgument(0)).getDimSize(0);
  BlockArgument index = block.addArgument(b.builder.getIndexType(), b.loc);
  Operation *end = block.getTerminator();
  auto head = end->getOperand(0).getDefiningOp<llama::LinearOp>();
  if (!head)
    return func.emitError("expects @logits to return a llama.linear");
  int64_t rows = panelRows(head.getWeight(), formatOf(head));
  int64_t padded = llvm::alignTo(model.getVocabulary(), rows);
  auto hiddenType = RankedTensorType::get({model.getChunk(), model.getWidth()}, b.builder.getF32Type());
  auto logitsType = RankedTensorType::get({model.getChunk(), padded}, b.builder.getF32Type());
  state("hidden", hiddenType);
  state("logits", logitsType);
  Value hidden = kernel::GetOp::create(b.builder, b.loc, hiddenType, "hidden");
  values.map(block.getArgument(0), b.sliceFrom(hidden, index, {tokens, model.getWidth()}));
  Value logits = kernel::GetOp::create(b.builder, b.loc, logitsType, "logits");
  resultOp = head;
  resultDestination = b.slice(logits, {tokens, padded});
  if (failed(lowerBlock(block)))
    return failure();
  KernelBuilder atEnd(end, buffers);
  Value updated = atEnd.insert(lookup(head.getResult()), logits);
  kernel::SetOp::create(atEnd.builder, atEnd.loc, "logits", updated);
  makeEntry(func, index);
  return success();
}

LogicalResult Lowering::run() {
  planCaches();
  for (StringRef suffix : {"_one", "_chunk"}) {
    chunk = suffix == "_chunk";
    auto forward = module.lookupSymbol<func::FuncOp>((llama::kForwardName + suffix).str());
    auto logits = module.lookupSymbol<func::FuncOp>((llama::kLogitsName + suffix).str());
    if (!forward || !logits)
      return module.emitError("expects functions @forward") << suffix << " and @logits" << suffix;
    if (failed(lowerForward(forward)) || failed(lowerLogits(logits)))
      return failure();
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
    if (failed(chip) || failed(Lowering(getOperation(), model, *chip).run()))
      signalPassFailure();
  }
};

} // namespace
