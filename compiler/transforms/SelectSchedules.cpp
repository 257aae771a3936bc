//===- SelectSchedules.cpp - Ask the target how each kernel is cut ---------===//

#include "compiler/transforms/KernelBuilder.h"
#include "compiler/transforms/Passes.h"
#include "dialects/llama/Quantization.h"
#include "targets/Target.h"

#include "mlir/Interfaces/TilingInterface.h"

using namespace mlir;

namespace cria {
#define GEN_PASS_DEF_SELECTSCHEDULES
#include "compiler/transforms/Passes.h.inc"
} // namespace cria

using namespace cria;

namespace {

using Numbers = SmallVector<int64_t>;

/// What a `kernel.schedule` says.
struct Choice {
  Numbers threads, tiles;
  int64_t streams = 1;
};

struct SelectSchedules : cria::impl::SelectSchedulesBase<SelectSchedules> {
  void runOnOperation() override {
    FailureOr<ChipRef> found = chipOf(getOperation());
    if (failed(found))
      return signalPassFailure();
    chip = *found;
    getOperation().walk([&](func::FuncOp func) {
      SmallVector<TilingInterface> ops;
      func.walk([&](TilingInterface op) { ops.push_back(op); });
      for (TilingInterface op : llvm::reverse(ops)) // consumers first
        if (!fusesIntoConsumer(op))
          select(op);
    });
  }

private:
  void select(TilingInterface op) {
    Choice choice;
    if (auto generic = dyn_cast<linalg::GenericOp>(op.getOperation()))
      choice = selectGeneric(generic);
    else if (auto attention = dyn_cast<kernel::AttentionOp>(op.getOperation()))
      choice = selectAttention(attention);
    else if (auto matmul = dyn_cast<kernel::BlockMatmulOp>(op.getOperation()))
      choice = selectBlockMatmul(matmul);
    else if (auto rows = dyn_cast<kernel::QuantizeRowsOp>(op.getOperation()))
      choice = selectQuantizeRows(rows);
    else if (auto gather = dyn_cast<kernel::BlockGatherOp>(op.getOperation()))
      choice = selectBlockGather(gather);
    else if (isa<kernel::AppendOp, kernel::MergePartsOp>(op))
      choice = {{1}, {0}};
    else
      return; // fills and the like go with their consumer, or stay as they are
    if (llvm::all_of(choice.threads, [](int64_t size) { return size == 0; }))
      return; // without a parallel loop one thread does it
    auto array = [&](ArrayRef<int64_t> numbers) { return DenseI64ArrayAttr::get(&getContext(), numbers); };
    op->setAttr(kernel::kScheduleAttrName, kernel::ScheduleAttr::get(&getContext(), array(choice.threads),
                                                                     array(choice.tiles), choice.streams));
  }

  /// Heads of one group, which share keys and values, and as many tokens as fill up
  /// the rows of a tile.
  Choice selectAttention(kernel::AttentionOp op) {
    auto query = cast<RankedTensorType>(op.getQuery().getType());
    int64_t tokens = query.getDimSize(0);
    int64_t group = query.getDimSize(1) / cast<RankedTensorType>(op.getKeys().getType()).getDimSize(1);
    int64_t rows =
        chip.target->schedule(*chip.chip, {KernelKey::Kind::Attention, tokens > 1, {}}).opRows;
    int64_t heads = divisorUpTo(group, rows);
    return {{heads, op.getPart() ? 1 : divisorUpTo(tokens, rows / heads)}, {0, 0}};
  }

  /// The product that makes x [T, P, R], directly or under ops on the same loops, of which a panel's
  /// rows may be reduced, with nobody else to see what is in between; null if there is none.
  static Operation *productBehind(Value x) {
    Operation *op = x.getDefiningOp();
    if (!op || !op->hasOneUse())
      return nullptr;
    if (isProduct(op))
      return op;
    auto generic = dyn_cast<linalg::GenericOp>(op);
    return generic ? productBehindInputs(generic) : nullptr;
  }

  static Operation *productBehindInputs(linalg::GenericOp op) {
    SmallVector<utils::IteratorType> loops = op.getIteratorTypesArray();
    if (loops.size() != 3 || llvm::is_contained(ArrayRef(loops).drop_back(), utils::IteratorType::reduction))
      return nullptr;
    for (OpOperand *input : op.getDpsInputOperands())
      if (op.getMatchingIndexingMap(input).isIdentity())
        if (Operation *product = productBehind(input->get()))
          return product;
    return nullptr;
  }

  static bool isProduct(Operation *op) { return isa<kernel::BlockMatmulOp>(op) || matchPackedMatmul(op); }

  /// How a product with loops (t, p, …) is cut.
  struct Cut {
    int64_t panels;  ///< of a thread's tile
    int64_t rows;    ///< of the input, where one op takes only so many; else 0: the micro-kernel has its own tiles
    int64_t streams; ///< tiles of a thread at once, at most
  };

  Cut cutOf(Operation *product) {
    auto result = cast<RankedTensorType>(product->getResult(0).getType()); // [T, P, R]
    int64_t tokens = result.getDimSize(0);
    std::optional<PackedMatmul> ofFloats = matchPackedMatmul(product);
    KernelKey key = ofFloats ? keyOf(*ofFloats) : keyOf(cast<kernel::BlockMatmulOp>(product));
    Schedule schedule = chip.target->schedule(*chip.chip, key);
    int64_t panels = divisorUpTo(result.getDimSize(1), schedule.panelTile);
    if (!schedule.opRows)
      return {panels, 0, schedule.streams};
    int64_t tile = divisorUpTo(tokens, schedule.tileRows);
    return {panels, tile * divisorUpTo(tokens / tile, schedule.opRows / tile), schedule.streams};
  }

  Choice selectBlockMatmul(kernel::BlockMatmulOp op) {
    Cut cut = cutOf(op);
    int64_t panels = cast<RankedTensorType>(op.getResult().getType()).getDimSize(1);
    return {{0, cut.panels}, {cut.rows, 0}, divisorUpTo(panels / cut.panels, cut.streams)};
  }

  /// As the product behind it is cut, but in whole groups; else a row at a time, in
  /// blocks of columns.
  Choice selectQuantizeRows(kernel::QuantizeRowsOp op) {
    auto rows = cast<RankedTensorType>(op.getRows().getType()); // [T, P, R]
    int64_t parts = rows.getDimSize(1), width = rows.getDimSize(2);
    int64_t group = std::max<int64_t>(1, llama::kGroup / width); // parts
    if (Operation *product = productBehind(op.getRows())) {
      Cut cut = cutOf(product);
      int64_t panels = group * divisorUpTo(parts / group, cut.panels / group);
      return {{0, panels}, {cut.rows, 0}, divisorUpTo(parts / panels, cut.streams)};
    }
    Schedule schedule = chip.target->schedule(*chip.chip, {KernelKey::Kind::Elementwise, rows.getDimSize(0) > 1, {}});
    return {{1, group * divisorUpTo(parts / group, schedule.block / (group * width))}, {0, 0}};
  }

  /// Whole blocks of a row at a time; all of it, where its last block is not full.
  Choice selectBlockGather(kernel::BlockGatherOp op) {
    auto result = cast<RankedTensorType>(op.getResult().getType()); // [T, K]
    int64_t columns = result.getDimSize(1), block = traits(op.getFormat()).block;
    Schedule schedule = chip.target->schedule(*chip.chip, {KernelKey::Kind::Elementwise, result.getDimSize(0) > 1, {}});
    return {{1, columns % block ? columns : block * divisorUpTo(columns / block, schedule.block / block)}, {0, 0}};
  }

  /// A packed product (t, p, k, r) or (t, p, k, r, c), and what is computed from one
  /// alone, is dealt out by panels; anything else by its parallel loops: of one or two by all, the innermost in
  /// blocks, of more by the first two.
  Choice selectGeneric(linalg::GenericOp op) {
    Numbers sizes = op.getStaticLoopRanges();
    unsigned loops = sizes.size();
    Choice choice = {Numbers(loops, 0), Numbers(loops, 0)};
    if (!loops)
      return choice;
    Operation *product = isProduct(op) ? op.getOperation() : productBehindInputs(op);
    if (product) {
      Cut cut = cutOf(product);
      choice.threads[1] = cut.panels;
      choice.tiles[0] = cut.rows;
      choice.streams = divisorUpTo(sizes[1] / cut.panels, cut.streams);
      return choice;
    }
    Schedule schedule = chip.target->schedule(*chip.chip, {KernelKey::Kind::Elementwise, sizes[0] > 1, {}});
    SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
    for (unsigned loop = 0; loop < loops; ++loop)
      if (iterators[loop] == utils::IteratorType::parallel)
        choice.threads[loop] = 1;
    if (loops > 2) // [T, H, …]: whole heads
      std::fill(choice.threads.begin() + 2, choice.threads.end(), 0);
    else if (choice.threads.back()) // [T, N]: blocks of columns
      choice.threads.back() = divisorUpTo(sizes.back(), schedule.block);
    return choice;
  }

  /// Whether `op` has one consumer, scheduled already, each tile of which needs
  /// its own part of `op`: every loop dealt to the threads indexes the operand.
  bool fusesIntoConsumer(TilingInterface op) {
    if (op->getNumResults() != 1 || !op->hasOneUse())
      return false;
    OpOperand &use = *op->use_begin();
    if (isa<kernel::BlockMatmulOp>(use.getOwner())) // sums start where the fill or the bias is
      return use.getOperandNumber() == use.getOwner()->getNumOperands() - 1;
    if (isa<kernel::QuantizeRowsOp>(use.getOwner())) // a group's numbers are made where its codes are
      return use.getOperandNumber() == 0 && isa<linalg::LinalgOp, kernel::BlockMatmulOp>(op.getOperation());
    auto consumer = dyn_cast<linalg::LinalgOp>(use.getOwner());
    if (!consumer)
      return false;
    auto schedule = consumer->getAttrOfType<kernel::ScheduleAttr>(kernel::kScheduleAttrName);
    if (!schedule) // itself fused: then so is its producer
      return fusesIntoConsumer(cast<TilingInterface>(use.getOwner()));
    AffineMap map = consumer.getMatchingIndexingMap(&use);
    for (auto [loop, size] : llvm::enumerate(schedule.getThreads().asArrayRef()))
      if (size && !map.isFunctionOfDim(loop))
        return false;
    return true;
  }

  ChipRef chip;
};

} // namespace
