//===- CastCaches.cpp - The type of the KV cache ---------------------------===//

#include "compiler/transforms/Passes.h"
#include "dialects/llama/Llama.h"

#include "llvm/ADT/StringSwitch.h"

using namespace mlir;

namespace cria {
#define GEN_PASS_DEF_CASTCACHES
#include "compiler/transforms/Passes.h.inc"
} // namespace cria

using namespace cria;

namespace {

struct CastCaches : cria::impl::CastCachesBase<CastCaches> {
  using CastCachesBase::CastCachesBase;

  void runOnOperation() override {
    Builder builder(&getContext());
    Type element = llvm::StringSwitch<Type>(type)
                       .Cases({"", "f32"}, builder.getF32Type())
                       .Case("f16", builder.getF16Type())
                       .Case("bf16", builder.getBF16Type())
                       .Case("q8", llama::Q8Type::get(&getContext()))
                       .Default(Type());
    if (!element) {
      getOperation().emitError("expects a cache type of f32, f16, bf16 or q8, but got '") << type << "'";
      return signalPassFailure();
    }
    for (auto cache : getOperation().getOps<llama::CacheOp>())
      cache.setType(cache.getTensorType().clone(element));
    // A cache's value is that of the op that it comes from, updated.
    getOperation().walk([&](Operation *op) {
      if (isa<llama::CacheReadOp, llama::CacheUpdateOp>(op))
        op->getResult(0).setType(cast<RankedTensorType>(op->getResult(0).getType()).clone(element));
    });
  }
};

} // namespace
