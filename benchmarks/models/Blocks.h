//===- Blocks.h - Random blocks of GGUF's tensor types -----------*- C++ -*-===//
#ifndef CRIA_BENCHMARKS_MODELS_BLOCKS_H
#define CRIA_BENCHMARKS_MODELS_BLOCKS_H

#include <cstdint>

namespace cria {

/// SplitMix64: a sequence of 64 random bits each.
class RandomBits {
public:
  explicit RandomBits(uint64_t seed) : state(seed) {}
  uint64_t next() {
    uint64_t mixed = state += 0x9e3779b97f4a7c15;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    return mixed ^ (mixed >> 31);
  }
  /// A number from 0 to 1.
  float unit() { return float(next() >> 40) / float(1 << 24); }
  /// Fills `count` bytes, a multiple of 8.
  void fill(uint8_t *bytes, int64_t count);

private:
  uint64_t state;
};

/// One of ggml's tensor types.
struct BlockType {
  const char *name; ///< ggml's, in small letters
  uint32_t id;      ///< ggml's number
  int64_t elements, bytes; ///< of a block
  /// Writes a block: weights around 0 with a deviation of about 0.02.
  void (*fill)(RandomBits &random, uint8_t *block);
};

/// The type called `name`, which is there; "norm" is F32 with numbers around 1.
const BlockType &blockType(const char *name);

} // namespace cria

#endif // CRIA_BENCHMARKS_MODELS_BLOCKS_H
