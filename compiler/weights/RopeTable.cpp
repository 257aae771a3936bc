//===- RopeTable.cpp - Cosines and sines of every position -----------------===//

#include "compiler/weights/RopeTable.h"

#include "dialects/llama/RopeScaling.h"

#include <cmath>

using namespace cria;
using llama::RopeScaling;

RopeTable::RopeTable(llama::RopeTableOp op) {
  int64_t half = op.getType().getDimSize(2);
  double size = 2.0 * half, theta = op.getTheta().convertToDouble(), factor = op.getFactor().convertToDouble();
  double context = op.getOriginalContext().convertToDouble();
  RopeScaling scaling = op.getScaling();
  magnitude = op.getAttentionFactor().convertToDouble();
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
    case RopeScaling::Yarn:
      frequency = llama::yarnFrequency(frequency, i, 2 * half, theta, factor, context,
                                       op.getBetaFast().convertToDouble(), op.getBetaSlow().convertToDouble());
      break;
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
