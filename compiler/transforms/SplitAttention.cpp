//===- SplitAttention.cpp - The context of a single token in parts ---------===//

#include "compiler/transforms/Passes.h"
#include "compiler/transforms/VectorBuilder.h"
#include "targets/Target.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace cria {
#define GEN_PASS_DEF_SPLITATTENTION
#include "compiler/transforms/Passes.h.inc"
} // namespace cria

using namespace cria;

namespace {

struct SplitAttention : cria::impl::SplitAttentionBase<SplitAttention> {
  using SplitAttentionBase::SplitAttentionBase;

  void runOnOperation() override {
    FailureOr<ChipRef> chip = chipOf(getOperation());
    if (failed(chip))
      return signalPassFailure();
    Schedule schedule = chip->target->schedule(*chip->chip, {KernelKey::Kind::Attention, /*chunk=*/false, {}});
    for (auto op : collect<kernel::AttentionOp>(getOperation())) {
      int64_t parts = partsOf(op, schedule);
      if (parts > 1)
        split(op, parts, schedule.lanes);
    }
  }

private:
  /// As many as make `pieces` of the key/value heads, but a step of blocks for each.
  int64_t partsOf(kernel::AttentionOp op, const Schedule &schedule) {
    auto query = cast<RankedTensorType>(op.getQuery().getType());
    auto keys = cast<RankedTensorType>(op.getKeys().getType()); // [P, Hkv, Dh, L]
    if (query.getDimSize(0) != 1 || op.getPart() || keys.getDimSize(0) * keys.getDimSize(3) < positions)
      return 1;
    int64_t steps = keys.getDimSize(0) * keys.getDimSize(3) / (schedule.block * schedule.lanes);
    return std::min<int64_t>(llvm::divideCeil(pieces, keys.getDimSize(1)), steps);
  }

  void split(kernel::AttentionOp op, int64_t parts, int64_t lanes) {
    OpBuilder b(op);
    Location loc = op.getLoc();
    auto query = cast<RankedTensorType>(op.getQuery().getType());
    auto type = RankedTensorType::get({parts, query.getDimSize(1), query.getDimSize(2) + 2 * lanes}, b.getF32Type());
    Value found = emptyBuffer(b, loc, type.getShape(), type.getElementType(), buffers++);
    Value first = arith::ConstantIndexOp::create(b, loc, 0);
    auto attention = kernel::AttentionOp::create(b, loc, type, op.getQuery(), op.getKeys(), op.getValues(),
                                                 op.getPosition(), found, op.getTable(), op.getKeyScales(),
                                                 op.getValueScales(), first, op.getScaleAttr(), op.getWindowAttr(),
                                                 b.getI64IntegerAttr(parts));
    Value merged = kernel::MergePartsOp::create(b, loc, op.getType(), attention.getResult(), op.getPosition(),
                                                op.getDestination(), op.getWindowAttr());
    op.replaceAllUsesWith(merged);
    op.erase();
  }

  int64_t buffers = 0;
};

} // namespace
