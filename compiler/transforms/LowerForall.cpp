//===- LowerForall.cpp - Each thread takes its share, then all meet --------===//

#include "compiler/transforms/Accesses.h"
#include "compiler/transforms/Passes.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace cria {
#define GEN_PASS_DEF_LOWERFORALL
#include "compiler/transforms/Passes.h.inc"
} // namespace cria

using namespace cria;

namespace {

constexpr llvm::StringLiteral kBarrier = "cria_barrier"; ///< runtime/Abi.h

/// Builds the loops of one function, whose last four arguments are the rows that have a token,
/// the thread, the number of threads and the barrier.
class Shares {
public:
  explicit Shares(func::FuncOp func)
      : func(func), builder(func.getContext()), rows(func.getArguments().take_back(4)[0]),
        thread(func.getArguments().take_back(4)[1]), threads(func.getArguments().take_back(4)[2]),
        barrier(func.getArguments().take_back(4)[3]) {}

  /// Whether `func` is one whose kernels can be shared out; emits an error if it is not.
  static LogicalResult check(func::FuncOp func) {
    Type index = IndexType::get(func.getContext()), pointer = LLVM::LLVMPointerType::get(func.getContext());
    ArrayRef<Type> types = func.getArgumentTypes();
    if (types.size() < 4 || types.take_back(4) != ArrayRef<Type>{index, index, index, pointer})
      return func.emitOpError("expects arguments that end with rows, thread, threads and barrier (")
             << "index, index, index, " << pointer << "), but got " << func.getFunctionType();
    if (!func.getBody().hasOneBlock())
      return func.emitOpError("expects a body of one block, but got ") << func.getBody().getBlocks().size();
    return success();
  }

  LogicalResult run() {
    func.walk([&](kernel::LiveRowsOp op) {
      op.replaceAllUsesWith(rows);
      op.erase();
    });
    ArgumentFacts facts = argumentFacts(func);
    Accesses before(facts); // by all kernels since the last barrier
    for (Operation &op : llvm::make_early_inc_range(func.getBody().front())) {
      builder.setInsertionPoint(&op);
      if (isa<scf::ForallOp, linalg::LinalgOp, memref::CopyOp, scf::ForOp>(op)) {
        if (op.getNumResults())
          return op.emitOpError("is not part of a kernel: only one thread would have its results");
        Accesses own(facts);
        own.add(&op);
        if (before.conflictWith(own)) {
          meet(op.getLoc());
          before.clear();
        }
        before.add(own);
        auto forall = dyn_cast<scf::ForallOp>(op);
        if (!forall)
          serialize(&op);
        else if (failed(share(forall)))
          return failure();
      } else if (isa<func::CallOp, func::ReturnOp>(op)) {
        if (!before.empty())
          meet(op.getLoc());
        before.clear();
      } else if (!isMemoryEffectFree(&op)) {
        return op.emitOpError("is not part of a kernel: every thread would run it at once");
      }
    }
    return success();
  }

private:
  Value index(int64_t value) { return arith::ConstantIndexOp::create(builder, func.getLoc(), value); }

  void meet(Location loc) { func::CallOp::create(builder, loc, kBarrier, TypeRange(), barrier); }

  /// [count * thread / threads, count * (thread + 1) / threads), or all of what each thread does by itself.
  LogicalResult share(scf::ForallOp forall) {
    Location loc = forall.getLoc();
    std::optional<SmallVector<int64_t>> lower = getConstantIntValues(forall.getMixedLowerBound());
    std::optional<SmallVector<int64_t>> upper = getConstantIntValues(forall.getMixedUpperBound());
    std::optional<SmallVector<int64_t>> steps = getConstantIntValues(forall.getMixedStep());
    if (!lower || !upper || !steps || !forall.getMapping())
      return forall.emitOpError("expects static bounds and a mapping");
    if (steps->empty())
      return forall.emitOpError("expects a loop to be dealt out, but got none");
    for (int64_t step : *steps)
      if (step < 1)
        return forall.emitOpError("expects steps of 1 or more, but got ") << step;
    auto isDealtOut = llvm::IsaPred<kernel::ThreadAttr, kernel::RowsAttr>;
    if (!runsOnEachThread(forall) && !llvm::all_of(*forall.getMapping(), isDealtOut))
      return forall.emitOpError("expects dimensions that are dealt out, or that each thread goes through, but got ")
             << *forall.getMapping();
    // Of a chunk's rows, as many tiles as hold a token.
    SmallVector<Value> counts;
    Value total;
    for (auto [from, to, step, mapping] : llvm::zip_equal(*lower, *upper, *steps, forall.getMapping().value())) {
      int64_t count = to > from ? llvm::divideCeil(to - from, step) : 0;
      bool some = isa<kernel::RowsAttr>(mapping);
      counts.push_back(some ? tilesOfRows(loc, step) : index(count));
      total = total ? arith::MulIOp::create(builder, loc, total, counts.back()) : counts.back();
    }
    Value begin = index(0), end = total;
    if (!runsOnEachThread(forall)) {
      begin = arith::DivUIOp::create(builder, loc, arith::MulIOp::create(builder, loc, total, thread), threads);
      Value next = arith::AddIOp::create(builder, loc, thread, index(1));
      end = arith::DivUIOp::create(builder, loc, arith::MulIOp::create(builder, loc, total, next), threads);
    }
    auto loop = scf::ForOp::create(builder, loc, begin, end, index(1));
    {
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(loop.getBody());
      SmallVector<Value> places = delinearize(loc, loop.getInductionVar(), counts, *lower, *steps);
      Block *body = forall.getBody();
      body->getTerminator()->erase();
      loop.getBody()->getTerminator()->erase();
      builder.setInsertionPointToEnd(loop.getBody());
      for (auto [old, place] : llvm::zip_equal(forall.getInductionVars(), places))
        old.replaceAllUsesWith(place);
      loop.getBody()->getOperations().splice(loop.getBody()->end(), body->getOperations());
      scf::YieldOp::create(builder, loc);
    }
    forall.erase();
    return success();
  }

  /// How many tiles of `height` rows hold a token.
  Value tilesOfRows(Location loc, int64_t height) {
    Value last = arith::AddIOp::create(builder, loc, rows, index(height - 1));
    return arith::DivUIOp::create(builder, loc, last, index(height));
  }

  SmallVector<Value> delinearize(Location loc, Value number, ArrayRef<Value> counts, ArrayRef<int64_t> lower,
                                 ArrayRef<int64_t> steps) {
    SmallVector<Value> places(counts.size());
    for (int64_t dim = counts.size() - 1; dim >= 0; --dim) {
      Value here = number;
      if (dim > 0) {
        here = arith::RemUIOp::create(builder, loc, number, counts[dim]);
        number = arith::DivUIOp::create(builder, loc, number, counts[dim]);
      }
      here = arith::MulIOp::create(builder, loc, here, index(steps[dim]));
      places[dim] = arith::AddIOp::create(builder, loc, here, index(lower[dim]));
    }
    return places;
  }

  /// What is not dealt out, the first thread does alone.
  void serialize(Operation *op) {
    Location loc = op->getLoc();
    Value first = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, thread, index(0));
    auto alone = scf::IfOp::create(builder, loc, first, /*withElseRegion=*/false);
    op->moveBefore(alone.thenBlock()->getTerminator());
  }

  func::FuncOp func;
  OpBuilder builder;
  Value rows, thread, threads, barrier;
};

struct LowerForall : cria::impl::LowerForallBase<LowerForall> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<func::FuncOp> funcs(module.getOps<func::FuncOp>());
    OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
    auto type = builder.getFunctionType(LLVM::LLVMPointerType::get(&getContext()), {});
    func::FuncOp::create(builder, module.getLoc(), kBarrier, type).setPrivate();
    for (func::FuncOp func : funcs)
      if (!func.isDeclaration() && (failed(Shares::check(func)) || failed(Shares(func).run())))
        return signalPassFailure();
  }
};

} // namespace
