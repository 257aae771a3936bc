//===- Formats.h - What the tests of formats go through ----------*- C++ -*-===//
#ifndef CRIA_TEST_WEIGHTS_FORMATS_H
#define CRIA_TEST_WEIGHTS_FORMATS_H

#include "compiler/weights/Convert.h"
#include "dialects/llama/Quantization.h"

#include <vector>

namespace cria::test {

inline std::vector<llama::Format> allFormats() {
  std::vector<llama::Format> formats;
  for (uint32_t i = 0; i <= llama::getMaxEnumValForFormat(); ++i)
    formats.push_back(*llama::symbolizeFormat(i));
  return formats;
}

/// `value` as the nearest F16 number.
inline float toHalf(double value) {
  uint16_t half;
  float number = float(value), back;
  fromF32(Storage::F16, &number, 1, &half);
  toF32(Storage::F16, &half, 1, &back);
  return back;
}

/// What is read of the codes that are chosen for `row`.
inline std::vector<float> quantized(llama::Format format, llvm::ArrayRef<float> row) {
  std::vector<float> found(row.size());
  llama::CodeRow codes;
  llama::quantizeRow(format, row.data(), row.size(), codes);
  codes.dequantize(format, found.data());
  return found;
}

} // namespace cria::test

#endif // CRIA_TEST_WEIGHTS_FORMATS_H
