//===- Damage.h - Bytes changed at random -------------------------*- C++ -*-===//
#ifndef CRIA_TEST_DAMAGE_H
#define CRIA_TEST_DAMAGE_H

#include "test/Random.h"

#include "llvm/ADT/ArrayRef.h"

#include <algorithm>
#include <cstring>

namespace cria::test {

/// A few bytes of `bytes` changed: to anything, to what sizes dislike, or by one.
inline void garble(llvm::MutableArrayRef<uint8_t> bytes, Random &random) {
  if (bytes.empty())
    return;
  for (uint32_t i = 0, count = 1 + random.below(4); i < count; ++i) {
    // Half of the damage hits the beginning, where headers are.
    uint32_t limit = uint32_t(bytes.size());
    size_t at = random.below(random.below(2) ? std::min(limit, 400u) : limit);
    uint32_t kind = random.below(4);
    if (kind == 0)
      bytes[at] = uint8_t(random.below(256));
    else if (kind == 1)
      bytes[at] ^= uint8_t(1u << random.below(8));
    else
      std::memset(&bytes[at], kind == 2 ? 0xff : 0, std::min<size_t>(bytes.size() - at, 1 + random.below(8)));
  }
}

/// One byte of `text` changed to one that means something in JSON, or that no text has.
inline void garbleText(llvm::MutableArrayRef<uint8_t> text, Random &random) {
  static constexpr char kBytes[] = "0123456789-.eE\"{}[],: \xff"; // and the 0 at its end
  text[random.below(uint32_t(text.size()))] = uint8_t(kBytes[random.below(sizeof(kBytes))]);
}

} // namespace cria::test

#endif // CRIA_TEST_DAMAGE_H
