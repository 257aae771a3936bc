//===- GuideTest.cpp - What an error in a weight costs ---------------------===//

#include "compiler/weights/Guide.h"
#include "runtime/Abi.h"

#include "gtest/gtest.h"

#include <cmath>
#include <cstring>
#include <random>

using namespace cria;

namespace {

/// The bytes of records of one step for each of `steps`, whose observation `number` of
/// `widths` has the vectors `x` and the others zeros.
std::string recordsOf(const std::vector<uint32_t> &widths, size_t number, const std::vector<uint32_t> &steps,
                      const std::vector<float> &x) {
  std::string bytes(CRIA_RECORD_MAGIC, sizeof(CRIA_RECORD_MAGIC));
  auto word = [&](uint32_t value) { bytes.append(reinterpret_cast<const char *>(&value), sizeof(value)); };
  word(widths.size());
  for (uint32_t width : widths)
    word(width);
  const float *from = x.data();
  for (uint32_t tokens : steps) {
    word(tokens);
    for (size_t i = 0; i < widths.size(); ++i) {
      std::vector<float> zeros(tokens * widths[i], 0.0f);
      const float *vectors = i == number ? from : zeros.data();
      bytes.append(reinterpret_cast<const char *>(vectors), zeros.size() * sizeof(float));
    }
    from += tokens * widths[number];
  }
  return bytes;
}

/// Correlated vectors [count, K]: a random walk along the columns, of growing strength.
std::vector<float> correlated(int64_t count, int64_t K, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> x(count * K);
  for (int64_t t = 0; t < count; ++t) {
    float walk = 0;
    for (int64_t k = 0; k < K; ++k) {
      walk = 0.9f * walk + normal(random);
      x[t * K + k] = walk * (1 + float(k % 7));
    }
  }
  return x;
}

Records parse(const std::string &bytes) { return llvm::cantFail(Records::parse(bytes)); }

/// e H e^T, of the upper triangle of H.
double cost(const std::vector<double> &h, const std::vector<float> &e) {
  int64_t K = e.size();
  double sum = 0;
  for (int64_t i = 0; i < K; ++i)
    for (int64_t j = i; j < K; ++j)
      sum += (i == j ? 1 : 2) * h[i * K + j] * double(e[i]) * double(e[j]);
  return sum;
}

std::vector<float> errorsOf(llama::Format format, const std::vector<float> &w, const llama::Guide *guide) {
  llama::CodeRow row;
  std::vector<float> found(w.size());
  llama::quantizeRow(format, w.data(), w.size(), row, guide);
  row.dequantize(format, found.data());
  for (size_t k = 0; k < w.size(); ++k)
    found[k] = w[k] - found[k];
  return found;
}

std::vector<float> randomRow(int64_t K, std::mt19937 &random) {
  std::normal_distribution<float> normal(0, 0.02f);
  std::vector<float> w(K);
  for (float &value : w)
    value = normal(random);
  return w;
}

} // namespace

TEST(Records, SaysWhatIsWrong) {
  auto fails = [](const std::string &bytes, llvm::StringRef part) {
    llvm::Expected<Records> records = Records::parse(bytes);
    ASSERT_FALSE(bool(records));
    std::string message = llvm::toString(records.takeError());
    EXPECT_TRUE(llvm::StringRef(message).contains(part)) << message;
  };
  std::string good = recordsOf({2, 3}, 1, {1, 2}, std::vector<float>(9, 1.0f));
  EXPECT_EQ(parse(good).tokens(), 3);
  fails("something else entirely", "expect to begin with");
  fails(good.substr(0, 22), "end before");
  fails(good.substr(0, good.size() - 1), "expect a whole step at byte 52, but end at 95");
  std::string huge = good;
  std::memset(huge.data() + 28, 0xff, 4); // 2^32 - 1 tokens
  fails(huge, "expect a whole step at byte 28");
  fails(recordsOf({0}, 0, {}, {}), "but have none");
}

TEST(Guide, HessianIsTheMeanOfProductsWithItsDiagonalRaised) {
  std::string bytes = recordsOf({1, 2, 4}, 1, {1, 2}, {1, 2, 3, 4, 5, 6});
  std::vector<double> h = observedHessian(parse(bytes), 1);
  double a = (1 + 9 + 25) / 3.0, b = (2 + 12 + 30) / 3.0, d = (4 + 16 + 36) / 3.0, damping = 0.01 * (a + d) / 2;
  EXPECT_NEAR(h[0], a + damping, 1e-12);
  EXPECT_NEAR(h[1], b, 1e-12);
  EXPECT_NEAR(h[3], d + damping, 1e-12);
  EXPECT_EQ(observedHessian(parse(bytes), 0), std::vector<double>{1}); // all zero
}

TEST(Guide, FactorOfTheInverseAtAnyNumberOfThreads) {
  constexpr int64_t K = 150; // two blocks and a part
  std::string bytes = recordsOf({K}, 0, {100, 50}, correlated(150, K, 3));
  std::vector<double> h = observedHessian(parse(bytes), 0, 1), spare = h;
  EXPECT_EQ(h, observedHessian(parse(bytes), 0, 3));
  llama::Guide guide = makeGuide(spare, K, 1);
  spare = h;
  EXPECT_EQ(guide.factor, makeGuide(spare, K, 3).factor);
  // U H U^T = 1, since H^-1 = U^T U.
  std::vector<double> uh(K * K);
  for (int64_t i = 0; i < K; ++i)
    for (int64_t k = i; k < K; ++k)
      for (int64_t j = 0; j < K; ++j)
        uh[i * K + j] += double(guide.factor[i * K + k]) * h[std::min(k, j) * K + std::max(k, j)];
  for (int64_t i = 0; i < K; ++i)
    for (int64_t j = 0; j < K; ++j) {
      double product = 0;
      for (int64_t k = j; k < K; ++k)
        product += uh[i * K + k] * double(guide.factor[j * K + k]);
      EXPECT_NEAR(product, i == j ? 1 : 0, 1e-4) << i << ", " << j;
    }
}

TEST(Guide, UncorrelatedColumnsAreRoundedByThemselves) {
  constexpr int64_t K = 128;
  std::vector<double> h(K * K);
  for (int64_t k = 0; k < K; ++k)
    h[k * K + k] = 4;
  llama::Guide guide = makeGuide(h, K);
  std::mt19937 random(5);
  for (llama::Format format : {llama::Format::Q8, llama::Format::Q4})
    for (int i = 0; i < 20; ++i) {
      std::vector<float> w = randomRow(K, random);
      EXPECT_EQ(errorsOf(format, w, &guide), errorsOf(format, w, nullptr));
    }
}

TEST(Guide, CostsLessThanRoundingInEveryFormat) {
  constexpr int64_t K = 236; // no multiple of a group
  std::string bytes = recordsOf({K}, 0, {500}, correlated(500, K, 7));
  std::vector<double> h = observedHessian(parse(bytes), 0), spare = h;
  llama::Guide guide = makeGuide(spare, K);
  for (uint32_t value = 0; value <= llama::getMaxEnumValForFormat(); ++value) {
    std::optional<llama::Format> format = llama::symbolizeFormat(value);
    if (!format || !llama::isQuantizable(*format))
      continue;
    std::mt19937 random(9);
    double guided = 0, plain = 0;
    for (int i = 0; i < 16; ++i) {
      std::vector<float> w = randomRow(K, random);
      guided += cost(h, errorsOf(*format, w, &guide));
      plain += cost(h, errorsOf(*format, w, nullptr));
    }
    EXPECT_LT(guided, 0.7 * plain) << llama::stringifyFormat(*format).str();
  }
}

// Records may hold NaN, and then no scale is better than another: none is taken.
TEST(Guide, FactorsThatSayNothingGiveNoCodes) {
  constexpr int64_t K = 64;
  llama::Guide guide{K, std::vector<float>(K * K, NAN)};
  for (llama::Format format : {llama::Format::Q8, llama::Format::Q4, llama::Format::Q4Z, llama::Format::NF4})
    for (float error : errorsOf(format, std::vector<float>(K, 0.5f), &guide))
      EXPECT_TRUE(std::isnan(error)) << llama::stringifyFormat(format).str();
}

TEST(Guide, NumbersThatNoScaleCanSayStayWithinTheirGroup) {
  constexpr int64_t K = 64;
  std::string bytes = recordsOf({K}, 0, {100}, correlated(100, K, 1));
  std::vector<double> h = observedHessian(parse(bytes), 0);
  llama::Guide guide = makeGuide(h, K);
  std::vector<float> w(K, 0.5f);
  w[3] = INFINITY;
  std::vector<float> errors = errorsOf(llama::Format::Q4, w, &guide);
  for (int64_t k = 0; k < K; ++k)
    EXPECT_EQ(std::isnan(errors[k]), k < 32) << k;
}
