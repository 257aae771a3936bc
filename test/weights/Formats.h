//===- Formats.h - What the tests of formats go through ----------*- C++ -*-===//
#ifndef CRIA_TEST_WEIGHTS_FORMATS_H
#define CRIA_TEST_WEIGHTS_FORMATS_H

#include "dialects/llama/Quantization.h"

#include <vector>

namespace cria::test {

inline std::vector<llama::Format> allFormats() {
  std::vector<llama::Format> formats;
  for (uint32_t i = 0; i <= llama::getMaxEnumValForFormat(); ++i)
    formats.push_back(*llama::symbolizeFormat(i));
  return formats;
}

} // namespace cria::test

#endif // CRIA_TEST_WEIGHTS_FORMATS_H
