//===- Hyperparameters.cpp - A model's numbers, whatever its format --------===//

#include "frontends/Hyperparameters.h"

#include "frontends/InputFile.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <cmath>

using namespace llvm;

namespace cria {

void addEosId(Hyperparameters &parameters, int64_t id) {
  if (!is_contained(parameters.eosIds, id))
    parameters.eosIds.push_back(id);
}

Error checkHyperparameters(const Hyperparameters &p, StringRef where) {
  if (p.width < 2) // a row of one element would become a scalar, which no kernel computes
    return inputError(where + ": expects a width (hidden size) of at least 2, but got " + Twine(p.width));
  if (p.heads % p.kvHeads)
    return inputError(where + ": expects query heads that are a multiple of the key/value heads " +
                      Twine(p.kvHeads) + ", but got " + Twine(p.heads));
  if (p.headSize % 2)
    return inputError(where + ": expects an even head size, but got " + Twine(p.headSize));
  if (p.headSize > kMaxHeadSize)
    return inputError(where + ": expects a head size of at most " + Twine(kMaxHeadSize) + ", but got " +
                      Twine(p.headSize));
  if (p.heads * p.headSize > kMaxDimension)
    return inputError(where + ": expects heads times head size of at most " +
                      Twine(kMaxDimension) + ", but got " + Twine(p.heads * p.headSize));
  if (p.bosId < -1 || p.bosId >= p.vocabulary)
    return inputError(where + ": expects a BOS id below the vocabulary's " + Twine(p.vocabulary) +
                      ", but got " + Twine(p.bosId));
  for (int64_t id : p.eosIds)
    if (id < 0 || id >= p.vocabulary)
      return inputError(where + ": expects EOS ids below the vocabulary's " +
                        Twine(p.vocabulary) + ", but got " + Twine(id));
  if (p.eosIds.size() > kMaxEosIds)
    return inputError(where + ": expects at most " + Twine(kMaxEosIds) + " EOS ids, but got more");
  return Error::success();
}

double yarnAttentionFactor(double factor, double weight) {
  return factor <= 1 ? 1.0 : 0.1 * weight * std::log(factor) + 1.0;
}

int64_t stretchedContext(const RopeParameters &rope, int64_t context) {
  double stretched = double(context);
  if (rope.scaling == llama::RopeScaling::Linear)
    stretched *= rope.factor;
  if (rope.scaling == llama::RopeScaling::Yarn)
    stretched = std::max(stretched, rope.factor * rope.originalContext);
  return std::max(context, int64_t(std::min(stretched, double(kMaxDimension))));
}

} // namespace cria
