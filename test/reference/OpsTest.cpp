//===- OpsTest.cpp - Each computation op against numbers worked out by hand ===//

#include "test/reference/Support.h"

#include <cmath>

using namespace cria::reference;

namespace {

TEST(Embed, TakesRows) {
  Program program(R"(func.func @f(%t: tensor<?xi32>, %w: tensor<3x2xf16>) -> tensor<?x2xf32> {
    %x = llama.embed %t, %w : (tensor<?xi32>, tensor<3x2xf16>) -> tensor<?x2xf32>
    return %x : tensor<?x2xf32>
  })");
  Tensor table{{3, 2}, {1, 2, 3, 4, 5, 6}};
  EXPECT_EQ(program.call({{{2}, {2, 0}}, table}), (std::vector<double>{5, 6, 1, 2}));

  EXPECT_TRUE(program.call({{{1}, {3}}, table}).empty());
  expectMessage(program, "'llama.embed' op expects tokens in [0, 3), but got 3");
  EXPECT_TRUE(program.call({{{1}, {-1}}, table}).empty());
  expectMessage(program, "expects tokens in [0, 3), but got -1");
}

// Groups (3, 4) and (0, 5): the means of their squares are 12.5 both.
TEST(RmsNorm, NormalizesEachGroup) {
  auto text = [](const char *epsilon) {
    return std::string("func.func @f(%x: tensor<?x4xf32>, %w: tensor<2xf32>) -> tensor<?x4xf32> {"
                       "%y = llama.rms_norm %x, %w epsilon ") +
           epsilon + " : (tensor<?x4xf32>, tensor<2xf32>) -> tensor<?x4xf32>" +
           " return %y : tensor<?x4xf32> }";
  };
  Tensor x{{1, 4}, {3, 4, 0, 5}}, weight{{2}, {1, 2}};
  // sqrt(12.5 + 12.5) = 5
  expectNear(Program(text("12.5")).call({x, weight}), {0.6, 1.6, 0, 2});
  double r = std::sqrt(12.5);
  expectNear(Program(text("0.0")).call({x, weight}), {3 / r, 8 / r, 0, 10 / r});
}

TEST(Linear, MultipliesAndAddsBias) {
  Program program(R"(func.func @f(%x: tensor<?x3xf32>, %w: tensor<2x3xf32>, %b: tensor<2xf32>)
      -> tensor<?x2xf32> {
    %y = llama.linear %x, %w bias %b
      : (tensor<?x3xf32>, tensor<2x3xf32>, tensor<2xf32>) -> tensor<?x2xf32>
    return %y : tensor<?x2xf32>
  })");
  // (1, 2, 3) . (1, 0, -1) + 10 = 8;  (1, 2, 3) . (4, 5, 6) + 20 = 52; likewise (0, 1, 0)
  EXPECT_EQ(program.call({{{2, 3}, {1, 2, 3, 0, 1, 0}},
                          {{2, 3}, {1, 0, -1, 4, 5, 6}},
                          {{2}, {10, 20}}}),
            (std::vector<double>{8, 52, 10, 25}));
}

// 2^60 + 1 - 2^60 is 0 in F64, but 2^40 + 1 - 2^40 is 1, which F32 would lose.
TEST(Linear, AccumulatesInF64) {
  Program program(R"(func.func @f(%x: tensor<?x3xf32>, %w: tensor<1x3xf32>) -> tensor<?x1xf32> {
    %y = llama.linear %x, %w : (tensor<?x3xf32>, tensor<1x3xf32>) -> tensor<?x1xf32>
    return %y : tensor<?x1xf32>
  })");
  EXPECT_EQ(program.call({{{1, 3}, {0x1p40, 1, -0x1p40}}, {{1, 3}, {1, 1, 1}}}),
            (std::vector<double>{1}));
}

// Of 5 and -1 less 5.5: -0.5 is not below.
TEST(Screen, LeavesWhatIsNearTheBest) {
  Program program(R"(func.func @f(%y: tensor<?x4xf32>, %a: tensor<?x4xf32>, %m: tensor<1xf32>) -> tensor<?x4xf32> {
    %s = llama.screen %y by %a margin %m : tensor<?x4xf32>, tensor<1xf32>
    return %s : tensor<?x4xf32>
  })");
  double lowest = -std::numeric_limits<double>::infinity();
  EXPECT_EQ(program.call({{{2, 4}, {5, -1, -0.5, 2, -1, -7, -6.5, -6}}, {{2, 4}, std::vector<double>(8)}, {{1}, {5.5}}}),
            (std::vector<double>{5, lowest, -0.5, 2, -1, lowest, -6.5, -6}));
}

// 127 of 32 numbers is a scale of 1: ties go to even; of what is left, 2.54 is one of 0.02, or 1.28 / 64, made
// longer to 1.5 / 64, of which it is 108.4.
TEST(QuantizeRows, RoundsByGroupsAndWhatIsLeft) {
  Program program("func.func @f(%x: tensor<?x35xf32>) -> tensor<?x35xf32> {"
                  "%y = llama.quantize_rows %x : tensor<?x35xf32>"
                  " return %y : tensor<?x35xf32> }");
  std::vector<double> x(70), expected(70); // the second row is zero
  x[0] = 127, x[1] = 2.5, x[2] = -3.5, x[31] = 0.51;
  expected[0] = 127, expected[1] = 2, expected[2] = -4, expected[31] = 1;
  x[32] = 2.54, x[33] = -0.029, x[34] = 0.0099;
  expected[32] = 108 * 1.5 / 64, expected[33] = -1.5 / 64, expected[34] = 0;
  expectNear(program.call({{{2, 35}, x}}), expected);
}

// A group below 2^-100 is zero, as kernels make it, with either kind of scale.
TEST(QuantizeRows, TakesTheTiniestForZero) {
  for (const char *kind : {"", "microscaled"}) {
    Program program(std::string("func.func @f(%x: tensor<?x33xf32>) -> tensor<?x33xf32> {"
                                "%y = llama.quantize_rows %x ") +
                    kind + " : tensor<?x33xf32> return %y : tensor<?x33xf32> }");
    std::vector<double> x(33), expected(33);
    x[0] = 0x1p-101;
    x[32] = expected[32] = 127 * 0x1p-100;
    EXPECT_EQ(program.call({{{1, 33}, x}}), expected) << kind;
  }
}

// 127.9 is in [2^6, 2^7), so s is 1, and no integer above 127; 1.5 in [1, 2), so s is 1 / 64.
TEST(QuantizeRows, RoundsToMicroscales) {
  Program program("func.func @f(%x: tensor<?x35xf32>) -> tensor<?x35xf32> {"
                  "%y = llama.quantize_rows %x microscaled : tensor<?x35xf32>"
                  " return %y : tensor<?x35xf32> }");
  std::vector<double> x(70), expected(70); // the second row is zero
  x[0] = 127.9, x[1] = 2.5, x[2] = -3.5, x[31] = -127.7;
  expected[0] = 127, expected[1] = 2, expected[2] = -4, expected[31] = -127;
  x[32] = 1.5, x[33] = -0.025, x[34] = 0.007;
  expected[32] = 1.5, expected[33] = -2.0 / 64, expected[34] = 0;
  expectNear(program.call({{{2, 35}, x}}), expected);
}

std::string ropeText(const char *layout) {
  return std::string("func.func @f(%x: tensor<?x8xf32>, %t: tensor<3x2x2xf32>, %p: index)"
                     " -> tensor<?x8xf32> { %y = llama.rope %x, %t at %p layout ") +
         layout + " : (tensor<?x8xf32>, tensor<3x2x2xf32>, index) -> tensor<?x8xf32>" +
         " return %y : tensor<?x8xf32> }";
}

// Two heads of four. At position 1, pair 0 turns by a quarter (cos 0, sin 1),
// pair 1 by the angle of the triangle 3, 4, 5 (cos 0.6, sin 0.8).
TEST(Rope, TurnsPairs) {
  Tensor table{{3, 2, 2}, {9, 9, 9, 9, 0, 0.6, 1, 0.8, 9, 9, 9, 9}};
  Tensor x{{1, 8}, {1, 2, 3, 4, 5, 6, 7, 8}};
  // half: pairs (1, 3), (2, 4) and (5, 7), (6, 8)
  //   (a, b) -> (-b, a);  (2, 4) -> (1.2 - 3.2, 2.4 + 1.6);  (6, 8) -> (3.6 - 6.4, 4.8 + 4.8)
  Program half(ropeText("half"));
  expectNear(half.call({x, table, Tensor::index(1)}), {-3, -2, 1, 4, -7, -2.8, 5, 9.6});
  // interleaved: pairs (1, 2), (3, 4) and (5, 6), (7, 8)
  //   (3, 4) -> (1.8 - 3.2, 2.4 + 2.4);  (7, 8) -> (4.2 - 6.4, 4.8 + 5.6)
  Program interleaved(ropeText("interleaved"));
  expectNear(interleaved.call({x, table, Tensor::index(1)}), {-2, 1, -1.4, 4.8, -6, 5, -2.2, 10.4});

  EXPECT_TRUE(half.call({x, table, Tensor::index(3)}).empty());
  expectMessage(half, "expects positions within the 3 of its table, but got 3 and 1 tokens");
  EXPECT_TRUE(half.call({x, table, Tensor::index(-1)}).empty());
  expectMessage(half, "but got -1 and 1 tokens");
}

// Row t of the input stands at position + t.
TEST(Rope, AdvancesWithTheRow) {
  Tensor table{{3, 2, 2}, {9, 9, 9, 9, 1, 1, 0, 0, -1, -1, 0, 0}};
  Tensor x{{2, 8}, std::vector<double>(16, 1)};
  Program program(ropeText("half"));
  expectNear(program.call({x, table, Tensor::index(1)}),
             {1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1, -1});
}

std::string attentionText(const char *rest) {
  return std::string(
             "func.func @f(%q: tensor<?x4xf32>, %k: tensor<4x2x1xf32>, %v: tensor<4x2x1xf32>,"
             " %p: index) -> tensor<?x4xf32> { %y = llama.attention %q, %k, %v at %p scale ") +
         rest + " : (tensor<?x4xf32>, tensor<4x2x1xf32>, tensor<4x2x1xf32>, index) ->" +
         " tensor<?x4xf32> return %y : tensor<?x4xf32> }";
}

// Four query heads over two key heads of size 1, scale ln 2: a key of 1 weighs
// 2^q, a key of 0 weighs 1. Heads 0 and 1 read key head 0, heads 2 and 3 key
// head 1. What lies beyond the row's own position is NaN and must not be read.
const Tensor keys{{4, 2, 1}, {0, 0, 1, 1, 0, 1, NAN, NAN}};
const Tensor values{{4, 2, 1}, {3, 30, 6, 60, 9, 90, NAN, NAN}};
const char *const scale = "0.6931471805599453"; // ln 2

TEST(Attention, WeighsItsPast) {
  Program program(attentionText(scale));
  Tensor query{{2, 4}, {1, 0, 1, 2, 1, 0, 1, 2}};
  std::vector<double> expected = {
      // Row 0 at position 1, keys (0, 1) in both heads: weights (1, 2), (1, 1), (1, 2), (1, 4).
      (3 + 2 * 6) / 3.0, (3 + 6) / 2.0, (30 + 2 * 60) / 3.0, (30 + 4 * 60) / 5.0,
      // Row 1 at position 2: keys (0, 1, 0) in head 0 and (0, 1, 1) in head 1.
      (3 + 2 * 6 + 9) / 4.0, (3 + 6 + 9) / 3.0, (30 + 2 * 60 + 2 * 90) / 5.0,
      (30 + 4 * 60 + 4 * 90) / 9.0};
  expectNear(program.call({query, keys, values, Tensor::index(1)}), expected, 1e-13);
}

TEST(Attention, WindowForgets) {
  // A window of 2 at position 2: positions 1 and 2.
  Program two(attentionText((std::string(scale) + " window 2").c_str()));
  Tensor query{{1, 4}, {1, 0, 1, 2}};
  expectNear(two.call({query, keys, values, Tensor::index(2)}),
             {(2 * 6 + 9) / 3.0, (6 + 9) / 2.0, (60 + 90) / 2.0, (60 + 90) / 2.0}, 1e-13);
  // A window of 1: its own position.
  Program one(attentionText((std::string(scale) + " window 1").c_str()));
  expectNear(one.call({query, keys, values, Tensor::index(2)}), {9, 9, 90, 90});
}

// exp(800 ln 2) overflows a double: the greatest score is subtracted first.
TEST(Attention, DoesNotOverflow) {
  Program program(attentionText(scale));
  Tensor query{{1, 4}, {2000, -2000, 0, 0}};
  expectNear(program.call({query, keys, values, Tensor::index(1)}), {6, 3, 45, 45});
}

TEST(Attention, StaysInItsCache) {
  Program program(attentionText(scale));
  Tensor query{{2, 4}, std::vector<double>(8)};
  EXPECT_TRUE(program.call({query, keys, values, Tensor::index(3)}).empty());
  expectMessage(program, "expects positions within the 4 of its cache, but got 3 and 2 tokens");
}

// Steps of 2^-7 from 1 on in BF16, of 2^-10 in F16; ties to even.
TEST(Round, GoesToTheNearest) {
  for (auto [type, expected] : {std::pair<const char *, std::vector<double>>{"bf16", {1, 1 + 0x1p-6, 1, -3}},
                                {"f16", {1 + 0x1p-8, 1 + 3 * 0x1p-8, 1 + 0x1p-9, -3}}}) {
    Program program(std::string("func.func @f(%x: tensor<?x4xf32>) -> tensor<?x4xf32> { %y = llama.round %x to ") +
                    type + " : tensor<?x4xf32> return %y : tensor<?x4xf32> }");
    EXPECT_EQ(program.call({{{1, 4}, {1 + 0x1p-8, 1 + 3 * 0x1p-8, 1 + 3 * 0x1p-11, -3}}}), expected);
  }
}

// sigmoid(ln 3) = 3/4, sigmoid(0) = 1/2, sigmoid(-1000) = 0.
TEST(Swiglu, GatesUp) {
  Program program(R"(func.func @f(%g: tensor<?x3xf32>, %u: tensor<?x3xf32>) -> tensor<?x3xf32> {
    %y = llama.swiglu %g, %u : tensor<?x3xf32>
    return %y : tensor<?x3xf32>
  })");
  expectNear(program.call({{{1, 3}, {std::log(3.0), 0, -1000}}, {{1, 3}, {4, 4, 4}}}),
             {3 * std::log(3.0), 0, 0});
}

TEST(Add, AddsInF64AndChecksRows) {
  Program program(R"(func.func @f(%a: tensor<?x2xf32>, %b: tensor<?x2xf32>) -> tensor<?x2xf32> {
    %y = llama.add %a, %b : tensor<?x2xf32>
    return %y : tensor<?x2xf32>
  })");
  EXPECT_EQ(program.call({{{1, 2}, {1, 2}}, {{1, 2}, {0x1p-40, -2}}}),
            (std::vector<double>{1 + 0x1p-40, 0}));
  EXPECT_TRUE(program.call({{{1, 2}, {1, 2}}, {{2, 2}, {1, 2, 3, 4}}}).empty());
  expectMessage(program, "expects tensors of one size, but got 1 and 2 rows");
}

TEST(CacheUpdate, Rounds) {
  Program program(R"(func.func @f(%c: tensor<2x1x3xf16>, %r: tensor<?x3xf32>, %p: index)
      -> tensor<2x1x3xf16> {
    %y = llama.cache_update %c, %r at %p
      : (tensor<2x1x3xf16>, tensor<?x3xf32>, index) -> tensor<2x1x3xf16>
    return %y : tensor<2x1x3xf16>
  })");
  // 2049 and 2051 lie between two numbers of F16: to the one that is even in its last place.
  Tensor cache{{2, 1, 3}, {1, 2, 3, 4, 5, 6}}, rows{{1, 3}, {2049, 2051, 0.5}};
  EXPECT_EQ(program.call({cache, rows, Tensor::index(1)}), (std::vector<double>{1, 2, 3, 2048, 2052, 0.5}));
}

/// What a cache of q8 for `heads` heads of `size` holds of `rows` [1, heads * size].
std::vector<double> roundedToCodes(int64_t heads, int64_t size, const Tensor &rows) {
  std::string cache = "tensor<1x" + std::to_string(heads) + "x" + std::to_string(size) + "x!llama.q8>";
  std::string row = "tensor<?x" + std::to_string(heads * size) + "xf32>";
  Program program("func.func @f(%c: " + cache + ", %r: " + row + ", %p: index) -> " + cache +
                  " { %y = llama.cache_update %c, %r at %p : (" + cache + ", " + row + ", index) -> " + cache +
                  " return %y : " + cache + " }");
  return program.call({Tensor::zeros({1, heads, size}), rows, Tensor::index(0)});
}

// s = max |x| / 127 as BF16: 254 / 127 = 2 is one, 1 / 127 is not (its 0.0078740157 is
// 0.0078735352 there), 2^-101 is taken for zero.
TEST(CacheUpdate, RoundsToCodes) {
  Tensor rows = Tensor::zeros({1, 96});
  std::vector<double> expected(96, 0.0);
  rows.data[0] = -254, expected[0] = -254;
  rows.data[5] = 3.1, expected[5] = 4; // 1.55 steps of 2
  rows.data[6] = -5, expected[6] = -4; // 2.5, to even
  rows.data[33] = 1, expected[33] = 127 * 0.00787353515625;
  rows.data[40] = 0.05, expected[40] = 6 * 0.00787353515625;
  rows.data[95] = 0x1p-101;
  EXPECT_EQ(roundedToCodes(1, 96, rows), expected);
}

// Groups are those of a head: of 40 columns 32 and 8.
TEST(CacheUpdate, RoundsShortGroupsToCodes) {
  Tensor rows = Tensor::zeros({1, 80});
  std::vector<double> expected(80, 0.0);
  rows.data[0] = 127, expected[0] = 127;
  rows.data[31] = 2.4, expected[31] = 2;
  rows.data[32] = 254, expected[32] = 254;
  rows.data[39] = 2.4, expected[39] = 2; // 1.2 steps of 2
  rows.data[40] = 508, expected[40] = 508;
  rows.data[71] = 2.4, expected[71] = 4; // 0.6 steps of 4
  rows.data[72] = 1016, expected[72] = 1016;
  rows.data[79] = 2.4, expected[79] = 0; // 0.3 steps of 8
  EXPECT_EQ(roundedToCodes(2, 40, rows), expected);
}

TEST(CacheUpdate, ReplacesRows) {
  Program program(R"(func.func @f(%c: tensor<4x1x2xf32>, %r: tensor<?x2xf32>, %p: index)
      -> tensor<4x1x2xf32> {
    %y = llama.cache_update %c, %r at %p
      : (tensor<4x1x2xf32>, tensor<?x2xf32>, index) -> tensor<4x1x2xf32>
    return %y : tensor<4x1x2xf32>
  })");
  Tensor cache{{4, 1, 2}, {1, 2, 3, 4, 5, 6, 7, 8}}, rows{{2, 2}, {10, 20, 30, 40}};
  EXPECT_EQ(program.call({cache, rows, Tensor::index(1)}),
            (std::vector<double>{1, 2, 10, 20, 30, 40, 7, 8}));
  EXPECT_EQ(program.call({cache, rows, Tensor::index(2)}),
            (std::vector<double>{1, 2, 3, 4, 10, 20, 30, 40}));
  EXPECT_TRUE(program.call({cache, rows, Tensor::index(3)}).empty());
  expectMessage(program, "expects positions within the 4 of its cache, but got 3 and 2 tokens");
}

} // namespace
