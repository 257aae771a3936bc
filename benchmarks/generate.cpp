//===- generate.cpp - Decode and prefill of compiled models ----------------===//
//
// Compiles a model, then runs the artifact and the machine's own limits in turn,
// so that both are measured under the same neighbours. Each repetition is one run;
// Google Benchmark prints the median of the repetitions.
//
//   cria-bench --benchmark_filter='decode/tinyllama-1.1b/f32'
//
// Counters: tokens_per_s; share: of the read bandwidth (decode) or of the peak of the
// operations that prefill is made of, measured right before and after.
//
//===----------------------------------------------------------------------===//

#include "benchmarks/Machine.h"

#include <benchmark/benchmark.h>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

namespace fs = std::filesystem;

namespace {

/// The number behind `label` in what `--info` says; 0 if there is no such line.
double number(const std::string &info, const std::string &label) {
  size_t at = info.find("\n" + label + ":");
  return at == std::string::npos ? 0 : std::atof(info.c_str() + at + label.size() + 2);
}

/// D, F, layers, H * Dh, Hkv * Dh, V of the artifact that says `info`.
struct Shape {
  double width, ffn, layers, queries, keys, vocabulary;

  explicit Shape(const std::string &info)
      : width(number(info, "width")), ffn(number(info, "ffn")), layers(number(info, "layers")),
        queries(number(info, "heads") * number(info, "head size")),
        keys(number(info, "kv heads") * number(info, "head size")), vocabulary(number(info, "vocabulary")) {}

  /// Weights of the layers, and those that every token of a prompt is multiplied by: of the last
  /// layer only keys and values.
  double layerWeights() const { return layers * layer(); }
  double promptWeights() const { return (layers - 1) * layer() + width * 2 * keys; }
  /// Weights of the head: only tokens whose logits are wanted are.
  double headWeights() const { return width * vocabulary; }

private:
  double layer() const { return width * (2 * queries + 2 * keys + 3 * ffn); }
};

struct Model {
  const char *name;       ///< of the benchmark
  const char *path;       ///< for cria; empty: the storyteller
  const char *options;    ///< for cria
  double weightBytes;     ///< of one weight
  double (*peak)(int threads); ///< of the products in prefill; 0: the chip has only F32's
};

const Model kModels[] = {
    {"storyteller/f16", "", "--dtype f16", 2, cria::multiplyAddPeak},
    {"stories-15m/f32", "synthetic:stories-15m", "--dtype f32", 4, cria::multiplyAddPeak},
    {"tinyllama-1.1b/f32", "synthetic:tinyllama-1.1b", "--dtype f32", 4, cria::multiplyAddPeak},
    {"tinyllama-1.1b/f16", "synthetic:tinyllama-1.1b", "--dtype f16", 2, cria::multiplyAddPeak},
    {"tinyllama-1.1b/bf16", "synthetic:tinyllama-1.1b", "--dtype bf16", 2, cria::bfloatProductPeak},
    // 32 numbers in 34 or 18 bytes; the head is always q8.
    {"tinyllama-1.1b/q8", "synthetic:tinyllama-1.1b", "--quantize q8", 34.0 / 32, cria::byteProductPeak},
    {"tinyllama-1.1b/q4", "synthetic:tinyllama-1.1b", "--quantize q4", 18.0 / 32, cria::byteProductPeak},
};

/// Operations per second that a prefill of `model` could do.
double prefillLimit(const Model &model, int threads) {
  double peak = model.peak(threads);
  return peak > 0 ? peak : cria::multiplyAddPeak(threads);
}

/// A folder that is gone at the end.
const fs::path &scratch() {
  static const struct Folder {
    fs::path path;
    Folder() {
      std::string name = (fs::temp_directory_path() / "cria-bench.XXXXXX").string();
      if (!mkdtemp(name.data()))
        std::exit(1);
      path = name;
    }
    ~Folder() { fs::remove_all(path); }
  } folder;
  return folder.path;
}

/// The artifact of `model`, compiled at its first use; the one before it is deleted.
fs::path artifact(const Model &model) {
  static const Model *current = nullptr;
  fs::path path = scratch() / "model";
  if (current == &model)
    return path;
  fs::path cria = fs::read_symlink("/proc/self/exe").parent_path() / "cria";
  std::string command =
      cria.string() + " compile " + model.path + " --target native " + model.options + " -o " + path.string();
  current = std::system(command.c_str()) == 0 ? &model : nullptr;
  return current ? path : fs::path();
}

/// What a command prints; empty on failure.
std::string output(const std::string &command) {
  FILE *pipe = popen(command.c_str(), "r");
  if (!pipe)
    return {};
  std::string text;
  char buffer[4096];
  while (size_t count = fread(buffer, 1, sizeof(buffer), pipe))
    text.append(buffer, count);
  return pclose(pipe) == 0 ? text : std::string();
}

/// What `--stats` says of a run; empty on failure.
nlohmann::json run(const fs::path &program, const std::string &options) {
  std::string text = output(program.string() + " " + options + " --print-ids --ignore-eos --stats 2>&1 >/dev/null");
  nlohmann::json stats = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  return stats.is_object() ? stats : nlohmann::json();
}

/// Bytes of the head that a token's step reads: all of it, or of one that is screened the rough copy, and not the
/// rows that are read behind it.
double headBytes(const std::string &info, const Model &model) {
  if (double rough = number(info, "rough head"))
    return rough;
  return (model.weightBytes < 2 ? 34.0 / 32 : model.weightBytes) * Shape(info).headWeights();
}

std::string prompt(int tokens) {
  std::string ids = "1";
  for (int i = 1; i < tokens; ++i)
    ids += "," + std::to_string(3 + i * 37 % 500);
  return ids;
}

void decode(benchmark::State &state, const Model &model) {
  int threads = state.range(0);
  fs::path program = artifact(model);
  std::string info = output(program.string() + " --info");
  for (auto _ : state) {
    double before = cria::readBandwidth(threads);
    nlohmann::json stats = run(program, "--ids 1 -n 48 --temperature 0 --threads " + std::to_string(threads));
    double after = cria::readBandwidth(threads);
    if (stats.is_null()) {
      state.SkipWithError("the artifact could not be compiled or run");
      return;
    }
    double speed = stats["decode_tokens_per_second"], limit = (before + after) / 2;
    state.SetIterationTime(1 / speed);
    state.counters["tokens_per_s"] = speed;
    double bytes = speed * (model.weightBytes * Shape(info).layerWeights() + headBytes(info, model));
    state.counters["GB_per_s"] = bytes * 1e-9;
    state.counters["limit_GB_per_s"] = limit * 1e-9;
    state.counters["share"] = bytes / limit;
  }
}

void prefill(benchmark::State &state, const Model &model) {
  int threads = state.range(0);
  fs::path program = artifact(model);
  std::string ids = prompt(128);
  Shape shape(output(program.string() + " --info"));
  for (auto _ : state) {
    double before = prefillLimit(model, threads);
    nlohmann::json stats = run(program, "--ids " + ids + " -n 0 --threads " + std::to_string(threads));
    double after = prefillLimit(model, threads);
    if (stats.is_null()) {
      state.SkipWithError("the artifact could not be compiled or run");
      return;
    }
    double speed = stats["prompt_tokens_per_second"], limit = (before + after) / 2;
    state.SetIterationTime(1 / speed);
    state.counters["tokens_per_s"] = speed;
    double operations = 2 * speed * shape.promptWeights();
    state.counters["Gop_per_s"] = operations * 1e-9;
    state.counters["limit_Gop_per_s"] = limit * 1e-9;
    state.counters["share"] = operations / limit;
  }
}

} // namespace

int main(int argc, char **argv) {
  for (const Model &model : kModels)
    for (auto [kind, function] : {std::pair("decode", &decode), std::pair("prefill", &prefill)})
      for (int threads : {1, 2})
        benchmark::RegisterBenchmark((std::string(kind) + "/" + model.name).c_str(), function, model)
            ->Arg(threads)
            ->ArgName("threads")
            ->UseManualTime()
            ->Iterations(1)
            ->Repetitions(7)
            ->ReportAggregatesOnly()
            ->Unit(benchmark::kMillisecond);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv))
    return 2;
  benchmark::RunSpecifiedBenchmarks();
}
