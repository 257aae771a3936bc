//===- VectorizeAttention.cpp - Online softmax, rows by blocks -------------===//
//
// A tile of M = T * H rows (tokens times heads of one group, which share keys and
// values) meets the cache in steps of N strips, each a vector of W positions. Keys lie in
// blocks [Dh, L], values in blocks [L, Dh], of L = N W positions or several steps': no
// product crosses lanes. With the scores s_j of a step, running maximum m, sum d and
// weighted values o [Dh] of a row:
//
//   m' = max(m, max_j s_j),  r = 2^(m - m'),  w_j = 2^(s_j - m')
//   d' = r d + sum_j w_j,    o' = r o + sum_j w_j v_j
//
// and the result is o / d (Milakov and Gimelshein, 2018; Dao et al., 2022), with the
// scale and log2(e) in the query already. A step has three parts, each of which keeps
// a register tile of sums and leaves what it finds in the thread's own scratch:
//
//   scores   [M, N W]: a vector of keys meets one element of every row
//   weights  row by row: maximum, powers, sum; o is rescaled
//   values   [M, Dh]: a vector of values meets one weight of every row
//
// Where a tile has more rows than registers have sums for, the first and the last part take
// a few rows at a time, and all but the first few find keys and values in the first cache.
//
// Where keys and values are codes, a score is a sum over groups of 32 columns, each times
// the scale of its position: a vector of scales for a vector of scores. The scales of
// values, one for a position too, go into the weights, of which there are then as many
// as groups. The last group of a head may be short.
//
// Steps that every row sees whole need no mask: they go first, the rest follows in
// smaller steps. Before both there are masked steps where a window begins. The order
// depends on the position alone.
//
//===----------------------------------------------------------------------===//

#include "compiler/transforms/AttentionParts.h"
#include "compiler/transforms/KernelBuilder.h"
#include "compiler/transforms/Passes.h"
#include "compiler/transforms/VectorBuilder.h"
#include "dialects/llama/Quantization.h"
#include "targets/Target.h"

#include <cmath>
#include <numeric>

using namespace mlir;

namespace cria {
#define GEN_PASS_DEF_VECTORIZEATTENTION
#include "compiler/transforms/Passes.h.inc"
} // namespace cria

using namespace cria;
using llama::kGroup;

namespace {

/// Below every score, above -infinity: differences of it stay finite.
constexpr double kLowest = -1.0e30;
/// Chains of dependent multiply-adds that keep the units busy.
constexpr int64_t kChains = 8;

class AttentionTile : VectorBuilder {
public:
  /// `isChunk`: of a step of many tokens, of which the tile may have one.
  AttentionTile(kernel::AttentionOp op, bool isChunk, Schedule schedule, RewriterBase &rewriter)
      : VectorBuilder(rewriter, op.getLoc()), op(op), isChunk(isChunk), schedule(schedule) {
    auto query = cast<RankedTensorType>(op.getQuery().getType());
    tokens = query.getDimSize(0);
    heads = query.getDimSize(1);
    rows = tokens * heads;
    passes = schedule.registerRows ? llvm::divideCeil(rows, schedule.registerRows) : 1;
    height = llvm::divideCeil(rows, passes);
    size = query.getDimSize(2);
    groups = op.getKeyScales() ? llvm::divideCeil(size, kGroup) : 1;
    lanes = schedule.lanes;
    auto keys = cast<RankedTensorType>(op.getKeys().getType());
    perBlock = keys.getDimSize(3) / lanes;
    window = std::min<int64_t>(op.getWindow(), keys.getDimSize(0) * keys.getDimSize(3));
    width = std::gcd(size, lanes);
    laneType = VectorType::get({lanes}, b.getF32Type());
    columnType = VectorType::get({width}, b.getF32Type());
    // A small tile has few sums of its own; many strips keep the units busy then.
    tailStrips = divisorUpTo(schedule.block, std::max<int64_t>(1, rows / 4));
  }

  /// Replaces the op.
  void build() {
    b.setInsertionPoint(op);
    zero = index(0);
    if (!op.getPart()) {
      b.replaceOp(op, attend({}, {}));
      return;
    }
    AttentionParts parts(b, loc, op.getPosition(), window, schedule.block * lanes, *op.getParts());
    Value from = parts.begin(b, loc, op.getPart()), to = parts.begin(b, loc, plus(op.getPart(), 1));
    Value any = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, from, to);
    auto branch = scf::IfOp::create(b, loc, op.getType(), any, /*withElseRegion=*/true);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(branch.elseBlock());
      scf::YieldOp::create(b, loc, op.getDestination());
      b.setInsertionPointToStart(branch.thenBlock());
      Value step = index(schedule.block);
      Value first = arith::MulIOp::create(b, loc, from, step), behind = arith::MulIOp::create(b, loc, to, step);
      scf::YieldOp::create(b, loc, attend(first, behind));
    }
    b.replaceOp(op, branch.getResult(0));
  }

private:
  /// The destination with what was found in all strips, or in those of a part: from number
  /// `first` on, before number `behind`, whole steps.
  Value attend(Value first, Value behind) {
    SmallVector<Value> state = start();
    // [begin, edge) is cut by the window, [edge, whole) seen by every row, [whole, end)
    // cut by the rows' own positions. All are strip numbers, and multiples of a small
    // step's, except `end`; `edge` is one of a whole step's, if that is not behind the end.
    Value last = plus(op.getPosition(), tokens - 1);
    Value end = plus(stripOf(last), 1), begin = zero, edge = zero;
    if (window) {
      begin = alignDown(stripOf(firstSeen(op.getPosition())), tailStrips);
      Value inside = stripOf(plus(firstSeen(last), lanes - 1));
      edge = arith::MinSIOp::create(b, loc, alignDown(plus(inside, schedule.block - 1), schedule.block),
                                    alignDown(plus(end, tailStrips - 1), tailStrips));
    }
    Value seen = stripOf(plus(op.getPosition(), 1));
    if (first) {
      auto atLeast = [&](Value strip) -> Value { return arith::MaxSIOp::create(b, loc, strip, first); };
      auto atMost = [&](Value strip) -> Value { return arith::MinSIOp::create(b, loc, strip, behind); };
      begin = atLeast(begin);
      edge = atMost(atLeast(edge));
      seen = atMost(seen);
      end = atMost(end);
    }
    if (window)
      state = loop(begin, edge, tailStrips, state,
                   [&](Value strip, ValueRange inner) { return step(strip, tailStrips, true, inner); });
    Value room = arith::MaxSIOp::create(b, loc, arith::SubIOp::create(b, loc, seen, edge), zero);
    Value steps = arith::DivUIOp::create(b, loc, room, index(schedule.block));
    Value whole =
        arith::AddIOp::create(b, loc, edge, arith::MulIOp::create(b, loc, steps, index(schedule.block)));
    state = loop(edge, whole, schedule.block, state,
                 [&](Value strip, ValueRange inner) { return step(strip, schedule.block, false, inner); });
    state = loop(whole, end, tailStrips, state,
                 [&](Value strip, ValueRange inner) { return step(strip, tailStrips, true, inner); });
    return finish(state);
  }

  /// What a step changes: scores [M, N W], maxima [M], sums [M, W] by lanes,
  /// weighted values [M, Dh], and of codes weights [G, M, N W]: else they take the
  /// scores' place.
  enum { kScores, kMaxima, kSums, kValues, kWeights };

  bool isCoded() { return bool(op.getKeyScales()); }

  Value splat(VectorType type, double value) {
    return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, float(value)));
  }
  Value broadcast(VectorType type, Value scalar) { return vector::BroadcastOp::create(b, loc, type, scalar); }
  /// The larger of two, or of two vectors lane by lane: one instruction, which a
  /// `maxnumf` with its rules for NaN is not. A NaN among scores stays one in the weights.
  Value larger(Value a, Value c) {
    Value greater = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, a, c);
    return arith::SelectOp::create(b, loc, greater, a, c);
  }

  Value scratch(ArrayRef<int64_t> shape) { return VectorBuilder::scratch(shape, b.getF32Type()); }

  Value stripOf(Value position) { return arith::DivUIOp::create(b, loc, position, index(lanes)); }
  Value alignDown(Value strip, int64_t strips) {
    if (strips == 1)
      return strip;
    Value count = index(strips);
    return arith::MulIOp::create(b, loc, arith::DivUIOp::create(b, loc, strip, count), count);
  }
  /// The first position that the window lets a row at `position` see.
  Value firstSeen(Value position) {
    Value first = arith::SubIOp::create(b, loc, position, index(window - 1));
    return arith::MaxSIOp::create(b, loc, first, zero);
  }

  /// The position of row number `row`, relative to the tile's: its token.
  Value tokenOf(Value row) {
    return heads == 1 ? row : arith::DivUIOp::create(b, loc, row, index(heads)).getResult();
  }
  Value headOf(Value row) {
    return heads == 1 ? zero : arith::RemUIOp::create(b, loc, row, index(heads)).getResult();
  }

  /// Rotates and scales the queries, and makes the state that nothing was seen in.
  SmallVector<Value> start() {
    SmallVector<Value> made = {scratch({rows, size}), scratch({rows}), scratch({rows, lanes}), scratch({rows, size})};
    made = loop(zero, index(rows), 1, made, [&](Value row, ValueRange inner) {
      Value values = inner[3];
      for (int64_t d = 0; d < size; d += width)
        values = write(splat(columnType, 0.0), values, {row, index(d)});
      Value maxima = tensor::InsertOp::create(b, loc, f32(b, loc, kLowest), inner[1], row);
      Value sums = write(splat(laneType, 0.0), inner[2], {row, zero});
      return SmallVector<Value>{op.getTable() ? rotate(row, inner[0]) : scale(row, inner[0]), maxima, sums, values};
    });
    query = made[0];
    SmallVector<Value> state = {scratch({rows, schedule.block * lanes}), made[1], made[2], made[3]};
    if (isCoded())
      state.push_back(scratch({groups, rows, schedule.block * lanes}));
    return state;
  }

  /// The scale, with what makes powers of 2 of those of e.
  double factor() { return op.getScale().convertToDouble() * std::log2(std::exp(1.0)); }

  /// Query number `row`, scaled, as a row of `scaled`.
  Value scale(Value row, Value scaled) {
    for (int64_t d = 0; d < size; d += width) {
      Value q = read(columnType, op.getQuery(), {tokenOf(row), headOf(row), index(d)});
      scaled = write(arith::MulFOp::create(b, loc, q, splat(columnType, factor())), scaled, {row, index(d)});
    }
    return scaled;
  }

  /// Query number `row`, rotated by its position and scaled, as a row of `scaled`: (x, y) becomes
  /// (x c - y s, y c + x s), each times the scale.
  Value rotate(Value row, Value scaled) {
    int64_t half = size / 2, part = std::gcd(half, lanes);
    auto type = VectorType::get({part}, b.getF32Type());
    Value token = tokenOf(row), head = headOf(row), place = plus(op.getPosition(), token);
    auto times = [&](Value x, Value y) -> Value { return arith::MulFOp::create(b, loc, x, y); };
    for (int64_t d = 0; d < half; d += part) {
      Value x = read(type, op.getQuery(), {token, head, index(d)});
      Value y = read(type, op.getQuery(), {token, head, index(half + d)});
      Value c = read(type, op.getTable(), {place, zero, index(d)});
      Value s = read(type, op.getTable(), {place, index(1), index(d)});
      auto [low, high] = turned(x, y, c, s);
      scaled = write(times(low, splat(type, factor())), scaled, {row, index(d)});
      scaled = write(times(high, splat(type, factor())), scaled, {row, index(half + d)});
    }
    return scaled;
  }

  /// `strips` strips from number `strip` on, all of one block.
  SmallVector<Value> step(Value strip, int64_t strips, bool masked, ValueRange state) {
    block = arith::DivUIOp::create(b, loc, strip, index(perBlock));
    inBlock = arith::MulIOp::create(b, loc, arith::RemUIOp::create(b, loc, strip, index(perBlock)), index(lanes));
    fetches = !isChunk && !masked;
    Value scores = addScores(strips, state[kScores]);
    SmallVector<Value> next = weigh(strip, strips, masked, scores, state);
    next[kValues] = addValues(strips, next[isCoded() ? kWeights : kScores], next[kValues]);
    return next;
  }

  /// Rows from `top` on that have sums in registers at once.
  int64_t heightFrom(int64_t top) const { return std::min(height, rows - top); }

  /// scores[row, j] = query[row] . keys[j], in as many strips at once as registers can
  /// hold sums of; few of them are sums of several chains.
  Value addScores(int64_t strips, Value scores) {
    int64_t together = divisorUpTo(strips, schedule.sums / height);
    return loop(zero, index(strips * lanes), together * lanes, scores, [&](Value first, ValueRange inner) {
      Value written = inner[0];
      for (int64_t top = 0; top < rows; top += height) {
        SmallVector<Value> sums =
            isCoded() ? sumGroups(top, first, together) : sumColumns(top, first, together, zero, size);
        for (int64_t row = 0; row < heightFrom(top); ++row)
          for (int64_t n = 0; n < together; ++n)
            written = write(sums[row * together + n], written, {index(top + row), plus(first, n * lanes)});
      }
      return SmallVector<Value>{written};
    })[0];
  }

  /// Queries from number `top` on times keys of `together` strips from the step's position `first`
  /// on, over `count` columns: vectors [row][strip].
  SmallVector<Value> sumColumns(int64_t top, Value first, int64_t together, Value from, int64_t count) {
    int64_t unroll = std::gcd(count, int64_t(4)), rows = heightFrom(top);
    int64_t chains = std::gcd(unroll, std::max<int64_t>(1, kChains / (rows * together)));
    SmallVector<Value> sums(rows * together * chains, splat(laneType, 0.0)); // [row][strip][chain]
    sums = loop(from, plus(from, count), unroll, sums, [&](Value column, ValueRange before) {
      SmallVector<Value> next(before);
      prefetch(op.getKeys(), {top, first, together * lanes, size}, column, unroll);
      for (int64_t offset = 0; offset < unroll; ++offset) {
        Value d = plus(column, offset);
        SmallVector<Value> keys;
        for (int64_t n = 0; n < together; ++n)
          keys.push_back(widen(b, loc, read(keyType(), op.getKeys(), {block, zero, d, inStep(first, n)})));
        for (int64_t row = 0; row < rows; ++row) {
          Value q = broadcast(laneType, tensor::ExtractOp::create(b, loc, query, ValueRange{index(top + row), d}));
          for (int64_t n = 0; n < together; ++n) {
            Value &sum = next[(row * together + n) * chains + offset % chains];
            sum = vector::FMAOp::create(b, loc, keys[n], q, sum);
          }
        }
      }
      return next;
    });
    SmallVector<Value> whole;
    for (int64_t i = 0; i < rows * together; ++i) {
      Value *chain = &sums[i * chains];
      for (int64_t half = chains / 2; half; half /= 2)
        for (int64_t j = 0; j < half; ++j)
          chain[j] = arith::AddFOp::create(b, loc, chain[j], chain[j + half]);
      whole.push_back(chain[0]);
    }
    return whole;
  }

  /// Queries from number `top` on times keys that are codes, of `together` strips from the step's position `first` on,
  /// over all columns: vectors [row][strip]. Each group of columns counts by the scales of its keys; the last one may
  /// be short.
  SmallVector<Value> sumGroups(int64_t top, Value first, int64_t together) {
    auto add = [&](Value number, int64_t columns, ValueRange before) {
      Value from = arith::MulIOp::create(b, loc, number, index(kGroup));
      return scaleSums(first, together, number, sumColumns(top, first, together, from, columns), before);
    };
    SmallVector<Value> sums;
    if (int64_t whole = size / kGroup)
      sums = loop(index(1), index(whole), 1, add(zero, kGroup, {}),
                  [&](Value number, ValueRange before) { return add(number, kGroup, before); });
    if (int64_t rest = size % kGroup)
      sums = add(index(groups - 1), rest, sums);
    return sums;
  }

  /// `sums` [row][strip] of group `number` times its keys' scales, added to `before` if
  /// there is something before.
  SmallVector<Value> scaleSums(Value first, int64_t together, Value number, ArrayRef<Value> sums, ValueRange before) {
    SmallVector<Value> scales, next;
    for (int64_t n = 0; n < together; ++n)
      scales.push_back(readScales(op.getKeyScales(), number, inStep(first, n)));
    for (auto [i, sum] : llvm::enumerate(sums)) {
      Value scale = scales[i % together];
      next.push_back(before.empty() ? arith::MulFOp::create(b, loc, sum, scale).getResult()
                                    : vector::FMAOp::create(b, loc, sum, scale, before[i]).getResult());
    }
    return next;
  }

  /// The scales of group `number` of a strip that begins at `position` of the block.
  Value readScales(Value scales, Value number, Value position) {
    auto type = laneType.clone(cast<RankedTensorType>(scales.getType()).getElementType());
    return widen(b, loc, read(VectorType(type), scales, {block, zero, number, position}));
  }

  /// Position `first` of a step plus that of strip n, in the block.
  Value inStep(Value first, int64_t n) { return plus(arith::AddIOp::create(b, loc, inBlock, first), n * lanes); }

  /// One loop over a step's part of a block of keys, or of values, that adds up a register tile of sums: `heightFrom`
  /// rows of `width` sums. Each of its turns reads `width` numbers of the cache, for all these rows.
  struct Pass {
    int64_t top;   ///< the first row of the tile
    Value first;   ///< the first sum of a row: of keys the number of a position in the step, of values that of a column
    int64_t width; ///< sums of a row: of keys positions, of values columns
    int64_t turns; ///< of the loop: of keys all columns, of values all positions of the step
  };

  /// In a whole step of a single token: fetches by hand, into the second cache, what the step at the same place of the
  /// next block will read of `cache`. (A core foretells the less the more there is to do with what it reads.) Called
  /// before `count` turns of a pass from number `turn` on: they read `count * width` numbers, and fetch as many, or,
  /// where several passes over the rows read the same, their share of those, so that fetches are spread evenly.
  void prefetch(Value cache, const Pass &pass, Value turn, int64_t count) {
    if (!fetches || isStream(cache))
      return;
    int64_t perTurn = pass.width / passes; // numbers
    Value begin = plus(plus(times(inBlock, size), times(pass.first, pass.turns)),
                       pass.top / height * pass.turns * pass.width / passes); // its own, in numbers from the block's on
    fetch(cache, {plus(block, 1), zero, zero, plus(begin, times(turn, perTurn))}, count * pass.width / passes,
          /*cache=*/2);
  }

  /// Whether a multiply-add takes numbers of `cache` from memory as they are: for a single row, with
  /// registers for little else than sums (`singleRowSums`). A core foretells those.
  bool isStream(Value cache) {
    return rows == 1 && schedule.singleRowSums && cast<RankedTensorType>(cache.getType()).getElementType().isF32();
  }

  VectorType keyType() {
    return VectorType::get({lanes}, cast<RankedTensorType>(op.getKeys().getType()).getElementType());
  }
  VectorType valueType() {
    return VectorType::get({width}, cast<RankedTensorType>(op.getValues().getType()).getElementType());
  }

  /// Scores become weights, row by row; what was found before is rescaled.
  SmallVector<Value> weigh(Value strip, int64_t strips, bool masked, Value scores, ValueRange state) {
    SmallVector<Value> carried(state);
    carried[kScores] = scores;
    return loop(zero, index(rows), 1, carried, [&](Value row, ValueRange inner) {
      SmallVector<Value> score, seen;
      for (int64_t n = 0; n < strips; ++n) {
        score.push_back(read(laneType, inner[kScores], {row, index(n * lanes)}));
        if (masked) {
          seen.push_back(visible(row, plus(strip, n)));
          score[n] = arith::SelectOp::create(b, loc, seen[n], score[n], splat(laneType, kLowest));
        }
      }
      Value before = tensor::ExtractOp::create(b, loc, inner[kMaxima], row);
      Value maximum = larger(before, acrossLanes(score));
      Value rescale = math::Exp2Op::create(b, loc, arith::SubFOp::create(b, loc, before, maximum));

      Value top = broadcast(laneType, maximum);
      Value sum = read(laneType, inner[kSums], {row, zero});
      sum = arith::MulFOp::create(b, loc, sum, broadcast(laneType, rescale));
      SmallVector<Value> next(inner);
      for (int64_t n = 0; n < strips; ++n) {
        Value weight = math::Exp2Op::create(b, loc, arith::SubFOp::create(b, loc, score[n], top));
        if (masked) // a row may have seen nothing yet: then the maximum is no score
          weight = arith::SelectOp::create(b, loc, seen[n], weight, splat(laneType, 0.0));
        sum = arith::AddFOp::create(b, loc, sum, weight);
        if (!isCoded())
          next[kScores] = write(weight, next[kScores], {row, index(n * lanes)});
        for (int64_t group = 0; isCoded() && group < groups; ++group) {
          Value scales = readScales(op.getValueScales(), index(group), plus(inBlock, n * lanes));
          Value scaled = arith::MulFOp::create(b, loc, weight, scales);
          next[kWeights] = write(scaled, next[kWeights], {index(group), row, index(n * lanes)});
        }
      }
      Value values = inner[kValues], factor = broadcast(columnType, rescale);
      for (int64_t d = 0; d < size; d += width) {
        Value old = read(columnType, values, {row, index(d)});
        values = write(arith::MulFOp::create(b, loc, old, factor), values, {row, index(d)});
      }
      next[kMaxima] = tensor::InsertOp::create(b, loc, maximum, inner[kMaxima], row);
      next[kSums] = write(sum, inner[kSums], {row, zero});
      next[kValues] = values;
      return next;
    });
  }

  /// Which lanes of strip number `strip` row number `row` may see.
  Value visible(Value row, Value strip) {
    auto type = VectorType::get({lanes}, b.getI32Type());
    auto numbers = llvm::to_vector(llvm::seq<int32_t>(0, int32_t(lanes)));
    Value lane = arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, ArrayRef<int32_t>(numbers)));
    Value begin = arith::MulIOp::create(b, loc, strip, index(lanes));
    Value own = arith::SubIOp::create(b, loc, plus(op.getPosition(), tokenOf(row)), begin); // its lane, were it here
    auto compare = [&](arith::CmpIPredicate predicate, Value place) -> Value {
      place = arith::IndexCastOp::create(b, loc, b.getI32Type(), place);
      return arith::CmpIOp::create(b, loc, predicate, lane, broadcast(type, place));
    };
    Value seen = compare(arith::CmpIPredicate::sle, own);
    if (window) {
      Value inside = compare(arith::CmpIPredicate::sgt, arith::SubIOp::create(b, loc, own, index(window)));
      seen = arith::AndIOp::create(b, loc, seen, inside);
    }
    return seen;
  }

  /// The largest of all lanes of `vectors`: halves upon halves.
  Value acrossLanes(ArrayRef<Value> vectors) {
    Value top = vectors.front();
    for (Value vector : vectors.drop_front())
      top = larger(top, vector);
    for (int64_t half = lanes / 2; half; half /= 2) {
      auto part = [&](int64_t from) {
        return vector::ExtractStridedSliceOp::create(b, loc, top, ArrayRef<int64_t>{from}, ArrayRef<int64_t>{half},
                                                     ArrayRef<int64_t>{1})
            .getResult();
      };
      top = larger(part(0), part(half));
    }
    return vector::ExtractOp::create(b, loc, top, int64_t(0));
  }

  /// How many vectors of `columns` columns have one weight for a position: those of a group.
  int64_t vectorsOfWeight(int64_t columns) {
    return (isCoded() ? std::min<int64_t>(columns, kGroup) : columns) / width;
  }

  /// How many vectors of `columns` columns go together if registers hold sums of `limit`: whole
  /// groups, or a whole part of one.
  int64_t columnsTogether(int64_t columns, int64_t limit) {
    int64_t vectors = vectorsOfWeight(columns);
    if (limit >= vectors)
      return vectors * divisorUpTo(columns / width / vectors, limit / vectors);
    return divisorUpTo(vectors, limit);
  }

  /// Element j of a row's weights, for the columns of group `group`.
  Value weightAt(Value weights, int64_t row, Value group, Value j) {
    SmallVector<Value> place = {index(row), j};
    if (isCoded())
      place.insert(place.begin(), group);
    return broadcast(columnType, tensor::ExtractOp::create(b, loc, weights, place));
  }

  /// values[row] += sum over j of weights[row, j] * v[j]. A last group that is short is one of its own.
  Value addValues(int64_t strips, Value weights, Value values) {
    int64_t whole = isCoded() ? size - size % kGroup : size;
    values = addColumns(0, whole, strips, weights, values);
    return whole < size ? addColumns(whole, size, strips, weights, values) : values;
  }

  /// values[row] += sum over j of weights[row, j] * v[j], in columns [from, to) alone: as many of them at once as
  /// registers can hold sums of, of a single row whole rows of values, if they can.
  Value addColumns(int64_t from, int64_t to, int64_t strips, Value weights, Value values) {
    if (from == to)
      return values;
    bool single = rows == 1 && schedule.singleRowSums && !isCoded();
    int64_t together = columnsTogether(to - from, (single ? schedule.singleRowSums : schedule.sums) / height);
    int64_t perWeight = std::min(together, vectorsOfWeight(to - from));
    int64_t unroll = std::gcd(lanes, int64_t(2));
    return loop(index(from), index(to), together * width, values, [&](Value column, ValueRange inner) {
      Value group = arith::DivUIOp::create(b, loc, column, index(kGroup));
      Value written = inner[0];
      for (int64_t top = 0; top < rows; top += height) {
        SmallVector<Value> sums; // [row][column]
        for (int64_t row = 0; row < heightFrom(top); ++row)
          for (int64_t n = 0; n < together; ++n)
            sums.push_back(read(columnType, written, {index(top + row), plus(column, n * width)}));
        sums = loop(zero, index(strips * lanes), unroll, sums, [&](Value place, ValueRange before) {
          SmallVector<Value> next(before);
          prefetch(op.getValues(), {top, column, together * width, strips * lanes}, place, unroll);
          for (int64_t offset = 0; offset < unroll; ++offset) {
            Value j = plus(place, offset), position = arith::AddIOp::create(b, loc, inBlock, j);
            SmallVector<Value> v;
            for (int64_t n = 0; n < together; ++n)
              v.push_back(
                  widen(b, loc, read(valueType(), op.getValues(), {block, zero, position, plus(column, n * width)})));
            for (int64_t row = 0; row < heightFrom(top); ++row) {
              Value weight;
              for (int64_t n = 0; n < together; ++n) {
                if (n % perWeight == 0)
                  weight = weightAt(weights, top + row, plus(group, n / perWeight), j);
                Value &sum = next[row * together + n];
                sum = vector::FMAOp::create(b, loc, v[n], weight, sum);
              }
            }
          }
          return next;
        });
        for (int64_t row = 0; row < heightFrom(top); ++row)
          for (int64_t n = 0; n < together; ++n)
            written = write(sums[row * together + n], written, {index(top + row), plus(column, n * width)});
      }
      return SmallVector<Value>{written};
    })[0];
  }

  /// o / d of every row, into the destination; of a part o, d by lanes and the maximum.
  Value finish(ValueRange state) {
    if (op.getPart())
      return loop(zero, index(rows), 1, op.getDestination(), [&](Value row, ValueRange inner) {
        Value result = inner[0];
        for (int64_t d = 0; d < size; d += width)
          result = write(read(columnType, state[kValues], {row, index(d)}), result, {zero, row, index(d)});
        result = write(read(laneType, state[kSums], {row, zero}), result, {zero, row, index(size)});
        Value maximum = broadcast(laneType, tensor::ExtractOp::create(b, loc, state[kMaxima], row));
        return SmallVector<Value>{write(maximum, result, {zero, row, index(size + lanes)})};
      })[0];
    return loop(zero, index(rows), 1, op.getDestination(), [&](Value row, ValueRange inner) {
      // A tree over the lanes, the same for every row (`reassoc` permits it).
      Value sum = vector::ReductionOp::create(b, loc, vector::CombiningKind::ADD,
                                              read(laneType, state[kSums], {row, zero}),
                                              arith::FastMathFlags::reassoc);
      Value divisor = broadcast(columnType, sum), result = inner[0];
      for (int64_t d = 0; d < size; d += width) {
        Value o = read(columnType, state[kValues], {row, index(d)});
        result = write(arith::DivFOp::create(b, loc, o, divisor), result, {tokenOf(row), headOf(row), index(d)});
      }
      return SmallVector<Value>{result};
    })[0];
  }

  kernel::AttentionOp op;
  bool isChunk;
  Schedule schedule;
  int64_t tokens = 0, heads = 0, rows = 0; ///< T, H, M = T * H
  int64_t passes = 1, height = 0;          ///< over the rows; how many of them have sums in registers at once
  int64_t size = 0, lanes = 0;             ///< Dh, W
  int64_t perBlock = 0;                    ///< strips of a block: L / W
  int64_t window = 0;                      ///< positions that a row sees, at most all there are; 0: all
  int64_t groups = 1;                      ///< G = ceil(Dh/32) of codes, else 1
  int64_t width = 0;                       ///< of a vector of columns; divides Dh
  int64_t tailStrips = 0;                  ///< strips of a masked step
  VectorType laneType, columnType;
  Value zero;
  Value query;          ///< [M, Dh], scaled
  Value block, inBlock; ///< of the step: the cache's block, and the first position in it
  bool fetches = false; ///< the step
};

/// Tokens of the step that `op` is a tile of.
int64_t tokensOfStep(kernel::AttentionOp op) {
  Value query = op.getQuery();
  while (auto slice = query.getDefiningOp<tensor::ExtractSliceOp>())
    query = slice.getSource();
  return cast<RankedTensorType>(query.getType()).getDimSize(0);
}

struct VectorizeAttention : cria::impl::VectorizeAttentionBase<VectorizeAttention> {
  void runOnOperation() override {
    FailureOr<ChipRef> chip = chipOf(getOperation()->getParentOfType<ModuleOp>());
    if (failed(chip))
      return signalPassFailure();
    IRRewriter rewriter(&getContext());
    for (auto op : collect<kernel::AttentionOp>(getOperation())) {
      if (failed(requireStatic(op)))
        return signalPassFailure();
      int64_t groups = cast<RankedTensorType>(op.getKeys().getType()).getDimSize(1);
      if (groups != 1) {
        op.emitOpError("expects a tile of one key/value head to be vectorized, but got ") << groups;
        return signalPassFailure();
      }
      bool isChunk = tokensOfStep(op) > 1;
      Schedule schedule = chip->target->schedule(*chip->chip, {KernelKey::Kind::Attention, isChunk, {}});
      int64_t parts = op.getPart() ? cast<RankedTensorType>(op.getType()).getDimSize(0) : 1;
      if (parts != 1) {
        op.emitOpError("expects a tile of one part to be vectorized, but got ") << parts;
        return signalPassFailure();
      }
      int64_t positions = cast<RankedTensorType>(op.getKeys().getType()).getDimSize(3);
      auto destination = cast<RankedTensorType>(op.getDestination().getType());
      int64_t size = cast<RankedTensorType>(op.getQuery().getType()).getDimSize(2);
      if (op.getPart() && destination.getDimSize(2) != size + 2 * schedule.lanes) {
        op.emitOpError("expects parts with vectors of ")
            << schedule.lanes << " sums and maxima to be vectorized, but got " << destination;
        return signalPassFailure();
      }
      if (int64_t step = schedule.block * schedule.lanes; positions % step) {
        op.emitOpError("expects blocks of a multiple of ")
            << step << " positions to be vectorized, but got " << positions;
        return signalPassFailure();
      }
      AttentionTile(op, isChunk, schedule, rewriter).build();
    }
  }
};

} // namespace
