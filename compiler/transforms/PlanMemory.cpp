//===- PlanMemory.cpp - One static place for every buffer ------------------===//
//
// Three kinds of buffers: storage (`kernel.get`) lies in the weights or the state
// segment at the offset that its symbol says; an allocation of a function lies in
// the workspace, which all threads share; one of which each thread has its own
// (`kernel.own`), or that is made inside an `scf.forall`, in the thread's scratch.
//
// A function's frames begin where the frames of all its callers end, so callers are
// planned before what they call, and nothing may call itself. Within a frame a
// buffer lives from its allocation to its last use, in the order of the block;
// buffers whose lives do not overlap may share bytes (first fit, in that order).
// Kernels that touch the same bytes have a barrier between them (see LowerForall.cpp),
// or are one thread's, so for a buffer the order of the block is the order in time.
//
//===----------------------------------------------------------------------===//

#include "compiler/transforms/Accesses.h"
#include "compiler/transforms/Passes.h"

#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/IR/Builders.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace cria {
#define GEN_PASS_DEF_PLANMEMORY
#include "compiler/transforms/Passes.h.inc"
} // namespace cria

using namespace cria;

namespace {

constexpr int64_t kAlignment = 64; ///< bytes

/// A buffer of a frame: alive from op number `begin` to op number `end`.
struct Interval {
  memref::AllocOp alloc;
  int64_t begin, end, bytes, offset;
};

/// Bytes of a function in the workspace and in a thread's scratch: where they begin or end.
struct Frame {
  int64_t workspace = 0, scratch = 0;
};

/// The segments of `CriaEntry`, as arguments of a function.
struct Context {
  Value weights, state, workspace, scratch;
};

class Planner {
public:
  explicit Planner(ModuleOp module) : module(module), symbols(module) {}
  LogicalResult run();

private:
  LogicalResult addToOrder(func::FuncOp func);
  LogicalResult planFrame(func::FuncOp func);
  int64_t placeAllocations(Block &block, bool own, int64_t base);
  void planScratch(func::FuncOp func, int64_t base);
  void addArguments(func::FuncOp func);
  void passArguments(func::FuncOp func);
  void resolve(func::FuncOp func);
  Value view(OpBuilder &builder, Location loc, Value segment, int64_t offset, MemRefType type);

  ModuleOp module;
  SymbolTable symbols;
  llvm::SetVector<func::FuncOp> order;       ///< callees before callers
  llvm::SmallPtrSet<Operation *, 4> calling; ///< functions on the way to the one that is added
  llvm::DenseMap<Operation *, Frame> bases;
  llvm::DenseMap<Operation *, int64_t> places; ///< of allocations
  llvm::DenseMap<Operation *, Context> contexts;
  int64_t weights = 0, state = 0, workspace = 0, scratch = 0;
};

} // namespace

/// Whether a buffer's bytes can be counted, and begin with its first element.
static bool canBePlaced(MemRefType type) {
  SmallVector<int64_t> strides;
  int64_t offset;
  return type.hasStaticShape() && type.getElementType().isIntOrFloat() &&
         succeeded(type.getStridesAndOffset(strides, offset)) && offset == 0 &&
         llvm::none_of(strides, ShapedType::isDynamic);
}

/// What every function must be before its memory can be planned.
static LogicalResult check(func::FuncOp func) {
  if (func.isExternal())
    return func.emitOpError("expects a body to plan memory for, but got a declaration");
  if (!func.getBody().hasOneBlock())
    return func.emitOpError("expects a single block, but got ") << func.getBody().getBlocks().size();
  WalkResult result = func.walk([&](Operation *op) {
    auto isTensor = llvm::IsaPred<TensorType>;
    if (llvm::any_of(op->getResultTypes(), isTensor) || llvm::any_of(op->getOperandTypes(), isTensor)) {
      op->emitOpError("expects buffers, but got a tensor: bufferization comes first");
      return WalkResult::interrupt();
    }
    if (isa<func::CallOp>(op) && op->getParentOp() != func) {
      op->emitOpError("expects to stand at the top of its function, but got it in ") << op->getParentOp()->getName();
      return WalkResult::interrupt();
    }
    auto alloc = dyn_cast<memref::AllocOp>(op);
    if (alloc && !canBePlaced(alloc.getType())) {
      op->emitOpError("expects a static size, of integers or floats, but got ") << alloc.getType();
      return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

/// The last op of `block` that uses `buffer` or something derived from it.
static Operation *lastUse(Value buffer, Block *block) {
  Operation *last = buffer.getDefiningOp();
  llvm::SetVector<Value> aliases;
  aliases.insert(buffer);
  auto addResults = [&](Operation *op) {
    for (Value result : op->getResults())
      if (isa<MemRefType>(result.getType()))
        aliases.insert(result);
  };
  for (size_t i = 0; i < aliases.size(); ++i)
    for (Operation *user : aliases[i].getUsers()) {
      Operation *here = block->findAncestorOpInBlock(*user);
      if (last->isBeforeInBlock(here))
        last = here;
      addResults(user);
      if (isa<RegionBranchTerminatorOpInterface>(user)) // may leave its region
        addResults(user->getParentOp());
    }
  return last;
}

/// The op until which what `last` reads must stay. Behind a kernel that each thread runs by itself there is no
/// barrier: the next one that is dealt out may write while others still read.
static Operation *endOfLife(Operation *last) {
  if (runsOnEachThread(last))
    while (last->getNextNode() && (!isa<scf::ForallOp>(last) || runsOnEachThread(last)))
      last = last->getNextNode();
  return last;
}

/// Whether each thread has a buffer of its own.
static bool isOwn(memref::AllocOp alloc) {
  return alloc->hasAttr(kernel::kOwnAttrName) || alloc->getParentOfType<scf::ForallOp>();
}

/// Places those of a function's allocations that are the threads' own, or the others, from `base` on; returns
/// where they end.
int64_t Planner::placeAllocations(Block &block, bool own, int64_t base) {
  llvm::DenseMap<Operation *, int64_t> number;
  for (Operation &op : block)
    number[&op] = number.size();
  SmallVector<Interval> placed;
  int64_t top = 0;
  for (auto alloc : block.getOps<memref::AllocOp>()) {
    if (isOwn(alloc) != own)
      continue;
    Operation *last = lastUse(alloc, &block);
    Interval interval{alloc, number[alloc], number[own ? last : endOfLife(last)],
                      int64_t(llvm::alignTo(kernel::spanBytes(alloc.getType()), kAlignment)), 0};
    // First fit: raise the offset past every living buffer that it would overlap.
    for (bool moved = true; moved;) {
      moved = false;
      for (const Interval &other : placed)
        if (other.begin <= interval.end && interval.begin <= other.end &&
            other.offset < interval.offset + interval.bytes && interval.offset < other.offset + other.bytes) {
          interval.offset = other.offset + other.bytes;
          moved = true;
        }
    }
    placed.push_back(interval);
    places[alloc] = base + interval.offset;
    top = std::max(top, interval.offset + interval.bytes);
  }
  return base + top;
}

/// Adds `func` behind all that it calls.
LogicalResult Planner::addToOrder(func::FuncOp func) {
  calling.insert(func);
  for (auto call : func.getOps<func::CallOp>()) {
    auto callee = symbols.lookup<func::FuncOp>(call.getCallee());
    if (calling.contains(callee))
      return call.emitOpError("expects a function that does not call itself, but got ")
             << call.getCalleeAttr() << ", which leads back here";
    if (!order.contains(callee) && failed(addToOrder(callee)))
      return failure();
  }
  calling.erase(func);
  order.insert(func);
  return success();
}

LogicalResult Planner::planFrame(func::FuncOp func) {
  Block &block = func.getBody().front();
  Frame base = bases[func];
  int64_t shared = placeAllocations(block, /*own=*/false, base.workspace);
  int64_t own = placeAllocations(block, /*own=*/true, base.scratch);
  workspace = std::max(workspace, shared);
  scratch = std::max(scratch, own);
  WalkResult others = func.walk([&](memref::AllocOp alloc) {
    if (places.contains(alloc) || alloc->getParentOfType<scf::ForallOp>())
      return WalkResult::advance();
    alloc.emitOpError("expects to stand at the top of its function, or within a kernel");
    return WalkResult::interrupt();
  });
  if (others.wasInterrupted())
    return failure();
  for (auto call : block.getOps<func::CallOp>())
    if (auto callee = symbols.lookup<func::FuncOp>(call.getCallee())) {
      Frame &begin = bases[callee];
      begin = {std::max(begin.workspace, shared), std::max(begin.scratch, own)};
    }
  planScratch(func, own);
  return success();
}

/// Places the allocations of kernels from `base` on.
void Planner::planScratch(func::FuncOp func, int64_t base) {
  func.walk([&](scf::ForallOp forall) {
    int64_t top = base;
    forall.walk([&](memref::AllocOp alloc) {
      places[alloc] = top;
      top += llvm::alignTo(kernel::spanBytes(alloc.getType()), kAlignment);
      scratch = std::max(scratch, top);
    });
  });
}

/// (weights, state, workspace, scratch, own arguments…, rows, thread, threads, barrier)
void Planner::addArguments(func::FuncOp func) {
  Builder builder(func.getContext());
  Location loc = func.getLoc();
  unsigned position = 0;
  for (int64_t bytes : {weights, state, workspace, scratch})
    (void)func.insertArgument(position++, MemRefType::get({bytes}, builder.getI8Type()), {}, loc);
  Type index = builder.getIndexType();
  for (Type type : {index, index, index, Type(LLVM::LLVMPointerType::get(func.getContext()))})
    (void)func.insertArgument(func.getNumArguments(), type, {}, loc);
  contexts[func] = {func.getArgument(0), func.getArgument(1), func.getArgument(2), func.getArgument(3)};
}

void Planner::passArguments(func::FuncOp func) {
  ValueRange own = func.getArguments();
  SmallVector<func::CallOp> calls(func.getOps<func::CallOp>());
  for (func::CallOp call : calls) {
    SmallVector<Value> operands(own.take_front(4));
    llvm::append_range(operands, call.getOperands());
    llvm::append_range(operands, own.take_back(4));
    call.getOperandsMutable().assign(operands);
  }
}

/// Of a buffer with a pitch all that it spans, seen through its strides.
Value Planner::view(OpBuilder &builder, Location loc, Value segment, int64_t offset, MemRefType type) {
  Value place = arith::ConstantIndexOp::create(builder, loc, offset);
  if (type.getLayout().isIdentity())
    return memref::ViewOp::create(builder, loc, type, segment, place, ValueRange());
  int64_t elements = kernel::spanBytes(type) / llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  auto flat = MemRefType::get({elements}, type.getElementType());
  Value span = memref::ViewOp::create(builder, loc, flat, segment, place, ValueRange());
  auto [strides, shift] = type.getStridesAndOffset();
  return memref::ReinterpretCastOp::create(builder, loc, type, span, shift, type.getShape(), strides);
}

/// Storage and allocations become views; copies become loops, or go where a buffer
/// would be copied onto itself.
void Planner::resolve(func::FuncOp func) {
  Context context = contexts[func];
  llvm::StringMap<Value> storage;
  func.walk([&](kernel::GetOp get) {
    Value &buffer = storage[get.getStorage()];
    if (!buffer) {
      OpBuilder builder = OpBuilder::atBlockBegin(&func.getBody().front());
      Operation *symbol = symbols.lookup(get.getStorage());
      auto constant = dyn_cast<kernel::ConstantOp>(symbol);
      auto type = cast<MemRefType>(get.getType());
      buffer = constant ? view(builder, get.getLoc(), context.weights, constant.getOffset(), type)
                        : view(builder, get.getLoc(), context.state, cast<kernel::StateOp>(symbol).getOffset(), type);
    }
    get.replaceAllUsesWith(buffer);
    get.erase();
  });
  func.walk([&](memref::AllocOp alloc) {
    OpBuilder builder(alloc);
    Value segment = isOwn(alloc) ? context.scratch : context.workspace;
    alloc.replaceAllUsesWith(view(builder, alloc.getLoc(), segment, places[alloc], alloc.getType()));
    alloc.erase();
  });
  func.walk([](memref::CopyOp copy) {
    OpBuilder builder(copy);
    if (copy.getSource() != copy.getTarget())
      linalg::makeMemRefCopyOp(builder, copy.getLoc(), copy.getSource(), copy.getTarget());
    copy.erase();
  });
}

LogicalResult Planner::run() {
  for (auto constant : module.getOps<kernel::ConstantOp>())
    weights = std::max<int64_t>(weights, constant.getOffset() + kernel::spanBytes(constant.getTensorType()));
  for (auto op : module.getOps<kernel::StateOp>())
    state = std::max<int64_t>(state, op.getOffset() + kernel::spanBytes(op.getTensorType()));

  for (auto func : module.getOps<func::FuncOp>())
    if (failed(check(func)))
      return failure();
  for (auto func : module.getOps<func::FuncOp>())
    if (!order.contains(func) && failed(addToOrder(func)))
      return failure();
  for (func::FuncOp func : llvm::reverse(order)) // callers first
    if (failed(planFrame(func)))
      return failure();

  weights = llvm::alignTo(weights, kAlignment);
  state = llvm::alignTo(state, kAlignment);
  scratch = std::max<int64_t>(scratch, kAlignment);
  workspace = std::max<int64_t>(workspace, kAlignment);
  for (func::FuncOp func : order)
    addArguments(func);
  for (func::FuncOp func : order) {
    passArguments(func);
    resolve(func);
  }
  Builder builder(module.getContext());
  module->setAttr(kernel::kSegmentsAttrName, builder.getDictionaryAttr(
                                         {builder.getNamedAttr("weights", builder.getI64IntegerAttr(weights)),
                                          builder.getNamedAttr("state", builder.getI64IntegerAttr(state)),
                                          builder.getNamedAttr("workspace", builder.getI64IntegerAttr(workspace)),
                                          builder.getNamedAttr("scratch", builder.getI64IntegerAttr(scratch))}));
  return success();
}

namespace {

struct PlanMemory : cria::impl::PlanMemoryBase<PlanMemory> {
  void runOnOperation() override {
    if (failed(Planner(getOperation()).run()))
      signalPassFailure();
  }
};

} // namespace
