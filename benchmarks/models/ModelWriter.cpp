//===- ModelWriter.cpp - Random weights of every type ----------------------===//

#include "benchmarks/models/ModelWriter.h"

#include "llvm/Support/xxhash.h"

#include <cinttypes>

using namespace cria;
using namespace llvm;

/// Which layers get more bits in Q4_K_M: the first and the last eighth, and every
/// third between.
static bool hasMoreBits(int64_t layer, int64_t layers) {
  int64_t eighth = layers / 8;
  return layer < eighth || layer >= 7 * layers / 8 || (layer - eighth) % 3 == 2;
}

static const BlockType &typeInQ4_K_M(const WeightSlot &slot, const Hyperparameters &p) {
  bool isOutput = slot.role == Role::Output || (slot.role == Role::Embed && p.tiedOutput);
  bool isDelicate = (slot.role == Role::V || slot.role == Role::Down) && hasMoreBits(slot.layer, p.layers);
  return blockType(isOutput || isDelicate ? "q6_k" : "q4_k");
}

Expected<std::vector<RandomWeight>> cria::randomWeights(const ModelFile &model, const Mix &mix) {
  std::vector<RandomWeight> weights;
  for (const BoundWeight &weight : model.weights) {
    const WeightSlot &slot = weight.slot;
    bool isMatrix = slot.shape.size() > 1;
    const BlockType &type = !isMatrix  ? blockType("norm")
                            : mix.type ? blockType(mix.type)
                                       : typeInQ4_K_M(slot, model.parameters);
    if (slot.shape.back() % type.elements)
      return createStringError("%s expects rows of a multiple of %" PRId64 ", but got %" PRId64 " in %s", type.name,
                               type.elements, slot.shape.back(), slot.symbol().c_str());
    uint64_t blocks = slot.shape.back() / type.elements * (isMatrix ? slot.shape[0] : 1);
    weights.push_back({slot, &type, blocks * type.bytes});
  }
  return weights;
}

void RandomWeight::write(raw_ostream &out) const {
  RandomBits random(xxh3_64bits(slot.symbol()));
  std::vector<uint8_t> row(slot.shape.back() / type->elements * type->bytes);
  for (uint64_t written = 0; written < bytes; written += row.size()) {
    for (size_t at = 0; at < row.size(); at += type->bytes)
      type->fill(random, &row[at]);
    out.write(reinterpret_cast<const char *>(row.data()), row.size());
  }
}
