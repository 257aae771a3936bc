//===- Quantization.h - What low-bit formats mean ----------------*- C++ -*-===//
//
// A format cuts the rows of a matrix into groups of 32 numbers. A group has one
// scale d, an F16, and 32 codes q, small integers; it stands for d * q.
//
//   q8  q in [-127, 127], d = max |x| / 127
//   q4  q in [-8, 7]; d is the best of a few: let m be the number of largest
//       magnitude, the first if there are several; d = m / s for s in -8, -7.75, …,
//       -6.5, the one with the smallest sum of squared errors, the first if there are
//       several
//
// In both, d is rounded to F16 before it is used, and q is x times 1 / d (both F32),
// clamped, then rounded to the nearest integer, ties to even. A group with a number
// that F16 cannot hold stands for NaN. This is the definition: the evaluator and
// the reference interpreter call it alike, so that a format means one thing.
//
//===----------------------------------------------------------------------===//
#ifndef CRIA_DIALECTS_LLAMA_QUANTIZATION_H
#define CRIA_DIALECTS_LLAMA_QUANTIZATION_H

#include "dialects/llama/Llama.h"

#include <cmath>
#include <cstdint>
#include <optional>

namespace cria::llama {

/// Numbers of a group.
inline constexpr int kGroup = 32;

/// One group: its scale and its codes.
struct CodeGroup {
  float scale; ///< exactly representable as F16
  int8_t codes[kGroup];
};

/// The smallest and largest code of a format.
inline int lowestCode(Format format) { return format == Format::Q8 ? -127 : -8; }
inline int highestCode(Format format) { return format == Format::Q8 ? 127 : 7; }

namespace detail {

inline float toHalf(float value) { return float(_Float16(value)); }

/// Codes of `values` for `scale`; returns the sum of squared errors. Plain loops of
/// eight, which any compiler makes vectors of; the sum is in eight parts, in order.
inline float encode(const float *values, float scale, float lowest, float highest, int8_t *codes) {
  constexpr float kShift = 12582912; // 1.5 * 2^23: adding it rounds to an integer, ties to even
  float inverse = scale == 0 ? 0 : 1 / scale;
  float rounded[kGroup], parts[8] = {};
  for (int i = 0; i < kGroup; i += 8)
    for (int j = 0; j < 8; ++j) {
      float code = values[i + j] * inverse;
      code = code < lowest ? lowest : code;
      code = code > highest ? highest : code;
      code = (code + kShift) - kShift;
      float off = values[i + j] - scale * code;
      rounded[i + j] = code;
      parts[j] += off * off;
    }
  for (int i = 0; i < kGroup; ++i)
    codes[i] = int8_t(rounded[i]);
  return ((parts[0] + parts[1]) + (parts[2] + parts[3])) + ((parts[4] + parts[5]) + (parts[6] + parts[7]));
}

} // namespace detail

/// Quantizes 32 numbers.
inline CodeGroup quantizeGroup(Format format, const float *values) {
  CodeGroup best = {};
  float extreme = 0;
  for (int i = 0; i < kGroup; ++i) {
    if (!(std::fabs(values[i]) <= 65504)) { // beyond F16, or NaN: no scale can say it
      best.scale = NAN;
      return best;
    }
    if (std::fabs(values[i]) > std::fabs(extreme))
      extreme = values[i];
  }
  float lowest = lowestCode(format), highest = highestCode(format);
  if (format == Format::Q8) {
    best.scale = detail::toHalf(std::fabs(extreme) / 127);
    detail::encode(values, best.scale, lowest, highest, best.codes);
    return best;
  }
  float smallest = INFINITY;
  for (int step = 0; step <= 6; ++step) {
    CodeGroup trial;
    trial.scale = detail::toHalf(extreme / (-8 + 0.25f * step));
    float error = detail::encode(values, trial.scale, lowest, highest, trial.codes);
    if (error < smallest) {
      smallest = error;
      best = trial;
    }
  }
  return best;
}

/// The numbers that `group` stands for.
inline void dequantizeGroup(const CodeGroup &group, float *values) {
  for (int i = 0; i < kGroup; ++i)
    values[i] = group.scale * float(group.codes[i]);
}

/// The format whose codes give the numbers of `weight` exactly: of a `llama.quantize`,
/// or of a source stored in blocks, also behind a change of the rows' order. None
/// for other weights.
std::optional<Format> codeFormat(mlir::Value weight);

/// How `llama.pack_blocks` lays out `rows` x 32 codes of `format`: bytes of a block.
inline int64_t blockBytes(Format format, int64_t rows) {
  return rows * (2 + (format == Format::Q8 ? kGroup : kGroup / 2));
}

} // namespace cria::llama

#endif // CRIA_DIALECTS_LLAMA_QUANTIZATION_H
