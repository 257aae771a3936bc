//===- Synthetic.h - The random numbers of llama.synthetic -------*- C++ -*-===//
//
// A model without files needs weights that are the same bits on every machine,
// in any order, on any number of threads, as fast as memory takes them. So
// element i is a hash of (seed, i), not the i-th draw of a generator:
//
//   key = mix64(seed + 0x9e3779b97f4a7c15 * (1 + (i >> 32)))
//   h   = mix32(i & 0xffffffff, key)            32 bits
//   n   = (h >> 8) - 2^23                       24 bits: exact as a float
//   u   = n * 2^-23                             uniform in [-1, 1)
//   x   = float(mean + s * u),  s = float(deviation * sqrt(3))
//
// The key is the same for 2^32 neighbours, so a loop over them has 32-bit
// multiplies, shifts and xors only and vectorizes at every ISA level. `mean` is
// rounded to float; s * u has 48 significant bits and is exact in a double, so
// that a fused multiply-add gives the same bits as a multiply and an add.
//
// `mix64` is the finalizer of SplitMix64 (Steele, Lea, Flood, 2014), `mix32`
// the two-multiply hash "lowbias32" (Wellons, 2018) with the key's halves added
// before each multiply, so that two seeds are not permutations of each other.
//
//===----------------------------------------------------------------------===//
#ifndef CRIA_DIALECTS_LLAMA_SYNTHETIC_H
#define CRIA_DIALECTS_LLAMA_SYNTHETIC_H

#include <cstdint>

namespace cria::llama {

/// What the elements [block * 2^32, (block + 1) * 2^32) have in common.
inline uint64_t syntheticKey(uint64_t seed, uint64_t block) {
  uint64_t z = seed + 0x9e3779b97f4a7c15u * (1 + block);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/// The integer in [-2^23, 2^23) of element `low` of the key's block.
inline int32_t syntheticInteger(uint64_t key, uint32_t low) {
  uint32_t x = low + uint32_t(key);
  x = (x ^ (x >> 16)) * 0x7feb352du;
  x = ((x ^ (x >> 15)) + uint32_t(key >> 32)) * 0x846ca68bu;
  x ^= x >> 16;
  return int32_t(x >> 8) - (1 << 23);
}

/// u(index) in [-1, 1): a multiple of 2^-23.
inline double syntheticUniform(uint64_t seed, uint64_t index) {
  return syntheticInteger(syntheticKey(seed, index >> 32), uint32_t(index)) * 0x1p-23;
}

/// The factor s of u; `deviation` is that of the numbers, since u's is 1 / sqrt(3).
inline float syntheticScale(double deviation) {
  return float(deviation * 1.7320508075688772);
}

/// Element `index` of a `llama.synthetic`, before it is rounded to f16 or bf16.
inline float syntheticElement(uint64_t seed, double mean, double deviation, uint64_t index) {
  return float(double(float(mean)) +
               double(syntheticScale(deviation)) * syntheticUniform(seed, index));
}

/// Elements [begin, begin + count) into `out`: the same bits as
/// `syntheticElement`, in a loop that vectorizes.
inline void syntheticFill(uint64_t seed, double mean, double deviation, uint64_t begin,
                          uint64_t count, float *out) {
  const double base = float(mean), scale = syntheticScale(deviation) * 0x1p-23;
  for (uint64_t done = 0; done < count;) {
    uint64_t index = begin + done;
    uint64_t rest = (uint64_t(1) << 32) - (index & 0xffffffffu); // of this key's block
    uint64_t part = count - done < rest ? count - done : rest;
    uint64_t key = syntheticKey(seed, index >> 32);
    for (uint64_t i = 0; i < part; ++i)
      out[done + i] = float(base + scale * syntheticInteger(key, uint32_t(index) + uint32_t(i)));
    done += part;
  }
}

} // namespace cria::llama

#endif // CRIA_DIALECTS_LLAMA_SYNTHETIC_H
