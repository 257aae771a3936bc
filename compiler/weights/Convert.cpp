//===- Convert.cpp - Numbers between their types ---------------------------===//

#include "compiler/weights/Convert.h"

#include "llvm/ADT/bit.h"
#include "llvm/Support/ErrorHandling.h"

#include <cstring>

using namespace cria;

namespace {

template <typename T> T load(const void *from, size_t index) {
  T value;
  std::memcpy(&value, static_cast<const char *>(from) + index * sizeof(T), sizeof(T));
  return value;
}

template <typename T> void store(void *to, size_t index, T value) {
  std::memcpy(static_cast<char *>(to) + index * sizeof(T), &value, sizeof(T));
}

/// Exponent and mantissa move to their places; a multiplication by 2^112 repairs
/// the exponent's bias, for subnormal numbers as well.
float fromF16(uint16_t half) {
  uint32_t magnitude = uint32_t(half & 0x7fff) << 13;
  float scaled = llvm::bit_cast<float>(magnitude) * 0x1p112f;
  uint32_t bits = llvm::bit_cast<uint32_t>(scaled);
  bits = magnitude >= 0x0f800000u ? magnitude | 0x7f800000u : bits; // infinity, NaN
  return llvm::bit_cast<float>(bits | uint32_t(half & 0x8000) << 16);
}

/// Normal results round by adding half a unit; subnormal ones by letting an F32
/// addition round at the right place.
uint16_t toF16(float value) {
  uint32_t bits = llvm::bit_cast<uint32_t>(value);
  uint32_t sign = bits & 0x80000000u, magnitude = bits ^ sign;
  uint32_t normal = (magnitude + 0xc8000fffu + ((magnitude >> 13) & 1)) >> 13;
  float shifted = llvm::bit_cast<float>(magnitude) + 0.5f;
  uint32_t subnormal = llvm::bit_cast<uint32_t>(shifted) - 0x3f000000u;
  uint32_t special = magnitude > 0x7f800000u ? 0x7e00u : 0x7c00u;
  uint32_t half = magnitude < 0x38800000u ? subnormal : normal;
  half = magnitude >= 0x477ff000u ? special : half; // rounds to 2^16 or more
  return uint16_t(half | sign >> 16);
}

uint16_t toBF16(float value) {
  uint32_t bits = llvm::bit_cast<uint32_t>(value);
  uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1)) >> 16;
  bool nan = (bits & 0x7fffffffu) > 0x7f800000u;
  return uint16_t(nan ? (bits >> 16) | 0x40 : rounded);
}

} // namespace

size_t cria::bytesOf(Storage storage) { return storage == Storage::F32 ? 4 : 2; }

void cria::toF32(Storage storage, const void *from, size_t count, float *to) {
  switch (storage) {
  case Storage::F32:
    std::memcpy(to, from, count * sizeof(float));
    return;
  case Storage::F16:
    for (size_t i = 0; i < count; ++i)
      to[i] = fromF16(load<uint16_t>(from, i));
    return;
  case Storage::BF16:
    for (size_t i = 0; i < count; ++i)
      to[i] = llvm::bit_cast<float>(uint32_t(load<uint16_t>(from, i)) << 16);
    return;
  }
  llvm_unreachable("every storage is handled");
}

void cria::fromF32(Storage storage, const float *from, size_t count, void *to) {
  switch (storage) {
  case Storage::F32:
    std::memcpy(to, from, count * sizeof(float));
    return;
  case Storage::F16:
    for (size_t i = 0; i < count; ++i)
      store(to, i, toF16(from[i]));
    return;
  case Storage::BF16:
    for (size_t i = 0; i < count; ++i)
      store(to, i, toBF16(from[i]));
    return;
  }
  llvm_unreachable("every storage is handled");
}

void cria::roundTo(Storage storage, float *values, size_t count) {
  switch (storage) {
  case Storage::F32:
    return;
  case Storage::F16:
    for (size_t i = 0; i < count; ++i)
      values[i] = fromF16(toF16(values[i]));
    return;
  case Storage::BF16:
    for (size_t i = 0; i < count; ++i)
      values[i] = llvm::bit_cast<float>(uint32_t(toBF16(values[i])) << 16);
    return;
  }
  llvm_unreachable("every storage is handled");
}
