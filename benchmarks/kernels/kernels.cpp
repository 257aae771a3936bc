//===- kernels.cpp - Each kernel beside its roofline -----------------------===//
//
// Compiles a few ops as a model's, calls the generated entry point as the runtime
// does, and measures the machine's limit right before and after: read bandwidth where
// a kernel reads its weights or cache once (decode), the peak of its products where
// it works on a chunk (prefill).
//
//   cria-bench-kernels --benchmark_filter='prefill/linear/q4'
//
// Shapes are TinyLlama-1.1B's, but matrices of decode are made so tall, and the cache
// so long, that no cache of the chip holds them. Counters: share (of the limit),
// G_per_s and limit_G_per_s (bytes or operations).
//
//===----------------------------------------------------------------------===//

#include "benchmarks/Machine.h"
#include "benchmarks/kernels/CompiledKernel.h"
#include "benchmarks/kernels/Team.h"
#include "frontends/Frontend.h"
#include "targets/Target.h"
#include "targets/x86_64/X86.h"

#include <benchmark/benchmark.h>

#include "llvm/Support/FormatVariadic.h"

#include <chrono>
#include <cstring>

using namespace cria;

namespace {

/// How weights are given to a linear layer.
struct Weights {
  const char *name;
  const char *type;     ///< `--dtype`
  const char *quantize; ///< `--quantize`
  double bytes;         ///< of one
  double (*peak)(int threads);
};
const Weights kWeights[] = {
    {"f32", "f32", "", 4, multiplyAddPeak},
    {"f16", "f16", "", 2, multiplyAddPeak},
    {"bf16", "bf16", "", 2, bfloatProductPeak},
    {"q8", "", "q8", 34.0 / 32, byteProductPeak},
    {"q4", "", "q4", 18.0 / 32, byteProductPeak},
};

/// One kernel: what to compile, which entry point to call where, what a call costs.
struct Kernel {
  std::string source;
  CompileOptions options;
  bool isChunk;
  int64_t position;
  double cost;                  ///< bytes (decode) or operations (prefill) of a call
  double (*limit)(int threads); ///< 0: the chip has only F32's products
};

/// A module that computes `body`, whose result is %result [?, `width`], from the
/// embeddings %x [?, `inputs`] of its tokens.
std::string moduleOf(int64_t inputs, int64_t width, int64_t context, llvm::StringRef weights, llvm::StringRef body) {
  return llvm::formatv(R"(
module @kernel attributes {{llama.model = #llama.model<name = "kernel", architecture = "llama", vocabulary = 32,
    width = {1}, ffn = 32, layers = 1, heads = 1, kvHeads = 1, headSize = {1}, contextSize = {2}, chunk = {3},
    bosId = 1, addBos = true, eosIds = [], parameters = 1, inputHash = "0">} {{
  llama.synthetic @embed seed 1 mean 0.0 deviation 1.0 : tensor<32x{0}xf32>
  llama.synthetic @head seed 2 mean 0.0 deviation 0.02 : tensor<32x{1}xf32>
  {4}
  func.func @forward(%ids: tensor<?xi32>, %position: index) -> tensor<?x{1}xf32> {{
    %table = llama.weight @embed : tensor<32x{0}xf32>
    %x = llama.embed %ids, %table : (tensor<?xi32>, tensor<32x{0}xf32>) -> tensor<?x{0}xf32>
    {5}
    return %result : tensor<?x{1}xf32>
  }
  func.func @logits(%hidden: tensor<?x{1}xf32>) -> tensor<?x32xf32> {{
    %head = llama.weight @head : tensor<32x{1}xf32>
    %logits = llama.linear %hidden, %head : (tensor<?x{1}xf32>, tensor<32x{1}xf32>) -> tensor<?x32xf32>
    return %logits : tensor<?x32xf32>
  }
})",
                       inputs, width, context, kChunk, weights, body)
      .str();
}

/// A matrix [rows, columns] times a token's or a chunk's vectors.
Kernel linear(const Weights &weights, int64_t rows, int64_t columns, bool isChunk) {
  std::string type = llvm::formatv("tensor<{0}x{1}xf32>", rows, columns);
  std::string source = moduleOf(
      columns, rows, /*context=*/1, "llama.synthetic @weight seed 3 mean 0.0 deviation 0.02 : " + type,
      llvm::formatv("%weight = llama.weight @weight : {0}\n"
                    "%result = llama.linear %x, %weight : (tensor<?x{1}xf32>, {0}) -> tensor<?x{2}xf32>",
                    type, columns, rows)
          .str());
  CompileOptions options;
  options.target = "native";
  options.quantize = weights.quantize;
  options.weightType = weights.type;
  double count = double(rows) * double(columns);
  return {source, options, isChunk, 0, isChunk ? 2 * count * kChunk : count * weights.bytes,
          isChunk ? weights.peak : readBandwidth};
}

/// Attention of `heads` heads of `size`, `keyHeads` of them of keys and values, over
/// all that came before `position`, in a cache of `cacheType`, with `elementBytes` to a number.
Kernel attention(int64_t heads, int64_t keyHeads, int64_t size, int64_t position, bool isChunk,
                 const char *cacheType = "f32", double elementBytes = sizeof(float)) {
  int64_t context = position + kChunk;
  std::string cache = llvm::formatv("tensor<{0}x{1}x{2}xf32>", context + kChunk, keyHeads, size);
  std::string keys = llvm::formatv("tensor<?x{0}xf32>", keyHeads * size);
  std::string queries = llvm::formatv("tensor<?x{0}xf32>", heads * size);
  std::string table = llvm::formatv("tensor<32x{0}xf32>", keyHeads * size);
  std::string source = moduleOf(
      heads * size, heads * size, context,
      llvm::formatv("llama.synthetic @rows seed 3 mean 0.0 deviation 1.0 : {1}\n"
                    "llama.cache @keys : {0}\nllama.cache @values : {0}",
                    cache, table)
          .str(),
      llvm::formatv(R"(
    %rows = llama.weight @rows : {3}
    %k = llama.embed %ids, %rows : (tensor<?xi32>, {3}) -> {1}
    %keys = llama.cache_read @keys : {0}
    %newKeys = llama.cache_update %keys, %k at %position : ({0}, {1}, index) -> {0}
    llama.cache_write @keys, %newKeys : {0}
    %values = llama.cache_read @values : {0}
    %newValues = llama.cache_update %values, %k at %position : ({0}, {1}, index) -> {0}
    llama.cache_write @values, %newValues : {0}
    %result = llama.attention %x, %newKeys, %newValues at %position scale 0.1 : ({2}, {0}, {0}, index) -> {2})",
                    cache, keys, queries, table)
          .str());
  // A query and a position cost a product with a key and one with a value per element.
  double pairs = double(heads * size) * kChunk * (double(position) + kChunk / 2.0);
  double bytes = 2.0 * double(position + 1) * double(keyHeads * size) * elementBytes;
  CompileOptions options;
  options.target = "native";
  options.cacheType = cacheType;
  return {source, options, isChunk, position, isChunk ? 4 * pairs : bytes,
          isChunk ? multiplyAddPeak : readBandwidth};
}

/// What the machine can do at best of what a call of `kernel` does.
double limitOf(const Kernel &kernel, int threads) {
  double limit = kernel.limit(threads);
  return limit > 0 ? limit : multiplyAddPeak(threads);
}

bool anyFailed = false;

void skip(benchmark::State &state, const std::string &why) {
  anyFailed = true;
  state.SkipWithError(why.c_str());
}

void run(benchmark::State &state, const Kernel &kernel) {
  int threads = int(state.range(0));
  // The repetitions and numbers of threads of one kernel follow each other.
  static const Kernel *current = nullptr;
  static std::unique_ptr<CompiledKernel> compiled;
  if (current != &kernel) {
    llvm::Expected<std::unique_ptr<CompiledKernel>> made = CompiledKernel::make(kernel.source, kernel.options);
    if (!made) {
      skip(state, llvm::toString(made.takeError()));
      return;
    }
    compiled = std::move(*made);
    current = &kernel;
  }
  const CriaModel *model = compiled->getModel();
  CriaTeam *team = criaTeamOpen(model, compiled->getWeights(), uint32_t(threads));
  if (!team) {
    skip(state, "no memory or no threads");
    return;
  }
  CriaEntry entry = kernel.isChunk ? model->forward_chunk : model->forward_one;
  int64_t rows = kernel.isChunk ? kChunk : 1;
  // Caches are written, not only the zeros that the system gives: bytes that are a small
  // number at every type.
  memset(criaTeamState(team), 0x3c, model->state_bytes);
  memset(criaTeamState(team) + model->tokens_offset, 0, kChunk * sizeof(int32_t));
  criaTeamRun(team, entry, kernel.position, rows);
  double before = limitOf(kernel, threads);
  auto start = std::chrono::steady_clock::now();
  for (auto _ : state)
    criaTeamRun(team, entry, kernel.position, rows);
  double time = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  double limit = (before + limitOf(kernel, threads)) / 2;
  criaTeamClose(team);
  double rate = kernel.cost * double(state.iterations()) / time;
  state.counters["G_per_s"] = rate * 1e-9;
  state.counters["limit_G_per_s"] = limit * 1e-9;
  state.counters["share"] = rate / limit;
}

/// All kernels, by their names.
std::vector<std::pair<std::string, Kernel>> kernels() {
  constexpr int64_t kWidth = 2048, kFfn = 5632;
  constexpr double kLarge = 1 << 30; // bytes: dozens of times the caches, or some of it is read from there
  std::vector<std::pair<std::string, Kernel>> all;
  for (const Weights &weights : kWeights) {
    int64_t tall = int64_t(kLarge / weights.bytes / kWidth) / 1024 * 1024;
    all.emplace_back(std::string("decode/linear/") + weights.name, linear(weights, tall, kWidth, false));
    all.emplace_back(std::string("prefill/linear/") + weights.name + "/5632x2048",
                     linear(weights, kFfn, kWidth, true));
    all.emplace_back(std::string("prefill/linear/") + weights.name + "/2048x5632",
                     linear(weights, kWidth, kFfn, true));
  }
  all.emplace_back("decode/attention/32_heads_of_128", attention(32, 32, 128, 4032, false));
  all.emplace_back("decode/attention/32_heads_of_128/q8", attention(32, 32, 128, 16320, false, "q8", 34.0 / 32));
  all.emplace_back("decode/attention/32_heads_of_64_in_4", attention(32, 4, 64, 65472, false));
  all.emplace_back("prefill/attention/32_heads_of_64", attention(32, 4, 64, 1024, true));
  return all;
}

} // namespace

int main(int argc, char **argv) {
  registerTarget(&x86Target());
  std::vector<std::pair<std::string, Kernel>> all = kernels();
  for (const auto &[name, kernel] : all)
    benchmark::RegisterBenchmark(name.c_str(), run, kernel)
        ->ArgName("threads")
        ->Arg(1)
        ->Arg(2)
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
  // Before what the user says, so that it counts.
  std::vector<std::string> defaults = {"--benchmark_repetitions=5", "--benchmark_report_aggregates_only=true",
                                       "--benchmark_min_time=0.2", "--benchmark_counters_tabular=true"};
  std::vector<char *> arguments = {argv[0]};
  for (std::string &option : defaults)
    arguments.push_back(option.data());
  arguments.insert(arguments.end(), argv + 1, argv + argc);
  int count = int(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data()))
    return 2;
  return benchmark::RunSpecifiedBenchmarks() == 0 || anyFailed;
}
