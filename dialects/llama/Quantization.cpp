//===- Quantization.cpp - Low-bit codes: traits, choice, layout ------------===//

#include "dialects/llama/Quantization.h"

#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace cria::llama;

//===----------------------------------------------------------------------===//
// Traits
//===----------------------------------------------------------------------===//

namespace {

constexpr int8_t kFourLevels[] = {-3, -1, 1, 3};
constexpr int8_t kNormalFloat[] = {-127, -88, -67, -50, -36, -23, -12, 0, 10, 20, 31, 43, 56, 71, 92, 127};
constexpr int8_t kTwiceE2M1[] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

/// Candidates for a scale: n from `first` to `last` (32nds) in steps.
struct Search {
  int first, last, step;
};

struct Entry {
  FormatTraits traits;
  Search search = {0, 0, 1}; ///< first 0: not one that cria chooses codes for
};

const Entry &entry(Format format) {
  // Few levels do better with the largest numbers clipped (n above 32).
  static const Entry q8 = {{8, 128, 32, 32, false, {}}, {32, 32, 1}};
  static const Entry q6 = {{6, 32, 32, 32, false, {}}, {32, 30, -1}};
  static const Entry q5 = {{5, 16, 32, 32, false, {}}, {32, 28, -1}};
  static const Entry q4 = {{4, 8, 32, 32, false, {}}, {32, 26, -1}};
  static const Entry q4x64 = {{4, 8, 64, 64, false, {}}, {36, 26, -1}};
  static const Entry q4x128 = {{4, 8, 128, 128, false, {}}, {38, 26, -1}};
  static const Entry q5z = {{5, 0, 32, 32, true, {}}, {32, 34, 1}};
  static const Entry q4z = {{4, 0, 32, 32, true, {}}, {32, 38, 1}};
  static const Entry q4zx64 = {{4, 0, 64, 64, true, {}}, {32, 40, 1}};
  static const Entry q4zx128 = {{4, 0, 128, 128, true, {}}, {32, 42, 1}};
  static const Entry q3 = {{3, 4, 32, 32, false, {}}, {40, 26, -2}};
  static const Entry q2 = {{2, 3, 32, 32, false, kFourLevels}, {32, 60, 2}};
  static const Entry ternary = {{2, 1, 32, 32, false, {}}, {32, 72, 4}};
  static const Entry nf4 = {{4, 127, 64, 64, false, kNormalFloat}, {32, 42, 2}};
  static const Entry mxfp4 = {{4, 12, 32, 32, false, kTwiceE2M1, true}, {32, 64, 32}};
  static const Entry q2k = {{2, 0, 16, 256, true, {}, false, 4}};
  static const Entry q3k = {{3, 4, 16, 256, false, {}, false, 6, 32}};
  static const Entry q4k = {{4, 0, 32, 256, true, {}, false, 6}};
  static const Entry q5k = {{5, 0, 32, 256, true, {}, false, 6}};
  static const Entry q6k = {{6, 32, 16, 256, false, {}, false, 8}};
  switch (format) {
  case Format::Q8: return q8;
  case Format::Q6: return q6;
  case Format::Q5: return q5;
  case Format::Q4: return q4;
  case Format::Q4x64: return q4x64;
  case Format::Q4x128: return q4x128;
  case Format::Q5Z: return q5z;
  case Format::Q4Z: return q4z;
  case Format::Q4Zx64: return q4zx64;
  case Format::Q4Zx128: return q4zx128;
  case Format::Q3: return q3;
  case Format::Q2: return q2;
  case Format::Ternary: return ternary;
  case Format::NF4: return nf4;
  case Format::MXFP4: return mxfp4;
  case Format::Q2K: return q2k;
  case Format::Q3K: return q3k;
  case Format::Q4K: return q4k;
  case Format::Q5K: return q5k;
  case Format::Q6K: return q6k;
  }
  llvm_unreachable("every format has traits");
}

} // namespace

const FormatTraits &cria::llama::traits(Format format) { return entry(format).traits; }

bool cria::llama::isQuantizable(Format format) { return entry(format).search.first != 0; }

std::string cria::llama::quantizableFormats() {
  llvm::SmallVector<llvm::StringRef> names;
  for (uint64_t i = 0; i <= getMaxEnumValForFormat(); ++i)
    if (std::optional<Format> format = symbolizeFormat(uint32_t(i)); format && isQuantizable(*format))
      names.push_back(stringifyFormat(*format));
  return llvm::join(names, ", ");
}

std::optional<Format> cria::llama::codeFormat(Encoding encoding) {
  switch (encoding) {
  case Encoding::Plain: return std::nullopt;
  case Encoding::Q8_0: return Format::Q8;
  case Encoding::Q4_0: return Format::Q4;
  case Encoding::Q4_1: return Format::Q4Z;
  case Encoding::Q5_0: return Format::Q5;
  case Encoding::Q5_1: return Format::Q5Z;
  case Encoding::Q2_K: return Format::Q2K;
  case Encoding::Q3_K: return Format::Q3K;
  case Encoding::Q4_K: return Format::Q4K;
  case Encoding::Q5_K: return Format::Q5K;
  case Encoding::Q6_K: return Format::Q6K;
  case Encoding::MXFP4: return Format::MXFP4;
  }
  llvm_unreachable("every encoding has a format");
}

int64_t cria::llama::encodedBytes(Encoding encoding) {
  const FormatTraits &format = traits(*codeFormat(encoding));
  int64_t numbers = format.exponents ? 1 : format.minimums ? 4 : 2;
  int64_t factorBits = format.factorsOfStep() * format.factorBits * (format.block / kGroup);
  return numbers + (factorBits + format.bits * format.block) / 8;
}

//===----------------------------------------------------------------------===//
// Rows of codes
//===----------------------------------------------------------------------===//

uint8_t cria::llama::toExponent(float scale) {
  if (scale == 0)
    return 0;
  return std::isnan(scale) ? 255 : uint8_t(std::ilogb(scale) + 128);
}

float cria::llama::fromExponent(uint8_t exponent) { return exponent == 255 ? NAN : std::ldexp(1.0f, exponent - 128); }

void CodeRow::resize(Format format, int64_t newColumns) {
  const FormatTraits &t = traits(format);
  columns = newColumns;
  int64_t blocks = llvm::divideCeil(columns, t.block), groups = blocks * (t.block / t.group);
  scales.resize(blocks);
  minimums.resize(t.minimums ? blocks : 0);
  scaleFactors.resize(t.twoLevels() ? groups : 0);
  minimumFactors.resize(t.twoLevels() && t.minimums ? groups : 0);
  codes.resize(blocks * t.block);
  std::fill(codes.begin() + columns, codes.end(), 0);
}

void CodeRow::clear() {
  std::fill(scales.begin(), scales.end(), 0.0f);
  std::fill(minimums.begin(), minimums.end(), 0.0f);
  std::fill(scaleFactors.begin(), scaleFactors.end(), 0);
  std::fill(minimumFactors.begin(), minimumFactors.end(), 0);
  std::fill(codes.begin(), codes.end(), 0);
}

void CodeRow::dequantize(Format format, float *values) const {
  const FormatTraits &t = traits(format);
  float levels[256];
  for (int code = 0; code < 1 << t.bits; ++code)
    levels[code] = t.levels.empty() ? code - t.offset : t.levels[code];
  for (int64_t group = 0; group * t.group < columns; ++group) {
    int64_t block = group * t.group / t.block, count = std::min<int64_t>(t.group, columns - group * t.group);
    float scale = scales[block], minimum = t.minimums ? minimums[block] : 0;
    if (t.twoLevels())
      scale *= scaleFactors[group];
    if (t.twoLevels() && t.minimums)
      minimum *= minimumFactors[group];
    const uint8_t *from = codes.data() + group * t.group;
    float *to = values + group * t.group;
    for (int64_t i = 0; i < count; ++i)
      to[i] = t.minimums ? scale * levels[from[i]] - minimum : scale * levels[from[i]];
  }
}

//===----------------------------------------------------------------------===//
// The choice of codes
//===----------------------------------------------------------------------===//

namespace {

constexpr float kMostHalf = 65504; ///< that F16 holds

float toHalf(float value) { return float(_Float16(value)); }

/// The power of two at or above `value`, which is not negative; 1 for 0. None that is
/// denormal at F32.
float toPowerOfTwo(float value) {
  if (value == 0)
    return 1;
  int exponent;
  float fraction = std::frexp(value, &exponent); // value = fraction * 2^exponent, fraction in [0.5, 1)
  return std::ldexp(1.0f, std::max(fraction == 0.5f ? exponent - 1 : exponent, -126));
}

/// The nearest level of a table to any number, the lower of two. Levels are integers from
/// -127 to 127, so that what lies between two neighbours is a multiple of a half, and the
/// least multiple of a half that is no less than a number says which levels it is between.
class Table {
public:
  explicit Table(llvm::ArrayRef<int8_t> levels) {
    llvm::SmallVector<int, 16> order;
    for (int code = 0; code < int(levels.size()); ++code)
      if (llvm::none_of(order, [&](int other) { return levels[other] == levels[code]; })) // +0 and -0
        order.push_back(code);
    if (order.empty())
      return;
    llvm::sort(order, [&](int a, int b) { return levels[a] < levels[b]; });
    highest = levels[order.back()];
    for (size_t place = 0, entry = 0; entry < codes.size(); ++entry) {
      // Twice the numbers here are above entry - kReach - 1, and at most one more.
      while (place + 1 < order.size() && levels[order[place]] + levels[order[place + 1]] < int(entry) - kReach)
        ++place;
      codes[entry] = uint8_t(order[place]);
      this->levels[entry] = levels[order[place]];
    }
  }

  /// Where the nearest level to `number` is in `levels` and `codes`: exact, and one plain
  /// sequence of operations for vectors. NaN is taken for the lowest level.
  static int entryOf(float number) {
    float twice = 2 * number;
    twice = twice > -kReach ? twice : -kReach;
    twice = twice < kReach ? twice : kReach;
    int towardsZero = int(twice);
    return towardsZero + (twice > float(towardsZero)) + kReach;
  }

  float highest = 0; ///< level
  std::array<float, 513> levels = {};
  std::array<uint8_t, 513> codes = {};

private:
  static constexpr int kReach = 256; ///< twice what is beyond every level
};

/// Four numbers, which every chip computes with at once. Written out, since clang made half
/// of a plain loop scalar. No lane meets another but in `sum` and `measure`.
using Four = float __attribute__((vector_size(16)));

Four four(const float *from) {
  Four numbers;
  std::memcpy(&numbers, from, sizeof numbers);
  return numbers;
}

/// Codes of a group for one scale (and minimum). Sums are in eight parts, in order.
class GroupEncoder {
public:
  explicit GroupEncoder(Format format) : t(traits(format)), search(entry(format).search), table(t.levels) {
    lowest = format == Format::Q8 ? -127 : -t.offset;
    highest = format == Format::Ternary ? 1 : (1 << t.bits) - 1 - t.offset;
  }

  /// The best codes of `values` [group], squared errors weighted by `weights` [group].
  void encode(const float *values, const float *weights, float &scale, float *minimum, uint8_t *codes) {
    scale = NAN; // what is beyond F16, or NaN, or has such weights: no scale can say it
    if (minimum)
      *minimum = 0;
    if (!measure(values)) {
      std::fill_n(codes, t.group, 0);
      return;
    }
    std::fill_n(best, t.group, 0.0f);
    float smallest = INFINITY;
    for (int n = search.first; search.step > 0 ? n <= search.last : n >= search.last; n += search.step) {
      float share = n / 32.0f, wanted, trialScale, trialMinimum = 0, most = std::fabs(lowest); // level
      if (t.minimums) {
        float range = (greatest - least) / share;
        most = highest;
        wanted = range / highest;
        trialMinimum = toHalf(-(n == 32 ? least : (greatest + least - range) / 2));
      } else if (!t.levels.empty()) {
        most = table.highest;
        wanted = std::fabs(extreme) / (table.highest * share);
      } else if (lowest == -127) {
        wanted = std::fabs(extreme) / 127;
      } else {
        wanted = extreme / (lowest * share);
      }
      trialScale = t.exponents ? toPowerOfTwo(wanted) : toHalf(wanted);
      // Rounded down among the subnormal ones, it may cut off what it was to reach: then the next one has a try, too.
      bool cutsOff = std::fabs(wanted) * most > (most + 0.5f) * std::fabs(trialScale);
      for (int trial = 0; trial <= cutsOff; ++trial, trialScale += std::copysign(0x1p-24f, wanted)) {
        float error = t.levels.empty() ? roundToIntegers(values, weights, trialScale, trialMinimum)
                                       : roundToTable(values, weights, trialScale);
        if (error < smallest) {
          smallest = error;
          scale = trialScale;
          if (minimum)
            *minimum = trialMinimum;
          std::swap(levels, best);
        }
      }
    }
    for (int i = 0; i < t.group; ++i)
      codes[i] = t.levels.empty() ? uint8_t(int(best[i]) + t.offset) : table.codes[Table::entryOf(best[i])];
  }

  /// The code of one number for a scale (and minimum) that are not NaN.
  uint8_t code(float value, float scale, float minimum) const {
    float inverse = scale == 0 ? 0 : 1 / scale;
    if (t.levels.empty())
      return uint8_t(int(toInteger((value + minimum) * inverse, lowest, highest)) + t.offset);
    return table.codes[Table::entryOf(value * inverse)];
  }
  /// What a code stands for.
  float value(uint8_t code, float scale, float minimum) const {
    return scale * (t.levels.empty() ? code - t.offset : t.levels[code]) - minimum;
  }

private:
  /// Finds `least`, `greatest` and `extreme`; whether F16 can hold all numbers.
  bool measure(const float *values) {
    Four low = four(values), high = low;
    auto sound = low == low; // a mask
    for (int i = 0; i < t.group; i += 4) {
      Four some = four(values + i);
      sound &= (some >= -kMostHalf) & (some <= kMostHalf);
      low = some < low ? some : low;
      high = some > high ? some : high;
    }
    least = std::min({low[0], low[1], low[2], low[3]});
    greatest = std::max({high[0], high[1], high[2], high[3]});
    extreme = -least < greatest ? greatest : least;
    if (-least == greatest) // the first of them
      extreme = *std::find_if(values, values + t.group, [&](float some) { return std::fabs(some) == greatest; });
    return sound[0] & sound[1] & sound[2] & sound[3];
  }

  /// Of a number, or of four.
  template <typename T>
  static T toInteger(T level, T low, T high) {
    constexpr float kShift = 12582912; // 1.5 * 2^23: adding it rounds to an integer, ties to even
    level = level < low ? low : level;
    level = level > high ? high : level;
    return (level + kShift) - kShift;
  }

  float roundToIntegers(const float *values, const float *weights, float scale, float minimum) {
    float inverse = scale == 0 ? 0 : 1 / scale;
    Four low = Four{} + lowest, high = Four{} + highest, parts[2] = {};
    for (int i = 0; i < t.group; i += 8)
      for (int half = 0; half < 2; ++half) {
        int place = i + 4 * half;
        Four some = four(values + place), level = toInteger((some + minimum) * inverse, low, high);
        Four off = some - (scale * level - minimum);
        std::memcpy(&levels[place], &level, sizeof level);
        parts[half] += off * off * four(weights + place);
      }
    return sum(parts);
  }

  float roundToTable(const float *values, const float *weights, float scale) {
    float inverse = scale == 0 ? 0 : 1 / scale;
    Four parts[2] = {};
    for (int i = 0; i < t.group; ++i)
      entries[i] = Table::entryOf(values[i] * inverse);
    for (int i = 0; i < t.group; ++i)
      levels[i] = table.levels[entries[i]];
    for (int i = 0; i < t.group; i += 8)
      for (int half = 0; half < 2; ++half) {
        int place = i + 4 * half;
        Four off = four(values + place) - scale * four(&levels[place]);
        parts[half] += off * off * four(weights + place);
      }
    return sum(parts);
  }

  static float sum(const Four *parts) {
    return ((parts[0][0] + parts[0][1]) + (parts[0][2] + parts[0][3])) +
           ((parts[1][0] + parts[1][1]) + (parts[1][2] + parts[1][3]));
  }

  const FormatTraits &t;
  const Search &search;
  Table table;
  float lowest, highest;     ///< levels
  float least, greatest;     ///< numbers of the group
  float extreme;             ///< the one of largest magnitude, the first if there are several
  float trials[2][kMostGroup] = {}; ///< levels that a trial found
  float *levels = trials[0]; ///< of the last trial
  float *best = trials[1];   ///< of the best one
  int entries[kMostGroup];   ///< of the last trial, in the table
};

} // namespace

void cria::llama::quantizeRow(Format format, const float *values, int64_t columns, CodeRow &row, const Guide *guide) {
  const FormatTraits &t = traits(format);
  row.resize(format, columns);
  GroupEncoder encoder(format);
  auto encodeGroup = [&](int64_t begin, const float *from, const float *weights) {
    int64_t group = begin / t.group;
    encoder.encode(from, weights, row.scales[group], t.minimums ? &row.minimums[group] : nullptr,
                   row.codes.data() + begin);
  };
  auto encode = [&](int64_t begin, const float *from, const float *weights) {
    int64_t count = columns - begin;
    if (count >= t.group)
      return encodeGroup(begin, from + begin, weights);
    // What fills up a shorter group is like its first number, and errs for nothing.
    float values[kMostGroup], some[kMostGroup] = {};
    std::fill(std::copy_n(from + begin, count, values), values + t.group, from[begin]);
    std::copy_n(weights, count, some);
    encodeGroup(begin, values, some);
    std::fill(row.codes.begin() + columns, row.codes.begin() + begin + t.group, 0);
  };
  std::vector<float> weights(t.group);
  // How much a number's error counts in the choice of its group's scale.
  auto weigh = [&](float number) { return t.minimums ? 1.0f : number * number; };
  if (!guide) {
    for (int64_t begin = 0; begin < columns; begin += t.group) {
      for (int64_t i = begin; i < std::min<int64_t>(begin + t.group, columns); ++i)
        weights[i - begin] = weigh(values[i]);
      encode(begin, values, weights.data());
    }
    return;
  }

  std::vector<float> now(values, values + columns);
  for (int64_t begin = 0; begin < columns; begin += t.group) {
    int64_t end = std::min<int64_t>(begin + t.group, columns);
    for (int64_t i = 0; i < end - begin; ++i) {
      float u = guide->factor[(begin + i) * columns + begin + i];
      weights[i] = weigh(now[begin + i]) / (u * u);
    }
    encode(begin, now.data(), weights.data());
    float scale = row.scales[begin / t.group], minimum = t.minimums ? row.minimums[begin / t.group] : 0;
    if (std::isnan(scale))
      continue;
    for (int64_t k = begin; k < end; ++k) {
      const float *factor = guide->factor.data() + k * columns;
      row.codes[k] = encoder.code(now[k], scale, minimum);
      float error = (now[k] - encoder.value(row.codes[k], scale, minimum)) / factor[k];
      for (int64_t j = k + 1; j < columns; ++j)
        now[j] -= factor[j] * error;
    }
  }
}

//===----------------------------------------------------------------------===//
// Packed blocks
//===----------------------------------------------------------------------===//

BlockLayout::BlockLayout(Format format, int64_t rows) : format(traits(format)), rows(rows) {
  const FormatTraits &t = this->format;
  minimums = (t.exponents ? 1 : 2) * rows;
  factors = minimums + (t.minimums ? 2 * rows : 0);
  codes = factors + t.factorsOfStep() * t.factorBits * rows / 8;
  stepBytes = codes - factors + 4 * rows * t.bits;
  bytes = factors + stepBytes * (t.block / kGroup);
  if (t.bits == 6) {
    place(0, 4, 0, 3);
    place(4, 4, 3, 3);
  } else {
    place(0, 8, 0, t.bits);
  }
}

void BlockLayout::place(int first, int fours, int vector, int vectors) {
  const int perByte = 8 / format.bits, used = perByte * format.bits;
  for (int n = 0; n < std::min(fours, perByte * vectors); ++n)
    fields[first + n] = {{vector + n % vectors, format.bits * (n / vectors), format.bits, 0}};
  int bit = 0, spare = 8 - used; // of the bits that are left, in all bytes, those that are taken
  for (int n = perByte * vectors; n < fours; ++n)
    for (int shift = 0, bits; shift < format.bits; shift += bits, bit += bits) {
      bits = std::min(format.bits - shift, spare - bit % spare);
      fields[first + n].push_back({vector + bit / spare, used + bit % spare, bits, shift});
    }
}
