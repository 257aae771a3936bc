//===- LowerProducts.cpp - Products with matrices as kernels ---------------===//
//
// A product takes its matrix in panels, as floats or as codes; products of one
// input become one if they can. See ModelLowering.h for the letters of shapes.
//
//===----------------------------------------------------------------------===//

#include "compiler/transforms/ModelLowering.h"
#include "compiler/transforms/WeightExpressions.h"

#include "mlir/Transforms/RegionUtils.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace cria;

int64_t ModelLowering::panelRows(Value weight, Format format) const {
  RankedTensorType type = tensorType(weight);
  KernelKey key{KernelKey::Kind::Matmul, chunk, type.getElementType(), type.getDimSize(1)};
  if (format)
    key = {KernelKey::Kind::BlockMatmul, chunk, {}, int64_t(llvm::alignTo(key.columns, llama::kGroup)),
           traits(*format).largest()};
  return chip.target->schedule(*chip.chip, key).panelRows;
}

/// Columns of a row that lie beside each other in a panel of `op`'s matrix: pairs
/// where BF16 meets BF16.
int64_t ModelLowering::columnsBeside(llama::LinearOp op) const {
  auto round = op.getInput().getDefiningOp<llama::RoundOp>();
  RankedTensorType type = tensorType(op.getWeight());
  return round && round.getNarrow().isBF16() && type.getElementType().isBF16() && type.getDimSize(1) % 2 == 0 ? 2 : 1;
}

int64_t ModelLowering::columnsBesideIfMatrix(Value table) {
  auto floatsOf = [](Value weight) -> StringRef {
    while (auto cast = weight.getDefiningOp<llama::CastOp>())
      weight = cast.getInput();
    auto leaf = weight.getDefiningOp<llama::WeightOp>();
    return leaf ? leaf.getSource() : StringRef();
  };
  StringRef source = floatsOf(table);
  int64_t columns = 0;
  if (source.empty())
    return columns;
  module.walk([&](llama::PackOp op) {
    if (floatsOf(op.getInput()) == source)
      columns = op.getColumns();
  });
  module.walk([&](llama::LinearOp op) {
    if (!formatOf(op) && floatsOf(op.getWeight()) == source)
      columns = columnsBeside(op);
  });
  return columns;
}

Value ModelLowering::packed(Value weight, Format format, int64_t columns, KernelBuilder &b) {
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

ModelLowering::RowsKind ModelLowering::rowsKind(llama::LinearOp op) {
  bool microscaled = op.getInput().getDefiningOp<llama::QuantizeRowsOp>().getMicroscaled();
  return {microscaled, traits(*formatOf(op)).offset};
}

/// The sums that `op` and all other products of its input's codes can take: of 16 codes
/// if one of their matrices has groups of 16.
int64_t ModelLowering::sumsPerGroup(llama::LinearOp op) {
  Value x = op.getInput().getDefiningOp<llama::QuantizeRowsOp>().getInput();
  int64_t columns = llama::kGroup;
  for (Operation *rows : x.getUsers())
    if (isa<llama::QuantizeRowsOp>(rows))
      for (Operation *user : rows->getUsers())
        if (auto product = dyn_cast<llama::LinearOp>(user))
          if (Format format = formatOf(product); format && rowsKind(product) == rowsKind(op))
            columns = std::min<int64_t>(columns, traits(*format).group);
  return llama::kGroup / columns;
}

/// x [T, K] as [T, 1, `width`], zero beyond K.
Value ModelLowering::filledUp(Value x, int64_t width, KernelBuilder &b) {
  int64_t tokens = tensorType(x).getDimSize(0), columns = tensorType(x).getDimSize(1);
  AffineExpr t, p, k;
  bindDims(b.builder.getContext(), t, p, k);
  return b.generic({}, {b.empty({tokens, 1, width}), {t, p, k}}, {},
                   [&](OpBuilder &builder, Location loc, ValueRange) -> Value {
                     Value row = linalg::IndexOp::create(builder, loc, 0);
                     Value column = linalg::IndexOp::create(builder, loc, 2);
                     Value end = arith::ConstantIndexOp::create(builder, loc, columns);
                     Value isThere = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ult, column, end);
                     Value last = arith::ConstantIndexOp::create(builder, loc, columns - 1);
                     Value place = arith::SelectOp::create(builder, loc, isThere, column, last);
                     Value number = tensor::ExtractOp::create(builder, loc, x, ValueRange{row, place});
                     return arith::SelectOp::create(builder, loc, isThere, number, f32(builder, loc, 0.0));
                   });
}

/// What the matrix of `op` meets of x [T, K]: in the shape that x was computed in, if that is one
/// of parts: then both become one kernel.
ModelLowering::QuantizedRows ModelLowering::quantizeRows(llama::LinearOp op, Value x, KernelBuilder &b) {
  RowsKind kind = rowsKind(op);
  for (auto &[known, rows] : quantizedRows[x])
    if (known == kind)
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
  Value scales = b.empty({tokens, groups * (kind.microscaled ? 1 : 2)});
  Value sums = b.empty({tokens, groups * sumsPerGroup(op)});
  auto made = kernel::QuantizeRowsOp::create(b.builder, b.loc, codes.getType(), scales.getType(), sums.getType(), parts,
                                           codes, scales, sums, kind.microscaled, kind.offset);
  QuantizedRows rows = {made.getCodes(), made.getScales(), made.getSums()};
  quantizedRows[x].push_back({kind, rows});
  return rows;
}

/// init [T, P, R] plus the product of x [T, K] and the matrix of `op` in `panels`: F32 sums of
/// floats, or of exact sums of codes if the matrix is quantized.
Value ModelLowering::multiply(llama::LinearOp op, Value x, Value panels, Value init, KernelBuilder &b) {
  if (Format format = formatOf(op)) {
    QuantizedRows rows = quantizeRows(op, x, b);
    return kernel::BlockMatmulOp::create(b.builder, b.loc, init.getType(), rows.codes, rows.scales, rows.sums, panels,
                                         init, *format, rowsKind(op).microscaled);
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

/// The products of `op`'s input that can be one with it, in program order: without biases,
/// of whole panels that are stored alike, and that nothing else is computed together with.
SmallVector<llama::LinearOp> ModelLowering::joinable(llama::LinearOp op) {
  auto fits = [&](llama::LinearOp other) {
    Format format = formatOf(other);
    return other->getBlock() == op->getBlock() && other != resultOp && !other.getBias() && format == formatOf(op) &&
           other.getWeight().getType().getElementType() == op.getWeight().getType().getElementType() &&
           other.getWeight().getType().getDimSize(0) % panelRows(other.getWeight(), format) == 0 &&
           llvm::none_of(other->getUsers(), [](Operation *user) { return isa<llama::SwigluOp, llama::AddOp>(user); });
  };
  SmallVector<llama::LinearOp> all;
  if (!fits(op))
    return all;
  for (Operation *user : op.getInput().getUsers())
    if (auto other = dyn_cast<llama::LinearOp>(user); other && fits(other))
      all.push_back(other);
  llvm::sort(all, [](llama::LinearOp a, llama::LinearOp b) { return a->isBeforeInBlock(b); });
  return all;
}

/// Matrices `weights`, one below the other, and how many rows are above them: if they are the last
/// of some that were joined before (in the layer that a chunk only does the last part of), those
/// again, so that they are stored once.
std::pair<Value, int64_t> ModelLowering::joinedMatrix(ArrayRef<Value> weights, KernelBuilder &b) {
  for (llama::ConcatRowsOp known : joinedMatrices) {
    ValueRange all = known->getOperands();
    if (all.size() <= weights.size())
      continue;
    ValueRange last = all.take_back(weights.size());
    if (!llvm::all_of(llvm::zip_equal(last, weights),
                      [](auto pair) { return areEqualExpressions(std::get<0>(pair), std::get<1>(pair)); }))
      continue;
    int64_t above = 0;
    for (Value weight : all.drop_back(weights.size()))
      above += tensorType(weight).getDimSize(0);
    IRMapping map;
    return {copyExpression(known.getResult(), b.builder, map), above};
  }
  if (weights.size() == 1)
    return {};
  joinedMatrices.push_back(llama::ConcatRowsOp::create(b.builder, b.loc, weights));
  return {joinedMatrices.back().getResult(), 0};
}

/// One product with the matrices of `all`, one below the other; each has its panels of the
/// result. Fails, with nothing done, if a matrix is not known before the first product, or
/// there is only one, which is no part of others.
LogicalResult ModelLowering::multiplyTogether(ArrayRef<llama::LinearOp> all, KernelBuilder &b) {
  llama::LinearOp first = all.front();
  Format format = formatOf(first);
  SmallVector<Value> weights;
  for (llama::LinearOp op : all)
    weights.push_back(lookup(op.getWeight()));
  IRRewriter rewriter(b.builder);
  if (weights.size() > 1 && failed(moveValueDefinitions(rewriter, weights, first)))
    return failure();
  auto [weight, above] = joinedMatrix(weights, b);
  if (!weight)
    return failure();
  Value panels = packed(weight, format, columnsBeside(first), b);
  int64_t tokens = first.getType().getDimSize(0), height = panelRows(first.getWeight(), format);
  if (above) {
    SmallVector<int64_t> from(tensorType(panels).getRank()), sizes(tensorType(panels).getShape());
    from[0] = above / height;
    sizes[0] -= from[0];
    panels = b.sliceFrom(panels, from, sizes);
  }
  Value init = b.zeros({tokens, tensorType(panels).getDimSize(0), height});
  Value result = multiply(first, lookup(first.getInput()), panels, init, b);
  int64_t panel = 0;
  for (llama::LinearOp op : all) {
    int64_t count = op.getType().getDimSize(1) / height;
    Value part = b.sliceFrom(result, {0, panel, 0}, {tokens, count, height});
    values.map(op.getResult(), b.collapse(part, {{0}, {1, 2}}));
    panel += count;
  }
  return success();
}

/// y [T, P, R] += x [T, K] * panels [P, K, R]. The sums start from the bias, from
/// the residual that the result is added to, or from zero.
Value ModelLowering::lower(llama::LinearOp op, KernelBuilder &b) {
  if (values.contains(op.getResult()))
    return lookup(op.getResult());
  if (SmallVector<llama::LinearOp> all = joinable(op); !all.empty() && succeeded(multiplyTogether(all, b)))
    return lookup(op.getResult());
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
  auto isThere = [&](Value value) { // here already
    Operation *definition = value.getDefiningOp();
    return !definition || definition->getBlock() != op->getBlock() || definition->isBeforeInBlock(op);
  };
  bool intoResidual = add && add->getBlock() == op->getBlock() && add.getBranch() == op.getResult() && whole &&
                      !op.getBias() && isThere(add.getResidual());
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
