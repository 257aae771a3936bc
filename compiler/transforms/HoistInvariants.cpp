//===- HoistInvariants.cpp - Sums stay in registers over a loop ------------===//

#include "compiler/transforms/Passes.h"

#include "mlir/Transforms/LoopInvariantCodeMotionUtils.h"

using namespace mlir;

namespace cria {
#define GEN_PASS_DEF_HOISTINVARIANTS
#include "compiler/transforms/Passes.h.inc"
} // namespace cria

namespace {

struct HoistInvariants : cria::impl::HoistInvariantsBase<HoistInvariants> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    // Post-order: what leaves an inner loop may leave the outer one, too.
    getOperation().walk([&](scf::ForOp loop) {
      moveLoopInvariantCode(loop);
      (void)hoistLoopInvariantSubsets(rewriter, loop);
    });
  }
};

} // namespace
