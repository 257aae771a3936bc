//===- GgufRope.cpp - LLaMA 3's frequencies in a GGUF file -----------------===//
//
// GGUF stores LLaMA 3's rotary scaling not by its parameters but by what came of
// them: `rope_freqs.weight` [Dh/2], a divisor for each frequency. The published
// models share all parameters but the factor, which is the divisor of the lowest
// frequency; so we put it into the published formula and see whether the same
// divisors come out, for every power of two that may have been the original
// context. Parameters that give the same divisors give the same model.
//
//===----------------------------------------------------------------------===//

#include "frontends/gguf/Gguf.h"

#include "dialects/llama/RopeScaling.h"

#include "llvm/ADT/bit.h"
#include "llvm/Support/Endian.h"

#include <cmath>

using namespace llvm;

namespace cria {

namespace {

/// The file's divisors were computed in F32, interpolation included.
constexpr double kTolerance = 1e-5;
constexpr int64_t kMinOriginal = 16, kMaxOriginal = 1 << 20;

} // namespace

std::vector<double> ropeFactors(const RopeParameters &rope, int64_t headSize) {
  std::vector<double> factors;
  for (int64_t i = 0; i < headSize / 2; ++i) {
    double frequency = std::pow(rope.theta, -2.0 * double(i) / double(headSize));
    factors.push_back(frequency / llama::llama3Frequency(frequency, rope.factor, rope.originalContext,
                                                         rope.lowFrequencyFactor, rope.highFrequencyFactor));
  }
  return factors;
}

Error readRopeFactors(const GgufFile &file, const StoredTensor &tensor, int64_t headSize,
                      RopeParameters &rope) {
  std::string what = (file.getPath() + ": tensor 'rope_freqs.weight'").str();
  int64_t count = headSize / 2;
  if (tensor.shape != SmallVector<int64_t, 2>{count})
    return inputError(what + " expects shape " + shapeText({count}) + ", but got " +
                      shapeText(tensor.shape));
  if (tensor.scalar != Scalar::F32 || tensor.encoding != llama::Encoding::Plain)
    return inputError(what + " expects type F32");
  std::vector<double> stored;
  const char *data = file.getData(tensor).data();
  for (int64_t i = 0; i < count; ++i)
    stored.push_back(llvm::bit_cast<float>(support::endian::read32le(data + 4 * i)));
  double factor = stored.back();
  if (all_of(stored, [](double d) { return d == 1; }))
    return Error::success();
  if (rope.scaling != llama::RopeScaling::None)
    return inputError(what + " expects no other rope scaling beside it");

  RopeParameters candidate = rope; // the low and high factors are the same in all published models
  candidate.scaling = llama::RopeScaling::Llama3;
  candidate.factor = factor;
  bool stretches = std::isfinite(factor) && factor > 1;
  for (int64_t original = kMaxOriginal; stretches && original >= kMinOriginal; original /= 2) {
    candidate.originalContext = double(original);
    if (all_of(zip_equal(stored, ropeFactors(candidate, headSize)), [](auto pair) {
          auto [found, expected] = pair;
          return std::abs(found - expected) <= kTolerance * expected; // false for NaN
        })) {
      rope = candidate;
      return Error::success();
    }
  }
  return inputError(what + " expects the frequency factors of LLaMA 3's rope scaling, but got "
                           "others, which are not supported");
}

} // namespace cria
