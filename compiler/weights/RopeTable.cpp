//===- RopeTable.cpp - Cosines and sines of every position -----------------===//

#include "compiler/weights/RopeTable.h"

#include "dialects/llama/RopeScaling.h"

#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cmath>

using namespace cria;
using llama::RopeScaling;

namespace {

/// The dimension (of Dh) whose wave fits `rotations` times into `context`.
double yarnDimension(double rotations, double headSize, double theta, double context) {
  return headSize * std::log(context / (rotations * 2 * llvm::numbers::pi)) / (2 * std::log(theta));
}

} // namespace

RopeTable::RopeTable(llama::RopeTableOp op) {
  int64_t half = op.getType().getDimSize(2);
  double size = 2.0 * half, theta = op.getTheta().convertToDouble(), factor = op.getFactor().convertToDouble();
  double context = op.getOriginalContext().convertToDouble();
  RopeScaling scaling = op.getScaling();
  if (scaling == RopeScaling::Yarn)
    magnitude = op.getAttentionFactor().convertToDouble();

  // YaRN: below `first` kept, from `last` on stretched, a ramp between them.
  double first = 0, last = 0;
  if (scaling == RopeScaling::Yarn) {
    first = std::max(std::floor(yarnDimension(op.getBetaFast().convertToDouble(), size, theta, context)), 0.0);
    last = std::min(std::ceil(yarnDimension(op.getBetaSlow().convertToDouble(), size, theta, context)), size - 1);
    if (first == last)
      last += 0.001; // as the published code does, against a division by zero
  }
  for (int64_t i = 0; i < half; ++i) {
    double frequency = std::pow(theta, -2.0 * i / size);
    switch (scaling) {
    case RopeScaling::None:
      break;
    case RopeScaling::Linear:
      frequency /= factor;
      break;
    case RopeScaling::Llama3:
      frequency = llama::llama3Frequency(frequency, factor, context, op.getLowFrequencyFactor().convertToDouble(),
                                         op.getHighFrequencyFactor().convertToDouble());
      break;
    case RopeScaling::Yarn: {
      double ramp = std::clamp((i - first) / (last - first), 0.0, 1.0);
      frequency = frequency / factor * ramp + frequency * (1 - ramp);
      break;
    }
    }
    frequencies.push_back(frequency);
  }
}

void RopeTable::row(int64_t position, float *out) const {
  size_t half = frequencies.size();
  for (size_t i = 0; i < half; ++i) {
    out[i] = float(magnitude * std::cos(position * frequencies[i]));
    out[half + i] = float(magnitude * std::sin(position * frequencies[i]));
  }
}
