//===- BlockReader.cpp - Quantized blocks as vectors -----------------------===//

#include "compiler/transforms/BlockReader.h"
#include "compiler/transforms/KernelBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace cria;

BlockReader::BlockReader(OpBuilder &builder, Location loc, Value panels, llama::Format format, int64_t rows)
    : b(&builder), loc(loc), panels(panels), format(format), rows(rows) {}

void BlockReader::moveTo(Value newPanel, Value step) {
  panel = newPanel;
  block = step;
  read.clear();
}

SmallVector<int64_t> BlockReader::vectors(int64_t) const {
  if (format == llama::Format::Q8)
    return {0, 1, 2, 3, 4, 5, 6, 7};
  return {0, 4, 1, 5, 2, 6, 3, 7};
}

int64_t BlockReader::offset() const { return format == llama::Format::Q8 ? 128 : 8; }

Value BlockReader::scales(int64_t) {
  auto halves = VectorType::get({rows}, b->getF16Type());
  return widen(*b, loc, vector::BitCastOp::create(*b, loc, halves, bytes(0, 2 * rows)));
}

Value BlockReader::codes(int64_t vector) {
  if (format == llama::Format::Q8)
    return codeBytes(vector);
  // The low halves are columns 0 to 15, the high ones 16 to 31.
  auto words = VectorType::get({rows}, b->getI32Type());
  auto splat = [&](int32_t value) {
    return arith::ConstantOp::create(*b, loc, DenseElementsAttr::get(words, value));
  };
  Value both = codeBytes(vector % 4);
  Value nibbles = vector::BitCastOp::create(*b, loc, words, both);
  if (vector >= 4)
    nibbles = arith::ShRUIOp::create(*b, loc, nibbles, splat(4));
  nibbles = arith::AndIOp::create(*b, loc, nibbles, splat(0x0f0f0f0f));
  return vector::BitCastOp::create(*b, loc, both.getType(), nibbles);
}

Value BlockReader::bytes(int64_t offset, int64_t count) {
  Value at = arith::ConstantIndexOp::create(*b, loc, offset);
  return vector::TransferReadOp::create(*b, loc, VectorType::get({count}, b->getI8Type()), panels,
                                        ValueRange{panel, block, at}, std::nullopt, ArrayRef<bool>{true});
}

Value BlockReader::codeBytes(int64_t number) {
  Value &known = read[number];
  if (!known)
    known = bytes(2 * rows + 4 * rows * number, 4 * rows);
  return known;
}
