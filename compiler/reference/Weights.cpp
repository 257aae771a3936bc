//===- Weights.cpp - The scalar meaning of weight expressions --------------===//

#include "compiler/reference/Ops.h"
#include "compiler/weights/Guide.h"
#include "dialects/llama/Quantization.h"
#include "dialects/llama/RopeScaling.h"
#include "dialects/llama/Synthetic.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace cria;
using namespace cria::reference;

namespace {

/// The number whose bits in the format of `type` are the little-endian `bytes`.
double fromBits(Type type, const uint8_t *bytes) {
  auto floatType = cast<FloatType>(type);
  uint64_t bits = floatType.getWidth() == 32 ? llvm::support::endian::read32le(bytes)
                                             : llvm::support::endian::read16le(bytes);
  APFloat value(floatType.getFloatSemantics(), APInt(floatType.getWidth(), bits));
  return value.convertToDouble(); // exact: a double holds every f32, f16 and bf16
}

} // namespace

double reference::roundTo(Type type, double value) {
  APFloat rounded(value);
  bool losesInfo;
  rounded.convert(cast<FloatType>(type).getFloatSemantics(), APFloat::rmNearestTiesToEven,
                  &losesInfo);
  return rounded.convertToDouble();
}

//===----------------------------------------------------------------------===//
// Where weights come from
//===----------------------------------------------------------------------===//

Tensor reference::decode(llama::SourceOp source, ArrayRef<uint8_t> bytes) {
  RankedTensorType type = source.getTensorType();
  Type element = type.getElementType();
  Tensor result = Tensor::zeros(type.getShape());
  for (size_t i = 0; i < result.data.size(); ++i)
    result.data[i] = source.getEncoding() == llama::Encoding::Plain
                         ? fromBits(element, &bytes[i * (element.getIntOrFloatBitWidth() / 8)])
                         : roundTo(element, decodeElement(source.getEncoding(), bytes, i));
  return result;
}

Tensor reference::generate(llama::SyntheticOp op) {
  Tensor result = Tensor::zeros(op.getTensorType().getShape());
  double mean = op.getMean().convertToDouble(), deviation = op.getDeviation().convertToDouble();
  for (size_t i = 0; i < result.data.size(); ++i)
    result.data[i] = roundTo(op.getTensorType().getElementType(),
                             llama::syntheticElement(op.getSeed(), mean, deviation, i));
  return result;
}

//===----------------------------------------------------------------------===//
// What is made of them
//===----------------------------------------------------------------------===//

FailureOr<Tensor> reference::evaluate(llama::CastOp op, Operands<llama::CastOp> operands) {
  Tensor result = *operands.getInput();
  for (double &value : result.data)
    value = roundTo(op.getType().getElementType(), value);
  return result;
}

// In each head, row 2i becomes row i and row 2i + 1 becomes row i + Dh/2.
FailureOr<Tensor> reference::evaluate(llama::SplitRopeRowsOp op,
                                      Operands<llama::SplitRopeRowsOp> operands) {
  const Tensor &input = *operands.getInput();
  Tensor result = Tensor::zeros(input.shape);
  int64_t N = input.shape[0], Dh = N / int64_t(op.getHeads());
  for (int64_t head = 0; head < N; head += Dh)
    for (int64_t i = 0; i < Dh / 2; ++i) {
      std::copy_n(input.row(head + 2 * i), input.rowSize(), result.row(head + i));
      std::copy_n(input.row(head + 2 * i + 1), input.rowSize(), result.row(head + i + Dh / 2));
    }
  return result;
}

// The rows of the first input, then those of the next.
FailureOr<Tensor> reference::evaluate(llama::ConcatRowsOp op, Operands<llama::ConcatRowsOp> operands) {
  Tensor result = Tensor::zeros(op.getType().getShape());
  auto end = result.data.begin();
  for (const TensorRef &input : operands.getInputs())
    end = std::copy(input->data.begin(), input->data.end(), end);
  return result;
}

// result[p, k, r, c] = input[p * rows + r, k * columns + c], zero beyond row N
FailureOr<Tensor> reference::evaluate(llama::PackOp op, Operands<llama::PackOp> operands) {
  const Tensor &input = *operands.getInput();
  int64_t N = input.shape[0], K = input.shape[1], rows = op.getRows(), columns = op.getColumns();
  Tensor result = Tensor::zeros(op.getType().getShape());
  for (int64_t n = 0; n < N; ++n)
    for (int64_t k = 0; k < K; ++k)
      result.row(n / rows)[(k / columns * rows + n % rows) * columns + k % columns] = input.row(n)[k];
  return result;
}

// Rows as their codes give them back.
FailureOr<Tensor> reference::evaluate(llama::QuantizeOp op, Operands<llama::QuantizeOp> operands) {
  Tensor result = *operands.getInput();
  int64_t K = result.shape[1];
  std::vector<float> row(K);
  llama::CodeRow codes;
  Guides guides;
  std::shared_ptr<ObservedGuide> guide;
  if (FlatSymbolRefAttr name = op.getGuideAttr()) {
    auto observation = SymbolTable::lookupNearestSymbolFrom<llama::ObservationOp>(op, name);
    if (llvm::Error error = guides.check(observation))
      return op.emitOpError() << llvm::toString(std::move(error));
    guide = guides.share(observation);
  }
  for (int64_t n = 0; n < result.shape[0]; ++n) {
    std::copy_n(result.row(n), K, row.begin());
    llama::quantizeRow(op.getFormat(), row.data(), K, codes, guide ? &guide->get() : nullptr);
    codes.dequantize(op.getFormat(), row.data());
    std::copy_n(row.begin(), K, result.row(n));
  }
  return result;
}

// The largest |input[p * rows + r] - other[p * rows + r]|; infinite where there are fewer rows.
FailureOr<Tensor> reference::evaluate(llama::RowNormsOp op, Operands<llama::RowNormsOp> operands) {
  const Tensor &input = *operands.getInput();
  int64_t N = input.shape[0], K = input.shape[1], rows = op.getRows();
  Tensor result = Tensor::zeros(op.getType().getShape());
  for (int64_t n = 0; n < N; ++n) {
    double sum = 0;
    for (int64_t k = 0; k < K; ++k) {
      double number = input.row(n)[k] - (op.getOther() ? operands.getOther()->row(n)[k] : 0);
      sum += number * number;
    }
    double norm = std::sqrt(sum), &largest = result.data[n / rows];
    if (std::isnan(norm) || norm > largest) // NaN stays
      largest = norm;
  }
  if (N % rows)
    result.data.back() = std::numeric_limits<double>::infinity();
  return result;
}

/// g(i): the angle by which pair i turns from one position to the next.
static double ropeFrequency(llama::RopeTableOp op, int64_t i, int64_t Dh) {
  double theta = op.getTheta().convertToDouble(), factor = op.getFactor().convertToDouble();
  double O = op.getOriginalContext().convertToDouble();
  double f = std::pow(theta, -2.0 * double(i) / double(Dh));
  switch (op.getScaling()) {
  case llama::RopeScaling::None:
    return f;
  case llama::RopeScaling::Linear:
    return f / factor;
  case llama::RopeScaling::Llama3: {
    double low = op.getLowFrequencyFactor().convertToDouble();
    double high = op.getHighFrequencyFactor().convertToDouble();
    double wavelength = 2 * M_PI / f;
    if (wavelength > O / low)
      return f / factor;
    if (wavelength < O / high)
      return f;
    double s = (O / wavelength - low) / (high - low);
    return (1 - s) * f / factor + s * f;
  }
  case llama::RopeScaling::Yarn:
    return llama::yarnFrequency(f, i, Dh, theta, factor, O, op.getBetaFast().convertToDouble(),
                                op.getBetaSlow().convertToDouble());
  }
  llvm_unreachable("every scaling has a formula");
}

// result[p, 0, i] = m cos(p g(i)), result[p, 1, i] = m sin(p g(i)), rounded to F32
FailureOr<Tensor> reference::evaluate(llama::RopeTableOp op,
                                      Operands<llama::RopeTableOp> operands) {
  Tensor result = Tensor::zeros(op.getType().getShape());
  int64_t C = result.shape[0], half = result.shape[2];
  double m = op.getAttentionFactor().convertToDouble();
  for (int64_t p = 0; p < C; ++p)
    for (int64_t i = 0; i < half; ++i) {
      double angle = double(p) * ropeFrequency(op, i, 2 * half);
      result.row(p)[i] = float(m * std::cos(angle));
      result.row(p)[half + i] = float(m * std::sin(angle));
    }
  return result;
}
