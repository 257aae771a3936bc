//===- QuantizationTest.cpp - The choice of codes ----------------------------===//
//
// Streamed rows and the interpreter choose codes by one function (llama::quantizeRow), so
// what it chooses is held here, against definitions written out.
//
//===----------------------------------------------------------------------===//

#include "test/weights/Formats.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

using namespace cria;
using cria::test::allFormats;
using cria::test::quantized;
using cria::test::toHalf;

// The number of largest magnitude gives the scale its sign, the first if there are several;
// one that F16 cannot hold, wherever it is, makes a group NaN and leaves the next alone.
TEST(Quantization, ExtremeNumbers) {
  const int group = traits(llama::Format::Q4).group;
  for (int first = 0; first < group; ++first) {
    llama::CodeRow codes;
    std::vector<float> row(2 * group, 0.25f);
    row[first] = 1, row[(first + 1) % group] = -1;
    llama::quantizeRow(llama::Format::Q4, row.data(), row.size(), codes);
    EXPECT_EQ(codes.scales[0] < 0, first + 1 < group) << first; // levels are from -8 to 7
    for (float most : {65504.0f, -65504.0f, 65520.0f, -INFINITY, NAN}) {
      row[first] = most;
      llama::quantizeRow(llama::Format::Q4, row.data(), row.size(), codes);
      EXPECT_EQ(std::isnan(codes.scales[0]), !(std::fabs(most) <= 65504)) << first << " " << most;
      EXPECT_FALSE(std::isnan(codes.scales[1])) << first << " " << most;
    }
  }
}

// Levels of a table: the nearest to a number over its scale, the lower of two, as comparing
// with the middle of every two neighbours says; also where a number is in the middle.
TEST(Quantization, NearestLevels) {
  std::mt19937 generator(2);
  std::normal_distribution<float> normal;
  for (llama::Format format : {llama::Format::NF4, llama::Format::MXFP4, llama::Format::Q2}) {
    std::vector<int> sorted(traits(format).levels.begin(), traits(format).levels.end());
    std::sort(sorted.begin(), sorted.end());
    sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
    for (int trial = 0; trial < 50; ++trial) {
      std::vector<float> row(traits(format).group), found(row.size());
      row[0] = float(sorted.back()); // so that a scale of 1 is among those that are tried
      for (size_t i = 1; i < row.size(); ++i) {
        size_t place = generator() % (sorted.size() - 1);
        float middle = float(sorted[place] + sorted[place + 1]) / 2;
        row[i] = trial % 2 ? normal(generator) * 0.3f * row[0] : middle;
      }
      llama::CodeRow codes;
      llama::quantizeRow(format, row.data(), row.size(), codes);
      codes.dequantize(format, found.data());
      float scale = codes.scales[0], inverse = 1 / scale;
      for (size_t i = 0; i < row.size(); ++i) {
        size_t place = 0;
        while (place + 1 < sorted.size() && row[i] * inverse > float(sorted[place] + sorted[place + 1]) / 2)
          ++place;
        EXPECT_EQ(found[i], scale * float(sorted[place])) << stringifyFormat(format).str() << " " << row[i];
      }
    }
  }
}

namespace {

/// The squared error of a plain rounding: scales as large as a group needs, and the nearest level of each number.
double plainError(llama::Format format, const std::vector<float> &row) {
  const llama::FormatTraits &t = traits(format);
  int last = format == llama::Format::Ternary ? 2 : (1 << t.bits) - 1; // code
  std::vector<int> levels(t.levels.begin(), t.levels.end());
  for (int code = 0; t.levels.empty() && code <= last; ++code)
    if (std::abs(code - t.offset) <= last - t.offset) // as many below zero as above
      levels.push_back(code - t.offset);
  double error = 0;
  for (size_t begin = 0; begin < row.size(); begin += t.group) {
    auto from = row.begin() + begin, to = from + t.group;
    auto [least, greatest] = std::minmax_element(from, to);
    double reach = std::max(std::fabs(*least), std::fabs(*greatest)), scale, minimum = 0;
    if (t.minimums) {
      scale = toHalf((double(*greatest) - *least) / last);
      minimum = toHalf(*least);
    } else {
      scale = reach / *std::max_element(levels.begin(), levels.end());
      scale = t.exponents ? std::exp2(std::ceil(std::log2(scale))) : toHalf(scale);
    }
    for (auto number = from; number != to; ++number) {
      double nearest = INFINITY;
      for (int level : levels)
        nearest = std::min(nearest, std::fabs(*number - (minimum + scale * level)));
      error += nearest * nearest;
    }
  }
  return error;
}

} // namespace

// The choice of codes is worth its search: no row is worse off than by plain rounding, in any format.
TEST(Quantization, NoWorseThanPlainRounding) {
  constexpr int kColumns = 2048;
  std::mt19937 generator(13);
  std::normal_distribution<float> normal(0, 0.02f);
  for (llama::Format format : allFormats()) {
    if (!isQuantizable(format))
      continue;
    double worst = 0;
    for (int trial = 0; trial < 20; ++trial) {
      std::vector<float> row(kColumns);
      for (float &value : row)
        value = normal(generator);
      std::vector<float> found = quantized(format, row);
      double error = 0;
      for (int k = 0; k < kColumns; ++k)
        error += (double(found[k]) - row[k]) * (double(found[k]) - row[k]);
      worst = std::max(worst, error / plainError(format, row));
    }
    // What rounding at F32 may add.
    EXPECT_LE(worst, 1 + 1e-6) << stringifyFormat(format).str();
  }
}

// Where F16 has few bits for a scale, the next larger one is tried, too, so that no number is cut off: with the scale s that a group should
// have, at most s + 2^-24, the distance of subnormal F16 numbers, an error is at most half of that.
TEST(Quantization, SmallScalesCutNothingOff) {
  constexpr int kColumns = 2048;
  constexpr double kDistance = 0x1p-24;
  llama::FormatTraits t = traits(llama::Format::Q8);
  std::mt19937 generator(17);
  for (float deviation : {1e-2f, 1e-4f, 1e-5f, 1e-6f, 1e-7f}) {
    std::normal_distribution<float> normal(0, deviation);
    std::vector<float> row(kColumns);
    for (float &value : row)
      value = normal(generator);
    std::vector<float> found = quantized(llama::Format::Q8, row);
    for (int begin = 0; begin < kColumns; begin += t.group) {
      double reach = 0, worst = 0;
      for (int k = begin; k < begin + t.group; ++k) {
        reach = std::max(reach, std::fabs(double(row[k])));
        worst = std::max(worst, std::fabs(double(found[k]) - row[k]));
      }
      // A scale that is not subnormal is 2^-11 off at most, of which 127 codes are a sixteenth of one.
      EXPECT_LE(worst, (reach / 127 + kDistance) * (0.5 + 127 * 0x1p-11)) << deviation << ", column " << begin;
    }
  }
}

// Nor are they rounded to zero while a group has numbers that others can say: no group is worse off than all zeros, as
// errors count in the choice of scales, and in formats that can say zero also as they are. `q2` cannot.
TEST(Quantization, SmallScalesAreNoWorseThanZeros) {
  constexpr int kColumns = 2048;
  auto squares = [](float count, float off) { return double(count) * count * off * off; };
  for (llama::Format format : allFormats()) {
    if (!isQuantizable(format))
      continue;
    const llama::FormatTraits &t = traits(format);
    std::mt19937 generator(23);
    for (float deviation : {1e-5f, 3e-6f, 1e-6f, 3e-7f, 1e-7f, 3e-8f, 1e-8f, 1e-9f, 1e-12f})
      for (float mean : {0.0f, 5.0f}) { // of which formats without minimums know nothing
        std::normal_distribution<float> normal(mean * deviation, deviation);
        std::vector<float> row(kColumns);
        for (float &value : row)
          value = normal(generator);
        std::vector<float> found = quantized(format, row);
        std::string what = stringifyFormat(format).str() + " " + std::to_string(deviation * 1e9f) + "e-9";
        double allErrors = 0, allZeros = 0;
        for (int begin = 0; begin < kColumns; begin += t.group) {
          double errors = 0, zeros = 0, plainErrors = 0, plainZeros = 0;
          for (int k = begin; k < begin + t.group; ++k) {
            float count = t.minimums ? 1 : row[k];
            errors += squares(count, found[k] - row[k]);
            zeros += squares(count, row[k]);
            plainErrors += squares(1, found[k] - row[k]);
            plainZeros += squares(1, row[k]);
          }
          EXPECT_LE(errors, zeros * (1 + 1e-6)) << what;
          if (format != llama::Format::Q2)
            EXPECT_LE(plainErrors, plainZeros * (1 + 1e-6)) << what;
          allErrors += plainErrors;
          allZeros += plainZeros;
        }
        if (deviation >= 1e-6f) // the greatest numbers are at least 50 times the distance of scales
          EXPECT_LE(allErrors, allZeros * 0.25) << what;
      }
  }
}

// A row's last group is quantized as it would be alone, whatever its length; what its
// block is filled up with has code 0.
TEST(Quantization, ShorterLastGroup) {
  std::mt19937 generator(8);
  std::normal_distribution<float> normal;
  for (llama::Format format : allFormats()) {
    if (!isQuantizable(format))
      continue;
    const llama::FormatTraits &t = traits(format);
    for (int left = 1; left < t.group; left += 3) {
      std::vector<float> row(t.group + left), whole(row.size()), last(left);
      for (float &value : row)
        value = normal(generator);
      llama::CodeRow codes;
      llama::quantizeRow(format, row.data(), row.size(), codes);
      codes.dequantize(format, whole.data());
      EXPECT_EQ(codes.codes.size(), size_t(2 * t.group));
      for (size_t k = row.size(); k < codes.codes.size(); ++k)
        EXPECT_EQ(codes.codes[k], 0);
      llama::quantizeRow(format, row.data() + t.group, left, codes);
      codes.dequantize(format, last.data());
      EXPECT_EQ(std::vector<float>(whole.begin() + t.group, whole.end()), last) << stringifyFormat(format).str();
      // What fills up has no say: the same numbers over and over, as a whole group, are
      // not quantized any better (but for the order of sums).
      if (t.group % left == 0) {
        std::vector<float> often(t.group), found(t.group);
        for (int i = 0; i < t.group; ++i)
          often[i] = row[t.group + i % left];
        llama::quantizeRow(format, often.data(), t.group, codes);
        codes.dequantize(format, found.data());
        double alone = 0, among = 0;
        for (int i = 0; i < left; ++i) {
          alone += std::pow(double(last[i]) - often[i], 2);
          among += std::pow(double(found[i]) - often[i], 2);
        }
        EXPECT_NEAR(alone, among, 1e-5 * among) << stringifyFormat(format).str() << " " << left;
      }
    }
  }
}
