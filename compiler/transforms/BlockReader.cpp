//===- BlockReader.cpp - Quantized blocks as vectors -----------------------===//

#include "compiler/transforms/BlockReader.h"
#include "compiler/transforms/KernelBuilder.h"

#include "dialects/kernel/Kernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace cria;

BlockReader::BlockReader(OpBuilder &builder, Location loc, Value panels, llama::Format format, int64_t rows)
    : b(&builder), loc(loc), panels(panels), layout(format, rows) {}

void BlockReader::moveTo(Value newPanel, Value step) {
  panel = newPanel;
  block = step;
  part = {};
  read.clear();
  if (int64_t steps = layout.format.block / llama::kGroup; steps > 1) {
    Value count = arith::ConstantIndexOp::create(*b, loc, steps);
    block = arith::DivUIOp::create(*b, loc, step, count);
    part = arith::RemUIOp::create(*b, loc, step, count);
  }
}

int64_t BlockReader::groups() const { return std::max(llama::kGroup / layout.format.group, 1); }

SmallVector<int64_t> BlockReader::vectors(int64_t group) const {
  int64_t count = 8 / groups(), stride = layout.planes[0].bits;
  SmallVector<int64_t> order;
  for (int64_t first = 0; first < stride; ++first)
    for (int64_t vector = first; vector < 8; vector += stride)
      if (vector / count == group)
        order.push_back(vector);
  return order;
}

Value BlockReader::codes(int64_t vector) {
  auto words = VectorType::get({layout.rows}, b->getI32Type());
  auto splat = [&](uint32_t value) {
    return arith::ConstantOp::create(*b, loc, DenseElementsAttr::get(words, int32_t(value)));
  };
  int64_t size = 4 * layout.rows;
  Value result;
  for (const llama::BlockLayout::Plane &plane : layout.planes) {
    int64_t offset = layout.codes + plane.offset + size * (vector % plane.bits);
    Value &known = read[offset];
    if (!known)
      known = bytes(offset, size, layout.codeBytes);
    if (plane.bits == 8)
      return known;
    // The field moves to its place in every byte; what comes along is masked out.
    Value field = vector::BitCastOp::create(*b, loc, words, known);
    int64_t right = plane.bits * (vector / plane.bits) - plane.shift;
    if (right > 0)
      field = arith::ShRUIOp::create(*b, loc, field, splat(right));
    else if (right < 0)
      field = arith::ShLIOp::create(*b, loc, field, splat(-right));
    field = arith::AndIOp::create(*b, loc, field, splat(0x01010101u * ((1u << plane.bits) - 1) << plane.shift));
    result = result ? arith::OrIOp::create(*b, loc, result, field).getResult() : field;
  }
  result = vector::BitCastOp::create(*b, loc, VectorType::get({size}, b->getI8Type()), result);
  if (layout.format.levels.empty())
    return result;
  SmallVector<int8_t> table(16);
  for (auto [entry, level] : llvm::zip(table, layout.format.levels))
    entry = int8_t(uint8_t(level + layout.format.offset));
  return kernel::LookupOp::create(*b, loc, result.getType(), result, table);
}

Value BlockReader::scales(int64_t group) { return numbers(0, group, 0, /*isSigned=*/true); }

Value BlockReader::minimums(int64_t group) {
  if (!layout.format.minimums)
    return {};
  return numbers(layout.minimums, group, layout.rows, /*isSigned=*/false);
}

Value BlockReader::numbers(int64_t offset, int64_t group, int64_t factorOffset, bool isSigned) {
  int64_t rows = layout.rows;
  auto halves = VectorType::get({rows}, b->getF16Type()), wide = VectorType::get({rows}, b->getF32Type()),
       words = VectorType::get({rows}, b->getI32Type());
  Value result = widen(*b, loc, vector::BitCastOp::create(*b, loc, halves, bytes(offset, 2 * rows)));
  if (!layout.format.twoLevels())
    return result;
  Value factors = bytes(layout.factors + group * layout.factorBytes + factorOffset, rows,
                        groups() * layout.factorBytes);
  if (isSigned)
    factors = arith::ExtSIOp::create(*b, loc, words, factors);
  else
    factors = arith::ExtUIOp::create(*b, loc, words, factors);
  return arith::MulFOp::create(*b, loc, result, arith::SIToFPOp::create(*b, loc, wide, factors));
}

Value BlockReader::bytes(int64_t offset, int64_t count, int64_t step) {
  Value at = arith::ConstantIndexOp::create(*b, loc, offset);
  if (part && step) {
    Value before = arith::MulIOp::create(*b, loc, part, arith::ConstantIndexOp::create(*b, loc, step));
    at = arith::AddIOp::create(*b, loc, before, at);
  }
  return vector::TransferReadOp::create(*b, loc, VectorType::get({count}, b->getI8Type()), panels,
                                        ValueRange{panel, block, at}, std::nullopt, ArrayRef<bool>{true});
}
