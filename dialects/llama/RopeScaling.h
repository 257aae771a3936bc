//===- RopeScaling.h - Frequencies stretched for long contexts ---*- C++ -*-===//
#ifndef CRIA_DIALECTS_LLAMA_ROPESCALING_H
#define CRIA_DIALECTS_LLAMA_ROPESCALING_H

#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace cria::llama {

/// Llama 3.1's scaling, as Meta published it, of a rotary `frequency` (radians per position): waves
/// longer than `context` / `low` positions are stretched by `factor`, those shorter than `context` /
/// `high` kept, others in between.
inline double llama3Frequency(double frequency, double factor, double context, double low, double high) {
  double wavelength = 2 * llvm::numbers::pi / frequency;
  if (wavelength < context / high)
    return frequency;
  if (wavelength > context / low)
    return frequency / factor;
  double smooth = (context / wavelength - low) / (high - low);
  return (1 - smooth) * frequency / factor + smooth * frequency;
}

/// YaRN's scaling, as Hugging Face's transformers compute it, of the rotary `frequency` of pair `pair` of a head
/// of `headSize`: pairs up to the dimension whose wave fits `fast` times into `context` are kept, those from the
/// one whose wave fits `slow` times stretched by `factor`, others in between.
inline double yarnFrequency(double frequency, int64_t pair, int64_t headSize, double theta, double factor,
                            double context, double fast, double slow) {
  auto dimension = [&](double rotations) {
    return double(headSize) * std::log(context / (rotations * 2 * llvm::numbers::pi)) / (2 * std::log(theta));
  };
  double first = std::max(std::floor(dimension(fast)), 0.0);
  double last = std::min(std::ceil(dimension(slow)), double(headSize - 1)); // may be before the first one then
  if (first == last)
    last += 0.001; // as the published code does, against a division by zero
  double ramp = std::clamp((double(pair) - first) / (last - first), 0.0, 1.0);
  return frequency / factor * ramp + frequency * (1 - ramp);
}

} // namespace cria::llama

#endif // CRIA_DIALECTS_LLAMA_ROPESCALING_H
