//===- UnicodeTables.h - What tokenizers need of Unicode ---------*- C++ -*-===//
#ifndef CRIA_COMPILER_TOKENIZER_UNICODETABLES_H
#define CRIA_COMPILER_TOKENIZER_UNICODETABLES_H

#include "runtime/TokenizerTables.h"

#include <vector>

namespace cria {

/// Runs of `code point << 2 | CriaCharacterClass` over all of Unicode: general
/// categories L*, N*, and the property White_Space (\s).
std::vector<uint32_t> buildCharacterClasses();

/// What canonical composition needs, except for Hangul, which is arithmetic.
struct NormalizationTables {
  std::vector<uint32_t> combiningClasses; ///< runs of `code point << 8 | class`
  std::vector<CriaDecomposition> decompositions; ///< by code point, then a sentinel
  std::vector<uint32_t> decomposed;
  std::vector<CriaComposition> compositions; ///< by (first, second)
};
NormalizationTables buildNormalizationTables();

} // namespace cria

#endif // CRIA_COMPILER_TOKENIZER_UNICODETABLES_H
