//===- Interpreter.cpp - Walks functions, calls and layers -----------------===//

#include "compiler/reference/Interpreter.h"

#include "compiler/reference/Ops.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace cria;
using namespace cria::reference;

namespace {

constexpr uint64_t kMostElements = uint64_t(1) << 31; ///< of a tensor: 16 GiB as doubles
constexpr int64_t kDeepestCall = 64;                ///< layers do not nest; a recursion would

/// A hostile type must not make an allocation fail: there are no exceptions.
LogicalResult checkSize(Operation *op, Type type) {
  auto shaped = dyn_cast<RankedTensorType>(type);
  if (!shaped)
    return success();
  uint64_t elements = 1; // but for T, which the caller has in memory already
  for (int64_t size : shaped.getShape())
    if (!ShapedType::isDynamic(size))
      elements = llvm::SaturatingMultiply<uint64_t>(elements, size);
  if (elements <= kMostElements)
    return success();
  return op->emitOpError("expects at most ")
         << kMostElements << " elements in the reference interpreter, but got " << type;
}

/// Whether `tensor` may be a value of `type`.
bool fits(const Tensor &tensor, Type type) {
  if (type.isIndex())
    return tensor.shape.empty();
  auto shaped = dyn_cast<RankedTensorType>(type);
  if (!shaped || shaped.getRank() != int64_t(tensor.shape.size()))
    return false;
  for (auto [expected, found] : llvm::zip_equal(shaped.getShape(), tensor.shape))
    if (found < 1 || (!ShapedType::isDynamic(expected) && expected != found))
      return false;
  return true;
}

/// Whether `value` is computed from weights alone: then it is the same each time.
bool isWeightExpression(Value value) {
  Operation *op = value.getDefiningOp();
  return op && op->hasTrait<llama::WeightExpression>() &&
         llvm::all_of(op->getOperands(), isWeightExpression);
}

FailureOr<Tensor> constant(arith::ConstantOp op) {
  if (auto integer = dyn_cast<IntegerAttr>(op.getValue()); integer && op.getType().isIndex())
    return Tensor::index(integer.getInt());
  auto dense = dyn_cast<DenseElementsAttr>(op.getValue());
  if (!dense)
    return op.emitOpError("expects an index or a dense tensor, but got ") << op.getValue();
  Tensor result = Tensor::zeros(dense.getType().getShape());
  if (isa<FloatType>(dense.getElementType())) {
    for (auto [to, from] : llvm::zip_equal(result.data, dense.getValues<APFloat>()))
      to = from.convertToDouble();
  } else if (dense.getElementType().isInteger() &&
             dense.getElementType().getIntOrFloatBitWidth() <= 64) {
    for (auto [to, from] : llvm::zip_equal(result.data, dense.getValues<APInt>()))
      to = double(from.getSExtValue());
  } else {
    return op.emitOpError("expects floats or integers of at most 64 bits, but got ")
           << op.getType();
  }
  return result;
}

/// Calls the overload of `evaluate` that belongs to `op`'s kind.
FailureOr<Tensor> dispatch(Operation &op, ArrayRef<TensorRef> operands) {
  return llvm::TypeSwitch<Operation *, FailureOr<Tensor>>(&op)
      .Case<llama::CastOp, llama::SplitRopeRowsOp, llama::ConcatRowsOp, llama::PackOp, llama::QuantizeOp,
            llama::RowNormsOp, llama::RopeTableOp, llama::EmbedOp, llama::RmsNormOp, llama::LinearOp, llama::ScreenOp,
            llama::QuantizeRowsOp, llama::RoundOp, llama::RopeOp, llama::AttentionOp, llama::SwigluOp, llama::AddOp,
            llama::CacheUpdateOp>([&](auto concrete) {
        return evaluate(concrete, Operands<decltype(concrete)>(operands, concrete));
      })
      .Case([](arith::ConstantOp concrete) { return constant(concrete); })
      .Default([](Operation *other) -> FailureOr<Tensor> {
        return other->emitOpError("has no meaning in the reference interpreter");
      });
}

} // namespace

FailureOr<Interpreter> Interpreter::create(ModuleOp module) {
  Interpreter interpreter(module);
  for (auto cache : module.getOps<llama::CacheOp>()) {
    if (failed(checkSize(cache, cache.getTensorType())))
      return failure();
    interpreter.caches[cache.getSymName()] =
        std::make_shared<Tensor>(Tensor::zeros(cache.getTensorType().getShape())); // zero at start
  }
  return interpreter;
}

FailureOr<func::FuncOp> Interpreter::lookup(StringRef name) {
  if (auto func = module.lookupSymbol<func::FuncOp>(name))
    return func;
  return module.emitError("expects a function named '") << name << "', but there is none";
}

FailureOr<std::vector<double>> Interpreter::step(ArrayRef<int32_t> tokens, int64_t position) {
  FailureOr<func::FuncOp> forward = lookup(llama::kForwardName);
  FailureOr<func::FuncOp> logits = lookup(llama::kLogitsName);
  if (failed(forward) || failed(logits))
    return failure();
  auto ids = std::make_shared<Tensor>(
      Tensor{{int64_t(tokens.size())}, {tokens.begin(), tokens.end()}});
  auto at = std::make_shared<Tensor>(Tensor::index(position));
  auto hidden = call(*forward, {ids, at});
  if (failed(hidden))
    return failure();
  auto result = call(*logits, *hidden);
  if (failed(result))
    return failure();
  if (result->size() != 1)
    return logits->emitOpError("expects one result, but got ") << result->size();
  return (*result)[0]->data;
}

FailureOr<SmallVector<TensorRef>> Interpreter::call(func::FuncOp func,
                                                    ArrayRef<TensorRef> arguments) {
  if (func.isDeclaration())
    return func.emitOpError("expects a body");
  if (!func.getBody().hasOneBlock())
    return func.emitOpError("expects one block, but got ")
           << func.getBody().getBlocks().size();
  if (arguments.size() != func.getNumArguments())
    return func.emitOpError("expects a call with ")
           << func.getNumArguments() << " arguments, but got " << arguments.size();
  if (callDepth == kDeepestCall)
    return func.emitOpError("expects calls at most ") << kDeepestCall << " deep";

  Frame frame;
  for (auto [argument, value] : llvm::zip_equal(func.getArguments(), arguments)) {
    if (!fits(*value, argument.getType())) {
      InFlightDiagnostic error = func.emitOpError("expects argument #")
                                 << argument.getArgNumber() << " of type " << argument.getType()
                                 << ", but got shape [";
      llvm::interleaveComma(value->shape, error);
      return error << "]";
    }
    frame[argument] = value;
  }
  ++callDepth;
  auto results = run(func.getBody().front(), frame);
  --callDepth;
  return results;
}

FailureOr<SmallVector<TensorRef>> Interpreter::run(Block &block, Frame &frame) {
  for (Operation &op : block.without_terminator())
    if (failed(run(op, frame)))
      return failure();
  return llvm::map_to_vector(block.getTerminator()->getOperands(),
                             [&](Value value) { return frame.lookup(value); });
}

LogicalResult Interpreter::run(Operation &op, Frame &frame) {
  auto operands = llvm::map_to_vector(op.getOperands(),
                                      [&](Value value) { return frame.lookup(value); });
  for (Type type : op.getResultTypes())
    if (failed(checkSize(&op, type)))
      return failure();

  if (auto weightOp = dyn_cast<llama::WeightOp>(op)) {
    auto value = weight(&op, weightOp.getSourceAttr());
    if (failed(value))
      return failure();
    frame[weightOp] = *value;
    return success();
  }
  if (auto read = dyn_cast<llama::CacheReadOp>(op)) {
    frame[read] = caches.lookup(read.getCache());
    return success();
  }
  if (auto write = dyn_cast<llama::CacheWriteOp>(op)) {
    caches[write.getCache()] = operands[0];
    return success();
  }
  if (isa<llama::ObserveOp>(op)) // for the compiler to see, without effect on results
    return success();
  if (auto layer = dyn_cast<llama::LayerOp>(op)) {
    Block &body = layer.getBody().front();
    frame[body.getArgument(0)] = operands[0];
    auto yielded = run(body, frame);
    if (failed(yielded))
      return failure();
    frame[layer] = yielded->front();
    return success();
  }
  if (auto callOp = dyn_cast<func::CallOp>(op)) {
    FailureOr<func::FuncOp> callee = lookup(callOp.getCallee());
    if (failed(callee))
      return failure();
    auto results = call(*callee, operands);
    if (failed(results))
      return failure();
    for (auto [result, value] : llvm::zip_equal(callOp.getResults(), *results))
      frame[result] = value;
    return success();
  }

  if (TensorRef known = constants.lookup(&op)) {
    frame[op.getResult(0)] = known;
    return success();
  }
  FailureOr<Tensor> result = dispatch(op, operands);
  if (failed(result))
    return failure();
  auto value = std::make_shared<Tensor>(std::move(*result));
  if (isWeightExpression(op.getResult(0)))
    constants[&op] = value;
  frame[op.getResult(0)] = value;
  return success();
}

FailureOr<TensorRef> Interpreter::weight(Operation *user, FlatSymbolRefAttr name) {
  if (TensorRef known = weights.lookup(name.getValue()))
    return known;
  Operation *symbol = module.lookupSymbol(name);
  if (auto synthetic = dyn_cast_or_null<llama::SyntheticOp>(symbol))
    return weights[name.getValue()] = std::make_shared<Tensor>(generate(synthetic));

  auto source = dyn_cast_or_null<llama::SourceOp>(symbol);
  if (!source)
    return user->emitOpError("expects a source named ") << name << ", but there is none";
  FailureOr<StringRef> bytes = contents(source, source.getFile());
  if (failed(bytes))
    return failure();
  uint64_t offset = source.getOffset(), size = source.getStoredBytes();
  if (offset > bytes->size() || size > bytes->size() - offset)
    return source.emitOpError() << source.getFile() << ": tensor '" << source.getSymName()
                                << "' expects " << size << " bytes at offset " << offset
                                << ", but the file has " << bytes->size();
  ArrayRef<uint8_t> stored(bytes->bytes_begin() + offset, size);
  return weights[name.getValue()] = std::make_shared<Tensor>(decode(source, stored));
}

FailureOr<StringRef> Interpreter::contents(Operation *user, StringRef file) {
  if (auto known = files.find(file); known != files.end())
    return known->second->getBuffer();
  // A pipe or a device may never end.
  llvm::sys::fs::file_status status;
  if (std::error_code error = llvm::sys::fs::status(file, status))
    return user->emitOpError() << file << ": " << error.message();
  if (!llvm::sys::fs::is_regular_file(status))
    return user->emitOpError() << file << ": expects a regular file";
  auto buffer = llvm::MemoryBuffer::getFile(file, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return user->emitOpError() << file << ": " << buffer.getError().message();
  StringRef bytes = (*buffer)->getBuffer();
  files[file] = std::move(*buffer);
  return bytes;
}
