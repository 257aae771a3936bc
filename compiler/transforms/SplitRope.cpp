//===- SplitRope.cpp - Rotate halves by reordering rows of weights ---------===//
//
// Another order of what queries and keys are made of changes no product of both, if it is the same
// of all queries that meet a cache and of all keys in it, and nobody else sees them.
//
//===----------------------------------------------------------------------===//

#include "compiler/transforms/Passes.h"

#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace cria {
#define GEN_PASS_DEF_SPLITROPE
#include "compiler/transforms/Passes.h.inc"
} // namespace cria

using namespace cria;

namespace {

/// What becomes of a cache [C, Hkv, Dh] in all functions of a model.
struct CacheUses {
  int64_t headSize = 0; ///< Dh
  bool areKeys = false, areValues = false;
  SmallVector<Value> rotated;     ///< queries that meet it as keys, and rows that are put into it
  Operation *reader = nullptr;    ///< one that is neither attention nor an update
  Value written;                  ///< one that is no update of the cache
};

int64_t headSizeOf(llama::RopeOp rope) { return 2 * rope.getTable().getType().getDimSize(2); }

/// "'llama.linear'", for messages.
std::string kindOf(Value value) {
  Operation *op = value.getDefiningOp();
  return op ? ("'" + op->getName().getStringRef() + "'").str() : "a block argument";
}

InFlightDiagnostic expects(llama::RopeOp rope, const Twine &what) {
  return rope.emitOpError("expects ") << what << " to be rotated by halves, but got ";
}

/// Puts `split_rope_rows` between a weight and its use.
void splitRows(OpOperand &weight, int64_t heads) {
  OpBuilder builder(weight.getOwner());
  weight.set(llama::SplitRopeRowsOp::create(builder, weight.getOwner()->getLoc(), weight.get(), heads));
}

/// Reorders what feeds `rope` so that it may rotate halves.
LogicalResult splitRope(llama::RopeOp rope) {
  int64_t headSize = headSizeOf(rope), heads = rope.getType().getDimSize(1) / headSize;
  Value feed = rope.getInput();
  if (auto norm = feed.getDefiningOp<llama::RmsNormOp>(); norm && norm->hasOneUse()) {
    int64_t group = norm.getWeight().getType().getDimSize(0);
    if (group % headSize)
      return expects(rope, "a norm of whole heads of " + Twine(headSize) + " in front of it") << "groups of " << group;
    splitRows(norm.getWeightMutable(), group / headSize);
    feed = norm.getInput();
  }
  auto linear = feed.getDefiningOp<llama::LinearOp>();
  if (!linear || !linear->hasOneUse())
    return expects(rope, "a llama.linear of its own as input") << kindOf(feed);
  splitRows(linear.getWeightMutable(), heads);
  if (linear.getBias())
    splitRows(linear->getOpOperand(2), heads);
  rope.setLayout(llama::RopeLayout::Half);
  return success();
}

struct SplitRope : cria::impl::SplitRopeBase<SplitRope> {
  void runOnOperation() override {
    SmallVector<llama::RopeOp> ropes;
    getOperation().walk([&](llama::RopeOp rope) {
      if (rope.getLayout() == llama::RopeLayout::Interleaved)
        ropes.push_back(rope);
    });
    if (ropes.empty())
      return;
    collectCaches();
    for (llama::RopeOp rope : ropes) // all, before one is another
      if (failed(checkUses(rope)))
        return signalPassFailure();
    for (llama::RopeOp rope : ropes)
      if (failed(splitRope(rope)))
        return signalPassFailure();
  }

private:
  void collectCaches() {
    caches.clear();
    getOperation().walk([&](Operation *op) {
      if (auto read = dyn_cast<llama::CacheReadOp>(op)) {
        caches[read.getCache()].headSize = read.getType().getDimSize(2);
        collectUses(read.getCache(), read);
      } else if (auto write = dyn_cast<llama::CacheWriteOp>(op)) {
        if (llama::cacheOf(write.getValue()) != write.getCache())
          caches[write.getCache()].written = write.getValue();
      }
    });
  }

  /// Of `value`, which is cache `name`, before or after updates.
  void collectUses(StringRef name, Value value) {
    CacheUses &cache = caches[name];
    for (OpOperand &use : value.getUses()) {
      Operation *user = use.getOwner();
      if (auto update = dyn_cast<llama::CacheUpdateOp>(user)) {
        cache.rotated.push_back(update.getRows());
        collectUses(name, update);
      } else if (auto attention = dyn_cast<llama::AttentionOp>(user)) {
        bool areKeys = &use == &attention.getKeysMutable();
        (areKeys ? cache.areKeys : cache.areValues) = true;
        if (areKeys)
          cache.rotated.push_back(attention.getQuery());
      } else if (auto write = dyn_cast<llama::CacheWriteOp>(user); !write || write.getCache() != name) {
        cache.reader = user;
      }
    }
  }

  /// Whether nobody minds if the numbers of each head of `rope` have another order.
  LogicalResult checkUses(llama::RopeOp rope) {
    constexpr StringLiteral kUses = "to be read as queries or put into a cache of keys alone";
    for (OpOperand &use : rope->getUses()) {
      auto attention = dyn_cast<llama::AttentionOp>(use.getOwner());
      auto update = dyn_cast<llama::CacheUpdateOp>(use.getOwner());
      if (!update && (!attention || &use != &attention.getQueryMutable()))
        return expects(rope, kUses) << "'" << use.getOwner()->getName() << "'";
      Value keys = attention ? attention.getKeys() : update.getCache();
      StringRef name = llama::cacheOf(keys);
      if (name.empty())
        return expects(rope, "keys in a cache of the model") << kindOf(keys);
      CacheUses &cache = caches[name];
      if (cache.areValues || !cache.areKeys)
        return expects(rope, kUses) << (cache.areValues ? "a cache of values" : "a cache that is not one of keys");
      if (failed(checkCache(rope, name, cache)))
        return failure();
    }
    return success();
  }

  /// Whether all queries and keys that meet in a cache get the order of `rope`.
  static LogicalResult checkCache(llama::RopeOp rope, StringRef name, const CacheUses &cache) {
    int64_t headSize = headSizeOf(rope);
    if (cache.headSize % headSize)
      return expects(rope, "heads of @" + name + " that are a multiple of its own of " + Twine(headSize))
             << cache.headSize;
    if (cache.reader)
      return expects(rope, "nothing but attention to read @" + name) << "'" << cache.reader->getName() << "'";
    if (cache.written)
      return expects(rope, "nothing but updates to change @" + name) << kindOf(cache.written);
    for (Value value : cache.rotated) {
      auto other = value.getDefiningOp<llama::RopeOp>();
      if (other && other.getLayout() == llama::RopeLayout::Interleaved && headSizeOf(other) == headSize)
        continue;
      InFlightDiagnostic error = expects(rope, "queries and keys of @" + name +
                                                   " that are all rotated interleaved, in heads of " + Twine(headSize) +
                                                   ",");
      if (!other)
        return error << kindOf(value);
      if (other.getLayout() != llama::RopeLayout::Interleaved)
        return error << "layout half";
      return error << "heads of " << headSizeOf(other);
    }
    return success();
  }

  llvm::StringMap<CacheUses> caches;
};

} // namespace
