//===- GatherTest.cpp - Rows of quantized tables, bit for bit --------------===//
//
// A model that does nothing but look its tokens up: the hidden states are rows of the
// table, and the head is the identity at F32, so that logits are those rows: products
// with one, and zeros added. They must be what the reference interpreter says of the
// table, exactly, in every format and at every level that this machine can run.
//
//===----------------------------------------------------------------------===//

#include "benchmarks/kernels/CompiledKernel.h"
#include "benchmarks/kernels/Team.h"
#include "dialects/llama/Quantization.h"
#include "targets/Target.h"
#include "targets/x86_64/X86.h"
#include "test/reference/Support.h"
#include "test/targets/TemporaryFile.h"

#include "llvm/Support/FormatVariadic.h"

#include <random>

using namespace cria;

namespace {

constexpr int kRows = 37, kMostColumns = 256, kChunk = 4;

/// Random blocks of `encoding`; the F16 numbers among them, two bytes at `halves`, finite.
std::vector<char> randomBlocks(llama::Encoding encoding, llvm::ArrayRef<int> halves) {
  std::mt19937 random(7);
  int64_t bytes = llama::encodedBytes(encoding);
  std::vector<char> result(kRows * kMostColumns / traits(*codeFormat(encoding)).block * bytes);
  for (char &byte : result)
    byte = char(random());
  for (size_t block = 0; block < result.size(); block += bytes) {
    for (int half : halves)
      result[block + half + 1] &= char(0xbf); // below 2
    if (encoding == llama::Encoding::MXFP4 && uint8_t(result[block]) > 252)
      result[block] = 0; // 2^125 times 6 is not finite; the smallest is the more interesting
  }
  return result;
}

/// The table [kRows, columns] at `symbol`, called @table, which `ops` make %table of.
struct Table {
  int columns;
  std::string symbol, ops;
};

std::string tableType(int columns) { return llvm::formatv("tensor<{0}x{1}xf32>", kRows, columns); }

std::vector<double> expectedRows(const Table &table) {
  std::string type = tableType(table.columns);
  reference::Program program(table.symbol + "\nfunc.func @f() -> " + type + " {\n" + table.ops + "\nreturn %table : " +
                             type + "\n}");
  std::vector<double> rows = program.call();
  EXPECT_EQ(rows.size(), size_t(kRows * table.columns)) << program.messages;
  return rows;
}

/// Identity [columns, columns].
std::vector<float> identity(int columns) {
  std::vector<float> numbers(columns * columns);
  for (int i = 0; i < columns; ++i)
    numbers[i * columns + i] = 1;
  return numbers;
}

std::string moduleOf(const Table &table, llvm::StringRef identity) {
  return llvm::formatv(R"(
module @gather attributes {{llama.model = #llama.model<name = "gather", architecture = "llama", vocabulary = {0},
    width = {0}, ffn = 32, layers = 1, heads = 1, kvHeads = 1, headSize = {0}, contextSize = {1}, chunk = {1},
    bosId = -1, addBos = false, eosIds = [], parameters = 1, inputHash = "0">} {{
  {2}
  llama.source @identity in "{3}" at 0 : tensor<{0}x{0}xf32>
  func.func @forward(%ids: tensor<?xi32>, %position: index) -> tensor<?x{0}xf32> {{
    {4}
    %x = llama.embed %ids, %table : (tensor<?xi32>, {5}) -> tensor<?x{0}xf32>
    return %x : tensor<?x{0}xf32>
  }
  func.func @logits(%hidden: tensor<?x{0}xf32>) -> tensor<?x{0}xf32> {{
    %head = llama.weight @identity : tensor<{0}x{0}xf32>
    %logits = llama.linear %hidden, %head : (tensor<?x{0}xf32>, tensor<{0}x{0}xf32>) -> tensor<?x{0}xf32>
    return %logits : tensor<?x{0}xf32>
  }
})",
                       table.columns, kChunk, table.symbol, identity, table.ops, tableType(table.columns))
      .str();
}

/// Every row of the table comes out of the model as the reference has it, token by token
/// and in chunks, at one thread and at three.
void expectRows(const Table &table, const std::string &target, const std::vector<double> &expected) {
  CompileOptions options;
  options.target = target;
  TemporaryFile head(asBytes(identity(table.columns)));
  auto kernel = CompiledKernel::make(moduleOf(table, head.path), options);
  ASSERT_TRUE(bool(kernel)) << llvm::toString(kernel.takeError());
  const CriaModel *model = (*kernel)->getModel();
  EXPECT_LT(model->weights_bytes, uint64_t((table.columns + 16 + kRows) * table.columns) * sizeof(float));
  for (uint32_t threads : {1, 3}) {
    CriaTeam *team = criaTeamOpen(model, (*kernel)->getWeights(), threads);
    ASSERT_TRUE(team);
    auto *ids = reinterpret_cast<int32_t *>(criaTeamState(team) + model->tokens_offset);
    auto *logits = reinterpret_cast<const float *>(criaTeamState(team) + model->logits_offset);
    for (int tokens : {1, kChunk})
      for (int first = 0; first < kRows; first += tokens) {
        for (int t = 0; t < tokens; ++t)
          ids[t] = (first + 5 * t) % kRows;
        criaTeamRun(team, tokens == 1 ? model->forward_one : model->forward_chunk, 0, tokens);
        criaTeamRun(team, tokens == 1 ? model->logits_one : model->logits_chunk, 0, tokens);
        for (int t = 0; t < tokens; ++t)
          for (int column = 0; column < table.columns; ++column)
            ASSERT_EQ(double(logits[t * model->logits_stride + column]), expected[ids[t] * table.columns + column])
                << target << ", " << threads << " threads, " << tokens << " tokens: row " << ids[t] << ", column "
                << column;
      }
    criaTeamClose(team);
  }
}

void expectRows(const Table &table) {
  std::vector<double> expected = expectedRows(table);
  std::vector<std::string> targets = {"x86-64-v2"};
  if (__builtin_cpu_supports("x86-64-v3"))
    targets.push_back("x86-64-v3");
  if (__builtin_cpu_supports("x86-64-v4"))
    targets.push_back("x86-64-v4");
  for (const std::string &target : targets)
    expectRows(table, target, expected);
}

} // namespace

TEST(Gather, EveryFormatThatCriaChoosesCodesFor) {
  for (uint32_t i = 0; i <= llama::getMaxEnumValForFormat(); ++i) {
    llama::Format format = *llama::symbolizeFormat(i);
    if (!isQuantizable(format))
      continue;
    for (int columns : {kMostColumns, 172}) {
      SCOPED_TRACE(stringifyFormat(format).str() + " " + std::to_string(columns));
      std::string type = tableType(columns);
      expectRows({columns, "llama.synthetic @table seed 3 mean 0.01 deviation 0.5 : " + type,
                  "%w = llama.weight @table : " + type + "\n%table = llama.quantize %w format " +
                      stringifyFormat(format).str() + " : " + type + " -> " + type});
    }
  }
}

TEST(Gather, EveryEncodingOfFiles) {
  const std::pair<llama::Encoding, std::vector<int>> kEncodings[] = {
      {llama::Encoding::Q4_1, {0, 2}}, {llama::Encoding::Q5_1, {0, 2}},   {llama::Encoding::Q2_K, {80, 82}},
      {llama::Encoding::Q3_K, {108}},  {llama::Encoding::Q4_K, {0, 2}},   {llama::Encoding::Q5_K, {0, 2}},
      {llama::Encoding::Q6_K, {208}},  {llama::Encoding::MXFP4, {}},
  };
  for (const auto &[encoding, halves] : kEncodings) {
    std::string name = stringifyEncoding(encoding).str();
    SCOPED_TRACE(name);
    TemporaryFile file(randomBlocks(encoding, halves));
    std::string type = tableType(kMostColumns);
    expectRows({kMostColumns,
                "llama.source @table in \"" + file.path.str().str() + "\" at 0 as " + name + " : " + type,
                "%table = llama.weight @table : " + type});
  }
}

int main(int argc, char **argv) {
  testing::InitGoogleTest(&argc, argv);
  registerTarget(&x86Target());
  return RUN_ALL_TESTS();
}
