//===- VectorizeMergeParts.cpp - Parts of attention merged -----------------===//
//
// With m_s, d_s [W] and o_s [Dh] the maximum, sums by lanes and weighted values of part s
// (see VectorizeAttention.cpp), and w_s = 2^(m_s - max m), a head's result is
// (sum of w_s o_s) / (sum of w_s d_s). Maxima come W times each, as a vector.
//
//===----------------------------------------------------------------------===//

#include "compiler/transforms/AttentionParts.h"
#include "compiler/transforms/KernelBuilder.h"
#include "compiler/transforms/Passes.h"
#include "compiler/transforms/VectorBuilder.h"
#include "targets/Target.h"

#include <numeric>

using namespace mlir;

namespace cria {
#define GEN_PASS_DEF_VECTORIZEMERGEPARTS
#include "compiler/transforms/Passes.h.inc"
} // namespace cria

using namespace cria;

namespace {

class Merge : VectorBuilder {
public:
  Merge(kernel::MergePartsOp op, const Schedule &schedule, RewriterBase &rewriter)
      : VectorBuilder(rewriter, op.getLoc()), op(op), schedule(schedule) {
    auto parts = cast<RankedTensorType>(op.getParts().getType());
    auto result = cast<RankedTensorType>(op.getType());
    count = parts.getDimSize(0);
    heads = result.getDimSize(1);
    size = result.getDimSize(2);
    lanes = (parts.getDimSize(2) - size) / 2;
    laneType = VectorType::get({lanes}, b.getF32Type());
    columnType = VectorType::get({std::gcd(size, lanes)}, b.getF32Type());
  }

  /// Replaces the op.
  void build() {
    b.setInsertionPoint(op);
    zero = index(0);
    AttentionParts parts(b, loc, op.getPosition(), op.getWindow(), schedule.block * lanes, count);
    Value active = parts.active(b, loc);
    Value result = loop(index(heads), op.getDestination(), [&](Value head, ValueRange inner) {
      return SmallVector<Value>{merge(head, parts, active, inner[0])};
    })[0];
    b.replaceOp(op, result);
  }

private:
  Value read(VectorType type, Value part, Value head, int64_t column) {
    return VectorBuilder::read(type, op.getParts(), {part, head, index(column)});
  }

  /// A loop from 0 to `end` that carries `values`.
  SmallVector<Value> loop(Value end, ValueRange values,
                          llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) {
    return VectorBuilder::loop(zero, end, 1, values, body);
  }

  Value maximumOf(Value part, Value head) { return read(laneType, part, head, size + lanes); }

  /// `result` [1, H, Dh] with head number `head`.
  Value merge(Value head, const AttentionParts &parts, Value active, Value result) {
    Value start = maximumOf(parts.number(b, loc, zero, active), head);
    Value maximum = loop(active, start, [&](Value which, ValueRange inner) {
      Value own = maximumOf(parts.number(b, loc, which, active), head);
      Value greater = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, own, inner[0]);
      return SmallVector<Value>{arith::SelectOp::create(b, loc, greater, own, inner[0])};
    })[0];

    int64_t width = columnType.getDimSize(0), columns = size / width;
    Value none = arith::ConstantOp::create(b, loc, b.getZeroAttr(columnType));
    SmallVector<Value> sums(columns, none); // of values, then of weights
    sums.push_back(arith::ConstantOp::create(b, loc, b.getZeroAttr(laneType)));
    sums = loop(active, sums, [&](Value which, ValueRange before) {
      SmallVector<Value> next;
      Value part = parts.number(b, loc, which, active);
      Value weight = math::Exp2Op::create(b, loc, arith::SubFOp::create(b, loc, maximumOf(part, head), maximum));
      Value factor = weight;
      if (columnType != laneType)
        factor = vector::BroadcastOp::create(b, loc, columnType, vector::ExtractOp::create(b, loc, weight, int64_t(0)));
      for (int64_t i = 0; i < columns; ++i)
        next.push_back(vector::FMAOp::create(b, loc, read(columnType, part, head, i * width), factor, before[i]));
      next.push_back(vector::FMAOp::create(b, loc, read(laneType, part, head, size), weight, before[columns]));
      return next;
    });
    // A tree over the lanes, as without parts.
    Value sum = vector::ReductionOp::create(b, loc, vector::CombiningKind::ADD, sums[columns],
                                            arith::FastMathFlags::reassoc);
    Value divisor = vector::BroadcastOp::create(b, loc, columnType, sum);
    for (int64_t i = 0; i < columns; ++i)
      result = write(arith::DivFOp::create(b, loc, sums[i], divisor), result, {zero, head, index(i * width)});
    return result;
  }

  kernel::MergePartsOp op;
  Schedule schedule;
  int64_t count = 0, heads = 0;            ///< S, H
  int64_t size = 0, lanes = 0;             ///< Dh, W
  VectorType laneType, columnType;
  Value zero;
};

struct VectorizeMergeParts : cria::impl::VectorizeMergePartsBase<VectorizeMergeParts> {
  void runOnOperation() override {
    FailureOr<ChipRef> chip = chipOf(getOperation()->getParentOfType<ModuleOp>());
    if (failed(chip))
      return signalPassFailure();
    Schedule schedule = chip->target->schedule(*chip->chip, {KernelKey::Kind::Attention, /*chunk=*/false, {}});
    IRRewriter rewriter(&getContext());
    for (auto op : collect<kernel::MergePartsOp>(getOperation())) {
      if (failed(requireStatic(op)))
        return signalPassFailure();
      Merge(op, schedule, rewriter).build();
    }
  }
};

} // namespace
