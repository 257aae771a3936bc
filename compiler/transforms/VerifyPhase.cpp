//===- VerifyPhase.cpp - Only what a phase allows is left ------------------===//

#include "compiler/transforms/Passes.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace cria {
#define GEN_PASS_DEF_VERIFYPHASE
#include "compiler/transforms/Passes.h.inc"
} // namespace cria

using namespace cria;

namespace {

struct VerifyPhase : cria::impl::VerifyPhaseBase<VerifyPhase> {
  using VerifyPhaseBase::VerifyPhaseBase;

  void runOnOperation() override {
    llvm::StringSet<> known;
    for (const std::string &dialect : allowed)
      known.insert(dialect);
    WalkResult result = getOperation().walk<WalkOrder::PreOrder>([&](Operation *op) {
      // Storage and sources are declarations; a constant's body is evaluated, not run.
      if (isa<kernel::ConstantOp, kernel::StateOp, llama::SourceOp, llama::SyntheticOp, llama::ObservationOp>(op))
        return WalkResult::skip();
      StringRef dialect = op->getName().getDialectNamespace();
      if (dialect != "builtin" && !known.contains(dialect)) {
        op->emitOpError("may not remain after phase '")
            << phase << "', which allows " << llvm::join(allowed.begin(), allowed.end(), ", ");
        return WalkResult::interrupt();
      }
      if (staticMemory && isa<memref::AllocOp, memref::AllocaOp, memref::DeallocOp>(op)) {
        op->emitOpError("may not remain after phase '") << phase << "': memory is planned statically";
        return WalkResult::interrupt();
      }
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};

} // namespace
