//===- Replicate.cpp - Small kernels that every thread runs by itself ------===//
//
// A token's norm is one iteration: one thread makes it while the others wait, and then read from
// its cache. Run by each of them it takes as long, needs no barrier behind it, and what it makes lies
// in the cache of the thread that reads it. The same goes for a kernel of few bytes, which
// takes about as long as a barrier.
//
// What is written must be the thread's own, so only kernels count that write nothing but
// allocations of the function which no other kernel writes.
//
//===----------------------------------------------------------------------===//

#include "compiler/transforms/Accesses.h"
#include "compiler/transforms/Passes.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;

namespace cria {
#define GEN_PASS_DEF_REPLICATE
#include "compiler/transforms/Passes.h.inc"
} // namespace cria

using namespace cria;

namespace {

/// A kernel that touches no more is run by every thread: about a microsecond.
constexpr int64_t kFewBytes = 32 * 1024;

/// The buffers of a function that a kernel reads and writes, its own allocations left out.
struct Buffers {
  llvm::SmallSetVector<Value, 8> touched, written;
  bool known = true; ///< false: it may touch others
};

/// What `buffer` is a view of.
Value rootOf(Value buffer) {
  while (auto view = buffer.getDefiningOp<ViewLikeOpInterface>())
    buffer = view.getViewSource();
  return buffer;
}

Buffers buffersOf(Operation *kernel) {
  Buffers buffers;
  forEachAccess(kernel, [&](Value buffer, bool written) {
    if (!buffer) {
      buffers.known = false;
      return;
    }
    Value root = rootOf(buffer);
    if (Operation *made = root.getDefiningOp(); made && kernel->isProperAncestor(made))
      return;
    buffers.touched.insert(root);
    if (written)
      buffers.written.insert(root);
  });
  return buffers;
}

/// Whether `forall` is small, and nothing but its mapping keeps threads from running all of it.
bool isSmall(scf::ForallOp forall, const Buffers &buffers) {
  if (!buffers.known || !forall.getMapping() ||
      !llvm::all_of(forall.getMapping().value(), llvm::IsaPred<kernel::ThreadAttr>))
    return false;
  std::optional<SmallVector<int64_t>> lower = getConstantIntValues(forall.getMixedLowerBound());
  std::optional<SmallVector<int64_t>> upper = getConstantIntValues(forall.getMixedUpperBound());
  std::optional<SmallVector<int64_t>> steps = getConstantIntValues(forall.getMixedStep());
  if (!lower || !upper || !steps)
    return false;
  bool single = true;
  for (auto [from, to, step] : llvm::zip_equal(*lower, *upper, *steps))
    single &= to - from <= step;
  int64_t bytes = 0;
  for (Value buffer : buffers.touched) {
    auto type = cast<MemRefType>(buffer.getType());
    if (!type.hasStaticShape() || !type.getElementType().isIntOrFloat())
      return false;
    bytes += kernel::spanBytes(type);
  }
  return single || bytes <= kFewBytes;
}

/// Finds the kernels of one function, and what they make.
class Finder {
public:
  explicit Finder(Block &block) {
    for (Operation &op : block) {
      Buffers buffers = buffersOf(&op);
      auto forall = dyn_cast<scf::ForallOp>(op);
      bool small = forall && isSmall(forall, buffers);
      if (small)
        kernels[forall] = buffers.written;
      if (auto alloc = dyn_cast<memref::AllocOp>(op))
        own.insert(alloc);
      else if (!small)
        share(op, buffers);
    }
  }

  /// Leaves out kernels that write what is shared: they are dealt out, too, and share all that they write.
  void run() {
    for (size_t before = kernels.size() + 1; kernels.size() < before;) {
      before = kernels.size();
      kernels.remove_if([&](const auto &kernel) {
        if (llvm::all_of(kernel.second, [&](Value buffer) { return own.contains(buffer); }))
          return false;
        for (Value buffer : kernel.second)
          own.erase(buffer);
        return true;
      });
    }
  }

  void mark() {
    for (auto &[forall, written] : kernels) {
      if (written.empty())
        continue;
      SmallVector<Attribute> mapping;
      for (int64_t dimension = 0; dimension < forall.getRank(); ++dimension)
        mapping.push_back(kernel::EachAttr::get(forall.getContext(), dimension));
      forall.setMappingAttr(ArrayAttr::get(forall.getContext(), mapping));
      for (Value buffer : written)
        buffer.getDefiningOp()->setAttr(kernel::kOwnAttrName, UnitAttr::get(forall.getContext()));
    }
  }

private:
  /// What `op` writes, or may write or hand on, is not a thread's own.
  void share(Operation &op, const Buffers &buffers) {
    for (Value buffer : buffers.written)
      own.erase(buffer);
    if (isa<ViewLikeOpInterface>(op) || (buffers.known && op.getNumResults() == 0 && !isa<func::ReturnOp>(op)))
      return;
    op.walk([&](Operation *inner) {
      for (Value operand : inner->getOperands())
        if (isa<MemRefType>(operand.getType()))
          own.erase(rootOf(operand));
    });
  }

  llvm::MapVector<scf::ForallOp, llvm::SmallSetVector<Value, 8>> kernels; ///< small ones: what each writes
  llvm::DenseSet<Value> own; ///< allocations that, for all that is known, only small kernels write
};

struct Replicate : cria::impl::ReplicateBase<Replicate> {
  void runOnOperation() override {
    if (!getOperation().getBody().hasOneBlock())
      return;
    Finder finder(getOperation().getBody().front());
    finder.run();
    finder.mark();
  }
};

} // namespace
