//===- LowerDot.cpp - Dot products as the chip has them --------------------===//

#include "targets/cpu/Cpu.h"
#include "targets/x86_64/Registers.h"
#include "targets/x86_64/X86.h"

#include "dialects/kernel/Kernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include <limits>

using namespace mlir;

namespace cria::x86 {
#define GEN_PASS_DEF_LOWERDOT
#include "targets/x86_64/Passes.h.inc"
} // namespace cria::x86

using namespace cria;
using namespace cria::x86;

namespace {

bool isOfBytes(kernel::DotOp op) { return cast<VectorType>(op.getWeights().getType()).getElementType().isInteger(8); }

/// The instruction that multiplies 16-bit numbers and adds each two products, to `width` sums.
StringRef wordProducts(int64_t width) {
  return width == 16  ? "llvm.x86.avx512.pmaddw.d.512"
         : width == 8 ? "llvm.x86.avx2.pmadd.wd"
                      : "llvm.x86.sse2.pmadd.wd";
}

Value splat(OpBuilder &b, Location loc, VectorType type, int64_t value) {
  APInt number(type.getElementTypeBitWidth(), uint64_t(value));
  return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, number));
}

/// The 32-bit lanes of `op`'s weights, by registers of `width` of them. Empty if they fill none.
SmallVector<Value> weightsOf(OpBuilder &b, kernel::DotOp op, int64_t width) {
  auto sums = cast<VectorType>(op.getType());
  if (sums.getNumElements() % width)
    return {};
  Value words = vector::BitCastOp::create(b, op.getLoc(), sums.clone(b.getI32Type()), op.getWeights());
  return parts(b, op.getLoc(), words, width);
}

/// The activations of `op` in every lane of `width`, seen as `type`.
Value activationsOf(OpBuilder &b, kernel::DotOp op, int64_t width, VectorType type) {
  auto lanes = VectorType::get({width}, b.getI32Type());
  Value words = vector::BroadcastOp::create(b, op.getLoc(), lanes, op.getActivations());
  return vector::BitCastOp::create(b, op.getLoc(), type, words);
}

/// An instruction to a register: `name` of sums, weights and activations, these of type `narrow`.
LogicalResult toInstruction(PatternRewriter &b, kernel::DotOp op, StringRef name, VectorType narrow) {
  Location loc = op.getLoc();
  int64_t width = narrow.getNumElements() * narrow.getElementTypeBitWidth() / 32;
  SmallVector<Value> weights = weightsOf(b, op, width);
  if (weights.empty())
    return failure();
  SmallVector<Value> sums = parts(b, loc, op.getSums(), width);
  for (auto [sum, words] : llvm::zip(sums, weights))
    sum = intrinsic(b, loc, name, sum.getType(),
                    {sum, vector::BitCastOp::create(b, loc, narrow, words), activationsOf(b, op, width, narrow)});
  b.replaceOp(op, joined(b, op.getLoc(), sums, op.getSums()));
  return success();
}

/// One `vpdpbusd` to a register.
struct DotToVnni : OpRewritePattern<kernel::DotOp> {
  DotToVnni(MLIRContext *context, int64_t width) : OpRewritePattern(context), width(width) {}

  LogicalResult matchAndRewrite(kernel::DotOp op, PatternRewriter &b) const override {
    if (!isOfBytes(op) || op.getIsSigned())
      return failure();
    StringRef name = width == 16 ? "llvm.x86.avx512.vpdpbusd.512" : "llvm.x86.avx512.vpdpbusd.256";
    return toInstruction(b, op, name, VectorType::get({4 * width}, b.getI8Type()));
  }

private:
  int64_t width; ///< lanes of a register
};

/// Sums of pairs of products in 16 bits, by `pmaddubsw`, as long as they cannot saturate,
/// which `pmaddwd` then adds to those in 32 bits. Of signed weights it takes the magnitudes,
/// and activations with their signs.
class Pairs {
public:
  explicit Pairs(int64_t width) : width(width) {}

  /// How many sums of a pair fit into 16 bits. Of signed bytes one: 2 * 128 * 127.
  static int64_t room(kernel::DotOp op) {
    return op.getIsSigned() ? 1 : std::numeric_limits<int16_t>::max() / (2 * 128 * int64_t(op.getLargest()));
  }

  /// Whether `op` can be taken so. AVX-512 has no `psignb`.
  bool take(kernel::DotOp op) const {
    bool hasSign = !op.getIsSigned() || width <= 8;
    return isOfBytes(op) && hasSign && room(op) > 0 && cast<VectorType>(op.getType()).getNumElements() % width == 0;
  }

  /// The dot whose sums `op` adds to and that nobody else sees, if they can be taken together.
  kernel::DotOp previous(kernel::DotOp op) const {
    auto before = op.getSums().getDefiningOp<kernel::DotOp>();
    bool alike = before && before->hasOneUse() && before->getBlock() == op->getBlock() &&
                 before.getLargest() == op.getLargest() && before.getIsSigned() == op.getIsSigned();
    return alike ? before : nullptr;
  }

  kernel::DotOp next(kernel::DotOp op) const {
    auto user = op->hasOneUse() ? dyn_cast<kernel::DotOp>(*op->user_begin()) : nullptr;
    return user && previous(user) == op ? user : nullptr;
  }

  VectorType type(OpBuilder &b) const { return VectorType::get({2 * width}, b.getI16Type()); }

  /// Adds `op`'s products to the registers `pairs`, or begins them.
  void add(OpBuilder &b, kernel::DotOp op, SmallVectorImpl<Value> &pairs) const {
    Location loc = op.getLoc();
    auto bytes = VectorType::get({4 * width}, b.getI8Type());
    StringRef sign = width == 8 ? "llvm.x86.avx2.psign.b" : "llvm.x86.ssse3.psign.b.128";
    StringRef name = width == 16  ? "llvm.x86.avx512.pmaddubs.w.512"
                     : width == 8 ? "llvm.x86.avx2.pmadd.ub.sw"
                                  : "llvm.x86.ssse3.pmadd.ub.sw.128";
    Value activations = activationsOf(b, op, width, bytes);
    bool begin = pairs.empty();
    for (auto [number, words] : llvm::enumerate(weightsOf(b, op, width))) {
      Value weights = vector::BitCastOp::create(b, loc, bytes, words), factors = activations;
      if (op.getIsSigned()) {
        factors = intrinsic(b, loc, sign, bytes, {activations, weights});
        weights = math::AbsIOp::create(b, loc, weights);
      }
      Value sum = intrinsic(b, loc, name, type(b), {weights, factors});
      if (begin)
        pairs.push_back(sum);
      else
        pairs[number] = arith::AddIOp::create(b, loc, pairs[number], sum);
    }
    // LLVM's scheduler moves nothing across; AVX-512 has registers enough.
    if (op.getInOrder() && width < 16)
      for (Value pair : pairs)
        LLVM::CallIntrinsicOp::create(b, loc, b.getStringAttr("llvm.fake.use"), pair);
  }

  /// Adds the registers `pairs` to `sums`, and empties them.
  void flush(OpBuilder &b, Location loc, SmallVectorImpl<Value> &pairs, MutableArrayRef<Value> sums) const {
    Value ones = splat(b, loc, type(b), 1);
    for (auto [sum, pair] : llvm::zip(sums, pairs)) {
      Value both = intrinsic(b, loc, wordProducts(width), sum.getType(), {pair, ones});
      sum = arith::AddIOp::create(b, loc, sum, both);
    }
    pairs.clear();
  }

private:
  int64_t width; ///< lanes of a register
};

/// Bytes too large for that: the even and the odd ones of a lane as 16-bit numbers.
struct DotToWords : OpRewritePattern<kernel::DotOp> {
  DotToWords(MLIRContext *context, int64_t width) : OpRewritePattern(context), width(width) {}

  LogicalResult matchAndRewrite(kernel::DotOp op, PatternRewriter &b) const override {
    Location loc = op.getLoc();
    if (!isOfBytes(op) || Pairs(width).take(op))
      return failure();
    SmallVector<Value> weights = weightsOf(b, op, width);
    if (weights.empty())
      return failure();
    SmallVector<Value> sums = parts(b, loc, op.getSums(), width);
    for (auto [sum, words] : llvm::zip(sums, weights))
      for (bool odd : {false, true})
        sum = arith::AddIOp::create(b, loc, sum, products(b, op, words, odd));
    b.replaceOp(op, joined(b, loc, sums, op.getSums()));
    return success();
  }

private:
  /// Bytes 0 and 2 (or 1 and 3) of every lane of `weights` times those of the activations; the
  /// two products added.
  Value products(OpBuilder &b, kernel::DotOp op, Value weights, bool odd) const {
    Location loc = op.getLoc();
    auto shorts = VectorType::get({2 * width}, b.getI16Type());
    Value eight = splat(b, loc, shorts, 8), words = vector::BitCastOp::create(b, loc, shorts, weights);
    // The wanted byte of each 16 bits, with its sign, or with zeros above it.
    auto withSign = [&](Value words) -> Value {
      if (!odd)
        words = arith::ShLIOp::create(b, loc, words, eight);
      return arith::ShRSIOp::create(b, loc, words, eight);
    };
    if (op.getIsSigned())
      words = withSign(words);
    else if (odd)
      words = arith::ShRUIOp::create(b, loc, words, eight);
    else
      words = arith::AndIOp::create(b, loc, words, splat(b, loc, shorts, 0xff));
    return intrinsic(b, loc, wordProducts(width), weights.getType(),
                     {words, withSign(activationsOf(b, op, width, shorts))});
  }

  int64_t width; ///< lanes of a register
};

/// A chain of dots in a block.
struct DotsToPairs : OpRewritePattern<kernel::DotOp> {
  DotsToPairs(MLIRContext *context, int64_t width) : OpRewritePattern(context), width(width), pairs(width) {}

  LogicalResult matchAndRewrite(kernel::DotOp op, PatternRewriter &b) const override {
    if (!pairs.take(op) || pairs.next(op))
      return failure();
    SmallVector<kernel::DotOp> chain = {op};
    while (kernel::DotOp before = pairs.previous(chain.back()))
      chain.push_back(before);
    std::reverse(chain.begin(), chain.end());
    b.setInsertionPoint(chain[0]);
    SmallVector<Value> sums = parts(b, op.getLoc(), chain[0].getSums(), width), some;
    int64_t count = 0;
    for (kernel::DotOp dot : chain) {
      b.setInsertionPoint(dot);
      pairs.add(b, dot, some);
      if (++count % Pairs::room(op) == 0 || dot == op)
        pairs.flush(b, op.getLoc(), some, sums);
    }
    b.replaceOp(op, joined(b, op.getLoc(), sums, chain[0].getSums()));
    for (kernel::DotOp dot : llvm::drop_begin(llvm::reverse(chain)))
      b.eraseOp(dot);
    return success();
  }

private:
  int64_t width; ///< lanes of a register
  Pairs pairs;
};

/// Chains of dots that a loop carries: pairs are what it carries then, where all of its
/// iterations' fit.
struct LoopToPairs : OpRewritePattern<scf::ForOp> {
  LoopToPairs(MLIRContext *context, int64_t width) : OpRewritePattern(context), width(width), pairs(width) {}

  LogicalResult matchAndRewrite(scf::ForOp loop, PatternRewriter &b) const override {
    SmallVector<int64_t> numbers; // of the values that are carried so
    SmallVector<SmallVector<kernel::DotOp>> chains;
    for (int64_t number = 0; number < int64_t(loop.getNumRegionIterArgs()); ++number)
      if (SmallVector<kernel::DotOp> chain = chainOf(loop, number);
          !chain.empty() && (chains.empty() || chain[0].getType() == chains[0][0].getType())) {
        numbers.push_back(number);
        chains.push_back(chain);
      }
    if (numbers.empty())
      return failure();
    Location loc = loop.getLoc();
    Value none = arith::ConstantOp::create(b, loc, b.getZeroAttr(pairs.type(b)));
    int64_t registers = cast<VectorType>(chains[0][0].getType()).getNumElements() / width;
    SmallVector<Value> starts(numbers.size() * registers, none);
    auto addAll = [&](OpBuilder &builder, Location, ArrayRef<BlockArgument> carried) {
      SmallVector<Value> results;
      for (auto [place, chain] : llvm::enumerate(chains)) {
        SmallVector<Value> some(carried.slice(place * registers, registers));
        for (kernel::DotOp dot : chain) {
          OpBuilder::InsertionGuard guard(builder);
          builder.setInsertionPoint(dot);
          pairs.add(builder, dot, some);
        }
        results.append(some);
      }
      return results;
    };
    FailureOr<LoopLikeOpInterface> replaced =
        loop.replaceWithAdditionalYields(b, starts, /*replaceInitOperandUsesInLoop=*/false, addAll);
    if (failed(replaced))
      return failure();
    auto wider = cast<scf::ForOp>(replaced->getOperation());
    b.setInsertionPointAfter(wider);
    ResultRange made = wider.getResults().take_back(starts.size());
    Operation *yield = wider.getBody()->getTerminator();
    for (size_t place = 0; place < numbers.size(); ++place) {
      int64_t number = numbers[place];
      Value start = wider.getInitArgs()[number];
      SmallVector<Value> some(made.slice(place * registers, registers)), sums = parts(b, loc, start, width);
      pairs.flush(b, loc, some, sums);
      b.replaceAllUsesWith(wider.getResult(number), joined(b, loc, sums, start));
      // What is left of it: a value that the loop does not change.
      b.modifyOpInPlace(yield, [&] { yield->setOperand(number, wider.getRegionIterArg(number)); });
    }
    return success();
  }

private:
  /// The dots that lead from carried value `number` to what the loop makes of it; empty if
  /// there is anything else, or too many for 16 bits.
  SmallVector<kernel::DotOp> chainOf(scf::ForOp loop, int64_t number) const {
    BlockArgument carried = loop.getRegionIterArg(number);
    std::optional<APInt> trips = loop.getStaticTripCount();
    auto dot = carried.hasOneUse() ? dyn_cast<kernel::DotOp>(*carried.user_begin()) : nullptr;
    if (!trips || !dot || !pairs.take(dot) || dot.getSums() != carried)
      return {};
    SmallVector<kernel::DotOp> chain = {dot};
    while ((dot = pairs.next(dot)))
      chain.push_back(dot);
    Value last = chain.back().getResult();
    bool carries = last.hasOneUse() && loop.getBody()->getTerminator()->getOperand(number) == last;
    bool fits = trips->getSExtValue() * int64_t(chain.size()) <= Pairs::room(chain[0]);
    return carries && fits ? chain : SmallVector<kernel::DotOp>();
  }

  int64_t width; ///< lanes of a register
  Pairs pairs;
};

/// One `vdpbf16ps` to a register.
struct DotToBf16 : OpRewritePattern<kernel::DotOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(kernel::DotOp op, PatternRewriter &b) const override {
    if (isOfBytes(op))
      return failure();
    return toInstruction(b, op, "llvm.x86.avx512bf16.dpbf16ps.512", VectorType::get({32}, b.getBF16Type()));
  }
};

struct LowerDot : x86::impl::LowerDotBase<LowerDot> {
  using LowerDotBase::LowerDotBase;

  void runOnOperation() override {
    if (vectorBytes != 64 && vectorBytes != 32 && (vectorBytes != 16 || vnni)) {
      getOperation().emitError("expects vectors of 16, 32 or 64 bytes, with VNNI of 32 or 64, but got ")
          << int64_t(vectorBytes);
      return signalPassFailure();
    }
    RewritePatternSet patterns(&getContext());
    if (!vnni) { // what a loop carries is more than what an iteration has
      RewritePatternSet loops(&getContext());
      loops.add<LoopToPairs>(&getContext(), vectorBytes / 4);
      if (failed(applyPatternsGreedily(getOperation(), std::move(loops))))
        return signalPassFailure();
    }
    if (vnni)
      patterns.add<DotToVnni>(&getContext(), vectorBytes / 4);
    else
      patterns.add<DotToWords, DotsToPairs>(&getContext(), vectorBytes / 4);
    if (bf16)
      patterns.add<DotToBf16>(&getContext());
    else
      cpu::populateWidenDotPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
    getOperation().walk([&](kernel::DotOp op) {
      op.emitError("has no instruction on a chip with ") << (vnni ? "VNNI and " : "") << "vectors of "
                                                         << int64_t(vectorBytes) << " bytes";
      signalPassFailure();
    });
  }
};

} // namespace
