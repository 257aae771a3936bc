//===- VectorizeAttention.cpp - Online softmax, block by block -------------===//
//
// One row q [Dh] at position p against one key/value head. Keys lie in blocks
// [Dh, L] of L positions, so that a block's L scores are Dh vector multiply-adds
// without a sum across lanes; values lie as rows [Dh]. With scores s_j of a
// block, running maximum m, sum d and weighted values o [Dh]:
//
//   m' = max(m, max_j s_j),  r = exp(m - m'),  w_j = exp(s_j - m')
//   d' = r d + sum_j w_j,    o' = r o + sum_j w_j v_j
//
// and the result is o / d (Milakov and Gimelshein, 2018). Blocks go in order.
//
//===----------------------------------------------------------------------===//

#include "compiler/transforms/KernelBuilder.h"
#include "compiler/transforms/Passes.h"

#include <numeric>

using namespace mlir;

namespace cria {
#define GEN_PASS_DEF_VECTORIZEATTENTION
#include "compiler/transforms/Passes.h.inc"
} // namespace cria

using namespace cria;

namespace {

/// Below every score, above -infinity: differences of it stay finite.
constexpr double kLowest = -1.0e30;

class AttentionRow {
public:
  AttentionRow(kernel::AttentionOp op, RewriterBase &rewriter)
      : op(op), b(rewriter), loc(op.getLoc()) {
    auto keys = cast<RankedTensorType>(op.getKeys().getType());
    size = keys.getDimSize(2);
    lanes = keys.getDimSize(3);
    laneType = VectorType::get({lanes}, b.getF32Type());
    rowType = VectorType::get({size}, b.getF32Type());
  }

  void build() {
    b.setInsertionPoint(op);
    zero = index(0);
    Value position = op.getPosition();
    Value begin = firstBlock(position);
    Value end = arith::AddIOp::create(b, loc, arith::DivUIOp::create(b, loc, position, index(lanes)), index(1));
    SmallVector<Value> start = {f32(b, loc, kLowest), f32(b, loc, 0.0), splat(rowType, 0.0)};
    auto loop = scf::ForOp::create(b, loc, begin, end, index(1), start);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      scf::YieldOp::create(b, loc, block(loop.getInductionVar(), loop.getRegionIterArgs()));
    }
    Value divisor = vector::BroadcastOp::create(b, loc, rowType, loop.getResult(1));
    Value row = arith::DivFOp::create(b, loc, loop.getResult(2), divisor);
    Value result = vector::TransferWriteOp::create(b, loc, row, op.getDestination(), ValueRange{zero, zero, zero},
                                                   ArrayRef<bool>{true})
                       .getResult();
    b.replaceOp(op, result);
  }

private:
  Value index(int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); }
  Value splat(VectorType type, double value) {
    return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, float(value)));
  }

  /// The block of the first position that the window lets the row see.
  Value firstBlock(Value position) {
    int64_t window = op.getWindow();
    if (window == 0)
      return zero;
    Value first = arith::SubIOp::create(b, loc, position, index(window - 1));
    first = arith::MaxSIOp::create(b, loc, first, zero);
    return arith::DivUIOp::create(b, loc, first, index(lanes));
  }

  /// Scores [L] of block `number`: scale * q . k, in the order of Dh by fours.
  Value scores(Value number) {
    int64_t step = std::gcd(size, int64_t(4));
    SmallVector<Value> start(step, splat(laneType, 0.0));
    auto loop = scf::ForOp::create(b, loc, zero, index(size), index(step), start);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      SmallVector<Value> sums(loop.getRegionIterArgs());
      for (int64_t offset = 0; offset < step; ++offset) {
        Value d = arith::AddIOp::create(b, loc, loop.getInductionVar(), index(offset));
        Value q = tensor::ExtractOp::create(b, loc, op.getQuery(), ValueRange{zero, zero, d});
        Value k = vector::TransferReadOp::create(b, loc, laneType, op.getKeys(),
                                                 ValueRange{zero, number, d, zero}, std::nullopt,
                                                 ArrayRef<bool>{true});
        Value factor = vector::BroadcastOp::create(b, loc, laneType, q);
        sums[offset] = vector::FMAOp::create(b, loc, k, factor, sums[offset]);
      }
      scf::YieldOp::create(b, loc, sums);
    }
    Value sum = loop.getResult(0);
    for (Value other : loop.getResults().drop_front())
      sum = arith::AddFOp::create(b, loc, sum, other);
    return arith::MulFOp::create(b, loc, sum, splat(laneType, op.getScale().convertToDouble()));
  }

  /// Which lanes of a block that begins at position `begin` the row may see.
  Value visible(Value begin) {
    auto type = VectorType::get({lanes}, b.getIndexType());
    Value lane = vector::StepOp::create(b, loc, type);
    Value place = arith::AddIOp::create(b, loc, lane, vector::BroadcastOp::create(b, loc, type, begin));
    Value last = vector::BroadcastOp::create(b, loc, type, op.getPosition());
    Value seen = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sle, place, last);
    if (int64_t window = op.getWindow()) {
      Value before = arith::SubIOp::create(b, loc, op.getPosition(), index(window));
      Value edge = vector::BroadcastOp::create(b, loc, type, before);
      Value inside = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sgt, place, edge);
      seen = arith::AndIOp::create(b, loc, seen, inside);
    }
    return seen;
  }

  /// One step of the recurrence above. `state` is (m, d, o).
  SmallVector<Value> block(Value number, ValueRange state) {
    Value begin = arith::MulIOp::create(b, loc, number, index(lanes));
    Value seen = visible(begin);
    Value score = arith::SelectOp::create(b, loc, seen, scores(number), splat(laneType, kLowest));
    Value highest = vector::ReductionOp::create(b, loc, vector::CombiningKind::MAXNUMF, score);
    Value maximum = arith::MaxNumFOp::create(b, loc, state[0], highest);
    Value rescale = math::ExpOp::create(b, loc, arith::SubFOp::create(b, loc, state[0], maximum));
    Value shifted = arith::SubFOp::create(b, loc, score, vector::BroadcastOp::create(b, loc, laneType, maximum));
    Value power = math::ExpOp::create(b, loc, shifted);
    Value weights = arith::SelectOp::create(b, loc, seen, power, splat(laneType, 0.0));

    // A tree over the lanes, the same for every block (`reassoc` permits it).
    Value added = vector::ReductionOp::create(b, loc, vector::CombiningKind::ADD, weights,
                                              arith::FastMathFlags::reassoc);
    Value sum = arith::AddFOp::create(b, loc, arith::MulFOp::create(b, loc, state[1], rescale), added);
    Value row = arith::MulFOp::create(b, loc, state[2], vector::BroadcastOp::create(b, loc, rowType, rescale));
    for (int64_t lane = 0; lane < lanes; ++lane) {
      Value place = arith::AddIOp::create(b, loc, begin, index(lane));
      Value v = vector::TransferReadOp::create(b, loc, rowType, op.getValues(), ValueRange{zero, place, zero},
                                               std::nullopt, ArrayRef<bool>{true});
      Value weight = vector::ExtractOp::create(b, loc, weights, lane);
      row = vector::FMAOp::create(b, loc, v, vector::BroadcastOp::create(b, loc, rowType, weight), row);
    }
    return {maximum, sum, row};
  }

  kernel::AttentionOp op;
  RewriterBase &b;
  Location loc;
  int64_t size = 0, lanes = 0;
  VectorType laneType, rowType;
  Value zero;
};

struct VectorizeAttention : cria::impl::VectorizeAttentionBase<VectorizeAttention> {
  void runOnOperation() override {
    SmallVector<kernel::AttentionOp> ops;
    getOperation().walk([&](kernel::AttentionOp op) { ops.push_back(op); });
    IRRewriter rewriter(&getContext());
    for (kernel::AttentionOp op : ops) {
      auto query = cast<RankedTensorType>(op.getQuery().getType());
      if (query.getDimSize(0) != 1 || query.getDimSize(1) != 1) {
        op.emitOpError("expects a tile of one row and one head to be vectorized, but got ") << query;
        return signalPassFailure();
      }
      AttentionRow(op, rewriter).build();
    }
  }
};

} // namespace
