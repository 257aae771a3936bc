//===- WeightsTest.cpp - Encodings, casts and orders of weights ------------===//

#include "compiler/reference/Ops.h"
#include "dialects/llama/Synthetic.h"
#include "test/reference/Support.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>
#include <limits>
#include <map>

using namespace cria;
using namespace cria::reference;

namespace {

/// A file of `bytes`, removed at the end.
class File {
public:
  explicit File(llvm::ArrayRef<uint8_t> bytes) {
    int descriptor;
    EXPECT_FALSE(llvm::sys::fs::createTemporaryFile("cria-weights", "bin", descriptor, path));
    llvm::raw_fd_ostream out(descriptor, /*shouldClose=*/true);
    out.write(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  }
  ~File() { llvm::sys::fs::remove(path); }

  llvm::SmallString<128> path;
};

/// A program that returns the tensor of `type` at `place` ("4 as q8_0") of `file`.
std::string sourceText(llvm::StringRef file, const std::string &place, const std::string &type) {
  return "llama.source @w in \"" + file.str() + "\" at " + place + " : " + type +
         "\nfunc.func @f() -> " + type + " { %w = llama.weight @w : " + type +
         "\n return %w : " + type + " }";
}

/// A program that returns `op` applied to its argument.
std::string unaryText(const std::string &op, const std::string &from, const std::string &to) {
  return "func.func @f(%x: " + from + ") -> " + to + " { %y = " + op + "\n return %y : " + to +
         " }";
}

TEST(Source, ReadsPlainNumbers) {
  // At 1: f32 1.5 = 0x3fc00000, -2 = 0xc0000000. At 9: f16 1 = 0x3c00, 2^-24 = 0x0001.
  // At 13: bf16 -1 = 0xbf80, 2^127 = 0x7f00. Little-endian, not aligned.
  File file({0xff, 0, 0, 0xc0, 0x3f, 0, 0, 0, 0xc0, 0, 0x3c, 1, 0, 0x80, 0xbf, 0, 0x7f});
  EXPECT_EQ(Program(sourceText(file.path, "1", "tensor<2xf32>")).call(),
            (std::vector<double>{1.5, -2}));
  EXPECT_EQ(Program(sourceText(file.path, "9", "tensor<1x2xf16>")).call(),
            (std::vector<double>{1, 0x1p-24}));
  EXPECT_EQ(Program(sourceText(file.path, "13", "tensor<2xbf16>")).call(),
            (std::vector<double>{-1, 0x1p127}));
}

TEST(Source, ChecksTheFile) {
  File file({0, 0, 0, 0, 0, 0, 0, 0});
  Program beyond(sourceText(file.path, "1", "tensor<2xf32>"));
  EXPECT_TRUE(beyond.call().empty());
  expectMessage(beyond, "tensor 'w' expects 8 bytes at offset 1, but the file has 8");
  Program far(sourceText(file.path, "4611686018427387904", "tensor<2xf32>"));
  EXPECT_TRUE(far.call().empty());
  expectMessage(far, "expects 8 bytes at offset 4611686018427387904, but the file has 8");
  Program missing(sourceText("no/such/file", "0", "tensor<2xf32>"));
  EXPECT_TRUE(missing.call().empty());
  expectMessage(missing, "no/such/file: No such file or directory");
  Program endless(sourceText("/dev/zero", "0", "tensor<2xf32>"));
  EXPECT_TRUE(endless.call().empty());
  expectMessage(endless, "/dev/zero: expects a regular file");
}

// Two blocks: scale 0.5 (0x3800) over -128, 127, 0 ..., 1; scale -2 (0xc000) over 3 ...
TEST(Source, ReadsQ8_0) {
  std::vector<uint8_t> bytes(68);
  bytes[1] = 0x38, bytes[2] = 0x80, bytes[3] = 0x7f, bytes[33] = 1;
  bytes[35] = 0xc0, bytes[36] = 3;
  File file(bytes);
  std::vector<double> expected(64);
  expected[0] = -64, expected[1] = 63.5, expected[31] = 0.5, expected[32] = -6;
  // The other elements of the second block are -2 * 0.
  EXPECT_EQ(Program(sourceText(file.path, "0 as q8_0", "tensor<2x32xf32>")).call(), expected);
}

// One block of scale 0.25 (0x3400). Byte 0 holds elements 0 (low) and 16 (high),
// byte 15 elements 15 and 31; nibbles count from -8.
TEST(Source, ReadsQ4_0) {
  std::vector<uint8_t> bytes(19, 0x88);
  bytes[1] = 0x00, bytes[2] = 0x34, bytes[3] = 0xf0, bytes[18] = 0x1a;
  File file(bytes);
  std::vector<double> expected(32);
  expected[0] = -2, expected[16] = 1.75, expected[15] = 0.5, expected[31] = -1.75;
  EXPECT_EQ(Program(sourceText(file.path, "1 as q4_0", "tensor<32xf32>")).call(), expected);
}

namespace {

/// One block of `encoding` in `size` bytes that are zero but for `bytes` (place and
/// value), as its numbers; those not in the returned map are `rest`.
void expectBlock(const std::string &encoding, size_t size, std::vector<std::pair<size_t, int>> bytes, size_t columns,
                 double rest, std::map<size_t, double> expected) {
  std::vector<uint8_t> block(size);
  for (auto [place, byte] : bytes)
    block[place] = uint8_t(byte);
  File file(block);
  std::vector<double> found =
      Program(sourceText(file.path, "0 as " + encoding, "tensor<" + std::to_string(columns) + "xf32>")).call();
  ASSERT_EQ(found.size(), columns) << encoding;
  for (size_t i = 0; i < columns; ++i)
    EXPECT_EQ(found[i], expected.count(i) ? expected[i] : rest) << encoding << " column " << i;
}

} // namespace

// The blocks below are computed by hand. F16: 0x3800 = 0.5, 0x3400 = 0.25, 0xc000 = -2,
// 0x3c00 = 1, 0x2c00 = 0.0625.

// 0.5 c - 2: byte 4 (0xf3) has column 0 low (3) and 16 high (15); the others are c = 0.
TEST(Source, ReadsQ4_1) {
  expectBlock("q4_1", 20, {{1, 0x38}, {3, 0xc0}, {4, 0xf3}}, 32, -2, {{0, -0.5}, {16, 5.5}});
}

// 0.5 (c - 16): bits 0 and 31 of the fifths (bytes 2 to 5) are set; byte 6 has 5 for
// column 0, byte 21 has 0xa for column 31, 1 for column 15.
TEST(Source, ReadsQ5_0) {
  expectBlock("q5_0", 22, {{1, 0x38}, {2, 1}, {5, 0x80}, {6, 5}, {21, 0xa1}}, 32, -8,
              {{0, 2.5}, {31, 5}, {15, -7.5}}); // 21 - 16, 26 - 16, 1 - 16
}

// 0.25 c + 1, with the same codes.
TEST(Source, ReadsQ5_1) {
  expectBlock("q5_1", 24, {{1, 0x34}, {3, 0x3c}, {4, 1}, {7, 0x80}, {8, 5}, {23, 0xa1}}, 32, 1,
              {{0, 6.25}, {31, 7.5}, {15, 1.25}});
}

// d = 0.5, e = 0.25. Group 0 (byte 0 = 0x23): a = 3, b = 2: 1.5 c - 0.5. Group 9, columns
// 144 to 159 (byte 9 = 0x0f): a = 15, b = 0: 7.5 c. The others have a = b = 0.
// Codes: byte 16 + 5 (0xc2) has column 5 in bits 0, 1 (2), 101 in bits 6, 7 (3);
// byte 16 + 32 + 20 (0x03) has column 128 + 20 (3).
TEST(Source, ReadsQ2_K) {
  std::map<size_t, double> expected;
  for (size_t i = 0; i < 16; ++i)
    expected[i] = -0.5;
  expected[5] = 2.5, expected[148] = 22.5;
  expectBlock("q2_k", 84, {{81, 0x38}, {83, 0x34}, {0, 0x23}, {9, 0x0f}, {21, 0xc2}, {68, 3}}, 256, 0, expected);
}

// d = 0.5 at 108. Factors, 12 bytes from 96 on: a of group 2 has low bits 9 (byte 98
// low) and high bits 2 (byte 104 + 2 = 106, bits 0, 1): 41 - 32 = 9. Of group 13:
// low bits 4 (byte 96 + 5 = 101 high), high bits 1 (byte 104 + 1 = 105, bits 6, 7):
// 20 - 32 = -12. All others are 0 - 32. Codes: c = 0 gives -4.
// Columns 32 to 47 are group 2, 208 to 223 group 13.
TEST(Source, ReadsQ3_K) {
  std::map<size_t, double> expected;
  for (size_t i = 0; i < 16; ++i) {
    expected[32 + i] = 0.5 * 9 * -4;
    expected[208 + i] = 0.5 * -12 * -4;
  }
  // Column 40 = 32 * 1 + 8: bits 2, 3 of byte 32 + 8 (0x08: 2) and bit 1 of byte 8: c = 6.
  expected[40] = 0.5 * 9 * 2;
  // Column 209 = 128 + 32 * 2 + 17: bits 4, 5 of byte 32 + 32 + 17 = 81 (0x10: 1), bit 6 of byte 17: c = 5.
  expected[209] = 0.5 * -12 * 1;
  expectBlock("q3_k", 110,
              {{109, 0x38}, {98, 0x09}, {106, 0x02}, {101, 0x40}, {105, 0x40}, {40, 0x08}, {8, 0x02}, {81, 0x10},
               {17, 0x40}},
              256, 0.5 * -32 * -4, expected);
}

// d = 0.5 (0), e = 0.25 (2). Group 1: a = 61 (byte 5), b = 3 (byte 9). Group 6: a = 0x2b:
// low 0xb (byte 14 low), high 2 (byte 6, bits 6, 7); b = 0x17: low 7 (byte 14 high),
// high 1 (byte 10, bits 6, 7). Codes: byte 16 + 4 (0x70) has column 36 = 32 + 4 high (7);
// byte 16 + 96 + 31 = 143 (0x0f) has column 192 + 31 = 223 low (15).
TEST(Source, ReadsQ4_K) {
  std::map<size_t, double> expected;
  for (size_t i = 0; i < 32; ++i) {
    expected[32 + i] = -0.75;
    expected[192 + i] = -5.75; // 0.25 * 23
  }
  expected[36] = 0.5 * 61 * 7 - 0.75;
  expected[223] = 0.5 * 43 * 15 - 5.75;
  expectBlock("q4_k", 144,
              {{1, 0x38}, {3, 0x34}, {5, 61}, {9, 3}, {14, 0x7b}, {6, 0x80}, {10, 0x40}, {20, 0x70}, {143, 0x0f}}, 256,
              0, expected);
}

// As before, with 32 bytes of fifths at 16: bit 1 of byte 20 is column 36's, bit 6 of
// byte 47 is column 223's; the codes lie 32 bytes later.
TEST(Source, ReadsQ5_K) {
  std::map<size_t, double> expected;
  for (size_t i = 0; i < 32; ++i) {
    expected[32 + i] = -0.75;
    expected[192 + i] = -5.75;
  }
  expected[36] = 0.5 * 61 * 23 - 0.75;
  expected[223] = 0.5 * 43 * 31 - 5.75;
  expectBlock("q5_k", 176,
              {{1, 0x38}, {3, 0x34}, {5, 61}, {9, 3}, {14, 0x7b}, {6, 0x80}, {10, 0x40}, {20, 0x02}, {47, 0x40},
               {52, 0x70}, {175, 0x0f}},
              256, 0, expected);
}

// d = 0.0625 at 208. Group 4 (columns 64 to 79): a = -128; group 15 (240 to 255): a = 127.
// Column 65 = 64 + 1: byte 1 high (0xa0), bits 4, 5 of byte 129 (0x20: 2): c = 42.
// Column 255 = 128 + 96 + 31: byte 64 + 32 + 31 = 127 high (0x50), bits 6, 7 of byte
// 128 + 32 + 31 = 191 (0xc0: 3): c = 53.
TEST(Source, ReadsQ6_K) {
  std::map<size_t, double> expected;
  for (size_t i = 0; i < 16; ++i) {
    expected[64 + i] = 0.0625 * -128 * -32;
    expected[240 + i] = 0.0625 * 127 * -32;
  }
  expected[65] = 0.0625 * -128 * 10;
  expected[255] = 0.0625 * 127 * 21;
  expectBlock("q6_k", 210, {{209, 0x2c}, {196, 0x80}, {207, 127}, {1, 0xa0}, {129, 0x20}, {127, 0x50}, {191, 0xc0}},
              256, 0, expected);
}

// e = 130: 2^3 times E2M1. Byte 1 (0x7f) has column 0 low (15: -6), 16 high (7: 6); byte 16
// (0x19) column 15 low (9: -0.5), 31 high (1: 0.5); byte 4 (0xd2) 3 low (2: 1), 19 high (13: -3).
TEST(Source, ReadsMXFP4) {
  expectBlock("mxfp4", 17, {{0, 130}, {1, 0x7f}, {16, 0x19}, {4, 0xd2}}, 32, 0,
              {{0, -48}, {16, 48}, {15, -4}, {31, 4}, {3, 8}, {19, -24}});
  // The smallest scale, 2^-127, and the largest, 2^127: 1.5 (3), 4 (6), and 1 (2).
  expectBlock("mxfp4", 17, {{0, 0}, {1, 0x63}}, 32, 0, {{0, 1.5 * 0x1p-127}, {16, 4 * 0x1p-127}});
  expectBlock("mxfp4", 17, {{0, 254}, {1, 0x02}}, 32, 0, {{0, 0x1p127}});
}

// The one rounding: 1.5 c - m at F32. d = 0x7bff = 65504, a = 63, c = 15; e = 2^-24 (0x0001), b = 63.
TEST(Source, RoundsOnceToF32) {
  std::map<size_t, double> expected;
  for (size_t i = 0; i < 32; ++i)
    expected[i] = -63 * 0x1p-24;
  expected[0] = 65504.0 * 63 * 15; // the minimum is far below the last bit
  expectBlock("q4_k", 144, {{0, 0xff}, {1, 0x7b}, {2, 1}, {4, 63}, {8, 63}, {16, 15}}, 256, 0, expected);
}

TEST(Cast, RoundsTiesToEven) {
  // bf16 has 7 bits behind the point: steps of 2^-7 from 1 on.
  Program bf16(unaryText("llama.cast %x : tensor<5xf32> to tensor<5xbf16>", "tensor<5xf32>",
                         "tensor<5xbf16>"));
  EXPECT_EQ(bf16.call({{{5},
                        {1 + 0x1p-8, 1 + 3 * 0x1p-8, 1 + 0x1p-8 + 0x1p-20, -1 - 0x1p-8,
                         double(std::numeric_limits<float>::max())}}}),
            (std::vector<double>{1, 1 + 0x1p-6, 1 + 0x1p-7, -1, INFINITY}));
  // f16 has 10 bits, its least number is 2^-24, its greatest 65504.
  Program f16(unaryText("llama.cast %x : tensor<6xf32> to tensor<6xf16>", "tensor<6xf32>",
                        "tensor<6xf16>"));
  EXPECT_EQ(f16.call({{{6}, {1 + 0x1p-11, 1 + 3 * 0x1p-11, 65519, 65520, 0x1p-25, 3 * 0x1p-25}}}),
            (std::vector<double>{1, 1 + 0x1p-9, 65504, INFINITY, 0, 0x1p-23}));
}

// Two heads of four rows: 0 1 2 3 become 0 2 1 3.
TEST(SplitRopeRows, SeparatesPairs) {
  Program matrix(unaryText("llama.split_rope_rows %x heads 2 : tensor<8x2xf32>", "tensor<8x2xf32>",
                           "tensor<8x2xf32>"));
  std::vector<double> rows = {0, 1, 10, 11, 20, 21, 30, 31, 40, 41, 50, 51, 60, 61, 70, 71};
  EXPECT_EQ(matrix.call({{{8, 2}, rows}}),
            (std::vector<double>{0, 1, 20, 21, 10, 11, 30, 31, 40, 41, 60, 61, 50, 51, 70, 71}));
  Program bias(unaryText("llama.split_rope_rows %x heads 1 : tensor<6xf32>", "tensor<6xf32>",
                         "tensor<6xf32>"));
  EXPECT_EQ(bias.call({{{6}, {0, 1, 2, 3, 4, 5}}}), (std::vector<double>{0, 2, 4, 1, 3, 5}));
}

TEST(ConcatRows, PutsRowsBelow) {
  Program program("func.func @f(%a: tensor<1x2xf32>, %b: tensor<2x2xf32>) -> tensor<3x2xf32> {\n"
                  "%c = llama.concat_rows %a, %b : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>\n"
                  "return %c : tensor<3x2xf32>\n}");
  EXPECT_EQ(program.call({{{1, 2}, {1, 2}}, {{2, 2}, {3, 4, 5, 6}}}), (std::vector<double>{1, 2, 3, 4, 5, 6}));
}

// Rows (1 2 3), (4 5 6), (7 8 9) in panels of two; the last is filled with zeros.
TEST(Pack, PutsColumnsOutermost) {
  Program program(unaryText("llama.pack %x rows 2 : tensor<3x3xf32> -> tensor<2x3x2xf32>",
                            "tensor<3x3xf32>", "tensor<2x3x2xf32>"));
  EXPECT_EQ(program.call({{{3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9}}}),
            (std::vector<double>{1, 4, 2, 5, 3, 6, 7, 0, 8, 0, 9, 0}));
}

// Rows (1 2 3 4), (5 6 7 8), (9 10 11 12): two columns of a row, then the other's.
TEST(Pack, PutsColumnsBesideEachOther) {
  Program program(unaryText("llama.pack %x rows 2 columns 2 : tensor<3x4xf32> -> tensor<2x2x2x2xf32>",
                            "tensor<3x4xf32>", "tensor<2x2x2x2xf32>"));
  EXPECT_EQ(program.call({{{3, 4}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}}}),
            (std::vector<double>{1, 2, 5, 6, 3, 4, 7, 8, 9, 10, 0, 0, 11, 12, 0, 0}));
}

// |(3, 4)| = 5 is the larger one of two; a row alone fills no two.
TEST(RowNorms, FindsTheLargestOfSomeRows) {
  Tensor w{{5, 2}, {3, 4, 1, 1, 0, 0, 0, -2, 9, 9}}, v{{5, 2}, {3, 4, 1, 1, 5, 12, 0, -2, 9, 9}};
  double infinity = std::numeric_limits<double>::infinity();
  Program one(R"(func.func @f(%w: tensor<5x2xf32>) -> tensor<3xf32> {
    %n = llama.row_norms %w rows 2 : (tensor<5x2xf32>) -> tensor<3xf32>
    return %n : tensor<3xf32>
  })");
  EXPECT_EQ(one.call({w}), (std::vector<double>{5, 2, infinity}));
  for (size_t row : {0, 1}) { // the other row's norm is a number
    Tensor damaged = w;
    damaged.row(row)[1] = std::numeric_limits<double>::quiet_NaN();
    std::vector<double> norms = one.call({damaged});
    EXPECT_TRUE(std::isnan(norms[0])) << row;
    EXPECT_EQ(norms[1], 2) << row;
  }
  Program difference(R"(func.func @f(%w: tensor<5x2xf32>, %v: tensor<5x2xf32>) -> tensor<3xf32> {
    %n = llama.row_norms %w minus %v rows 2 : (tensor<5x2xf32>, tensor<5x2xf32>) -> tensor<3xf32>
    return %n : tensor<3xf32>
  })");
  EXPECT_EQ(difference.call({w, v}), (std::vector<double>{0, 13, infinity}));
}

// theta = 10000, Dh = 4: frequencies 1 and 0.01.
TEST(RopeTable, HoldsCosinesThenSines) {
  Program program("func.func @f() -> tensor<3x2x2xf32> {"
                  "%t = llama.rope_table theta 1.0e4 : tensor<3x2x2xf32>"
                  " return %t : tensor<3x2x2xf32> }");
  std::vector<double> expected;
  for (int p = 0; p < 3; ++p)
    for (float x : {std::cos(p * 1.0), std::cos(p * 0.01), std::sin(p * 1.0), std::sin(p * 0.01)})
      expected.push_back(x);
  EXPECT_EQ(program.call(), expected);
}

//===----------------------------------------------------------------------===//
// llama.synthetic
//===----------------------------------------------------------------------===//

// The bits are a promise: an artifact is the same wherever it is compiled. The
// numbers are those of synthetic_values.py, which spells the formula out again.
TEST(Synthetic, IsPinned) {
  EXPECT_EQ(llama::syntheticUniform(0, 0) * 0x1p23, 6095498);
  EXPECT_EQ(llama::syntheticUniform(17, 1) * 0x1p23, 4135848);
  EXPECT_EQ(llama::syntheticUniform(17, (uint64_t(1) << 32) + 1) * 0x1p23, 2523073);
}

// Mean 0, deviation 1 / sqrt(3), no correlation of neighbours or of seeds: each
// estimate from n numbers has a deviation of about 1 / sqrt(n), so 6 of them bound it.
TEST(Synthetic, IsUniform) {
  const int n = 1 << 20;
  double sum = 0, squares = 0, neighbours = 0, seeds = 0;
  for (int i = 0; i < n; ++i) {
    double u = llama::syntheticUniform(1, i);
    ASSERT_TRUE(u >= -1 && u < 1);
    sum += u;
    squares += u * u;
    neighbours += u * llama::syntheticUniform(1, i + 1);
    seeds += u * llama::syntheticUniform(2, i);
  }
  double bound = 6 / std::sqrt(double(n));
  EXPECT_NEAR(sum / n, 0, bound);
  EXPECT_NEAR(squares / n, 1 / 3.0, bound);
  EXPECT_NEAR(neighbours / n, 0, bound);
  EXPECT_NEAR(seeds / n, 0, bound);
}

// Also where the key changes, at multiples of 2^32.
TEST(Synthetic, FillsAsElementByElement) {
  for (uint64_t begin : {uint64_t(0), uint64_t(12345), (uint64_t(3) << 32) - 7}) {
    float filled[100];
    llama::syntheticFill(9, 0.1, 0.02, begin, 100, filled);
    for (int i = 0; i < 100; ++i)
      ASSERT_EQ(filled[i], llama::syntheticElement(9, 0.1, 0.02, begin + i)) << begin << " " << i;
  }
}

TEST(Synthetic, IsScaledAndRounded) {
  Program program("llama.synthetic @w seed -3 mean 1.0 deviation 0.5 : tensor<64xf16>\n"
                  "func.func @f() -> tensor<64xf16> { %w = llama.weight @w : tensor<64xf16>\n"
                  "return %w : tensor<64xf16> }");
  std::vector<double> found = program.call();
  ASSERT_EQ(found.size(), 64u);
  for (int i = 0; i < 64; ++i) {
    // f16 below 2: steps of 2^-10 at most, half of it when rounded (and F32's own 2^-24).
    double exact = 1 + 0.5 * std::sqrt(3.0) * llama::syntheticUniform(uint64_t(-3), i);
    EXPECT_NEAR(found[i], exact, 0x1p-11 + 0x1p-20);
    EXPECT_EQ(std::ldexp(found[i], 24), std::floor(std::ldexp(found[i], 24))); // an f16
  }
}

} // namespace
