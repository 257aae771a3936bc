//===- UnicodeTables.cpp - What tokenizers need of Unicode ----------------===//
#include "compiler/tokenizer/UnicodeTables.h"

#include <algorithm>
#include <tuple>
#include <utf8proc.h>

namespace cria {
namespace {

constexpr uint32_t hangulBegin = 0xac00, hangulEnd = 0xd7a4;

bool isScalarValue(uint32_t c) { return c < 0xd800 || (c >= 0xe000 && c < CRIA_UNICODE_END); }

uint32_t classOf(uint32_t c) {
  switch (utf8proc_category(c)) {
  case UTF8PROC_CATEGORY_LU:
  case UTF8PROC_CATEGORY_LL:
  case UTF8PROC_CATEGORY_LT:
  case UTF8PROC_CATEGORY_LM:
  case UTF8PROC_CATEGORY_LO:
    return CRIA_CHARACTER_LETTER;
  case UTF8PROC_CATEGORY_ND:
  case UTF8PROC_CATEGORY_NL:
  case UTF8PROC_CATEGORY_NO:
    return CRIA_CHARACTER_NUMBER;
  case UTF8PROC_CATEGORY_ZS:
  case UTF8PROC_CATEGORY_ZL:
  case UTF8PROC_CATEGORY_ZP:
    return CRIA_CHARACTER_SPACE;
  default:
    // White_Space is the separators and these controls.
    return (c >= 0x9 && c <= 0xd) || c == 0x85 ? CRIA_CHARACTER_SPACE : CRIA_CHARACTER_OTHER;
  }
}

/// The full canonical decomposition of `c`: itself if it has none.
std::vector<uint32_t> decompose(uint32_t c) {
  utf8proc_int32_t buffer[32];
  int lastBoundClass = 0;
  utf8proc_ssize_t count =
      utf8proc_decompose_char(c, buffer, 32, UTF8PROC_DECOMPOSE, &lastBoundClass);
  if (count < 1 || count > 32)
    return {c};
  return std::vector<uint32_t>(buffer, buffer + count);
}

/// Composes a decomposition as far as Unicode (and its exclusions) let it.
std::vector<uint32_t> compose(const std::vector<uint32_t> &characters) {
  std::vector<utf8proc_int32_t> buffer(characters.begin(), characters.end());
  utf8proc_ssize_t count = utf8proc_normalize_utf32(
      buffer.data(), buffer.size(),
      static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE));
  return std::vector<uint32_t>(buffer.begin(), buffer.begin() + std::max<int64_t>(count, 0));
}

} // namespace

std::vector<uint32_t> buildCharacterClasses() {
  std::vector<uint32_t> runs;
  for (uint32_t c = 0; c < CRIA_UNICODE_END; ++c) {
    uint32_t characterClass = classOf(c);
    if (runs.empty() || (runs.back() & 3) != characterClass)
      runs.push_back(c << 2 | characterClass);
  }
  return runs;
}

NormalizationTables buildNormalizationTables() {
  NormalizationTables tables;
  for (uint32_t c = 0; c < CRIA_UNICODE_END; ++c) {
    uint32_t combining =
        isScalarValue(c) ? uint32_t(utf8proc_get_property(c)->combining_class) : 0;
    if (tables.combiningClasses.empty() || (tables.combiningClasses.back() & 0xff) != combining)
      tables.combiningClasses.push_back(c << 8 | combining);
    if (!isScalarValue(c) || (c >= hangulBegin && c < hangulEnd))
      continue;
    std::vector<uint32_t> parts = decompose(c);
    if (parts.size() == 1 && parts[0] == c)
      continue;
    tables.decompositions.push_back({c, uint32_t(tables.decomposed.size())});
    tables.decomposed.insert(tables.decomposed.end(), parts.begin(), parts.end());

    // A primary composite is made of what its decomposition but the last
    // character composes to, and that last one.
    if (parts.size() < 2 || compose(parts) != std::vector<uint32_t>{c})
      continue;
    uint32_t last = parts.back();
    parts.pop_back();
    std::vector<uint32_t> first = compose(parts);
    if (first.size() == 1)
      tables.compositions.push_back({first[0], last, c});
  }
  tables.decompositions.push_back({CRIA_UNICODE_END, uint32_t(tables.decomposed.size())});
  std::sort(tables.compositions.begin(), tables.compositions.end(),
            [](const CriaComposition &a, const CriaComposition &b) {
              return std::tie(a.first, a.second) < std::tie(b.first, b.second);
            });
  return tables;
}

} // namespace cria
