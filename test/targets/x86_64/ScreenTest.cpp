//===- ScreenTest.cpp - A screened head beside the whole one ---------------===//
//
// A model that does nothing but multiply: a token's hidden state is a row of a table, and the
// head is large enough to be screened. Of the whole head's logits a screen must leave, to the
// bit, those that are not further below the best than the margin, whatever the numbers are; and of
// those that are, it should leave few. Where something is not finite, or the margin is wide, it must leave all.
//
//===----------------------------------------------------------------------===//

#include "benchmarks/kernels/CompiledKernel.h"
#include "benchmarks/kernels/Team.h"
#include "targets/Target.h"
#include "targets/x86_64/X86.h"
#include "test/targets/TemporaryFile.h"

#include "llvm/Support/FormatVariadic.h"

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <random>

using namespace cria;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
/// The pass wants 2^20 numbers.
constexpr int64_t kLeast = 1 << 20;

/// A hidden state, and what is to be left of its logits.
struct Input {
  const char *name;
  enum Left { Few, Any, All } left;
  std::function<float(int column)> number;
};

/// A number of the input that `conspire` is for: its codes say it exactly.
float signOf(int64_t column) { return column % 3 ? 1 : -1; }

/// The head [V, D]: V is no multiple of a panel's rows.
struct Head {
  int64_t rows, columns;
  std::vector<float> numbers;

  /// Uniform numbers, but some rows' products with `first` [D] differ by as much as F32 can just tell.
  Head(int64_t columns, llvm::ArrayRef<float> first) : rows(kLeast / columns + 5), columns(columns) {
    std::mt19937 random(3);
    std::uniform_real_distribution<float> uniform(-1, 1);
    numbers.resize(rows * columns);
    for (float &number : numbers)
      number = uniform(random);
    for (int64_t row = 0; row < rows; row += 1013)
      for (int64_t column = 0; column < columns; ++column)
        numbers[row * columns + column] = first[column] * (1 + 1e-6f * uniform(random));
    conspire(40, 400);
  }

  /// Two rows whose products with `signOf` are the largest. Nearly all of the first one's numbers lose by rounding
  /// to 8 bits, of which the scale is 2^-7, so that it seems to be less than the second one, which loses
  /// nothing, as no row of its panel does: by four fifths of what the bound allows.
  void conspire(int64_t best, int64_t second) {
    for (int64_t column = 0; column < columns; ++column) {
      bool largest = column % 32 == 0;
      float sign = signOf(column) * 0x1p-7f;
      numbers[best * columns + column] = sign * (largest ? 127 : 60.49f);
      for (int64_t row = second; row < second + 16; ++row)
        numbers[row * columns + column] = sign * (largest ? 127 : row == second && column % 5 < 2 ? 61 : 60);
    }
  }
};

std::vector<Input> inputs() {
  auto random = [](unsigned seed, float scale) {
    return [=](int column) {
      std::mt19937 engine(seed * 4099 + column);
      return scale * std::normal_distribution<float>()(engine);
    };
  };
  auto with = [=](float odd) { return [=](int column) { return column == 7 ? odd : random(5, 1)(column); }; };
  return {{"what many rows are like", Input::Any, random(1, 1)},
          {"random", Input::Few, random(2, 1)},
          {"large", Input::Few, random(3, 1e15f)},
          {"small", Input::Few, random(4, 1e-10f)},
          {"squares that are rounded to zero", Input::Any, random(6, 1e-25f)},
          {"denormal", Input::Any, random(7, 1e-39f)},
          {"squares that overflow", Input::All, random(8, 1e25f)},
          {"zero", Input::All, [](int) { return 0.0f; }},
          {"one number", Input::Any, [](int column) { return column == 40 ? 2.5f : 0.0f; }},
          {"a group of its own size", Input::Any,
           [=](int column) { return random(9, column < 32 ? 1e4f : 1)(column); }},
          {"for which rounding conspires", Input::Any, [](int column) { return signOf(column) * 127 / 128; }},
          {"NaN", Input::All, with(std::nanf(""))},
          {"infinite", Input::All, with(kInfinity)}};
}

std::string moduleOf(const Head &head, size_t tokens, llvm::StringRef table, llvm::StringRef weights,
                     llvm::StringRef type) {
  return llvm::formatv(R"(
module @screen attributes {{llama.model = #llama.model<name = "screen", architecture = "llama", vocabulary = {0},
    width = {1}, ffn = 32, layers = 1, heads = 1, kvHeads = 1, headSize = {1}, contextSize = 4, chunk = 4,
    bosId = -1, addBos = false, eosIds = [], parameters = 1, inputHash = "0">} {{
  llama.source @table in "{3}" at 0 : tensor<{2}x{1}xf32>
  llama.source @head in "{4}" at 0 : tensor<{0}x{1}xf32>
  func.func @forward(%ids: tensor<?xi32>, %position: index) -> tensor<?x{1}xf32> {{
    %table = llama.weight @table : tensor<{2}x{1}xf32>
    %x = llama.embed %ids, %table : (tensor<?xi32>, tensor<{2}x{1}xf32>) -> tensor<?x{1}xf32>
    return %x : tensor<?x{1}xf32>
  }
  func.func @logits(%hidden: tensor<?x{1}xf32>) -> tensor<?x{0}xf32> {{
    %w = llama.weight @head : tensor<{0}x{1}xf32>
    %head = llama.cast %w : tensor<{0}x{1}xf32> to tensor<{0}x{1}x{5}>
    %logits = llama.linear %hidden, %head : (tensor<?x{1}xf32>, tensor<{0}x{1}x{5}>) -> tensor<?x{0}xf32>
    return %logits : tensor<?x{0}xf32>
  }
})",
                       head.rows, head.columns, tokens, table, weights, type)
      .str();
}

/// Whether `screened` [rows] is what a screen may make of `whole`; how many it left.
int64_t expectScreened(llvm::ArrayRef<float> whole, llvm::ArrayRef<float> screened, float margin) {
  double best = -kInfinity;
  bool anyNaN = false;
  for (float logit : whole) {
    best = std::max<double>(best, logit);
    anyNaN |= std::isnan(logit);
  }
  int64_t left = 0, wrong = 0;
  for (auto [row, expected, found] : llvm::enumerate(whole, screened)) {
    bool same = std::memcmp(&expected, &found, sizeof(float)) == 0;
    bool matters = anyNaN || !(expected < best - margin);
    left += same;
    if (!same && (matters || found != -kInfinity) && ++wrong < 5)
      ADD_FAILURE() << "row " << row << ": expected " << expected << ", best " << best << ", found " << found;
  }
  EXPECT_EQ(wrong, 0);
  return left;
}

void expectScreens(const Head &head, const CriaModel *model, const void *weights, llvm::ArrayRef<Input> inputs,
                   uint32_t threads) {
  CriaTeam *team = criaTeamOpen(model, weights, threads);
  ASSERT_TRUE(team);
  auto *state = reinterpret_cast<char *>(criaTeamState(team));
  auto *logits = reinterpret_cast<float *>(state + model->logits_offset);
  for (auto [token, input] : llvm::enumerate(inputs)) {
    reinterpret_cast<int32_t *>(state + model->tokens_offset)[0] = token;
    criaTeamRun(team, model->forward_one, 0, 1);
    criaTeamRun(team, model->logits_one, 0, 1);
    std::vector<float> whole(logits, logits + head.rows);
    double squares = 0;
    for (float logit : whole)
      squares += double(logit) * logit;
    double deviation = std::sqrt(squares / head.rows);
    for (double times : {0.0, 0.5, 100.0}) {
      float margin = std::isfinite(times * deviation) ? float(times * deviation) : 0;
      SCOPED_TRACE(llvm::formatv("{0}, margin {1}, {2} threads", input.name, margin, threads).str());
      std::fill_n(logits, model->logits_stride, 77.0f);
      std::memcpy(state + model->margin_offset, &margin, sizeof(margin));
      criaTeamRun(team, model->logits_screened, 0, 1);
      int64_t left = expectScreened(whole, llvm::ArrayRef(logits, head.rows), margin);
      if (input.left == Input::Few && times == 0)
        EXPECT_LT(left, head.rows / 10);
      if (input.left == Input::All || times == 100)
        EXPECT_EQ(left, head.rows);
    }
  }
  criaTeamClose(team);
}

} // namespace

TEST(Screen, LeavesWhatMatters) {
  std::vector<std::string> targets = {"x86-64-v2", "native"};
  if (__builtin_cpu_supports("x86-64-v3"))
    targets.push_back("x86-64-v3");
  if (__builtin_cpu_supports("x86-64-v4"))
    targets.push_back("x86-64-v4");
  std::vector<Input> all = inputs();
  for (int columns : {64, 544}) { // copies of 6 bits, and of 8
    std::vector<float> table;
    for (const Input &input : all)
      for (int column = 0; column < columns; ++column)
        table.push_back(input.number(column));
    Head head(columns, table);
    TemporaryFile tableFile(asBytes(table)), headFile(asBytes(head.numbers));
    for (const char *type : {"f32", "f16", "bf16"})
      for (const std::string &target : targets) {
        SCOPED_TRACE(llvm::formatv("{0} columns of {1} for {2}", columns, type, target).str());
        CompileOptions options;
        options.target = target;
        auto kernel = CompiledKernel::make(moduleOf(head, all.size(), tableFile.path, headFile.path, type), options);
        ASSERT_TRUE(bool(kernel)) << llvm::toString(kernel.takeError());
        const CriaModel *model = (*kernel)->getModel();
        ASSERT_TRUE(model->logits_screened);
        for (uint32_t threads : {1, 3})
          expectScreens(head, model, (*kernel)->getWeights(), all, threads);
      }
  }
}

int main(int argc, char **argv) {
  testing::InitGoogleTest(&argc, argv);
  registerTarget(&x86Target());
  return RUN_ALL_TESTS();
}
