//===- RopeScaling.h - Frequencies stretched for long contexts ---*- C++ -*-===//
#ifndef CRIA_DIALECTS_LLAMA_ROPESCALING_H
#define CRIA_DIALECTS_LLAMA_ROPESCALING_H

#include "llvm/Support/MathExtras.h"

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

} // namespace cria::llama

#endif // CRIA_DIALECTS_LLAMA_ROPESCALING_H
