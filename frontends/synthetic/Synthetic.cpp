//===- Synthetic.cpp - Published shapes with random weights ----------------===//

#include "frontends/synthetic/Synthetic.h"

#include "frontends/InputFile.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/xxhash.h"

#include <cmath>

using namespace llvm;

namespace cria {

namespace {

constexpr StringLiteral kPrefix = "synthetic:";
constexpr double kNormDeviation = 0.1;

/// A published model's shape; a row here is all that a new one needs.
struct Shape {
  StringLiteral name;
  int64_t width, ffn, layers, heads, kvHeads, headSize, vocabulary, context;
  bool tied;
  double theta, llama3Factor; ///< factor 0: no scaling
};
constexpr Shape kShapes[] = {
    {"tinyllama-1.1b", 2048, 5632, 22, 32, 4, 64, 32000, 2048, false, 1e4, 0},
    {"llama-3.2-1b", 2048, 8192, 16, 32, 8, 64, 128256, 131072, true, 5e5, 32},
    {"llama-2-7b", 4096, 11008, 32, 32, 32, 128, 32000, 4096, false, 1e4, 0},
    {"stories-110m", 768, 2048, 12, 12, 12, 64, 32000, 1024, true, 1e4, 0},
    {"stories-15m", 288, 768, 6, 6, 6, 48, 32000, 256, true, 1e4, 0},
};

Hyperparameters parametersOf(const Shape &shape) {
  Hyperparameters p;
  p.name = shape.name.str();
  p.architecture = "llama";
  p.vocabulary = shape.vocabulary;
  p.width = shape.width;
  p.ffn = shape.ffn;
  p.layers = shape.layers;
  p.heads = shape.heads;
  p.kvHeads = shape.kvHeads;
  p.headSize = shape.headSize;
  p.contextSize = shape.context;
  p.epsilon = 1e-5;
  p.tiedOutput = shape.tied;
  p.rope.theta = shape.theta;
  if (shape.llama3Factor > 0) {
    p.rope.scaling = llama::RopeScaling::Llama3;
    p.rope.factor = shape.llama3Factor;
    p.rope.originalContext = 8192;
  }
  p.windows.assign(p.layers, 0);
  p.bosId = 1;
  return p;
}

/// Numbers that keep activations finite: a matrix of K columns has deviation
/// 1/sqrt(K), the ones that add to the residual less by the number of additions.
RandomTensor randomFor(const WeightSlot &slot, const Hyperparameters &p, uint64_t seed) {
  RandomTensor random;
  random.seed = int64_t(xxh3_64bits(slot.symbol()) + seed);
  if (slot.shape.size() == 1) {
    random.mean = 1;
    random.deviation = kNormDeviation;
    return random;
  }
  random.deviation = 1 / std::sqrt(double(slot.shape[1]));
  if (slot.role == Role::O || slot.role == Role::Down)
    random.deviation /= std::sqrt(2.0 * double(p.layers));
  return random;
}

} // namespace

bool isSynthetic(StringRef path) { return path.starts_with(kPrefix); }

Expected<ModelFile> readSynthetic(StringRef path, bool) {
  StringRef name = path.drop_front(kPrefix.size()).split('?').first;
  StringRef given = path.split('?').second, option = given;
  uint64_t seed = 0;
  if (path.contains('?') && (!option.consume_front("seed=") || option.getAsInteger(10, seed)))
    return inputError(printable(path) + ": expects '?seed=N' after the name, but got '?" +
                      printable(given) + "'");
  const Shape *shape = find_if(kShapes, [&](const Shape &s) { return s.name == name; });
  if (shape == std::end(kShapes)) {
    std::string list = join(map_range(kShapes, [](const Shape &s) { return s.name.str(); }), ", ");
    return inputError(printable(path) + ": expects one of " + list + ", but got '" +
                      printable(name) + "'");
  }

  ModelFile model;
  model.parameters = parametersOf(*shape);
  for (WeightSlot &slot : weightSlots(model.parameters)) {
    StoredTensor tensor;
    tensor.shape = slot.shape;
    tensor.random = randomFor(slot, model.parameters, seed);
    model.weights.push_back({std::move(slot), std::move(tensor)});
  }
  return model;
}

} // namespace cria
