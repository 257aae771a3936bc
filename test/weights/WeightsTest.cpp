//===- WeightsTest.cpp - Evaluated constants against the interpreter -------===//
//
// The same expression is streamed by compiler/weights and evaluated whole by
// compiler/reference; both round to the constant's type, so they agree exactly.
//
//===----------------------------------------------------------------------===//

#include "compiler/weights/Convert.h"
#include "compiler/weights/Evaluator.h"
#include "compiler/weights/Guide.h"
#include "dialects/kernel/Kernel.h"
#include "dialects/llama/Quantization.h"
#include "runtime/Abi.h"
#include "test/reference/Support.h"
#include "test/weights/Formats.h"

#include <array>
#include <atomic>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <map>
#include <numeric>
#include <random>
#include <thread>
#include <unistd.h>

using namespace cria;
using cria::test::allFormats;

namespace {

/// A file that is gone at the end.
struct Temporary {
  std::string path = "/tmp/cria-weights.XXXXXX";
  int descriptor = mkstemp(path.data());
  ~Temporary() {
    close(descriptor);
    unlink(path.c_str());
  }
  std::string contents() const {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
};

/// Parses modules with constants and collects their diagnostics.
struct Session {
  mlir::MLIRContext context{registry()};
  std::string messages;
  Session() {
    context.getDiagEngine().registerHandler([this](mlir::Diagnostic &diagnostic) {
      messages += diagnostic.str() + "\n";
      return mlir::success();
    });
  }
  static mlir::DialectRegistry registry() {
    mlir::DialectRegistry result;
    result.insert<llama::LlamaDialect, kernel::KernelDialect>();
    return result;
  }
};

struct Expression {
  std::string symbols; ///< sources
  std::string ops;     ///< whose last value is %r
  std::string type;    ///< of %r
};

std::string evaluate(const Expression &e, unsigned threads) {
  Session session;
  std::string text = e.symbols + "kernel.constant @c at 64 : " + e.type + " {\n" + e.ops + "kernel.yield %r : " +
                     e.type + "\n}";
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &session.context);
  EXPECT_TRUE(module) << session.messages << text;
  Temporary file;
  OutputFile out(file.descriptor, module ? 128 + constantsBytes(*module) : 0);
  if (!module || failed(writeConstants(*module, out, 128, "out", {}, threads)))
    ADD_FAILURE() << session.messages;
  std::string bytes = file.contents();
  EXPECT_EQ(bytes.size(), 128 + constantsBytes(*module));
  return bytes.substr(128 + 64);
}

void expectLikeReference(const Expression &e) {
  reference::Program program(e.symbols + "func.func @f() -> " + e.type + " {\n" + e.ops + "return %r : " + e.type +
                             "\n}");
  std::vector<double> expected = program.call();
  ASSERT_FALSE(expected.empty()) << program.messages;
  std::string bytes = evaluate(e, 1);
  Storage storage = e.type.find("xbf16") != std::string::npos  ? Storage::BF16
                    : e.type.find("xf16") != std::string::npos ? Storage::F16
                                                               : Storage::F32;
  ASSERT_EQ(bytes.size(), expected.size() * bytesOf(storage));
  std::vector<float> found(expected.size());
  toF32(storage, bytes.data(), found.size(), found.data());
  for (size_t i = 0; i < found.size(); ++i)
    ASSERT_EQ(found[i], float(expected[i])) << "at " << i << " of " << e.type;
  for (unsigned threads : {2, 3})
    EXPECT_EQ(evaluate(e, threads), bytes);
}

std::string random(const std::string &type) {
  return "llama.synthetic @w seed 5 mean 0.25 deviation 1.5 : " + type + "\n";
}
std::string weight(const std::string &name, const std::string &type) {
  return name + " = llama.weight @w : " + type + "\n";
}

} // namespace

TEST(Evaluator, Synthetic) {
  for (std::string type : {"tensor<37x19xf32>", "tensor<37x19xf16>", "tensor<211xbf16>", "tensor<900x700xf32>"})
    expectLikeReference({random(type), weight("%r", type), type});
}

TEST(Evaluator, Casts) {
  std::string from = "tensor<37x19xf32>", to = "tensor<37x19xbf16>", back = "tensor<37x19xf32>";
  expectLikeReference({random(from),
                       weight("%w", from) + "%c = llama.cast %w : " + from + " to " + to + "\n%r = llama.cast %c : " + to +
                           " to " + back + "\n",
                       back});
}

TEST(Evaluator, SplitsRowsOfMatrixAndBias) {
  for (std::string type : {"tensor<24x5xf32>", "tensor<24xf32>"})
    expectLikeReference(
        {random(type), weight("%w", type) + "%r = llama.split_rope_rows %w heads 3 : " + type + "\n", type});
}

TEST(Evaluator, PutsMatricesBelowEachOther) {
  expectLikeReference({random("tensor<37x19xf32>"),
                       weight("%w", "tensor<37x19xf32>") +
                           "%s = llama.cast %w : tensor<37x19xf32> to tensor<37x19xf16>\n"
                           "%t = llama.cast %s : tensor<37x19xf16> to tensor<37x19xf32>\n"
                           "%r = llama.concat_rows %w, %t, %w : (tensor<37x19xf32>, tensor<37x19xf32>, "
                           "tensor<37x19xf32>) -> tensor<111x19xf32>\n",
                       "tensor<111x19xf32>"});
}

TEST(Evaluator, PacksAndPads) {
  expectLikeReference({random("tensor<37x19xf16>"),
                       weight("%w", "tensor<37x19xf16>") +
                           "%r = llama.pack %w rows 16 : tensor<37x19xf16> -> tensor<3x19x16xf16>\n",
                       "tensor<3x19x16xf16>"});
  expectLikeReference({random("tensor<64x300xf32>"),
                       weight("%w", "tensor<64x300xf32>") +
                           "%s = llama.split_rope_rows %w heads 4 : tensor<64x300xf32>\n"
                           "%r = llama.pack %s rows 32 : tensor<64x300xf32> -> tensor<2x300x32xf32>\n",
                       "tensor<2x300x32xf32>"});
}

TEST(Evaluator, PacksPairsOfColumns) {
  expectLikeReference({random("tensor<37x38xbf16>"),
                       weight("%w", "tensor<37x38xbf16>") +
                           "%r = llama.pack %w rows 16 columns 2 : tensor<37x38xbf16> -> tensor<3x19x16x2xbf16>\n",
                       "tensor<3x19x16x2xbf16>"});
}

namespace {

const std::vector<llama::Encoding> kEncodings = {
    llama::Encoding::Q8_0, llama::Encoding::Q4_0, llama::Encoding::Q4_1, llama::Encoding::Q5_0, llama::Encoding::Q5_1,
    llama::Encoding::Q2_K, llama::Encoding::Q3_K, llama::Encoding::Q4_K, llama::Encoding::Q5_K, llama::Encoding::Q6_K,
    llama::Encoding::MXFP4};

/// What a packed block says of a number, read as Quantization.h describes it: byte by
/// byte, and without BlockLayout.
float numberInBlock(llama::Format format, const uint8_t *block, int rows, int r, int column) {
  const llama::FormatTraits &t = traits(format);
  auto half = [](const uint8_t *at) {
    float value;
    toF32(Storage::F16, at, 1, &value);
    return value;
  };
  const uint8_t *at = block;
  float scale, minimum = 0;
  if (format == llama::Format::MXFP4) {
    scale = at[r] == 255 ? NAN : std::ldexp(1.0f, at[r] - 128);
    at += rows;
  } else {
    scale = half(at + 2 * r);
    at += 2 * rows;
  }
  if (t.minimums) {
    minimum = half(at + 2 * r);
    at += 2 * rows;
  }
  bool isQ3 = format == llama::Format::Q3K, isQ45 = format == llama::Format::Q4K || format == llama::Format::Q5K;
  bool isQ26 = format == llama::Format::Q2K || format == llama::Format::Q6K;
  int factors = isQ26 ? 2 * rows : isQ3 || isQ45 ? 3 * rows / 2 : 0;
  at += column / 32 * (factors + 4 * rows * t.bits);
  int group = column % 32 / 16;
  if (format == llama::Format::Q2K) { // a in the low half of a byte, b in the high one
    scale *= at[group * rows + r] & 15;
    minimum *= at[group * rows + r] >> 4;
  } else if (format == llama::Format::Q6K) {
    scale *= int8_t(at[group * rows + r]);
  } else if (isQ3 || isQ45) { // two numbers of six bits: both a, or a and b
    int upper = at[rows + r % (rows / 2)] >> (r < rows / 2 ? 0 : 4) & 15;
    int first = at[r] & 63, second = at[r] >> 6 | upper << 2;
    scale *= isQ3 ? (group ? second : first) - 32 : first;
    minimum *= second;
  }
  at += factors;
  // {vector, lowest bit in its bytes, bits} of every four columns' codes, low bits first.
  using Fields = std::vector<std::array<int, 3>>;
  const std::map<int, std::vector<Fields>> cut = {
      {3, {{{0, 0, 3}}, {{1, 0, 3}}, {{2, 0, 3}}, {{0, 3, 3}}, {{1, 3, 3}}, {{2, 3, 3}},
           {{0, 6, 2}, {1, 6, 1}}, {{1, 7, 1}, {2, 6, 2}}}},
      {5, {{{0, 0, 5}}, {{1, 0, 5}}, {{2, 0, 5}}, {{3, 0, 5}}, {{4, 0, 5}}, {{0, 5, 3}, {1, 5, 2}},
           {{1, 7, 1}, {2, 5, 3}, {3, 5, 1}}, {{3, 6, 2}, {4, 5, 3}}}},
      {6, {{{0, 0, 6}}, {{1, 0, 6}}, {{2, 0, 6}}, {{0, 6, 2}, {1, 6, 2}, {2, 6, 2}},
           {{3, 0, 6}}, {{4, 0, 6}}, {{5, 0, 6}}, {{3, 6, 2}, {4, 6, 2}, {5, 6, 2}}}}};
  int four = column % 32 / 4, code = 0, shift = 0;
  Fields fields = {{four % t.bits, four / t.bits * t.bits, t.bits}};
  if (auto found = cut.find(t.bits); found != cut.end())
    fields = found->second[four];
  for (auto [vector, lowest, bits] : fields) {
    int byte = at[4 * rows * vector + 4 * r + column % 4];
    code |= (byte >> lowest & ((1 << bits) - 1)) << shift;
    shift += bits;
  }
  return scale * float(t.levels.empty() ? code - t.offset : t.levels[code]) - minimum;
}

std::string tensor(int64_t rows, int64_t columns, const std::string &element = "f32") {
  return "tensor<" + std::to_string(rows) + "x" + std::to_string(columns) + "x" + element + ">";
}

/// Packs `height` rows of `input` (ops that give %q of `type`, from `symbols`) and
/// compares every number with what the expression gives unpacked.
void expectPacked(const std::string &symbols, const std::string &input, llama::Format format, int height, int columns) {
  constexpr int kRows = 16;
  std::string name = stringifyFormat(format).str(), type = tensor(height, columns);
  int blockColumns = traits(format).block, panels = (height + kRows - 1) / kRows;
  int across = (columns + blockColumns - 1) / blockColumns;
  int64_t block = llama::BlockLayout(format, kRows).bytes;
  std::string numbers = evaluate({symbols, input + "%r = llama.cast %q : " + type + " to " + type + "\n", type}, 1);
  std::string blocks = "tensor<" + std::to_string(panels) + "x" + std::to_string(across) + "x" +
                       std::to_string(block) + "xi8>";
  Expression packed = {symbols,
                       input + "%r = llama.pack_blocks %q rows 16 format " + name + " : " + type + " -> " + blocks +
                           "\n",
                       blocks};
  std::string bytes = evaluate(packed, 1);
  EXPECT_EQ(evaluate(packed, 3), bytes);
  ASSERT_EQ(int64_t(bytes.size()), panels * across * block);
  for (int n = 0; n < panels * kRows; ++n)
    for (int k = 0; k < columns; ++k) {
      const char *at = bytes.data() + (n / kRows * across + k / blockColumns) * block;
      float found = numberInBlock(format, reinterpret_cast<const uint8_t *>(at), kRows, n % kRows, k % blockColumns);
      float expected = 0;
      if (n < height)
        memcpy(&expected, numbers.data() + 4 * (n * columns + k), 4);
      ASSERT_EQ(found, expected) << name << " row " << n << " column " << k;
    }
}

} // namespace

TEST(Evaluator, Quantizes) {
  for (llama::Format format : allFormats())
    for (std::string element : {"f32", "f16"})
      for (int columns : {384, 172}) {
        if (!isQuantizable(format))
          continue;
        std::string type = tensor(9, columns, element), to = tensor(9, columns);
        expectLikeReference({random(type),
                             weight("%w", type) + "%r = llama.quantize %w format " + stringifyFormat(format).str() +
                                 " : " + type + " -> " + to + "\n",
                             to});
      }
}

namespace {

/// Records of `tokens` tokens: observations of `widths`.
std::string someRecords(uint32_t tokens, const std::vector<uint32_t> &widths = {3, 96}) {
  std::string bytes(CRIA_RECORD_MAGIC, sizeof(CRIA_RECORD_MAGIC));
  std::vector<uint32_t> words = {uint32_t(widths.size())};
  words.insert(words.end(), widths.begin(), widths.end());
  words.push_back(tokens);
  bytes.append(reinterpret_cast<const char *>(words.data()), words.size() * sizeof(uint32_t));
  std::mt19937 generator(7);
  std::normal_distribution<float> normal;
  for (uint32_t i = 0; i < tokens * std::accumulate(widths.begin(), widths.end(), 0u); ++i) {
    float value = normal(generator) * float(1 + i % 5);
    bytes.append(reinterpret_cast<const char *>(&value), sizeof(value));
  }
  return bytes;
}

std::string guided(const std::string &file, int number) {
  return random(tensor(9, 96)) + "llama.observation @x in \"" + file + "\" number " + std::to_string(number) +
         " width 96\n";
}

std::string guidedOps(llama::Format format) {
  return weight("%w", tensor(9, 96)) + "%q = llama.quantize %w format " + stringifyFormat(format).str() +
         " guided by @x : " + tensor(9, 96) + " -> " + tensor(9, 96) + "\n";
}

} // namespace

// The interpreter takes the same records; codes in blocks say the same numbers.
TEST(Evaluator, QuantizesWithAGuide) {
  Temporary file;
  std::string bytes = someRecords(50);
  ASSERT_EQ(write(file.descriptor, bytes.data(), bytes.size()), ssize_t(bytes.size()));
  for (llama::Format format : {llama::Format::Q8, llama::Format::Q4, llama::Format::Q4Z, llama::Format::MXFP4}) {
    std::string ops = guidedOps(format), type = tensor(9, 96);
    expectLikeReference({guided(file.path, 1), ops + "%r = llama.cast %q : " + type + " to " + type + "\n", type});
    expectPacked(guided(file.path, 1), ops, format, 9, 96);
  }
}

// A guide is made once for the matrices that share it, at any number of threads, and goes with the last of them.
TEST(Evaluator, MakesEveryGuideOnce) {
  Temporary file;
  std::string bytes = someRecords(20, {96, 96, 96, 96});
  ASSERT_EQ(write(file.descriptor, bytes.data(), bytes.size()), ssize_t(bytes.size()));
  std::string type = tensor(512, 96), blocks = "tensor<32x3x288xi8>", text = random(type), first;
  for (int i = 0; i < 4; ++i)
    text += "llama.observation @x" + std::to_string(i) + " in \"" + file.path + "\" number " + std::to_string(i) +
            " width 96\n";
  for (int i = 0; i < 8; ++i) {
    std::string name = std::to_string(i), guide = std::to_string(i / 2);
    text += "kernel.constant @w" + name + ".value at " + std::to_string(i * 32 * 3 * 288) + " : " + blocks + " {\n" +
            weight("%w", type) + "%q = llama.quantize %w format q4 guided by @x" + guide + " : " + type + " -> " +
            type + "\n%p = llama.pack_blocks %q rows 16 format q4 : " + type + " -> " + blocks +
            "\nkernel.yield %p : " + blocks + "\n}\n";
  }
  for (unsigned threads : {1, 4}) {
    Session session;
    Temporary out;
    auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &session.context);
    ASSERT_TRUE(module) << session.messages;
    OutputFile output(out.descriptor, 0);
    int64_t before = ObservedGuide::allMade();
    auto seen = [&](uint64_t tensors, uint64_t, uint64_t, uint64_t) {
      if (threads == 1)
        EXPECT_EQ(ObservedGuide::allInMemory(), int64_t(tensors % 2)) << tensors;
    };
    ASSERT_TRUE(succeeded(writeConstants(*module, output, 0, "out", seen, threads))) << session.messages;
    EXPECT_EQ(ObservedGuide::allMade() - before, 4) << threads;
    EXPECT_EQ(ObservedGuide::allInMemory(), 0) << threads;
    if (threads == 1)
      first = out.contents();
    EXPECT_TRUE(out.contents() == first);
  }
}

TEST(Evaluator, RecordsThatDoNotFit) {
  Temporary file, out;
  std::string bytes = someRecords(2);
  ASSERT_EQ(write(file.descriptor, bytes.data(), bytes.size()), ssize_t(bytes.size()));
  auto fails = [&](const std::string &symbols, const std::string &part) {
    Session session;
    auto module = mlir::parseSourceString<mlir::ModuleOp>(
        symbols + "kernel.constant @c at 0 : " + tensor(9, 96) + " {\n" + guidedOps(llama::Format::Q4) +
            "kernel.yield %q : " + tensor(9, 96) + "\n}",
        &session.context);
    ASSERT_TRUE(module) << session.messages;
    OutputFile output(out.descriptor, 0);
    EXPECT_TRUE(failed(writeConstants(*module, output, 0, "out", {})));
    EXPECT_NE(session.messages.find(part), std::string::npos) << session.messages;
  };
  fails(guided(file.path, 2), file.path + ": expects an observation of number 2 and width 96, but has only 2");
  fails(guided(file.path, 0), "number 0 and width 96, but its width is 3");
  fails(guided("/no/file", 0), "/no/file: cannot be read: No such file");
  fails(random(tensor(9, 96)) + "llama.observation @x number 0 width 96\n", "expects a file of records, but has none");
}

namespace {

std::vector<float> rowNorms(const std::string &symbols, const std::string &ops) {
  std::string bytes = evaluate({symbols, ops, "tensor<3xf32>"}, 1);
  EXPECT_EQ(evaluate({symbols, ops, "tensor<3xf32>"}, 3), bytes);
  std::vector<float> norms(3);
  memcpy(norms.data(), bytes.data(), sizeof(float) * norms.size());
  return norms;
}

/// Rows [37, 40] of a file of F32, in sixteens.
std::vector<float> rowNorms(llvm::ArrayRef<float> numbers) {
  Temporary file;
  EXPECT_EQ(write(file.descriptor, numbers.data(), numbers.size() * 4), ssize_t(numbers.size() * 4));
  return rowNorms("llama.source @w in \"" + file.path + "\" at 0 : tensor<37x40xf32>\n",
                  weight("%w", "tensor<37x40xf32>") +
                      "%r = llama.row_norms %w rows 16 : (tensor<37x40xf32>) -> tensor<3xf32>\n");
}

} // namespace

// Bounds: not below what they are of, and hardly above.
TEST(Evaluator, BoundsNormsOfRows) {
  std::string type = tensor(37, 64);
  for (std::string ops : {"%r = llama.row_norms %w rows 16 : (" + type + ") -> tensor<3xf32>\n",
                          "%q = llama.quantize %w format q8 rough : " + type + " -> " + type +
                              "\n%r = llama.row_norms %w minus %q rows 16 : (" + type + ", " + type +
                              ") -> tensor<3xf32>\n"}) {
    ops = weight("%w", type) + ops;
    reference::Program program(random(type) + "func.func @f() -> tensor<3xf32> {\n" + ops +
                               "return %r : tensor<3xf32>\n}");
    std::vector<double> expected = program.call();
    ASSERT_EQ(expected.size(), 3u) << program.messages;
    std::vector<float> found = rowNorms(random(type), ops);
    for (int panel : {0, 1}) {
      EXPECT_GE(found[panel], expected[panel]);
      EXPECT_LE(found[panel], expected[panel] * (1 + 0x1p-18));
    }
    EXPECT_EQ(found[2], INFINITY); // of five rows
  }
}

// What is too large for a bound, or no number, is none; what is zero is above it.
TEST(Evaluator, BoundsNormsOfExtremeRows) {
  std::vector<float> numbers(37 * 40, 0.0f);
  numbers[20 * 40 + 3] = 3e18f; // above 2^60
  std::vector<float> found = rowNorms(numbers);
  EXPECT_GT(found[0], 0.0f);
  EXPECT_LT(found[0], 0x1p-59f);
  EXPECT_EQ(found[1], INFINITY);
  for (int row : {17, 19, 23}) { // a larger number behind it, and one before
    numbers[row * 40 + 5] = NAN;
    EXPECT_TRUE(std::isnan(rowNorms(numbers)[1]));
    numbers[row * 40 + 5] = 0;
  }
}

// A rough copy may lack what no scale can represent; a matrix of the model may not.
TEST(Evaluator, LeavesOutOfARoughCopyWhatNoScaleCanRepresent) {
  std::vector<float> numbers(16 * 32, 1.0f);
  numbers[5 * 32 + 3] = 1e10f;
  Temporary file, out;
  ASSERT_EQ(write(file.descriptor, numbers.data(), numbers.size() * 4), ssize_t(numbers.size() * 4));
  for (bool rough : {true, false}) {
    Session session;
    auto module = mlir::parseSourceString<mlir::ModuleOp>(
        "llama.source @w in \"" + file.path + "\" at 0 : tensor<16x32xf32>\n" +
            "kernel.constant @w.value at 0 : tensor<1x1x544xi8> {\n" + weight("%w", "tensor<16x32xf32>") +
            "%q = llama.quantize %w format q8 " + (rough ? "rough " : "") + ": tensor<16x32xf32> -> tensor<16x32xf32>\n" +
            "%p = llama.pack_blocks %q rows 16 format q8 : tensor<16x32xf32> -> tensor<1x1x544xi8>\n" +
            "kernel.yield %p : tensor<1x1x544xi8>\n}\n",
        &session.context);
    ASSERT_TRUE(module) << session.messages;
    std::vector<MatrixReport> report;
    OutputFile output(out.descriptor, 0);
    EXPECT_EQ(succeeded(writeConstants(*module, output, 0, "out", {}, 1, &report)), rough);
    EXPECT_EQ(session.messages,
              rough ? ""
                    : file.path + ": w: expects numbers of at most 65504 in magnitude (scales of q8), but row 5 holds "
                                  "1e+10\n");
    EXPECT_TRUE(report.empty()); // of a rough copy nothing
  }
}

// A cast must not make a number infinite; what a file says is infinite, or NaN, stays so. Messages count rows as the
// file does.
TEST(Evaluator, CastsOfNumbersThatAreTooLarge) {
  std::string from = tensor(8, 4);
  auto messages = [&](std::vector<float> numbers, const std::string &element, const std::string &then,
                      const std::string &result) {
    Temporary file, out;
    numbers.resize(2 * 8 * 4, 1.0f); // @v, then @w
    EXPECT_EQ(write(file.descriptor, numbers.data(), numbers.size() * 4), ssize_t(numbers.size() * 4));
    Session session;
    std::string to = tensor(8, 4, element);
    auto source = [&](const std::string &name, int at) {
      return "llama.source @" + name + " in \"" + file.path + "\" at " + std::to_string(at) + " : " + from + "\n";
    };
    auto cast = [&](const std::string &name) {
      return "%" + name + " = llama.weight @" + name + " : " + from + "\n%" + name + "c = llama.cast %" + name + " : " +
             from + " to " + to + "\n";
    };
    auto module = mlir::parseSourceString<mlir::ModuleOp>(source("v", 0) + source("w", 128) +
                                                              "kernel.constant @v.value at 0 : " + result + " {\n" +
                                                              cast("v") + cast("w") + then + "kernel.yield %r : " +
                                                              result + "\n}",
                                                          &session.context);
    EXPECT_TRUE(module) << session.messages;
    OutputFile output(out.descriptor, 0);
    EXPECT_EQ(module && succeeded(writeConstants(*module, output, 0, "out", {})), session.messages.empty());
    if (session.messages.empty())
      return std::string();
    EXPECT_EQ(session.messages.find(file.path + ": "), 0u) << session.messages;
    return session.messages.substr(file.path.size() + 2);
  };
  for (std::string element : {"f16", "bf16"}) {
    bool half = element == "f16";
    std::string to = tensor(8, 4, element), both = tensor(16, 4, element), panels = "tensor<2x4x4x" + element + ">";
    std::string packed = "%r = llama.pack %s rows 4 : " + to + " -> " + panels + "\n";
    std::string split = "%s = llama.split_rope_rows %vc heads 1 : " + to + "\n";
    std::string below = "%r = llama.concat_rows %vc, %wc : (" + to + ", " + to + ") -> " + both + "\n";
    std::string expected = std::string(": expects numbers of at most ") + (half ? "65504" : "3.38e38") +
                           " in magnitude (" + element + "), but row ";
    std::string held = std::string(" holds ") + (half ? "-65520" : "-3.4e+38") + "\n";
    float largest = half ? 65519.0f : 3.39e38f, above = half ? -65520.0f : -3.4e38f;
    std::vector<float> numbers(5, 2.0f);
    for (float fits : {largest, -largest, INFINITY, -INFINITY, NAN}) {
      numbers.push_back(fits);
      EXPECT_EQ(messages(numbers, element, split + packed, panels), "");
      EXPECT_EQ(messages(numbers, element, below, both), "");
    }
    numbers.push_back(above); // in a row that has others, too
    EXPECT_EQ(messages(numbers, element, split + packed, panels), "v" + expected + "2" + held); // packed: row 1
    EXPECT_EQ(messages(numbers, element, below, both), "v" + expected + "2" + held);
    std::vector<float> second(2 * 8 * 4 - 1, 1.0f);
    second.push_back(above);
    EXPECT_EQ(messages(second, element, split + packed, panels), "");
    EXPECT_EQ(messages(second, element, below, both), "w" + expected + "7" + held);
  }
}

TEST(Evaluator, ReportsEveryMatrix) {
  Session session;
  Temporary out;
  std::string type = tensor(40, 64), packed = "tensor<3x64x16xf16>";
  auto module = mlir::parseSourceString<mlir::ModuleOp>(
      random(type) + "llama.synthetic @b seed 1 mean 0.0 deviation 1.0 : tensor<64xf32>\n" +
          "kernel.constant @w.value at 0 : tensor<3x2x288xi8> {\n" + weight("%w", type) +
          "%q = llama.quantize %w format q4 : " + type + " -> " + type +
          "\n%p = llama.pack_blocks %q rows 16 format q4 : " + type +
          " -> tensor<3x2x288xi8>\nkernel.yield %p : tensor<3x2x288xi8>\n}\n"
          "kernel.constant @b.value at 2048 : tensor<64xf32> {\n%b = llama.weight @b : tensor<64xf32>\n"
          "kernel.yield %b : tensor<64xf32>\n}\n"
          "kernel.constant @h.value at 4096 : " + packed + " {\n" + weight("%w", type) + "%h = llama.cast %w : " +
          type + " to " + tensor(40, 64, "f16") + "\n%p = llama.pack %h rows 16 : " + tensor(40, 64, "f16") + " -> " +
          packed + "\nkernel.yield %p : " + packed + "\n}\n",
      &session.context);
  ASSERT_TRUE(module) << session.messages;
  std::vector<MatrixReport> first, second;
  OutputFile output(out.descriptor, 0);
  ASSERT_TRUE(succeeded(writeConstants(*module, output, 0, "out", {}, 1, &first))) << session.messages;
  ASSERT_TRUE(succeeded(writeConstants(*module, output, 0, "out", {}, 3, &second)));
  ASSERT_EQ(first.size(), 2u); // the vector is none
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(first[i].errors, second[i].errors);
    EXPECT_EQ(first[i].rows, 40);
    EXPECT_EQ(first[i].columns, 64);
    // Mean 1/4, deviation 3/2.
    EXPECT_NEAR(first[i].squares / (40 * 64), 0.25 * 0.25 + 1.5 * 1.5, 0.1);
  }
  EXPECT_EQ(first[0].name, "w");
  EXPECT_EQ(first[0].format, "q4");
  EXPECT_EQ(first[0].bytes, 3 * 2 * 288);
  EXPECT_EQ(first[1].format, "f16");
  // Numbers up to 2.85: a step of 16 is up to 0.36, errors are even within half of it.
  double step = 2.85 / 8, rms = std::sqrt(first[0].errors / (40 * 64));
  EXPECT_LT(rms, step / std::sqrt(12.0));
  EXPECT_GT(rms, 0.5 * step / std::sqrt(12.0));
  // F16 has 11 bits: at most 2^-12 of a number is lost, and more than none.
  EXPECT_LT(first[1].errors, first[1].squares * std::pow(2.0, -22));
  EXPECT_GT(first[1].errors, first[1].squares * std::pow(2.0, -28));
}

// Blocks read back as their description says: the numbers of the quantized matrix. The
// last group of 172 columns is shorter than the others in every format.
TEST(Evaluator, PacksBlocks) {
  for (int columns : {384, 172}) {
    std::string type = tensor(21, columns);
    for (llama::Format format : allFormats())
      if (isQuantizable(format))
        expectPacked(random(type),
                     weight("%w", type) + "%q = llama.quantize %w format " + stringifyFormat(format).str() + " : " +
                         type + " -> " + type + "\n",
                     format, 21, columns);
  }
}

// Codes of a file are taken as they are, in any encoding, also behind a change of the
// rows' order: what they stand for does not change.
TEST(Evaluator, PacksEveryEncoding) {
  for (llama::Encoding encoding : kEncodings) {
    llama::Format format = *llama::codeFormat(encoding);
    Temporary file;
    std::mt19937 generator(6);
    std::string bytes;
    for (int64_t i = 0; i < 20 * 512 / traits(format).block * llama::encodedBytes(encoding); ++i)
      bytes += char(generator() & 0xbf);
    ASSERT_EQ(write(file.descriptor, bytes.data(), bytes.size()), ssize_t(bytes.size()));
    std::string type = tensor(20, 512);
    expectPacked("llama.source @w in \"" + file.path + "\" at 0 as " + stringifyEncoding(encoding).str() + " : " +
                     type + "\n",
                 weight("%w", type) + "%q = llama.split_rope_rows %w heads 2 : " + type + "\n", format, 20, 512);
  }
}

// The same where a matrix lies below another one in one of panels.
TEST(Evaluator, PacksCodesOfSeveralMatrices) {
  for (llama::Encoding encoding : kEncodings) {
    llama::Format format = *llama::codeFormat(encoding);
    int64_t rowBytes = 512 / traits(format).block * llama::encodedBytes(encoding);
    Temporary file;
    std::mt19937 generator(7);
    std::string bytes;
    for (int64_t i = 0; i < 36 * rowBytes; ++i)
      bytes += char(generator() & 0xbf);
    ASSERT_EQ(write(file.descriptor, bytes.data(), bytes.size()), ssize_t(bytes.size()));
    auto source = [&](const std::string &name, int64_t row, int64_t rows) {
      return "llama.source @" + name + " in \"" + file.path + "\" at " + std::to_string(row * rowBytes) + " as " +
             stringifyEncoding(encoding).str() + " : " + tensor(rows, 512) + "\n";
    };
    expectPacked(source("w", 0, 20) + source("v", 20, 16),
                 weight("%w", tensor(20, 512)) + "%v = llama.weight @v : " + tensor(16, 512) +
                     "\n%s = llama.split_rope_rows %w heads 2 : " + tensor(20, 512) +
                     "\n%q = llama.concat_rows %s, %v : (" + tensor(20, 512) + ", " + tensor(16, 512) + ") -> " +
                     tensor(36, 512) + "\n",
                 format, 36, 512);
  }
}

// Codes of a file are taken as they are, also behind a change of the rows' order.
TEST(Evaluator, PacksStoredBlocksWithoutLoss) {
  Temporary file;
  std::string bytes;
  std::mt19937 generator(4);
  for (int i = 0; i < 8 * 2 * 18; ++i)
    bytes += char(generator() & 0xbf);
  ASSERT_EQ(write(file.descriptor, bytes.data(), bytes.size()), ssize_t(bytes.size()));
  std::string type = "tensor<8x64xf32>";
  std::string blocks = evaluate({"llama.source @w in \"" + file.path + "\" at 0 as q4_0 : " + type + "\n",
                                 weight("%w", type) + "%s = llama.split_rope_rows %w heads 1 : " + type +
                                     "\n%r = llama.pack_blocks %s rows 8 format q4 : " + type +
                                     " -> tensor<1x2x144xi8>\n",
                                 "tensor<1x2x144xi8>"},
                                2);
  for (int row = 0; row < 8; ++row)
    for (int group = 0; group < 2; ++group) {
      int origin = row < 4 ? 2 * row : 2 * (row - 4) + 1;
      const char *stored = bytes.data() + (origin * 2 + group) * 18, *block = blocks.data() + group * 144;
      EXPECT_EQ(std::string(stored, 2), std::string(block + 2 * row, 2));
      for (int i = 0; i < 16; ++i) // ggml pairs column i with i + 16, as a block does
        EXPECT_EQ(stored[2 + i], block[16 + i / 4 * 32 + 4 * row + i % 4]);
    }
}

TEST(Evaluator, RopeTables) {
  std::string type = "tensor<70x2x16xf32>";
  for (std::string options :
       {"1.0e4", "1.0e4 {attentionFactor = 1.138 : f64}", "1.0e4 scaling linear {factor = 2.5 : f64}",
        "1.0e4 scaling linear {factor = 2.5 : f64, attentionFactor = 0.5 : f64}",
        "1.0e4 scaling llama3 {factor = 8.0 : f64, originalContext = 64.0 : f64, lowFrequencyFactor = 1.0 : f64, "
        "highFrequencyFactor = 4.0 : f64, attentionFactor = 1.2 : f64}",
        "1.0e4 scaling yarn {factor = 4.0 : f64, originalContext = 32.0 : f64, betaFast = 32.0 : f64, betaSlow = 1.0 : "
        "f64, attentionFactor = 1.138 : f64}",
        // The ramp ends before it begins.
        "2.0 scaling yarn {factor = 4.0 : f64, originalContext = 4096.0 : f64}"})
    expectLikeReference({"", "%r = llama.rope_table theta " + options + " : " + type + "\n", type});
}

TEST(Evaluator, Sources) {
  Temporary file;
  std::string bytes;
  std::mt19937 generator(3);
  for (int i = 0; i < 4096; ++i)
    bytes += char(generator() & 0xbf); // the highest bit of an exponent is 0: no infinities, as no model has
  ASSERT_EQ(write(file.descriptor, bytes.data(), bytes.size()), ssize_t(bytes.size()));
  auto source = [&](const std::string &place, const std::string &type) {
    return "llama.source @w in \"" + file.path + "\" at " + place + " : " + type + "\n";
  };
  // At odd offsets, too: a file format may not align.
  for (std::string type : {"tensor<10x7xf32>", "tensor<10x7xf16>", "tensor<10x7xbf16>"})
    expectLikeReference({source("3", type), weight("%r", type), type});
  for (llama::Encoding encoding : kEncodings) {
    bool large = traits(*llama::codeFormat(encoding)).block == 256;
    for (std::string type : {large ? "tensor<6x512xf32>" : "tensor<9x64xf32>",
                             large ? "tensor<768xf32>" : "tensor<96xf32>"})
      expectLikeReference({source("5 as " + stringifyEncoding(encoding).str(), type), weight("%r", type), type});
  }
  // Rows of a vector are elements: here every one lies elsewhere in its block.
  expectLikeReference({source("5 as q8_0", "tensor<96xf32>"),
                       weight("%w", "tensor<96xf32>") + "%r = llama.split_rope_rows %w heads 2 : tensor<96xf32>\n",
                       "tensor<96xf32>"});
}

TEST(Evaluator, TruncatedSource) {
  Temporary file, out;
  ASSERT_EQ(ftruncate(file.descriptor, 100), 0);
  Session session;
  auto module = mlir::parseSourceString<mlir::ModuleOp>(
      "llama.source @w in \"" + file.path + "\" at 40 : tensor<4x4xf32>\n" +
          "kernel.constant @c at 0 : tensor<4x4xf32> {\n%w = llama.weight @w : tensor<4x4xf32>\n"
          "kernel.yield %w : tensor<4x4xf32>\n}",
      &session.context);
  ASSERT_TRUE(module) << session.messages;
  OutputFile output(out.descriptor, 0);
  EXPECT_TRUE(failed(writeConstants(*module, output, 0, "out", {})));
  EXPECT_EQ(session.messages,
            file.path + ": tensor 'w' expects 64 bytes at offset 40, but the file has 100\n");
}

TEST(Evaluator, FullDisk) {
  Session session;
  auto module = mlir::parseSourceString<mlir::ModuleOp>(
      random("tensor<4x4xf32>") + "kernel.constant @c at 0 : tensor<4x4xf32> {\n%w = llama.weight @w : tensor<4x4xf32>\n"
                                  "kernel.yield %w : tensor<4x4xf32>\n}",
      &session.context);
  ASSERT_TRUE(module) << session.messages;
  int full = open("/dev/full", O_WRONLY);
  OutputFile output(full, 0);
  EXPECT_TRUE(failed(writeConstants(*module, output, 0, "story", {})));
  close(full);
  EXPECT_EQ(session.messages, "story: cannot be written: No space left on device\n");
}

TEST(OutputFile, PiecesOfManyThreads) {
  Temporary file;
  constexpr uint64_t kBytes = (5 << 20) + 12345, kPiece = 300'001;
  std::string expected(kBytes, '\0'); // with a gap of zeros at both ends
  for (uint64_t i = 1000; i < kBytes - 1000; ++i)
    expected[i] = char(i * 31 >> 3);
  OutputFile out(file.descriptor, kBytes);
  std::atomic<uint64_t> next = 1000;
  auto work = [&] {
    for (uint64_t at; (at = next.fetch_add(kPiece)) < kBytes - 1000;)
      EXPECT_EQ(out.write({expected.data() + at, std::min(kPiece, kBytes - 1000 - at)}, at), 0);
  };
  std::thread other(work), third(work);
  work();
  other.join();
  third.join();
  EXPECT_TRUE(file.contents() == expected);
}
