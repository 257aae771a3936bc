//===- ModelBuilder.cpp - Hyperparameters and weights become IR ------------===//

#include "frontends/ModelBuilder.h"

#include "frontends/InputFile.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"

#include <cmath>

using namespace mlir;
using namespace cria::llama;

namespace cria {

namespace {

class ModelBuilder {
public:
  ModelBuilder(MLIRContext *context, const ModelFile &model, int64_t contextSize, int64_t chunk)
      : builder(context), p(model.parameters), model(model), contextSize(contextSize),
        chunk(chunk), positions(contextSize + chunk) {}

  OwningOpRef<ModuleOp> build(StringRef inputHash);

private:
  Location at(const Twine &name) { return NameLoc::get(builder.getStringAttr(name)); }
  RankedTensorType f32(ArrayRef<int64_t> shape) {
    return RankedTensorType::get(shape, builder.getF32Type());
  }
  RankedTensorType activation(int64_t width) { return f32({ShapedType::kDynamic, width}); }

  void emitSources();
  void emitForward();
  void emitLogits();
  Value emitLayer(int64_t layer, Value input, Value table, Value position);
  Value emitAttention(int64_t layer, Value input, Value table, Value position);
  Value emitFeedForward(int64_t layer, Value input);
  Value emitCached(const std::string &cache, Value rows, Value position);
  Value emitRopeTable();

  /// The weight of `role`, in the layer `layer` (-1: of the model).
  Value weight(Role role, int64_t layer) {
    std::string symbol = WeightSlot{role, layer, {}}.symbol();
    return WeightOp::create(builder, at(symbol), types.lookup(symbol), symbol);
  }
  Value optionalWeight(bool present, Role role, int64_t layer) {
    return present ? weight(role, layer) : Value();
  }
  Value norm(Value input, Role role, int64_t layer) {
    Value scale = weight(role, layer);
    return RmsNormOp::create(builder, scale.getLoc(), input, scale, APFloat(p.epsilon));
  }
  Value linear(Value input, Role role, int64_t layer, Value bias = {}) {
    Value matrix = weight(role, layer);
    return LinearOp::create(builder, matrix.getLoc(), input, matrix, bias);
  }

  OpBuilder builder;
  const Hyperparameters &p;
  const ModelFile &model;
  int64_t contextSize, chunk;
  int64_t positions; ///< rows of caches and rope table
  llvm::StringMap<RankedTensorType> types; ///< of the weights, by symbol
};

Type scalarType(OpBuilder &builder, Scalar scalar) {
  switch (scalar) {
  case Scalar::F32: return builder.getF32Type();
  case Scalar::F16: return builder.getF16Type();
  case Scalar::BF16: return builder.getBF16Type();
  }
  llvm_unreachable("every scalar has a type");
}

OwningOpRef<ModuleOp> ModelBuilder::build(StringRef inputHash) {
  OwningOpRef<ModuleOp> module = ModuleOp::create(builder, at(p.name), StringRef(p.name));
  builder.setInsertionPointToEnd(module->getBody());
  emitSources();
  emitForward();
  emitLogits();

  uint64_t parameters = 0;
  for (const auto &entry : types)
    parameters += entry.second.getNumElements();
  (*module)->setAttr(
      kModelAttrName,
      ModelAttr::get(builder.getContext(), p.name, p.architecture, p.vocabulary, p.width, p.ffn,
                     p.layers, p.heads, p.kvHeads, p.headSize, contextSize, chunk, p.bosId,
                     p.addBos, builder.getDenseI64ArrayAttr(p.eosIds), parameters, inputHash));
  return module;
}

void ModelBuilder::emitSources() {
  for (const BoundWeight &bound : model.weights) {
    const StoredTensor &tensor = bound.tensor;
    std::string symbol = bound.slot.symbol();
    auto type = RankedTensorType::get(tensor.shape, scalarType(builder, tensor.scalar));
    types[symbol] = type;
    if (tensor.random)
      SyntheticOp::create(builder, at(symbol), symbol, tensor.random->seed,
                          APFloat(tensor.random->mean), APFloat(tensor.random->deviation), type);
    else
      SourceOp::create(builder, at(symbol), symbol, tensor.file, tensor.offset, tensor.encoding,
                       type);
  }
  for (int64_t layer = 0; layer < p.layers; ++layer)
    for (StringRef kind : {"keys", "values"}) {
      std::string symbol = ("layers." + Twine(layer) + "." + kind).str();
      CacheOp::create(builder, at(symbol), symbol, f32({positions, p.kvHeads, p.headSize}));
    }
}

// forward: tokens [T], position -> hidden [T, D]
void ModelBuilder::emitForward() {
  OpBuilder::InsertionGuard guard(builder);
  auto tokensType = RankedTensorType::get({ShapedType::kDynamic}, builder.getI32Type());
  auto type = builder.getFunctionType({tokensType, builder.getIndexType()}, {activation(p.width)});
  auto function = func::FuncOp::create(builder, at(kForwardName), kForwardName, type);
  Block *body = function.addEntryBlock();
  builder.setInsertionPointToStart(body);
  Value tokens = body->getArgument(0), position = body->getArgument(1);

  Value table = emitRopeTable();
  Value embed = weight(Role::Embed, -1);
  Value hidden = EmbedOp::create(builder, embed.getLoc(), tokens, embed);
  for (int64_t layer = 0; layer < p.layers; ++layer)
    hidden = emitLayer(layer, hidden, table, position);
  hidden = norm(hidden, Role::Norm, -1);
  func::ReturnOp::create(builder, function.getLoc(), hidden);
}

// logits: hidden [T, D] -> logits [T, V]
void ModelBuilder::emitLogits() {
  OpBuilder::InsertionGuard guard(builder);
  auto type = builder.getFunctionType({activation(p.width)}, {activation(p.vocabulary)});
  auto function = func::FuncOp::create(builder, at(kLogitsName), kLogitsName, type);
  Block *body = function.addEntryBlock();
  builder.setInsertionPointToStart(body);
  Value logits = linear(body->getArgument(0), p.tiedOutput ? Role::Embed : Role::Output, -1);
  func::ReturnOp::create(builder, function.getLoc(), logits);
}

// [C + T, 2, Dh/2]
Value ModelBuilder::emitRopeTable() {
  const RopeParameters &rope = p.rope;
  return RopeTableOp::create(
      builder, at("rope"), f32({positions, 2, p.headSize / 2}), APFloat(rope.theta), rope.scaling,
      APFloat(rope.factor), APFloat(rope.originalContext), APFloat(rope.lowFrequencyFactor),
      APFloat(rope.highFrequencyFactor), APFloat(rope.betaFast), APFloat(rope.betaSlow),
      APFloat(rope.attentionFactor));
}

Value ModelBuilder::emitLayer(int64_t layer, Value input, Value table, Value position) {
  OpBuilder::InsertionGuard guard(builder);
  std::string name = ("layers." + Twine(layer)).str();
  auto op = LayerOp::create(builder, at(name), input.getType(), name, input);
  Block *body = builder.createBlock(&op.getBody(), {}, {input.getType()}, {op.getLoc()});
  Value hidden = body->getArgument(0);
  Value attended = emitAttention(layer, hidden, table, position);
  hidden = AddOp::create(builder, attended.getLoc(), hidden, attended);
  Value fed = emitFeedForward(layer, hidden);
  hidden = AddOp::create(builder, fed.getLoc(), hidden, fed);
  YieldOp::create(builder, op.getLoc(), hidden);
  return op.getResult();
}

Value ModelBuilder::emitAttention(int64_t layer, Value input, Value table, Value position) {
  std::string name = ("layers." + Twine(layer)).str();
  Value h = norm(input, Role::AttnNorm, layer); // [T, D]
  // q: [T, H * Dh]; k, v: [T, Hkv * Dh]
  Value q = linear(h, Role::Q, layer, optionalWeight(p.qkvBias, Role::QBias, layer));
  Value k = linear(h, Role::K, layer, optionalWeight(p.qkvBias, Role::KBias, layer));
  Value v = linear(h, Role::V, layer, optionalWeight(p.qkvBias, Role::VBias, layer));
  if (p.qkNorm) {
    q = norm(q, Role::QNorm, layer);
    k = norm(k, Role::KNorm, layer);
  }
  q = RopeOp::create(builder, q.getLoc(), q, table, position, p.rope.layout);
  k = RopeOp::create(builder, k.getLoc(), k, table, position, p.rope.layout);
  Value keys = emitCached(name + ".keys", k, position); // [C + T, Hkv, Dh]
  Value values = emitCached(name + ".values", v, position);
  Value mixed = AttentionOp::create(builder, at(name + ".attention"), q.getType(), q, keys, values,
                                    position, APFloat(1.0 / std::sqrt(double(p.headSize))),
                                    uint64_t(p.windows[layer]));
  return linear(mixed, Role::O, layer, optionalWeight(p.outputBias, Role::OBias, layer));
}

Value ModelBuilder::emitFeedForward(int64_t layer, Value input) {
  Value h = norm(input, Role::FfnNorm, layer); // [T, D]
  // gate, up: [T, F]
  Value gate = linear(h, Role::Gate, layer, optionalWeight(p.mlpBias, Role::GateBias, layer));
  Value up = linear(h, Role::Up, layer, optionalWeight(p.mlpBias, Role::UpBias, layer));
  Value mixed = SwigluOp::create(builder, at("layers." + Twine(layer) + ".swiglu"), gate, up);
  return linear(mixed, Role::Down, layer, optionalWeight(p.mlpBias, Role::DownBias, layer));
}

/// The cache with `rows` in it, left for the next step.
Value ModelBuilder::emitCached(const std::string &cache, Value rows, Value position) {
  Location loc = at(cache);
  Value before = CacheReadOp::create(builder, loc, f32({positions, p.kvHeads, p.headSize}), cache);
  Value after = CacheUpdateOp::create(builder, loc, before, rows, position);
  CacheWriteOp::create(builder, loc, cache, after);
  return after;
}

} // namespace

OwningOpRef<ModuleOp> buildModel(MLIRContext *context, const ModelFile &model, int64_t contextSize,
                                 int64_t chunk, StringRef inputHash) {
  context->loadDialect<LlamaDialect, func::FuncDialect>();
  return ModelBuilder(context, model, contextSize, chunk).build(inputHash);
}

} // namespace cria
