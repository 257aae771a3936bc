//===- VectorizeBlockMatmul.cpp - The micro-kernel of quantized products ---===//
//
// A few panels of R rows meet m rows of codes. Per group of 32 columns: each vector of
// 4 R codes, as a BlockReader gives it, meets four codes of every input row in one
// `kernel.dot`. The exact sums start from the bits of a float whose last bit counts the power of two in
// the row's scale: less that float and what the offset of unsigned codes makes they are numbers, and are
// added, times the matrix's scale, to the F32 sums, which live in registers throughout. The row's scale is
// four to seven of that power, unless it is microscaled: then the matrix's is taken so often, by a tile of many
// rows from where all four are written down.
//
// Blocks of several groups are a loop around that: their F16 numbers are read once. (Not
// unrolled: a core can foretell the addresses of an instruction that reads at every 300th
// byte, not those of one that does at every 2400th.)
//
// Several panels share the loads: four codes of a row, spread over a register once, serve
// all. What a single row gains by them is streams from memory, of which some chips follow several
// at once better than one, and some worse: the schedule says. Neighbouring panels are those of one op;
// where streams are to go on behind a panel's end, in parts of the matrix far from each other, each
// product is an op of its own here (see Distribute.cpp), and those side by side become one kernel.
//
// The vectors of a group are straight code, of many rows in the order in which it stands here, or a
// loop, of which a turn takes vectors that share bytes; codes that are cut up are straight code always.
// A single row may fetch by hand what it reads next, each turn of that loop its part.
// Codes of a panel can be unpacked first, for all rows; then a turn takes any two.
//
// Many rows are cut into tiles, whose sums are in registers; the last one may be lower, and of a chunk
// those are multiplied that hold a token. Each fetches its share of the panels that come after these, so
// that their first tile does not wait for memory: every few steps what belongs to them.
//
// Where the schedule wants tiles to be multiplied by `kernel.tile_matmul`, codes are unpacked first,
// too, to signed bytes. Then the exact sums of a tile and a group are one `kernel.tile_matmul`, and
// only they are in memory: the F32 sums of a tile's rows live in registers as ever, and get the
// same bits.
//
//===----------------------------------------------------------------------===//

#include "compiler/transforms/BlockReader.h"
#include "compiler/transforms/Passes.h"
#include "compiler/transforms/VectorBuilder.h"
#include "targets/Target.h"

using namespace mlir;

namespace cria {
#define GEN_PASS_DEF_VECTORIZEBLOCKMATMUL
#include "compiler/transforms/Passes.h.inc"
} // namespace cria

using namespace cria;

namespace {

class BlockKernel : VectorBuilder {
public:
  /// The product of one op, or those of a single row that `countTogether` found. `buffers` numbers
  /// uninitialized tensors.
  BlockKernel(ArrayRef<kernel::BlockMatmulOp> ops, const Schedule &schedule, int64_t &buffers, RewriterBase &rewriter)
      : VectorBuilder(rewriter, ops.back()->getLoc(), buffers), ops(ops), op(ops.back()), tiled(schedule.tileMatmul),
        unroll(schedule.unroll), signedBytes(schedule.signedBytes), ahead(schedule.ahead),
        cache(schedule.aheadCache) {
    auto codes = cast<RankedTensorType>(op.getCodes().getType());
    allTokens = codes.getDimSize(0);
    assert((ops.size() == 1 || allTokens == 1) && "many rows are one op's");
    groups = codes.getDimSize(1);
    height = tiled ? divisorUpTo(allTokens, schedule.tileRows) : tileHeight(allTokens, schedule.tileRows);
    tokens = height;
    auto sums = cast<RankedTensorType>(op.getDestination().getType());
    allPanels = sums.getDimSize(1);
    rows = sums.getDimSize(2);
    BlockReader reader(b, loc, op.getPanels(), op.getFormat(), rows);
    bool slow = !reader.isSimple() || reader.groups() > 1;
    once = !tiled && (schedule.unpackOnce == Schedule::UnpackOnce::All ||
                      (schedule.unpackOnce == Schedule::UnpackOnce::Slow && slow));
    panelsOfOp = tiled || once ? 1 : divisorUpTo(allPanels, schedule.panelTile);
    panels = ops.size() * panelsOfOp;
    for (int64_t p = 0; p < panels; ++p)
      readers.emplace_back(b, loc, this->ops[opOf(p)].getPanels(), op.getFormat(), rows);
    signedBytes &= readers[0].largest() > 127;
    numbersOnce = height < allTokens && readers[0].areNumbersMade();
    sumType = VectorType::get({rows}, b.getF32Type());
    integerType = VectorType::get({rows}, b.getI32Type());
  }

  void build() {
    b.setInsertionPoint(op);
    zero = index(0);
    if (tiled || once)
      unpacked = scratch({groups, kFours, 4 * rows}, b.getI8Type());
    if (tiled)
      products = scratch({tokens, 1, rows}, b.getI32Type());
    if (numbersOnce || inMultiples(height)) {
      int64_t known = numbersOnce ? groups * readers[0].groups() : 1;
      numbers = scratch({known, panels, scaleKinds() + hasMinimums(), rows}, b.getF32Type());
    }
    SmallVector<Value> results;
    for (kernel::BlockMatmulOp part : ops)
      results.push_back(part.getDestination());
    for (firstPanel = 0; firstPanel < allPanels; firstPanel += panelsOfOp)
      results = multiplyTiles(results);
    for (auto [part, result] : llvm::zip_equal(ops, results))
      b.replaceOp(part, result);
  }

private:
  /// The destination of each op with the products of its panels firstPanel … firstPanel + panelsOfOp - 1
  /// in place, a tile of rows at a time; the last one may be lower.
  SmallVector<Value> multiplyTiles(SmallVector<Value> destinations) {
    if (tiled || once)
      unpack();
    if (numbersOnce)
      makeAllNumbers();
    if (height == allTokens)
      return multiplyPanels(destinations);
    return {overTiles(allTokens, height, destinations[0], [&](Value number, int64_t rows, Value result) {
      tile = number;
      tokens = rows;
      firstToken = arith::MulIOp::create(b, loc, number, index(height));
      return multiplyPanels({result})[0];
    })};
  }

  /// Panel p of those of a pass: of which op, and its number there.
  int64_t opOf(int64_t p) const { return p / panelsOfOp; }
  int64_t panelAt(int64_t p) const { return firstPanel + p % panelsOfOp; }

  /// Panel firstPanel's codes, as they are multiplied: `unpacked` [G, 8, 4 R].
  void unpack() {
    auto unpackStep = [&](Value step, Value part, ValueRange all) -> SmallVector<Value> {
      readers[0].moveToStep(part);
      Value result = all[0];
      for (int64_t group = 0; group < readers[0].groups(); ++group)
        for (int64_t vector : readers[0].vectors(group))
          result = write(codesOf(readers[0], vector), result, {step, index(vector), zero});
      return {result};
    };
    unpacked = overSteps(unpacked, /*share=*/nullptr, unpackStep)[0];
  }

  /// The numbers of all groups of these panels, in `numbers`.
  void makeAllNumbers() {
    auto body = [&](Value step, Value part, ValueRange all) -> SmallVector<Value> {
      Value result = all[0];
      for (BlockReader &reader : readers)
        reader.moveToStep(part);
      for (int64_t group = 0; group < readers[0].groups(); ++group)
        result = writeNumbers(group, groupOfAll(step, group), result);
      return {result};
    };
    numbers = overSteps(numbers, /*share=*/nullptr, body)[0];
  }

  /// `into` [.., P, N, R] with what the exact sums of P panels are multiplied by in group `group` of the step that
  /// readers are at, and minus the minimums if there are any, at `row`.
  Value writeNumbers(int64_t group, Value row, Value into) {
    for (int64_t p = 0; p < panels; ++p) {
      SmallVector<Value> kinds = multiplesOf(readers[p].scales(group));
      if (hasMinimums())
        kinds.push_back(takenOff(p, group));
      for (auto [kind, value] : llvm::enumerate(kinds))
        into = write(value, into, {row, index(p), index(kind), zero});
    }
    return into;
  }

  /// Whether tiles of `count` rows find the matrix's scales, 4, 5, 6 and 7 times, where numbers are written
  /// down, as each row wants one of them. For fewer it is less to multiply.
  bool inMultiples(int64_t count) { return !op.getMicroscaled() && count > kMultiples; }
  int64_t scaleKinds() { return inMultiples(height) ? kMultiples : 1; }

  /// By sums, as products have the busier pipes.
  SmallVector<Value> multiplesOf(Value scales) {
    if (!inMultiples(height))
      return {scales};
    auto sum = [&](Value one, Value other) -> Value { return arith::AddFOp::create(b, loc, one, other); };
    Value two = sum(scales, scales), four = sum(two, two), six = sum(four, two);
    return {four, sum(four, scales), six, sum(six, scales)};
  }

  /// Group `group` of step `step`, as one of all.
  Value groupOfAll(Value step, int64_t group) {
    int64_t perStep = readers[0].groups();
    return perStep == 1 ? step : plus(arith::MulIOp::create(b, loc, step, index(perStep)), group);
  }

  /// Minus the minimums: what the sum of the rows' codes is multiplied by in panel p.
  Value takenOff(int64_t p, int64_t group) { return arith::NegFOp::create(b, loc, readers[p].minimums(group)); }
  bool hasMinimums() { return traits(op.getFormat()).minimums; }

  /// Vector `vector` of codes; without their offset, where they are multiplied as signed bytes.
  Value codesOf(BlockReader &reader, int64_t vector) {
    Value codes = reader.codes(vector);
    if (!tiled && !signedBytes)
      return codes;
    auto offset = DenseElementsAttr::get(cast<VectorType>(codes.getType()), int8_t(reader.offset()));
    return arith::SubIOp::create(b, loc, codes, arith::ConstantOp::create(b, loc, offset));
  }

  /// The destination of each op with the products of this pass's panels and the tile's rows in place.
  SmallVector<Value> multiplyPanels(SmallVector<Value> destinations) {
    SmallVector<Value> sums;
    for (int64_t t = 0; t < tokens; ++t)
      for (int64_t p = 0; p < panels; ++p)
        sums.push_back(read(sumType, destinations[opOf(p)], {token(t), index(panelAt(p)), zero}));
    auto body = [&](Value step, Value part, ValueRange sums) { return multiplyStep(step, part, sums); };
    Value share = tile ? shareOfTile(bytesOfStep() * panels, allTokens, height) : nullptr;
    SmallVector<Value> results = overSteps(sums, share, body);
    for (int64_t t = 0; t < tokens; ++t)
      for (int64_t p = 0; p < panels; ++p) {
        Value &destination = destinations[opOf(p)];
        destination = write(results[t * panels + p], destination, {token(t), index(panelAt(p)), zero});
      }
    return destinations;
  }

  /// Of a step: its number, that in its block, values.
  using Step = llvm::function_ref<SmallVector<Value>(Value, Value, ValueRange)>;

  /// The results of a loop over the steps of 32 columns that starts with `values`. Each fetches `share` bytes of
  /// the next panels, if not null.
  SmallVector<Value> overSteps(ValueRange values, Value share, Step body) {
    int64_t steps = readers[0].steps();
    if (steps == 1)
      return overRun(zero, groups, values, share, [&](Value step, ValueRange values) {
        moveToBlock(step);
        return body(step, zero, values);
      });
    SmallVector<Value> results = loopOver(groups / steps, values, [&](Value block, ValueRange values) {
      return overBlock(block, steps, values, share, body);
    });
    if (groups % steps) // a row ends within a block
      results = overBlock(index(groups / steps), groups % steps, results, share, body);
    return results;
  }

  /// The results of a loop over the first `count` steps of block number `block` that starts with `values`. Each fetches
  /// `share` bytes of the next panels, if not null.
  SmallVector<Value> overBlock(Value block, int64_t count, ValueRange values, Value share, Step body) {
    moveToBlock(block);
    Value first = arith::MulIOp::create(b, loc, block, index(readers[0].steps()));
    return overRun(first, count, values, share, [&](Value number, ValueRange values) {
      return body(plus(first, number), number, values);
    });
  }

  void moveToBlock(Value block) {
    for (int64_t p = 0; p < panels; ++p)
      readers[p].moveToBlock(index(panelAt(p)), block);
  }

  /// The results of a loop over `count` steps, numbered from 0, that starts with `values`; the first one is number
  /// `first` of all. Each fetches `share` bytes of the next panels, if not null: a few of them together.
  SmallVector<Value> overRun(Value first, int64_t count, ValueRange values, Value share,
                             llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) {
    if (!share)
      return loopOver(count, values, body);
    Value together = stepsThatFetch(share, count);
    return loop(zero, index(count), together, values, [&](Value number, ValueRange values) {
      fetchShare(op.getPanels(), firstPanel + panels, share, {tile, plus(first, number), groups, together});
      return loop(number, plus(number, together), 1, values, body);
    });
  }

  /// How many of `count` steps fetch together, before them, what is `share` bytes to each, as a loop over lines
  /// within a step would keep LLVM from mixing its loads and products: eight or so, but one, where these
  /// are more lines than a core can wait for while it multiplies.
  Value stepsThatFetch(Value share, int64_t count) {
    constexpr int64_t kSteps = 8, kBytes = 10 * kLine;
    Value steps = index(divisorUpTo(count, kSteps));
    Value bytes = arith::MulIOp::create(b, loc, share, steps);
    Value few = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ule, bytes, index(kBytes));
    return arith::SelectOp::create(b, loc, few, steps, index(1));
  }

  /// The results of a loop from 0 to `count` that starts with `values`.
  SmallVector<Value> loopOver(int64_t count, ValueRange values,
                              llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) {
    return loop(zero, index(count), 1, values, body);
  }

  /// Row t of those that are multiplied now.
  Value token(int64_t t) {
    return firstToken ? plus(firstToken, index(t)) : index(t);
  }
  /// `sums` with the products of columns 32 * step … 32 * step + 31 added; the step is number
  /// `part` of its block.
  SmallVector<Value> multiplyStep(Value step, Value part, ValueRange sums) {
    fetchBeforeTurns(step);
    for (BlockReader &reader : readers)
      reader.moveToStep(part);
    SmallVector<Value> results(sums); // [t, p]
    for (int64_t group = 0; group < readers[0].groups(); ++group)
      multiplyGroup(step, group, results);
    return results;
  }

  /// Adds group `group` of a step to `results[t, p]`, row after row, as registers want it.
  void multiplyGroup(Value step, int64_t group, MutableArrayRef<Value> results) {
    Numbers matrix = numbersOf(step, group);
    Value tiles = tiled ? tileProducts(step, group) : Value();
    SmallVector<Value> exact = tiled ? SmallVector<Value>() : dotProducts(step, group);
    for (int64_t t = 0; t < tokens; ++t) {
      Value start = startsBehind() ? startSum(t, step) : Value();
      Value from = inLanes(offset() ? codeSum(t, step, group) : origin(t, step)), taken;
      for (int64_t p = 0; p < panels; ++p) {
        Value sum = tiled ? read(integerType, tiles, {index(t), zero, zero}) : exact[t * panels + p];
        if (start)
          sum = arith::AddIOp::create(b, loc, sum, start);
        Value number = arith::SubFOp::create(b, loc, vector::BitCastOp::create(b, loc, sumType, sum), from);
        Value &result = results[t * panels + p];
        result = vector::FMAOp::create(b, loc, number, scaleFor(t, matrix, p), result);
        if (!hasMinimums())
          continue;
        Value minimum = minimumOf(matrix, p);
        taken = taken ? taken : inLanes(codeSum(t, step, group));
        result = vector::FMAOp::create(b, loc, minimum, taken, result);
      }
    }
  }

  /// What a group of a step is multiplied by.
  struct Numbers {
    Value step;
    int64_t group;
    Value made, row;                     ///< where `writeNumbers` left them; or null
    SmallVector<Value> scales, minimums; ///< of panels, as they are read
  };

  Numbers numbersOf(Value step, int64_t group) {
    if (numbersOnce)
      return {step, group, numbers, groupOfAll(step, group), {}, {}};
    return {step, group, inMultiples(tokens) ? writeNumbers(group, zero, numbers) : Value(), zero, {}, {}};
  }

  /// Number `kind` of panel p.
  Value made(const Numbers &matrix, int64_t p, Value kind) {
    return read(sumType, matrix.made, {matrix.row, index(p), kind, zero});
  }

  /// The matrix's scales in panel p, as often as row t wants them.
  Value scaleFor(int64_t t, Numbers &matrix, int64_t p) {
    if (matrix.made && scaleKinds() > 1)
      return made(matrix, p, multipleNumber(t, matrix.step));
    if (matrix.scales.size() == size_t(p))
      matrix.scales.push_back(matrix.made ? made(matrix, p, zero) : readers[p].scales(matrix.group));
    if (op.getMicroscaled())
      return matrix.scales[p];
    return arith::MulFOp::create(b, loc, matrix.scales[p], inLanes(multiple(t, matrix.step)));
  }

  Value minimumOf(Numbers &matrix, int64_t p) {
    if (matrix.minimums.size() == size_t(p))
      matrix.minimums.push_back(matrix.made ? made(matrix, p, index(scaleKinds())) : takenOff(p, matrix.group));
    return matrix.minimums[p];
  }

  /// How often the scale of row t has its power of two, as F32: 4, 5, 6 or 7.
  Value multiple(int64_t t, Value step) {
    return tensor::ExtractOp::create(b, loc, op.getScales(), ValueRange{token(t), plus(originPlace(step), 1)});
  }

  /// Which of `multiplesOf` that is: the first two bits of the mantissa.
  Value multipleNumber(int64_t t, Value step) {
    auto constant = [&](int32_t value) { return arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(value)); };
    Value bits = arith::BitcastOp::create(b, loc, b.getI32Type(), multiple(t, step));
    bits = arith::ShRUIOp::create(b, loc, bits, constant(21));
    bits = arith::AndIOp::create(b, loc, bits, constant(kMultiples - 1));
    return arith::IndexCastUIOp::create(b, loc, b.getIndexType(), bits);
  }

  Value inLanes(Value number) { return vector::BroadcastOp::create(b, loc, sumType, number); }

  /// What row t's exact sums in step `step` start from, as a float.
  Value origin(int64_t t, Value step) {
    return tensor::ExtractOp::create(b, loc, op.getScales(), ValueRange{token(t), originPlace(step)});
  }
  Value originPlace(Value step) {
    return op.getMicroscaled() ? step : arith::MulIOp::create(b, loc, step, index(2)).getResult();
  }

  /// What the codes that meet the rows' are larger by than levels.
  int64_t offset() const { return tiled || signedBytes ? 0 : readers[0].offset(); }

  /// The exact sums of a group of columns by tiles, of signed codes: [m, 1, R].
  Value tileProducts(Value step, int64_t group) {
    int64_t fours = kFours / readers[0].groups();
    using Place = SmallVector<OpFoldResult>;
    auto number = [&](int64_t value) -> OpFoldResult { return b.getIndexAttr(value); };
    Place ones(3, number(1));
    Value codes = tensor::ExtractSliceOp::create(
        b, loc, RankedTensorType::get({tokens, 4 * fours}, b.getI8Type()), op.getCodes(),
        Place{firstToken ? firstToken : zero, step, number(4 * fours * group)},
        Place{number(tokens), number(1), number(4 * fours)}, ones);
    Value tiles = tensor::ExtractSliceOp::create(b, loc, unpacked, Place{step, number(fours * group), number(0)},
                                                 Place{number(1), number(fours), number(4 * rows)}, ones);
    return kernel::TileMatmulOp::create(b, loc, products.getType(), codes, tiles, products, /*accumulate=*/false)
        .getResult();
  }

  /// The exact sums [t, p] of a group of columns, R lanes each, by products of vectors of codes, with what they start
  /// from unless that comes behind.
  SmallVector<Value> dotProducts(Value step, int64_t group) {
    SmallVector<int64_t> vectors = readers[0].vectors(group);
    Value none = arith::ConstantOp::create(b, loc, b.getZeroAttr(integerType));
    SmallVector<Value> exact;
    for (int64_t t = 0; t < tokens; ++t)
      exact.append(panels, startsBehind() ? none : startSum(t, step));
    if (isStraight()) {
      for (int64_t vector : vectors) {
        if (once)
          multiplyUnpacked(step, index(vector), index(4 * vector), exact);
        else
          multiplyVector(step, vector, index(4 * vector), exact);
      }
      return exact;
    }
    if (once) {
      int64_t count = vectors.size(), together = divisorUpTo(count, unroll / 4);
      return loop(index(group * count), index((group + 1) * count), together, exact,
                  [&](Value first, ValueRange values) {
                    SmallVector<Value> sums(values);
                    for (int64_t n = 0; n < together; ++n) {
                      Value vector = plus(first, n);
                      multiplyUnpacked(step, vector, arith::MulIOp::create(b, loc, vector, index(4)), sums);
                    }
                    return sums;
                  });
    }
    int64_t beside = readers[0].beside();
    return loopOver(beside, exact, [&](Value first, ValueRange values) {
      fetchInTurn(step, plus(first, group * beside));
      for (BlockReader &reader : readers)
        reader.moveToVector(first);
      SmallVector<Value> sums(values);
      Value column = arith::MulIOp::create(b, loc, first, index(4));
      for (int64_t vector : vectors)
        if (vector % beside == 0)
          multiplyVector(step, vector, plus(column, 4 * vector), sums);
      return sums;
    });
  }

  /// Whether the vectors of a group are straight code, not a loop, which only codes can be that are simple, or were
  /// unpacked.
  bool isStraight() const { return unroll >= llama::kGroup || (!once && !readers[0].isSimple()); }

  /// Whether sums get what they start from when they are done, until when it would wait in registers. Not in loops
  /// over signed bytes, which have it as their first value.
  bool startsBehind() const { return tiled || once || (!isStraight() && !signedBytes); }

  /// Whether what follows a row's products stays behind them: straight code for many rows, whose sums
  /// are all that registers hold. A single row's loads are to come early.
  bool inOrder() const { return allTokens > 1 && isStraight(); }

  /// What row t's exact sums start from, in every lane: the bits of a float.
  Value startSum(int64_t t, Value step) {
    return vector::BitCastOp::create(b, loc, integerType, inLanes(origin(t, step)));
  }

  /// Adds to `exact[t, p]` the products with vector `vector` of each panel, which is of four
  /// columns from `column` of the step on.
  void multiplyVector(Value step, int64_t vector, Value column, SmallVectorImpl<Value> &exact) {
    multiply([&](int64_t p) { return codesOf(readers[p], vector); }, step, column, exact);
  }

  /// Adds to `exact[t, p]` the products with vector number `vector` of the step's codes that were unpacked, which is of
  /// four columns from `column` of the step on.
  void multiplyUnpacked(Value step, Value vector, Value column, SmallVectorImpl<Value> &exact) {
    auto codes = [&](int64_t) { return read(VectorType::get({4 * rows}, b.getI8Type()), unpacked, {step, vector, zero}); };
    multiply(codes, step, column, exact);
  }

  /// Of group `group` of a step, or of all of it: what the exact sums of row t count from if there is an offset, else
  /// the sum of its codes, as a number.
  Value codeSum(int64_t t, Value step, int64_t group) {
    int64_t perStep = cast<RankedTensorType>(op.getSums().getType()).getDimSize(1) / groups;
    Value first = step;
    if (perStep > 1)
      first = arith::MulIOp::create(b, loc, step, index(perStep));
    Value result;
    for (int64_t number = 0; number < perStep; ++number) {
      if (readers[0].groups() > 1 && number != group)
        continue;
      Value sum = tensor::ExtractOp::create(b, loc, op.getSums(), ValueRange{token(t), plus(first, number)});
      result = result ? together(result, sum, t, step) : sum;
    }
    return result;
  }

  /// The sum of two halves. With an offset both count from the scale.
  Value together(Value first, Value second, int64_t t, Value step) {
    if (readers[0].offset())
      first = arith::SubFOp::create(b, loc, first, origin(t, step));
    return arith::AddFOp::create(b, loc, first, second);
  }

  /// Bytes of a panel that a step reads.
  int64_t bytesOfStep() {
    auto type = cast<RankedTensorType>(op.getPanels().getType());
    return type.getDimSize(1) * type.getDimSize(2) / groups;
  }

  /// A single row fetches by hand what is `ahead` bytes further on in each panel, beside what it reads: where the
  /// vectors of a step are a loop, each of its turns some whole lines, and the step before them what these leave.
  /// A step's bytes all at once, or a line now and then, gain less, or lose (the target's Rationale.md, "A single row
  /// prefetches a line of each stream in every iteration").
  bool fetches() const { return allTokens == 1 && ahead > 0; }
  int64_t turns() { return isStraight() ? 0 : readers[0].groups() * readers[0].beside(); }
  int64_t bytesOfTurn() { return turns() ? bytesOfStep() / turns() / kLine * kLine : 0; }
  int64_t bytesBeforeTurns() { return bytesOfStep() - turns() * bytesOfTurn(); }

  void fetchBeforeTurns(Value step) {
    if (fetches())
      fetchAhead(times(step, bytesOfStep()), bytesBeforeTurns());
  }

  /// Turn number `turn` of a step's.
  void fetchInTurn(Value step, Value turn) {
    if (!fetches())
      return;
    Value lines = plus(times(step, bytesOfStep()), times(turn, bytesOfTurn()));
    fetchAhead(plus(lines, bytesBeforeTurns()), bytesOfTurn());
  }

  void fetchAhead(Value byte, int64_t count) {
    for (int64_t p = 0; p < panels; ++p)
      fetch(ops[opOf(p)].getPanels(), {index(panelAt(p)), zero, plus(byte, ahead)}, count, cache);
  }

  /// exact[t, p] += codes(p) times the four codes of row t from `column` of the group on
  void multiply(llvm::function_ref<Value(int64_t)> codes, Value number, Value column, SmallVectorImpl<Value> &exact) {
    SmallVector<Value> weights;
    for (int64_t t = 0; t < tokens; ++t) {
      Value four = read(VectorType::get({4}, b.getI8Type()), op.getCodes(), {token(t), number, column});
      Value word = vector::BitCastOp::create(b, loc, VectorType::get({1}, b.getI32Type()), four);
      Value activations = vector::ExtractOp::create(b, loc, word, 0);
      for (int64_t p = 0; p < panels; ++p) {
        if (t == 0)
          weights.push_back(codes(p));
        exact[t * panels + p] =
            kernel::DotOp::create(b, loc, integerType, exact[t * panels + p], weights[p], activations,
                                  signedBytes ? 255 : readers[p].largest(), signedBytes, inOrder());
      }
    }
  }

  SmallVector<kernel::BlockMatmulOp> ops;
  kernel::BlockMatmulOp op; ///< the last one: what all agree on
  static constexpr int64_t kFours = 8;      ///< of columns, in 32
  static constexpr int64_t kMultiples = 4;  ///< of a power of two that a row's scale can be
  bool tiled;
  int64_t unroll;
  bool signedBytes;
  int64_t ahead, cache; ///< bytes; see Schedule
  bool once = false; ///< codes are unpacked before the first tile, not by each of them
  bool numbersOnce;  ///< so are the matrix's scales and minimums made
  int64_t allTokens = 0, height = 0; ///< of the op; of a tile
  int64_t tokens = 0;                ///< of the tile that is made: one pass over the groups
  int64_t groups = 0, rows = 0;
  int64_t allPanels = 0, firstPanel = 0; ///< of an op; where a pass begins
  int64_t panels = 0, panelsOfOp = 0;    ///< of one pass: of all ops, and of each
  Value tile, firstToken;   ///< of the loop over tiles, if there is one; of its first row
  Value unpacked, products; ///< [G, 8, 4 R] codes of a panel; of tiles [m, 1, R] exact sums
  Value numbers;            ///< see writeNumbers: of all groups, or of one; or null
  SmallVector<BlockReader, 0> readers; ///< one for each panel of a pass
  VectorType sumType, integerType;
  Value zero;
};

/// How many of `ops`, in program order, from the first on can become one kernel where the last of them
/// stands: at most `limit` of one block that multiply one input with panels of one kind, if only what
/// follows needs the results.
int64_t countTogether(ArrayRef<kernel::BlockMatmulOp> ops, int64_t limit) {
  kernel::BlockMatmulOp first = ops[0];
  auto isAlike = [&](kernel::BlockMatmulOp op) {
    return op->getBlock() == first->getBlock() && op.getCodes() == first.getCodes() &&
           op.getScales() == first.getScales() && op.getSums() == first.getSums() &&
           op.getPanels().getType() == first.getPanels().getType() && op->getAttrs() == first->getAttrs();
  };
  auto isNeededBefore = [](kernel::BlockMatmulOp op, Operation *last) {
    return llvm::any_of(op->getUsers(), [&](Operation *user) {
      return !last->isBeforeInBlock(op->getBlock()->findAncestorOpInBlock(*user));
    });
  };
  int64_t count = 1;
  while (count < std::min<int64_t>(limit, ops.size()) && isAlike(ops[count]) &&
         llvm::none_of(ops.take_front(count), [&](auto op) { return isNeededBefore(op, ops[count]); }))
    ++count;
  return count;
}

struct VectorizeBlockMatmul : cria::impl::VectorizeBlockMatmulBase<VectorizeBlockMatmul> {
  void runOnOperation() override {
    FailureOr<ChipRef> chip = chipOf(getOperation()->getParentOfType<ModuleOp>());
    if (failed(chip))
      return signalPassFailure();
    IRRewriter rewriter(&getContext());
    int64_t buffers = 0;
    SmallVector<kernel::BlockMatmulOp> ops = collect<kernel::BlockMatmulOp>(getOperation());
    if (!llvm::all_of(ops, [](auto op) { return succeeded(requireStatic(op)); }))
      return signalPassFailure();
    for (ArrayRef<kernel::BlockMatmulOp> rest = ops; !rest.empty();) {
      KernelKey key = keyOf(rest[0]);
      Schedule schedule = chip->target->schedule(*chip->chip, key);
      int64_t count = key.chunk ? 1 : countTogether(rest, schedule.streams);
      BlockKernel(rest.take_front(count), schedule, buffers, rewriter).build();
      rest = rest.drop_front(count);
    }
  }
};

} // namespace
