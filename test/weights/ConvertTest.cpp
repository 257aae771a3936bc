//===- ConvertTest.cpp - Narrow numbers against LLVM's -----------------------===//

#include "compiler/weights/Convert.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/bit.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

using namespace cria;

namespace {

const llvm::fltSemantics &semantics(Storage storage) {
  return storage == Storage::F16 ? llvm::APFloat::IEEEhalf() : llvm::APFloat::BFloat();
}

float exact(Storage storage, uint16_t bits) {
  llvm::APFloat value(semantics(storage), llvm::APInt(16, bits));
  bool lossy;
  value.convert(llvm::APFloat::IEEEsingle(), llvm::APFloat::rmNearestTiesToEven, &lossy);
  return value.convertToFloat();
}

uint16_t rounded(Storage storage, float number) {
  llvm::APFloat value(number);
  bool lossy;
  value.convert(semantics(storage), llvm::APFloat::rmNearestTiesToEven, &lossy);
  return value.bitcastToAPInt().getZExtValue();
}

bool isNan(float value) { return value != value; }

void expectRounded(Storage storage, float number) {
  uint16_t found;
  fromF32(storage, &number, 1, &found);
  if (isNan(number))
    EXPECT_TRUE(isNan(exact(storage, found)));
  else
    EXPECT_EQ(found, rounded(storage, number)) << number;
}

} // namespace

TEST(Convert, EveryNarrowNumberIsExact) {
  for (Storage storage : {Storage::F16, Storage::BF16})
    for (uint32_t bits = 0; bits < 0x10000; ++bits) {
      uint16_t narrow = bits, again;
      float wide;
      toF32(storage, &narrow, 1, &wide);
      float expected = exact(storage, narrow);
      if (isNan(expected)) {
        EXPECT_TRUE(isNan(wide));
        continue;
      }
      EXPECT_EQ(llvm::bit_cast<uint32_t>(wide), llvm::bit_cast<uint32_t>(expected)) << bits;
      fromF32(storage, &wide, 1, &again);
      EXPECT_EQ(again, narrow);
    }
}

TEST(Convert, RoundsToNearestTiesToEven) {
  std::mt19937 random(1);
  for (Storage storage : {Storage::F16, Storage::BF16}) {
    for (int i = 0; i < 200000; ++i)
      expectRounded(storage, llvm::bit_cast<float>(uint32_t(random())));
    // Between every two neighbours: the tie, and its neighbours in F32.
    for (uint32_t bits = 0; bits < 0x7c00; bits += 7) {
      double low = exact(storage, bits), high = exact(storage, bits + 1);
      float tie = float((low + high) / 2);
      for (uint32_t step : {-1, 0, 1})
        for (float sign : {1.0f, -1.0f})
          expectRounded(storage, sign * llvm::bit_cast<float>(llvm::bit_cast<uint32_t>(tie) + step));
    }
    for (float edge : {65504.0f, 65519.0f, 65520.0f, 65536.0f, 1e30f, 3.4e38f, INFINITY, -INFINITY, 0.0f, -0.0f, NAN})
      expectRounded(storage, edge);
  }
}
