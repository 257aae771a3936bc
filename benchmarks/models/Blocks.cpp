//===- Blocks.cpp - Random blocks of GGUF's tensor types -------------------===//
//
// Fast rather than refined: codes are random bits as they come, and the scales make
// of them weights of the size that trained models have.
//
//===----------------------------------------------------------------------===//

#include "benchmarks/models/Blocks.h"

#include <cassert>
#include <cstring>

using namespace cria;

namespace {

constexpr float kDeviation = 0.02f;
constexpr float kCode4 = 4.61f, kCode6 = 18.47f, kCode8 = 73.9f; ///< deviation of 4, 6 and 8 random bits

/// `scale`, up to a quarter more or less, as F16.
uint16_t scaleNear(float scale, RandomBits &random) {
  _Float16 half = _Float16(scale * (0.75f + 0.5f * random.unit()));
  uint16_t bits;
  memcpy(&bits, &half, sizeof(bits));
  return bits;
}

/// A random sign and mantissa with the exponent of 2^-6: a deviation of 0.024.
/// `mask` and `exponent` hold a pattern for every number in 64 bits.
template <uint64_t mask, uint64_t exponent> void fillFloats(RandomBits &random, uint8_t *block) {
  for (int at = 0; at < 64; at += 8) {
    uint64_t bits = (random.next() & mask) | exponent;
    memcpy(block + at, &bits, 8);
  }
}

/// A norm's weights scatter around 1.
void fillNorm(RandomBits &random, uint8_t *block) {
  for (int at = 0; at < 64; at += 4) {
    float weight = 0.9f + 0.2f * random.unit();
    memcpy(block + at, &weight, 4);
  }
}

/// f16 scale, 32 i8.
void fillQ8_0(RandomBits &random, uint8_t *block) {
  uint16_t scale = scaleNear(kDeviation / kCode8, random);
  memcpy(block, &scale, 2);
  random.fill(block + 2, 32);
}

/// f16 scale, 32 codes of 4 bits around 8.
void fillQ4_0(RandomBits &random, uint8_t *block) {
  uint16_t scale = scaleNear(kDeviation / kCode4, random);
  memcpy(block, &scale, 2);
  random.fill(block + 2, 16);
}

/// f16 scale and minimum of 256 weights, 8 pairs of 6-bit factors for them, codes of
/// 4 bits. A minimum of 7.5 scales with the same factor puts the mean at 0.
void fillQ4_K(RandomBits &random, uint8_t *block) {
  constexpr float kFactor = 48; // of 32 to 63
  _Float16 scale, minimum;
  uint16_t bits = scaleNear(kDeviation / kCode4 / kFactor, random);
  memcpy(&scale, &bits, 2);
  minimum = _Float16(7.5f * float(scale));
  memcpy(block, &scale, 2);
  memcpy(block + 2, &minimum, 2);
  uint64_t factors = (random.next() & 0x1f1f1f1f1f1f1f1f) | 0x2020202020202020; // a byte each
  for (int i = 0; i < 4; ++i) {
    uint8_t first = uint8_t(factors >> 8 * i), second = uint8_t(factors >> (8 * i + 32));
    // Six bits of the first four; of the others four bits apart and two on top of those.
    block[4 + i] = block[8 + i] = uint8_t(first | second >> 4 << 6);
    block[12 + i] = uint8_t((second & 15) | second << 4);
  }
  random.fill(block + 16, 128);
}

/// Codes of 6 bits around 32 (low four bits, then high two), 16 i8 factors of an f16.
void fillQ6_K(RandomBits &random, uint8_t *block) {
  constexpr float kFactor = 12; // of 8 to 15
  random.fill(block, 192);
  for (int half = 0; half < 2; ++half) {
    uint64_t factors = (random.next() & 0x0707070707070707) | 0x0808080808080808;
    memcpy(block + 192 + 8 * half, &factors, 8);
  }
  uint16_t scale = scaleNear(kDeviation / kCode6 / kFactor, random);
  memcpy(block + 208, &scale, 2);
}

const BlockType kTypes[] = {
    {"norm", 0, 16, 64, fillNorm},
    {"f32", 0, 16, 64, fillFloats<0x807fffff807fffff, 0x3c8000003c800000>},
    {"f16", 1, 32, 64, fillFloats<0x83ff83ff83ff83ff, 0x2400240024002400>},
    {"bf16", 30, 32, 64, fillFloats<0x807f807f807f807f, 0x3c803c803c803c80>},
    {"q4_0", 2, 32, 18, fillQ4_0},
    {"q8_0", 8, 32, 34, fillQ8_0},
    {"q4_k", 12, 256, 144, fillQ4_K},
    {"q6_k", 14, 256, 210, fillQ6_K},
};

} // namespace

void RandomBits::fill(uint8_t *bytes, int64_t count) {
  assert(count % 8 == 0);
  for (int64_t at = 0; at < count; at += 8) {
    uint64_t bits = next();
    memcpy(bytes + at, &bits, 8);
  }
}

const BlockType &cria::blockType(const char *name) {
  for (const BlockType &type : kTypes)
    if (strcmp(type.name, name) == 0)
      return type;
  assert(false && "a type that is in the table");
  __builtin_unreachable();
}
