//===- Random.h - Random numbers that are the same everywhere ----*- C++ -*-===//
#ifndef CRIA_TEST_RANDOM_H
#define CRIA_TEST_RANDOM_H

#include <cstdint>

namespace cria::test {

class Random {
public:
  explicit Random(uint64_t seed) : state(seed) {}

  /// A number in [0, limit).
  uint32_t below(uint32_t limit) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return uint32_t(((state >> 32) * limit) >> 32);
  }

private:
  uint64_t state;
};

} // namespace cria::test

#endif // CRIA_TEST_RANDOM_H
