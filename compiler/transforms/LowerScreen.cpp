//===- LowerScreen.cpp - Which panels of a head can matter -----------------===//
//
// With w a row of the head, w' its rough copy, x what it meets, x' the codes that stand for x, and
// l and a the products w x and w' x' as kernels compute them in F32, by Cauchy and Schwarz:
//
//   |l - a| <= |w - w'| |x| + |w'| |x - x'| + g |w| |x| + h |w'| |x'|
//
// where g = (K + 1) u and h = (K / 32 + 1) u, u = 2^-24, up to terms of u^2, bound what sums of K products
// and of K / 32 exact sums round (Higham, Accuracy and Stability of Numerical Algorithms, 2002, 3.1). With
// |w'| <= |w| + |w - w'| and |x'| <= |x| + |x - x'| that is at most
//
//   |w - w'| A + |w| B      A = (1 + c) (|x| + |x - x'|)      B = c |x| + (1 + c) |x - x'|
//
// for a c = (K + K / 32 + 64) u, whose rest makes up for the rounding of norms, of A and B themselves and
// of what is compared. Norms are the largest of a panel's rows. Numbers whose squares are too small for F32
// are counted as 2^-63; where squares are too large, or something is NaN, the bound is infinite or NaN, and
// everything is computed.
//
//===----------------------------------------------------------------------===//

#include "compiler/transforms/ModelLowering.h"

using namespace mlir;
using namespace cria;

/// Whether the op means what its lowering takes for granted; a diagnostic says what not.
LogicalResult ModelLowering::checkScreen(llama::ScreenOp op) {
  auto exact = op.getExact().getDefiningOp<llama::LinearOp>();
  auto rough = op.getApproximation().getDefiningOp<llama::LinearOp>();
  auto rows = rough ? rough.getInput().getDefiningOp<llama::QuantizeRowsOp>() : llama::QuantizeRowsOp();
  auto codes = rough ? rough.getWeight().getDefiningOp<llama::QuantizeOp>() : llama::QuantizeOp();
  if (!exact || exact.getBias() || formatOf(exact))
    return op.emitOpError("expects the exact numbers to be a product with floats, without a bias");
  if (op.getType().getDimSize(0) != 1)
    return op.emitOpError("expects a single row, but got ") << op.getType();
  Value input = exact.getInput();
  if (auto round = input.getDefiningOp<llama::RoundOp>())
    input = round.getInput();
  if (!rows || rows.getMicroscaled() || rows.getInput() != input || !codes || codes.getInput() != exact.getWeight() ||
      traits(codes.getFormat()).minimums || rough.getBias() || exact.getInput().getType().getDimSize(1) % llama::kGroup)
    return op.emitOpError("expects an approximation by quantized copies, without microscales and minimums, of the "
                          "same row and matrix, of whole groups of ")
           << llama::kGroup << " columns";
  return success();
}

/// [T, P, R] of a product whose rows were joined to [T, N], and cut where its last panel is not full.
Value ModelLowering::panelsOf(Value product) {
  Value rows = lookup(product);
  if (auto cut = rows.getDefiningOp<tensor::ExtractSliceOp>())
    rows = cut.getSource();
  return inParts(rows);
}

/// A and B, [1, 1] each, of x [1, K].
std::pair<Value, Value> ModelLowering::errorFactors(llama::ScreenOp op, KernelBuilder &b) {
  auto exact = op.getExact().getDefiningOp<llama::LinearOp>();
  auto rough = op.getApproximation().getDefiningOp<llama::LinearOp>();
  auto round = exact.getInput().getDefiningOp<llama::RoundOp>();
  Value x = lookup(rough.getInput().getDefiningOp<llama::QuantizeRowsOp>().getInput()); // as F32
  int64_t columns = tensorType(x).getDimSize(1), groups = columns / llama::kGroup;
  QuantizedRows rows = quantizeRows(rough, x, b);
  AffineExpr t, g, i;
  bindDims(b.builder.getContext(), t, g, i);

  // x' is n u times its codes, and scales [1, 2 G] are 1.5 * 2^23 u and n.
  SmallVector<int64_t> grouped = {1, groups, llama::kGroup};
  SmallVector<ReassociationIndices> split = {{0}, {1, 2}};
  Value scales = b.expand(rows.scales, {1, groups, 2}, split);
  auto scale = [&](int64_t which) {
    return b.collapse(b.sliceFrom(scales, {0, 0, which}, {1, groups, 1}), {{0}, {1, 2}});
  };
  if (round) // x is what the matrix meets
    x = b.generic({{x, {t, g}}}, {b.empty({1, columns}), {t, g}}, {},
                  [&](OpBuilder &builder, Location loc, ValueRange in) -> Value {
                    return widen(builder, loc, arith::TruncFOp::create(builder, loc, round.getNarrow(), in[0]));
                  });
  Value difference = b.generic(
      {{b.expand(x, grouped, split), {t, g, i}}, {rows.codes, {t, g, i}}, {scale(0), {t, g}}, {scale(1), {t, g}}},
      {b.empty(grouped), {t, g, i}}, {}, [&](OpBuilder &builder, Location loc, ValueRange in) -> Value {
        Value unit = arith::DivFOp::create(builder, loc, in[2], f32(builder, loc, 0x1.8p23));
        Value factor = arith::MulFOp::create(builder, loc, unit, in[3]);
        Value stood = arith::MulFOp::create(builder, loc, widen(builder, loc, in[1]), factor);
        return arith::SubFOp::create(builder, loc, in[0], stood);
      });
  auto squares = [&](Value numbers) {
    return acrossGroups(
        numbers, {1, 1, columns}, 0.0,
        [](OpBuilder &builder, Location loc, ValueRange in) -> Value {
          return arith::AddFOp::create(builder, loc, in[1], arith::MulFOp::create(builder, loc, in[0], in[0]));
        },
        [](OpBuilder &builder, Location loc, ValueRange in) -> Value {
          return arith::AddFOp::create(builder, loc, in[1], in[0]);
        },
        b);
  };
  Value whole = squares(x), off = squares(b.collapse(difference, split));

  double c = double(columns + groups + 64) * 0x1p-24;
  auto factor = [&](double ofWhole, double ofOff) {
    return b.generic({{whole, {t, g}}, {off, {t, g}}}, {b.empty({1, 1}), {t, g}}, {},
                     [&](OpBuilder &builder, Location loc, ValueRange in) -> Value {
                       auto norm = [&](Value sum, double times) {
                         Value root = math::SqrtOp::create(builder, loc, sum);
                         Value least = f32(builder, loc, double(columns) * 0x1p-63);
                         Value some = arith::AddFOp::create(builder, loc, root, least);
                         return arith::MulFOp::create(builder, loc, some, f32(builder, loc, times));
                       };
                       return arith::AddFOp::create(builder, loc, norm(in[0], ofWhole), norm(in[1], ofOff));
                     });
  };
  return {factor(1 + c, 1 + c), factor(c, 1 + c)};
}

/// Of each panel of R rows, the largest approximation is off the largest number by no more than the panel's
/// bound. The best of all is not below the largest lower end, and a panel whose upper end is below that by
/// more than the margin does not matter.
Value ModelLowering::lower(llama::ScreenOp op, KernelBuilder &b) {
  Value exact = panelsOf(op.getExact()), rough = panelsOf(op.getApproximation());
  int64_t panels = tensorType(exact).getDimSize(1), height = tensorType(exact).getDimSize(2);
  assert(exact.getType() == rough.getType() && "panels of both kinds are alike");
  AffineExpr t, p, r, h, q; // loops (t, p, r) over a panel's rows, or (t, h, q), of which h does nothing
  bindDims(b.builder.getContext(), t, p, r);
  bindDims(b.builder.getContext(), t, h, q);
  auto greater = [](OpBuilder &builder, Location loc, ValueRange in) -> Value {
    return arith::MaximumFOp::create(builder, loc, in[1], in[0]);
  };
  double lowest = -std::numeric_limits<double>::infinity();
  Value most = b.generic({{rough, {t, p, r}}}, {b.filled({1, panels}, lowest), {t, p}}, {r}, greater);

  std::pair<Value, Value> factors = errorFactors(op, b);
  Value weight = lookup(op.getExact().getDefiningOp<llama::LinearOp>().getWeight());
  Value copy = lookup(op.getApproximation().getDefiningOp<llama::LinearOp>().getWeight());
  auto normsType = RankedTensorType::get({panels}, b.builder.getF32Type());
  Value norms = llama::RowNormsOp::create(b.builder, b.loc, normsType, weight, Value(), height);
  Value errors = llama::RowNormsOp::create(b.builder, b.loc, normsType, weight, copy, height);
  SmallVector<ReassociationIndices> split = {{0}, {1, 2}};
  Value middle = b.expand(most, {1, 1, panels}, split);
  auto ends = [&](bool upper) { // what a panel reaches at most, or at least
    return b.generic({{middle, {t, h, q}}, {errors, {q}}, {norms, {q}}, {factors.first, {t, h}}, {factors.second, {t, h}}},
                     {b.empty({1, 1, panels}), {t, h, q}}, {},
                     [&](OpBuilder &builder, Location loc, ValueRange in) -> Value {
                       Value first = arith::MulFOp::create(builder, loc, in[1], in[3]);
                       Value second = arith::MulFOp::create(builder, loc, in[2], in[4]);
                       Value bound = arith::AddFOp::create(builder, loc, first, second);
                       return upper ? arith::AddFOp::create(builder, loc, in[0], bound).getResult()
                                    : arith::SubFOp::create(builder, loc, in[0], bound).getResult();
                     });
  };
  Value best = acrossGroups(b.collapse(ends(false), split), {1, 1, panels}, lowest, greater, greater, b);
  Value threshold = b.generic({{best, {t, h}}, {lookup(op.getMargin()), {h}}}, {b.empty({1, 1}), {t, h}}, {},
                              [](OpBuilder &builder, Location loc, ValueRange in) -> Value {
                                return arith::SubFOp::create(builder, loc, in[0], in[1]);
                              });
  Value bounds = b.collapse(ends(true), split);
  Value screened = b.generic(
      {{exact, {t, p, r}}, {bounds, {t, p}}, {b.collapse(threshold, {{0, 1}}), {t}}},
      {b.expand(destination(op, {1, panels * height}, b), {1, panels, height}, split), {t, p, r}}, {},
      [&](OpBuilder &builder, Location loc, ValueRange in) -> Value {
        Value matters = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::UGE, in[1], in[2]);
        return arith::SelectOp::create(builder, loc, matters, in[0], f32(builder, loc, lowest));
      });
  screened.getDefiningOp()->setAttr(kernel::kScreenedAttrName, b.builder.getUnitAttr());
  return b.collapse(screened, split);
}
