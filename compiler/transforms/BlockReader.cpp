//===- BlockReader.cpp - Quantized blocks as vectors -----------------------===//

#include "compiler/transforms/BlockReader.h"
#include "compiler/transforms/KernelBuilder.h"

#include "dialects/kernel/Kernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace cria;

BlockReader::BlockReader(OpBuilder &builder, Location loc, Value panels, llama::Format format, int64_t rows,
                         Value lane)
    : b(&builder), loc(loc), panels(panels), layout(format, rows), lane(lane) {}

void BlockReader::moveToBlock(Value newPanel, Value newBlock) {
  panel = newPanel;
  block = newBlock;
  blockScales = layout.format.exponents ? powers() : halves(0);
  if (layout.format.minimums)
    blockMinimums = halves(layout.minimums);
}

void BlockReader::moveToStep(Value newStep) {
  step = newStep;
  first = {};
  read.clear();
  pieces.clear();
}

void BlockReader::moveToVector(Value newFirst) {
  first = newFirst;
  read.clear();
}

void BlockReader::moveTo(Value panel, Value step) {
  if (steps() == 1) {
    moveToBlock(panel, step);
    return moveToStep(step);
  }
  Value count = arith::ConstantIndexOp::create(*b, loc, steps());
  moveToBlock(panel, arith::DivUIOp::create(*b, loc, step, count));
  moveToStep(arith::RemUIOp::create(*b, loc, step, count));
}

int64_t BlockReader::groups() const { return std::max(llama::kGroup / layout.format.group, 1); }

SmallVector<int64_t> BlockReader::vectors(int64_t group) const {
  int64_t count = 8 / groups();
  SmallVector<int64_t> order = llvm::to_vector(llvm::seq(group * count, (group + 1) * count));
  auto usedUp = [&](int64_t vector) { return std::pair(layout.fields[vector].back().vector, vector); };
  llvm::sort(order, [&](int64_t a, int64_t b) { return usedUp(a) < usedUp(b); });
  return order;
}

Value BlockReader::bareCodes(int64_t vector) {
  ArrayRef<llama::BlockLayout::Field> fields = layout.fields[vector];
  Value codes;
  if (fields.size() == 1) {
    codes = bitsOf(fields[0]);
  } else {
    for (const llama::BlockLayout::Field &field : fields)
      storedBytes(field.vector);
    codes = pieces[vector];
  }
  return vector::BitCastOp::create(*b, loc, VectorType::get({4 * width()}, b->getI8Type()), codes);
}

Value BlockReader::bitsOf(const llama::BlockLayout::Field &field) {
  auto words = VectorType::get({width()}, b->getI32Type());
  auto splat = [&](uint32_t value) {
    return arith::ConstantOp::create(*b, loc, DenseElementsAttr::get(words, int32_t(value)));
  };
  Value bits = vector::BitCastOp::create(*b, loc, words, storedBytes(field.vector));
  if (field.bits == 8)
    return bits;
  // The bits move to their place in every byte; what comes along is masked out.
  if (int right = field.place - field.shift)
    bits = arith::ShRUIOp::create(*b, loc, bits, splat(right));
  return arith::AndIOp::create(*b, loc, bits, splat(0x01010101u * ((1u << field.bits) - 1) << field.shift));
}

Value BlockReader::storedBytes(int64_t number) {
  if (Value known = read.lookup(number))
    return known;
  Value more;
  if (first)
    more = arith::MulIOp::create(*b, loc, first, arith::ConstantIndexOp::create(*b, loc, 4 * width()));
  Value bytes = stepBytes(layout.codes + 4 * layout.rows * number, 4, more);
  read[number] = bytes;
  for (auto [vector, fields] : llvm::enumerate(layout.fields))
    for (const llama::BlockLayout::Field &field : fields)
      if (fields.size() > 1 && field.vector == number) {
        Value bits = bitsOf(field);
        Value &codes = pieces[vector];
        codes = codes ? arith::OrIOp::create(*b, loc, codes, bits).getResult() : bits;
      }
  return bytes;
}

Value BlockReader::levels(Value codes) {
  if (layout.format.levels.empty())
    return codes;
  SmallVector<int8_t> table(16);
  for (auto [entry, level] : llvm::zip(table, layout.format.levels))
    entry = int8_t(uint8_t(level + layout.format.offset));
  return kernel::LookupOp::create(*b, loc, codes.getType(), codes, table);
}

Value BlockReader::scales(int64_t group) {
  return timesFactor(blockScales, layout.format.minimums ? 2 * group : group, layout.format.factorOffset);
}

/// The exponent of a float is a byte, too: e is 2^(e - 127), but for 0 (there zero, 2^-127 is
/// the denormal 0x400000) and 255 (there infinity); half of it is exact.
Value BlockReader::powers() {
  auto words = VectorType::get({width()}, b->getI32Type()), floats = VectorType::get({width()}, b->getF32Type());
  auto constant = [&](int32_t bits) -> Value {
    return arith::ConstantOp::create(*b, loc, DenseElementsAttr::get(words, bits));
  };
  Value exponents = arith::ExtUIOp::create(*b, loc, words, bytes(arith::ConstantIndexOp::create(*b, loc, 0), 1));
  Value shifted = arith::ShLIOp::create(*b, loc, exponents, constant(23));
  Value positive = arith::MaxSIOp::create(*b, loc, shifted, constant(0x00400000));
  Value isNan = arith::CmpIOp::create(*b, loc, arith::CmpIPredicate::eq, exponents, constant(255));
  Value pattern = arith::SelectOp::create(*b, loc, isNan, constant(0x7fc00000), positive);
  Value half = arith::ConstantOp::create(*b, loc, DenseElementsAttr::get(floats, 0.5f));
  return arith::MulFOp::create(*b, loc, vector::BitCastOp::create(*b, loc, floats, pattern), half);
}

Value BlockReader::minimums(int64_t group) {
  if (!blockMinimums)
    return {};
  return timesFactor(blockMinimums, 2 * group + 1, /*offset=*/0);
}

Value BlockReader::halves(int64_t offset) {
  auto type = VectorType::get({width()}, b->getF16Type());
  Value at = arith::ConstantIndexOp::create(*b, loc, offset);
  return widen(*b, loc, vector::BitCastOp::create(*b, loc, type, bytes(at, 2)));
}

Value BlockReader::timesFactor(Value numbers, int64_t factor, int64_t offset) {
  if (!layout.format.twoLevels())
    return numbers;
  auto wide = VectorType::get({width()}, b->getF32Type());
  Value factors = factorBits(factor);
  if (offset)
    factors = arith::SubIOp::create(*b, loc, factors, word(offset));
  return arith::MulFOp::create(*b, loc, numbers, arith::SIToFPOp::create(*b, loc, wide, factors));
}

Value BlockReader::factorBits(int64_t factor) {
  auto words = VectorType::get({width()}, b->getI32Type());
  auto bitsFrom = [&](Value bits, int64_t first, int64_t count) -> Value {
    if (first)
      bits = arith::ShRUIOp::create(*b, loc, bits, word(first));
    return first + count == 8 ? bits : arith::AndIOp::create(*b, loc, bits, word((1 << count) - 1)).getResult();
  };
  if (layout.format.factorBits == 8)
    return arith::ExtSIOp::create(*b, loc, words, stepBytes(layout.factors + factor * layout.rows, 1));
  int64_t place = layout.factors + (layout.format.factorBits == 4 ? factor / 2 * layout.rows : 0);
  Value bits = arith::ExtUIOp::create(*b, loc, words, stepBytes(place, 1));
  if (layout.format.factorBits == 4)
    return bitsFrom(bits, factor % 2 * 4, 4);
  if (factor == 0)
    return bitsFrom(bits, 0, 6);
  Value upper = arith::ShLIOp::create(*b, loc, upperBits(), word(2));
  return arith::OrIOp::create(*b, loc, upper, bitsFrom(bits, 6, 2));
}

Value BlockReader::upperBits() {
  auto constant = [&](int64_t value) { return arith::ConstantIndexOp::create(*b, loc, value); };
  int64_t half = layout.rows / 2, count = lane ? 1 : half;
  Value place = placeOf(layout.factors + layout.rows);
  if (lane)
    place = arith::AddIOp::create(*b, loc, place, arith::RemUIOp::create(*b, loc, lane, constant(half)));
  auto words = VectorType::get({count}, b->getI32Type());
  auto word = [&](int32_t value) { return arith::ConstantOp::create(*b, loc, DenseElementsAttr::get(words, value)); };
  Value both = arith::ExtUIOp::create(*b, loc, words, bytesAt(place, count));
  if (lane) {
    Value which = arith::DivUIOp::create(*b, loc, lane, constant(half));
    Value bits = arith::MulIOp::create(*b, loc, which, constant(4));
    Value shift = arith::IndexCastOp::create(*b, loc, b->getI32Type(), bits);
    both = arith::ShRUIOp::create(*b, loc, both, vector::BroadcastOp::create(*b, loc, words, shift));
    return arith::AndIOp::create(*b, loc, both, word(15));
  }
  Value first = arith::AndIOp::create(*b, loc, both, word(15));
  Value second = arith::ShRUIOp::create(*b, loc, both, word(4));
  return vector::ShuffleOp::create(*b, loc, first, second, llvm::to_vector(llvm::seq<int64_t>(0, layout.rows)));
}

Value BlockReader::word(int64_t value) {
  auto words = VectorType::get({width()}, b->getI32Type());
  return arith::ConstantOp::create(*b, loc, DenseElementsAttr::get(words, int32_t(value)));
}

Value BlockReader::placeOf(int64_t offset) {
  Value at = arith::ConstantIndexOp::create(*b, loc, offset);
  if (steps() == 1)
    return at;
  Value before = arith::MulIOp::create(*b, loc, step, arith::ConstantIndexOp::create(*b, loc, layout.stepBytes));
  return arith::AddIOp::create(*b, loc, before, at);
}

Value BlockReader::stepBytes(int64_t offset, int64_t count, Value more) {
  Value at = placeOf(offset);
  return bytes(more ? arith::AddIOp::create(*b, loc, at, more).getResult() : at, count);
}

Value BlockReader::bytes(Value offset, int64_t count) {
  if (lane) {
    Value before = arith::MulIOp::create(*b, loc, lane, arith::ConstantIndexOp::create(*b, loc, count));
    offset = arith::AddIOp::create(*b, loc, before, offset);
  }
  return bytesAt(offset, count * width());
}

Value BlockReader::bytesAt(Value offset, int64_t count) {
  return vector::TransferReadOp::create(*b, loc, VectorType::get({count}, b->getI8Type()), panels,
                                        ValueRange{panel, block, offset}, std::nullopt, ArrayRef<bool>{true});
}
