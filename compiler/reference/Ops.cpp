//===- Ops.cpp - The scalar meaning of computation ops ---------------------===//
//
// Written to be read beside the formulas in LlamaOps.td. F64 throughout, sums
// from the first element to the last.
//
//===----------------------------------------------------------------------===//

#include "compiler/reference/Ops.h"

#include "dialects/llama/Quantization.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace cria;
using namespace cria::reference;

namespace {

double dot(const double *a, const double *b, int64_t size) {
  double sum = 0;
  for (int64_t i = 0; i < size; ++i)
    sum += a[i] * b[i];
  return sum;
}

/// Positions [position, position + tokens) must exist in `what`, which has `size`.
LogicalResult checkPositions(Operation *op, StringRef what, const Tensor &position, int64_t tokens,
                             int64_t size) {
  int64_t first = position.asIndex();
  if (first >= 0 && first <= size && tokens <= size - first)
    return success();
  return op->emitOpError("expects positions within the ")
         << size << " of its " << what << ", but got " << first << " and " << tokens << " tokens";
}

/// T is dynamic in an imported model, so that only values show whether it agrees.
LogicalResult checkSameShape(Operation *op, const Tensor &a, const Tensor &b) {
  if (a.shape == b.shape)
    return success();
  return op->emitOpError("expects tensors of one size, but got ")
         << a.shape[0] << " and " << b.shape[0] << " rows";
}

} // namespace

// result[t, :] = table[tokens[t], :]
FailureOr<Tensor> reference::evaluate(llama::EmbedOp op, Operands<llama::EmbedOp> operands) {
  const Tensor &tokens = *operands.getTokens(), &table = *operands.getTable();
  int64_t T = tokens.shape[0], V = table.shape[0], D = table.shape[1];
  Tensor result = Tensor::zeros({T, D});
  for (int64_t t = 0; t < T; ++t) {
    int64_t token = int64_t(tokens.data[t]);
    if (token < 0 || token >= V)
      return op.emitOpError("expects tokens in [0, ") << V << "), but got " << token;
    std::copy_n(table.row(token), D, result.row(t));
  }
  return result;
}

// x * weight / sqrt(mean(x^2) + epsilon), for each group x of K elements
FailureOr<Tensor> reference::evaluate(llama::RmsNormOp op, Operands<llama::RmsNormOp> operands) {
  const Tensor &weight = *operands.getWeight();
  Tensor result = *operands.getInput();
  int64_t K = weight.shape[0];
  double epsilon = op.getEpsilon().convertToDouble();
  for (size_t first = 0; first < result.data.size(); first += K) {
    double *x = &result.data[first];
    double norm = std::sqrt(dot(x, x, K) / double(K) + epsilon);
    for (int64_t k = 0; k < K; ++k)
      x[k] = x[k] * weight.data[k] / norm;
  }
  return result;
}

// result[t, n] = sum over k of weight[n, k] * input[t, k] (+ bias[n])
FailureOr<Tensor> reference::evaluate(llama::LinearOp op, Operands<llama::LinearOp> operands) {
  const Tensor &input = *operands.getInput(), &weight = *operands.getWeight();
  const Tensor *bias = operands.getBias().get();
  int64_t T = input.shape[0], N = weight.shape[0], K = weight.shape[1];
  Tensor result = Tensor::zeros({T, N});
  for (int64_t t = 0; t < T; ++t)
    for (int64_t n = 0; n < N; ++n)
      result.row(t)[n] = dot(weight.row(n), input.row(t), K) + (bias ? bias->data[n] : 0);
  return result;
}

// (a, b) becomes (a c - b s, b c + a s), for pair i of each head at its position
FailureOr<Tensor> reference::evaluate(llama::RopeOp op, Operands<llama::RopeOp> operands) {
  const Tensor &table = *operands.getTable();
  Tensor result = *operands.getInput();
  int64_t T = result.shape[0], width = result.shape[1], half = table.shape[2];
  if (failed(checkPositions(op, "table", *operands.getPosition(), T, table.shape[0])))
    return failure();
  bool interleaved = op.getLayout() == llama::RopeLayout::Interleaved;
  for (int64_t t = 0; t < T; ++t) {
    const double *cosines = table.row(operands.getPosition()->asIndex() + t);
    const double *sines = cosines + half;
    for (int64_t head = 0; head < width; head += 2 * half)
      for (int64_t i = 0; i < half; ++i) {
        double &x = result.row(t)[head + (interleaved ? 2 * i : i)];
        double &y = result.row(t)[head + (interleaved ? 2 * i + 1 : i + half)];
        double a = x, b = y;
        x = a * cosines[i] - b * sines[i];
        y = b * cosines[i] + a * sines[i];
      }
  }
  return result;
}

// result[t, h] = sum over c of softmax_c(scale * q[t, h] . keys[c, g]) * values[c, g]
FailureOr<Tensor> reference::evaluate(llama::AttentionOp op,
                                      Operands<llama::AttentionOp> operands) {
  const Tensor &query = *operands.getQuery(), &keys = *operands.getKeys(),
               &values = *operands.getValues();
  int64_t T = query.shape[0], Hkv = keys.shape[1], Dh = keys.shape[2], H = query.shape[1] / Dh;
  int64_t position = operands.getPosition()->asIndex(), window = op.getWindow();
  double scale = op.getScale().convertToDouble();
  if (failed(checkPositions(op, "cache", *operands.getPosition(), T, keys.shape[0])))
    return failure();
  Tensor result = Tensor::zeros(query.shape);
  for (int64_t t = 0; t < T; ++t)
    for (int64_t h = 0; h < H; ++h) {
      const double *q = query.row(t) + h * Dh;
      int64_t g = h * Hkv / H, last = position + t;
      int64_t first = window > 0 ? std::max<int64_t>(0, last - window + 1) : 0;

      std::vector<double> p; // p[c - first], before it is divided by its sum
      for (int64_t c = first; c <= last; ++c)
        p.push_back(scale * dot(q, keys.row(c) + g * Dh, Dh));
      double greatest = *std::max_element(p.begin(), p.end()), sum = 0;
      for (double &score : p)
        sum += score = std::exp(score - greatest);

      for (int64_t c = first; c <= last; ++c)
        for (int64_t d = 0; d < Dh; ++d)
          result.row(t)[h * Dh + d] += p[c - first] / sum * values.row(c)[g * Dh + d];
    }
  return result;
}

// exact[t, n], or minus infinity if it is below the row's largest less margin
FailureOr<Tensor> reference::evaluate(llama::ScreenOp op, Operands<llama::ScreenOp> operands) {
  Tensor result = *operands.getExact();
  int64_t T = result.shape[0], N = result.shape[1];
  double margin = operands.getMargin()->data[0];
  for (int64_t t = 0; t < T; ++t) {
    MutableArrayRef<double> row(result.row(t), N);
    double greatest = *llvm::max_element(row);
    for (double &number : row)
      if (number < greatest - margin)
        number = -std::numeric_limits<double>::infinity();
  }
  return result;
}

static double greatestMagnitude(ArrayRef<double> numbers) {
  double greatest = 0;
  for (double x : numbers)
    greatest = std::max(greatest, std::fabs(x));
  return greatest;
}

/// `numbers` to the nearest multiples, up to 127, of the scale that `scaleOf` makes of their
/// greatest magnitude; all to 0 where that is below 2^-100.
static void roundToCodes(MutableArrayRef<double> numbers, llvm::function_ref<double(double)> scaleOf) {
  double greatest = greatestMagnitude(numbers);
  double s = greatest < 0x1p-100 ? 0 : scaleOf(greatest);
  for (double &x : numbers)
    x = s == 0 ? 0 : std::clamp(s * std::nearbyint(x / s), -127 * s, 127 * s);
}

/// The smallest number of three significant bits that is not below `number`, above zero.
static double roundUpToThreeBits(double number) {
  int exponent;
  double mantissa = std::frexp(number, &exponent); // in [0.5, 1)
  return std::ldexp(std::ceil(mantissa * 8), exponent - 3);
}

// s * (x / s to the nearest integer), of 32 numbers or what is left: s = max |x| / 127, made longer
// to three significant bits, or of MXINT8 2^(e - 6), 2^e being the largest power of two that is not above max |x|
FailureOr<Tensor> reference::evaluate(llama::QuantizeRowsOp op,
                                      Operands<llama::QuantizeRowsOp> operands) {
  Tensor result = *operands.getInput();
  int64_t K = result.shape[1];
  auto scaleOf = [&](double greatest) {
    return op.getMicroscaled() ? std::ldexp(1.0, std::ilogb(greatest) - 6) : roundUpToThreeBits(greatest / 127);
  };
  for (int64_t t = 0; t < result.shape[0]; ++t)
    for (int64_t begin = 0; begin < K; begin += llama::kGroup)
      roundToCodes({result.row(t) + begin, size_t(std::min<int64_t>(llama::kGroup, K - begin))}, scaleOf);
  return result;
}

FailureOr<Tensor> reference::evaluate(llama::RoundOp op, Operands<llama::RoundOp> operands) {
  Tensor result = *operands.getInput();
  for (double &value : result.data)
    value = roundTo(op.getNarrow(), value);
  return result;
}

// gate * sigmoid(gate) * up
FailureOr<Tensor> reference::evaluate(llama::SwigluOp op, Operands<llama::SwigluOp> operands) {
  const Tensor &up = *operands.getUp();
  Tensor result = *operands.getGate();
  if (failed(checkSameShape(op, result, up)))
    return failure();
  for (size_t i = 0; i < result.data.size(); ++i)
    result.data[i] = result.data[i] / (1 + std::exp(-result.data[i])) * up.data[i];
  return result;
}

// residual + branch
FailureOr<Tensor> reference::evaluate(llama::AddOp op, Operands<llama::AddOp> operands) {
  const Tensor &branch = *operands.getBranch();
  Tensor result = *operands.getResidual();
  if (failed(checkSameShape(op, result, branch)))
    return failure();
  for (size_t i = 0; i < result.data.size(); ++i)
    result.data[i] += branch.data[i];
  return result;
}

// result[position + t, :, :] = rows[t, :] rounded to the cache's type, the rest as in cache; codes
// have a scale of max |x| / 127, as BF16, for 32 numbers of a head or what is left
FailureOr<Tensor> reference::evaluate(llama::CacheUpdateOp op,
                                      Operands<llama::CacheUpdateOp> operands) {
  const Tensor &rows = *operands.getRows();
  Tensor result = *operands.getCache();
  if (failed(checkPositions(op, "cache", *operands.getPosition(), rows.shape[0], result.shape[0])))
    return failure();
  Type element = op.getType().getElementType();
  double *written = result.row(operands.getPosition()->asIndex());
  if (isa<llama::Q8Type>(element)) {
    llvm::copy(rows.data, written);
    size_t size = result.shape[2]; // Dh
    Type bf16 = BFloat16Type::get(op.getContext());
    auto scaleOf = [&](double greatest) { return roundTo(bf16, greatest / 127); };
    for (size_t head = 0; head < rows.data.size(); head += size)
      for (size_t d = 0; d < size; d += llama::kGroup)
        roundToCodes({written + head + d, std::min<size_t>(llama::kGroup, size - d)}, scaleOf);
    return result;
  }
  llvm::transform(rows.data, written,
                  [&](double value) { return element.isF32() ? value : roundTo(element, value); });
  return result;
}
