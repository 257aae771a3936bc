//===- KernelBuilder.cpp - Short words for linalg and tensor ops -----------===//

#include "compiler/transforms/KernelBuilder.h"

#include "dialects/kernel/Kernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace cria;

Value cria::f32(OpBuilder &builder, Location loc, double value) {
  return arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(float(value)));
}

Value cria::widen(OpBuilder &builder, Location loc, Value value) {
  if (getElementTypeOrSelf(value).isF32())
    return value;
  Type wide = builder.getF32Type();
  if (auto vector = dyn_cast<VectorType>(value.getType()))
    wide = vector.clone(wide);
  if (getElementTypeOrSelf(value).isInteger(8))
    return arith::SIToFPOp::create(builder, loc, wide, value);
  return arith::ExtFOp::create(builder, loc, wide, value);
}

Value cria::narrow(OpBuilder &builder, Location loc, Value value, Type element) {
  if (getElementTypeOrSelf(value) == element)
    return value;
  if (auto vector = dyn_cast<VectorType>(value.getType()))
    element = vector.clone(element);
  return arith::TruncFOp::create(builder, loc, element, value);
}

Value cria::emptyBuffer(OpBuilder &builder, Location loc, ArrayRef<int64_t> shape, Type element, int64_t number) {
  auto tensor = tensor::EmptyOp::create(builder, loc, shape, element);
  tensor->setAttr(kernel::kBufferAttrName, builder.getI64IntegerAttr(number));
  return tensor;
}

Value KernelBuilder::generic(ArrayRef<Operand> inputs, const Operand &destination,
                             ArrayRef<AffineExpr> reductions, Body body) {
  unsigned loops = 0;
  auto count = [&](const Operand &operand) {
    for (AffineExpr loop : operand.loops)
      loops = std::max(loops, cast<AffineDimExpr>(loop).getPosition() + 1);
  };
  SmallVector<Value> tensors;
  for (const Operand &input : inputs) {
    count(input);
    tensors.push_back(input.tensor);
  }
  count(destination);
  SmallVector<AffineMap> maps;
  for (const Operand &input : inputs)
    maps.push_back(AffineMap::get(loops, 0, input.loops, builder.getContext()));
  maps.push_back(AffineMap::get(loops, 0, destination.loops, builder.getContext()));
  SmallVector<utils::IteratorType> iterators(loops, utils::IteratorType::parallel);
  for (AffineExpr loop : reductions)
    iterators[cast<AffineDimExpr>(loop).getPosition()] = utils::IteratorType::reduction;
  return linalg::GenericOp::create(builder, loc, destination.tensor.getType(), tensors, destination.tensor, maps,
                                   iterators,
                                   [&](OpBuilder &inner, Location at, ValueRange scalars) {
                                     linalg::YieldOp::create(inner, at, body(inner, at, scalars));
                                   })
      .getResult(0);
}

Value KernelBuilder::empty(ArrayRef<int64_t> shape, Type element) {
  return emptyBuffer(builder, loc, shape, element ? element : builder.getF32Type(), buffers++);
}

Value KernelBuilder::filled(ArrayRef<int64_t> shape, double value) {
  return linalg::FillOp::create(builder, loc, f32(builder, loc, value), empty(shape)).getResult(0);
}

Value KernelBuilder::expand(Value tensor, ArrayRef<int64_t> shape, ArrayRef<ReassociationIndices> groups) {
  auto type = RankedTensorType::get(shape, cast<RankedTensorType>(tensor.getType()).getElementType());
  return tensor::ExpandShapeOp::create(builder, loc, type, tensor, groups);
}

Value KernelBuilder::collapse(Value tensor, ArrayRef<ReassociationIndices> groups) {
  return tensor::CollapseShapeOp::create(builder, loc, tensor, groups);
}

static SmallVector<OpFoldResult> attributes(Builder &builder, ArrayRef<int64_t> numbers) {
  return getAsIndexOpFoldResult(builder.getContext(), numbers);
}

Value KernelBuilder::slice(Value tensor, ArrayRef<int64_t> sizes) {
  if (cast<RankedTensorType>(tensor.getType()).getShape() == sizes)
    return tensor;
  SmallVector<OpFoldResult> zeros(sizes.size(), builder.getIndexAttr(0)), ones(sizes.size(), builder.getIndexAttr(1));
  return tensor::ExtractSliceOp::create(builder, loc, tensor, zeros, attributes(builder, sizes), ones);
}

Value KernelBuilder::sliceFrom(Value tensor, Value offset, ArrayRef<int64_t> sizes) {
  SmallVector<OpFoldResult> offsets(sizes.size(), builder.getIndexAttr(0)), ones(sizes.size(), builder.getIndexAttr(1));
  offsets[0] = offset;
  return tensor::ExtractSliceOp::create(builder, loc, tensor, offsets, attributes(builder, sizes), ones);
}

Value KernelBuilder::sliceFrom(Value tensor, ArrayRef<int64_t> offsets, ArrayRef<int64_t> sizes) {
  SmallVector<OpFoldResult> ones(sizes.size(), builder.getIndexAttr(1));
  return tensor::ExtractSliceOp::create(builder, loc, tensor, attributes(builder, offsets), attributes(builder, sizes),
                                        ones);
}

Value KernelBuilder::insert(Value source, Value target) {
  auto type = cast<RankedTensorType>(source.getType());
  if (type == target.getType())
    return source;
  SmallVector<OpFoldResult> zeros(type.getRank(), builder.getIndexAttr(0)), ones(type.getRank(), builder.getIndexAttr(1));
  return tensor::InsertSliceOp::create(builder, loc, source, target, zeros, attributes(builder, type.getShape()), ones);
}

Value KernelBuilder::plane(Value table, Value position, int64_t which, int64_t tokens) {
  int64_t columns = cast<RankedTensorType>(table.getType()).getDimSize(2);
  auto type = RankedTensorType::get({tokens, columns}, builder.getF32Type());
  SmallVector<OpFoldResult> offsets = {position, builder.getIndexAttr(which), builder.getIndexAttr(0)};
  return tensor::ExtractSliceOp::create(builder, loc, type, table, offsets, attributes(builder, {tokens, 1, columns}),
                                        attributes(builder, {1, 1, 1}));
}

Value KernelBuilder::half(Value tensor, int64_t which) {
  auto type = cast<RankedTensorType>(tensor.getType());
  int64_t tokens = type.getDimSize(0), heads = type.getDimSize(1), columns = type.getDimSize(3);
  auto part = RankedTensorType::get({tokens, heads, columns}, type.getElementType());
  return tensor::ExtractSliceOp::create(builder, loc, part, tensor, attributes(builder, {0, 0, which, 0}),
                                        attributes(builder, {tokens, heads, 1, columns}),
                                        attributes(builder, {1, 1, 1, 1}));
}

Value KernelBuilder::insertHalf(Value source, Value target, int64_t which) {
  auto type = cast<RankedTensorType>(source.getType());
  int64_t tokens = type.getDimSize(0), heads = type.getDimSize(1), columns = type.getDimSize(2);
  return tensor::InsertSliceOp::create(builder, loc, source, target, attributes(builder, {0, 0, which, 0}),
                                       attributes(builder, {tokens, heads, 1, columns}),
                                       attributes(builder, {1, 1, 1, 1}));
}
