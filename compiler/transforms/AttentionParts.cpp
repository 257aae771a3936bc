//===- AttentionParts.cpp - How parts of one attention share the context ---===//

#include "compiler/transforms/AttentionParts.h"

using namespace mlir;
using namespace cria;

static Value index(OpBuilder &b, Location loc, int64_t value) {
  return arith::ConstantIndexOp::create(b, loc, value);
}

AttentionParts::AttentionParts(OpBuilder &b, Location loc, Value position, int64_t window, int64_t stepPositions,
                               int64_t parts)
    : parts(parts), first(index(b, loc, 0)) {
  Value step = index(b, loc, stepPositions);
  if (window) {
    Value seen = arith::SubIOp::create(b, loc, position, index(b, loc, window - 1));
    first = arith::DivUIOp::create(b, loc, arith::MaxSIOp::create(b, loc, seen, first), step);
  }
  Value end = arith::AddIOp::create(b, loc, arith::DivUIOp::create(b, loc, position, step), index(b, loc, 1));
  count = arith::SubIOp::create(b, loc, end, first);
}

Value AttentionParts::begin(OpBuilder &b, Location loc, Value part) const {
  Value share = arith::DivUIOp::create(b, loc, arith::MulIOp::create(b, loc, part, count), index(b, loc, parts));
  return arith::AddIOp::create(b, loc, first, share);
}

Value AttentionParts::active(OpBuilder &b, Location loc) const {
  return arith::MinSIOp::create(b, loc, count, index(b, loc, parts));
}

/// With n >= S active parts these are all; else part p has the step k where
/// (p + 1) n / S passes k + 1: the last p below (k + 1) S / n.
Value AttentionParts::number(OpBuilder &b, Location loc, Value which, Value active) const {
  Value next = arith::AddIOp::create(b, loc, which, index(b, loc, 1));
  Value place = arith::MulIOp::create(b, loc, next, index(b, loc, parts));
  return arith::DivUIOp::create(b, loc, arith::SubIOp::create(b, loc, place, index(b, loc, 1)), active);
}
