//===- VectorBuilder.cpp - Short words for micro-kernels -------------------===//

#include "compiler/transforms/VectorBuilder.h"

#include "dialects/kernel/Kernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include <cmath>

using namespace mlir;
using namespace cria;

Value VectorBuilder::index(int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); }

Value VectorBuilder::plus(Value value, int64_t offset) { return offset ? plus(value, index(offset)) : value; }

Value VectorBuilder::plus(Value value, Value offset) { return arith::AddIOp::create(b, loc, value, offset); }

Value VectorBuilder::read(VectorType type, Value tensor, ValueRange place) {
  return vector::TransferReadOp::create(b, loc, type, tensor, place, std::nullopt, ArrayRef<bool>{true});
}

Value VectorBuilder::write(Value vector, Value tensor, ValueRange place) {
  return vector::TransferWriteOp::create(b, loc, vector, tensor, place, ArrayRef<bool>{true}).getResult();
}

int64_t VectorBuilder::tileHeight(int64_t all, int64_t limit) {
  return llvm::divideCeil(all, llvm::divideCeil(all, limit));
}

Value VectorBuilder::overTiles(int64_t all, int64_t height, Value tensor,
                               llvm::function_ref<Value(Value, int64_t, Value)> body) {
  int64_t whole = all / height, rest = all % height;
  Value end = index(whole), live = kernel::liveRows(b, loc, all);
  if (live)
    end = arith::MinUIOp::create(b, loc, ceilDiv(live, index(height)), end);
  tensor = loop(index(0), end, 1, tensor, [&](Value number, ValueRange inner) -> SmallVector<Value> {
    return {body(number, height, inner[0])};
  })[0];
  if (!rest)
    return tensor;
  if (!live)
    return body(index(whole), rest, tensor);
  Value more = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ugt, live, index(whole * height));
  auto last = scf::IfOp::create(b, loc, tensor.getType(), more, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(last.elseBlock());
  scf::YieldOp::create(b, loc, tensor);
  b.setInsertionPointToStart(last.thenBlock());
  scf::YieldOp::create(b, loc, body(index(whole), rest, tensor));
  return last.getResult(0);
}

Value VectorBuilder::rowsOf(int64_t all) {
  Value live = kernel::liveRows(b, loc, all);
  return live ? live : index(all);
}

Value VectorBuilder::times(Value value, int64_t factor) {
  return arith::MulIOp::create(b, loc, value, index(factor));
}

Value VectorBuilder::ceilDiv(Value count, Value size) {
  Value rest = arith::SubIOp::create(b, loc, size, index(1));
  return arith::DivUIOp::create(b, loc, plus(count, rest), size);
}

/// How many elements of `tensor` are in a cache line of `line` bytes.
static int64_t elementsOf(int64_t line, Value tensor) {
  return 8 * line / cast<RankedTensorType>(tensor.getType()).getElementTypeBitWidth();
}

Value VectorBuilder::shareOfTile(int64_t elements, int64_t rows, int64_t height) {
  Value tiles = ceilDiv(rowsOf(rows), index(height));
  return ceilDiv(index(elements), tiles);
}

void VectorBuilder::fetchShare(Value tensor, int64_t panel, Value share, const Turn &turn) {
  Value before = arith::MulIOp::create(b, loc, turn.tile, index(turn.steps));
  Value from = arith::MulIOp::create(b, loc, plus(before, turn.step), share);
  Value count = arith::MulIOp::create(b, loc, share, turn.together);
  Value zero = index(0);
  auto lines = scf::ForOp::create(b, loc, zero, count, index(elementsOf(kLine, tensor)));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(lines.getBody());
  Value place = plus(from, lines.getInductionVar());
  kernel::PrefetchOp::create(b, loc, tensor, ValueRange{index(panel), zero, place}, /*cache=*/2);
}

void VectorBuilder::fetch(Value tensor, ArrayRef<Value> place, int64_t count, int64_t cache) {
  for (int64_t offset = 0, line = elementsOf(kLine, tensor); offset < count; offset += line) {
    SmallVector<Value> indices(place);
    indices.back() = plus(indices.back(), offset);
    kernel::PrefetchOp::create(b, loc, tensor, indices, cache);
  }
}

SmallVector<Value> VectorBuilder::loop(Value from, Value to, Value step, ValueRange values,
                                       function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  auto loop = scf::ForOp::create(b, loc, from, to, step, values);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  scf::YieldOp::create(b, loc, body(loop.getInductionVar(), loop.getRegionIterArgs()));
  return SmallVector<Value>(loop.getResults());
}

std::pair<Value, Value> VectorBuilder::turned(Value x, Value y, Value c, Value s) {
  auto times = [&](Value one, Value other) -> Value { return arith::MulFOp::create(b, loc, one, other); };
  Value low = arith::SubFOp::create(b, loc, times(x, c), times(y, s));
  Value high = arith::AddFOp::create(b, loc, times(y, c), times(x, s));
  return {low, high};
}

Value VectorBuilder::largestMagnitude(Value numbers) {
  auto integers = cast<VectorType>(numbers.getType()).clone(b.getI32Type());
  Value bits = vector::BitCastOp::create(b, loc, integers, numbers);
  Value mask = arith::ConstantOp::create(b, loc, DenseElementsAttr::get(integers, int32_t(0x7fffffff)));
  Value largest = vector::ReductionOp::create(b, loc, vector::CombiningKind::MAXSI,
                                              arith::AndIOp::create(b, loc, bits, mask));
  return arith::BitcastOp::create(b, loc, b.getF32Type(), largest);
}

Value VectorBuilder::nearestIntegers(Value multiples, Value largest) {
  auto type = cast<VectorType>(multiples.getType());
  Value isLarge = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGE, largest, f32(b, loc, 0x1p-100));
  Value isFinite = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, largest, f32(b, loc, INFINITY));
  Value usable = arith::AndIOp::create(b, loc, isLarge, isFinite);
  Value zeros = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
  Value rounded = math::RoundEvenOp::create(b, loc, arith::SelectOp::create(b, loc, usable, multiples, zeros));
  return arith::FPToSIOp::create(b, loc, type.clone(b.getI32Type()), rounded);
}
