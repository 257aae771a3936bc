//===- KernelBuilder.cpp - Short words for linalg and tensor ops -----------===//

#include "compiler/transforms/KernelBuilder.h"

#include "dialects/llama/Quantization.h"
#include "targets/Target.h"

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

LogicalResult cria::requireStatic(Operation *op) {
  for (Type type : op->getOperandTypes())
    if (auto tensor = dyn_cast<RankedTensorType>(type);
        tensor && (!tensor.hasStaticShape() || tensor.getNumElements() == 0))
      return op->emitOpError("expects tensors of static shape that are not empty, but got ") << tensor;
  return success();
}

/// Whether `value` is `scalar` at F32, as `widen` makes it.
static bool isWidened(Value value, Value scalar) {
  Operation *op = value.getDefiningOp();
  bool isCode = scalar.getType().isInteger(8);
  bool widens = op && (isCode ? isa<arith::SIToFPOp>(op) : isa<arith::ExtFOp>(op));
  return value.getType().isF32() && (value == scalar || (widens && op->getOperand(0) == scalar));
}

/// Whether the body of `op` adds the product of its first two scalars to the third, all at F32.
static bool addsProduct(linalg::GenericOp op) {
  Block *body = op.getBody();
  auto sum = body->getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
  for (int number = 0; sum && number < 2; ++number) { // which of both is the product
    auto product = sum->getOperand(number).getDefiningOp<arith::MulFOp>();
    if (!product || sum->getOperand(1 - number) != body->getArgument(2))
      continue;
    Value one = product.getLhs(), other = product.getRhs(), input = body->getArgument(0), panels = body->getArgument(1);
    return (isWidened(one, input) && isWidened(other, panels)) || (isWidened(one, panels) && isWidened(other, input));
  }
  return false;
}

std::optional<PackedMatmul> cria::matchPackedMatmul(Operation *operation) {
  auto op = dyn_cast_or_null<linalg::GenericOp>(operation);
  if (!op || !op.hasPureTensorSemantics() || op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1)
    return std::nullopt;
  MLIRContext *context = op.getContext();
  AffineExpr t, p, k, r, c;
  bindDims(context, t, p, k, r, c);
  bool pairs = op.getNumLoops() == 5;
  auto map = [&](ArrayRef<AffineExpr> loops) { return AffineMap::get(pairs ? 5 : 4, 0, loops, context); };
  SmallVector<AffineMap> maps = {map({t, k}), map({p, k, r}), map({t, p, r})};
  if (pairs)
    maps = {map({t, k, c}), map({p, k, r, c}), map({t, p, r})};
  SmallVector<utils::IteratorType> iterators(pairs ? 5 : 4, utils::IteratorType::parallel);
  iterators[2] = iterators.back() = utils::IteratorType::reduction;
  iterators[3] = utils::IteratorType::parallel;
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  if (op.getIndexingMapsArray() != maps || op.getIteratorTypesArray() != iterators || !addsProduct(op) ||
      llvm::any_of(sizes, [](int64_t size) { return size <= 0; })) // unknown ones are negative
    return std::nullopt;
  Value input = op.getInputs()[0], panels = op.getInputs()[1];
  Type inputType = getElementTypeOrSelf(input), panelsType = getElementTypeOrSelf(panels);
  if (pairs && (sizes[4] != 2 || !panelsType.isBF16() || !(inputType.isBF16() || inputType.isF32())))
    return std::nullopt;
  return PackedMatmul{op, input, panels, op.getOutputs()[0], sizes[0], sizes[1], sizes[2], sizes[3], pairs};
}

KernelKey cria::keyOf(const PackedMatmul &matmul) {
  return {KernelKey::Kind::Matmul, matmul.m > 1, getElementTypeOrSelf(matmul.panels),
          matmul.columns * (matmul.pairs ? 2 : 1)};
}

KernelKey cria::keyOf(kernel::BlockMatmulOp matmul) {
  auto codes = cast<RankedTensorType>(matmul.getCodes().getType()); // [T, G, 32]
  return {KernelKey::Kind::BlockMatmul, codes.getDimSize(0) > 1, {}, codes.getDimSize(1) * llama::kGroup,
          traits(matmul.getFormat()).largest()};
}
