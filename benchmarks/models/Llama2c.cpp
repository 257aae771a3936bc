//===- Llama2c.cpp - Writes a llama2.c checkpoint --------------------------===//
//
// The format is described where it is read, in frontends/llama2c/Llama2c.cpp.
//
//===----------------------------------------------------------------------===//

#include "benchmarks/models/ModelWriter.h"

using namespace cria;
using namespace llvm;

/// All layers of a role together, one role after the other.
constexpr Role kFileOrder[] = {Role::Embed, Role::AttnNorm, Role::Q,    Role::K,  Role::V, Role::O,
                               Role::FfnNorm, Role::Gate,   Role::Down, Role::Up, Role::Norm};

static void writeRole(raw_ostream &out, ArrayRef<RandomWeight> weights, Role role) {
  for (const RandomWeight &weight : weights)
    if (weight.slot.role == role)
      weight.write(out);
}

void cria::writeLlama2c(raw_ostream &out, const Hyperparameters &p, ArrayRef<RandomWeight> weights) {
  const int64_t header[] = {p.width, p.ffn, p.layers, p.heads, p.kvHeads, p.tiedOutput ? p.vocabulary : -p.vocabulary,
                            p.contextSize};
  for (int64_t number : header) {
    int32_t word = int32_t(number);
    out.write(reinterpret_cast<const char *>(&word), sizeof(word));
  }
  for (Role role : kFileOrder)
    writeRole(out, weights, role);
  // Two tables of rotary cosines and sines, which nobody reads any more.
  out.write_zeros(unsigned(p.contextSize * p.headSize * sizeof(float)));
  writeRole(out, weights, Role::Output);
}
