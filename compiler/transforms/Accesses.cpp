//===- Accesses.cpp - Which bytes a kernel may touch -----------------------===//

#include "compiler/transforms/Accesses.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace cria;

namespace {

/// Places of the segments among a function's arguments.
enum { kWeights, kState, kWorkspace, kScratch, kSegments };

constexpr int64_t kAll = std::numeric_limits<int64_t>::max();

/// Whether `op` sees a view as slices at a pitch, as `kernel-plan-memory` makes it: row-major, from its first byte on.
bool hasPitch(memref::ReinterpretCastOp op) {
  MemRefType type = op.getType();
  if (!op.getSource().getDefiningOp<memref::ViewOp>() || !type.hasStaticShape() || !type.getNumElements())
    return false;
  auto [strides, offset] = type.getStridesAndOffset();
  int64_t elements = 1; // behind a dimension
  for (int64_t dim = type.getRank() - 1; dim > 0; elements *= type.getDimSize(dim--))
    if (strides[dim] != elements)
      return false;
  return offset == 0 && !strides.empty() && strides[0] >= elements;
}

} // namespace

/// Follows views to a segment or another argument.
Accesses::Region Accesses::regionOf(Value buffer, bool written) {
  int64_t begin = 0, end = kAll, pitch = 0, slice = 0;
  while (Operation *op = buffer.getDefiningOp()) {
    if (auto view = dyn_cast<memref::ViewOp>(op)) {
      std::optional<int64_t> shift = getConstantIntValue(view.getByteShift());
      if (!shift || !view.getType().hasStaticShape() || end != kAll)
        return {nullptr, 0, kAll, written};
      begin = *shift;
      end = begin + kernel::spanBytes(view.getType());
      buffer = view.getSource();
    } else if (auto strided = dyn_cast<memref::ReinterpretCastOp>(op); strided && hasPitch(strided)) {
      MemRefType type = strided.getType();
      int64_t elementBytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
      pitch = type.getStridesAndOffset().first.front() * elementBytes;
      slice = type.getNumElements() / type.getDimSize(0) * elementBytes;
      buffer = strided.getSource();
    } else if (auto view = dyn_cast<ViewLikeOpInterface>(op)) {
      buffer = view.getViewSource();
    } else {
      return {nullptr, 0, kAll, written};
    }
  }
  auto argument = cast<BlockArgument>(buffer);
  if (!isa<func::FuncOp>(argument.getOwner()->getParentOp()))
    return {nullptr, 0, kAll, written};
  return {argument, begin, end, written, pitch, slice};
}

void Accesses::add(const Region &region) {
  if (region.base && facts.segments &&
      (region.base.getArgNumber() == kScratch || (region.base.getArgNumber() == kWeights && !region.written)))
    return;
  regions.push_back(region);
}

void cria::forEachAccess(Operation *root, llvm::function_ref<void(Value, bool)> visit) {
  root->walk([&](Operation *op) {
    auto interface = dyn_cast<MemoryEffectOpInterface>(op);
    if (isa<memref::PrefetchOp>(op) || isMemoryEffectFree(op) ||
        (!interface && op->hasTrait<OpTrait::HasRecursiveMemoryEffects>()))
      return;
    if (!interface)
      return visit(nullptr, /*written=*/true);
    SmallVector<MemoryEffects::EffectInstance> effects;
    interface.getEffects(effects);
    for (const MemoryEffects::EffectInstance &effect : effects) {
      Value buffer = effect.getValue();
      visit(buffer && isa<MemRefType>(buffer.getType()) ? buffer : nullptr,
            !isa<MemoryEffects::Read>(effect.getEffect()));
    }
  });
}

bool cria::runsOnEachThread(Operation *op) {
  auto forall = dyn_cast<scf::ForallOp>(op);
  return forall && forall.getMapping() && llvm::all_of(*forall.getMapping(), llvm::IsaPred<kernel::EachAttr>);
}

void Accesses::add(Operation *root) {
  forEachAccess(root, [&](Value buffer, bool written) {
    add(buffer ? regionOf(buffer, written) : Region{nullptr, 0, kAll, written});
  });
}

bool Accesses::overlap(const Region &a, const Region &b) const {
  if (!a.base || !b.base)
    return true;
  if (a.base == b.base) {
    const auto &[first, second] = std::minmax(a, b, [](const Region &x, const Region &y) { return x.begin < y.begin; });
    int64_t apart = second.begin - first.begin;
    if (first.pitch && first.pitch == second.pitch && first.slice <= apart && apart + second.slice <= first.pitch)
      return false; // side by side all along
    return a.begin < b.end && b.begin < a.end;
  }
  if (!facts.segments)
    return true;
  unsigned low = std::min(a.base.getArgNumber(), b.base.getArgNumber()),
           high = std::max(a.base.getArgNumber(), b.base.getArgNumber());
  if (high < kSegments) // two segments
    return false;
  // A function's workspace begins where those of its callers end.
  return low < kSegments ? low != kWorkspace : !facts.disjoint;
}

bool Accesses::conflictWith(const Accesses &other) const {
  return llvm::any_of(regions, [&](const Region &a) {
    return llvm::any_of(other.regions,
                        [&](const Region &b) { return (a.written || b.written) && overlap(a, b); });
  });
}

ArgumentFacts cria::argumentFacts(func::FuncOp func) {
  ArgumentFacts facts;
  auto isSegment = [](Type type) {
    auto memref = dyn_cast<MemRefType>(type);
    return memref && memref.getRank() == 1 && memref.getElementType().isInteger(8);
  };
  ArrayRef<Type> types = func.getArgumentTypes();
  facts.segments = types.size() > kSegments && llvm::all_of(types.take_front(kSegments), isSegment);
  if (!facts.segments || !func.isPrivate())
    return facts;
  facts.disjoint = true;
  for (auto caller : func->getParentOfType<ModuleOp>().getOps<func::FuncOp>())
    caller.walk([&](func::CallOp call) {
      if (call.getCallee() != func.getName())
        return;
      Accesses buffers(ArgumentFacts{true, false}); // weights leave themselves out
      for (Value operand : call.getOperands().drop_front(kSegments)) {
        if (!isa<MemRefType>(operand.getType()))
          continue;
        Accesses next(ArgumentFacts{true, false});
        next.add(Accesses::regionOf(operand, /*written=*/false));
        for (Accesses::Region &region : next.regions)
          region.written = true;
        facts.disjoint &= !buffers.conflictWith(next);
        buffers.add(next);
      }
    });
  return facts;
}
