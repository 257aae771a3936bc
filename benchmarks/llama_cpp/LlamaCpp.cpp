//===- LlamaCpp.cpp - Times llama.cpp's prebuilt libraries -----------------===//
//
//   cria-bench-llama-cpp LIBRARIES MODEL.gguf POSITIONS
//
// Loads the libraries in the folder LIBRARIES, with the one of the CPU back ends
// that they choose for this chip themselves, then the model, and prints what it
// loaded as a line of JSON. Then each line of standard input is a measurement,
// answered by the seconds that it took:
//
//   decode STEPS THREADS     a token a step, after a prompt of one token
//   prefill TOKENS THREADS   a prompt; logits of its last token
//
// or a text, ids on a line of their own, answered by the sum of -log p of all but the
// first, each after those before it:
//
//   loss TOKENS THREADS
//
// All settings but the POSITIONS of its memory are llama.cpp's defaults (weights mapped
// and repacked, F16 cache, flash attention as it sees fit), and its threads live from call
// to call, as in its own bench. Of its headers we need two dozen functions. The two structs
// of parameters pass through as they are, but for the first field of one, which is checked:
// their other fields, which change from version to version, do not matter here.
//
//===----------------------------------------------------------------------===//

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace {

[[noreturn]] void fail(const std::string &message) {
  std::cerr << "error: " << message << std::endl;
  std::exit(1);
}

/// Room for a struct that only the library knows. The ABI returns such a struct to
/// memory that the caller provides and passes it as a copy on the stack, of which
/// the callee reads as much as it knows: being too large does no harm.
struct alignas(16) Opaque {
  char bytes[2048];
};

/// llama.h's `llama_batch`.
struct Batch {
  int32_t count;
  int32_t *tokens;
  float *embeddings;
  int32_t *positions;
  int32_t *sequenceCounts;
  int32_t **sequences;
  int8_t *wantsLogits;
};

/// A library of the folder, and its functions by name.
class Library {
public:
  explicit Library(const std::filesystem::path &path) : handle(dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL)) {
    if (!handle)
      fail(dlerror());
  }
  template <typename Function> void find(Function *&function, const char *name) const {
    function = reinterpret_cast<Function *>(dlsym(handle, name));
    if (!function)
      fail(dlerror());
  }

private:
  void *handle;
};

/// The functions of llama.h and ggml*.h that are used; pointers to structs that
/// nobody looks into are `void *`.
struct Api {
  void (*setLog)(void (*log)(int level, const char *text, void *), void *);
  void (*loadBackends)(const char *folder);
  const char *(*systemInfo)();
  Opaque (*modelDefaults)();
  void *(*loadModel)(const char *path, Opaque parameters);
  Opaque (*contextDefaults)();
  void *(*makeContext)(void *model, Opaque parameters);
  uint32_t (*positionsOf)(const void *context);
  Batch (*batchOf)(int32_t *tokens, int32_t count);
  int32_t (*decode)(void *context, Batch batch);
  float *(*lastLogits)(void *context, int32_t index);
  const void *(*vocabularyOf)(const void *model);
  int32_t (*tokensOf)(const void *vocabulary);
  void *(*memoryOf)(void *context);
  void (*clearMemory)(void *memory, bool data);
  void (*setThreads)(void *context, int32_t one, int32_t batch);
  void (*attachPool)(void *context, void *one, void *batch);
  void (*poolDefaults)(Opaque *parameters, int threads);

  explicit Api(const std::filesystem::path &folder);
};

/// The file in `folder` whose name starts so: its version is part of it.
std::filesystem::path libraryIn(const std::filesystem::path &folder, const std::string &start) {
  std::error_code error;
  for (const auto &entry : std::filesystem::directory_iterator(folder, error))
    if (entry.path().filename().string().rfind(start, 0) == 0)
      return entry.path();
  fail(folder.string() + ": expects a library " + start + "*so, but found none");
}

Api::Api(const std::filesystem::path &folder) {
  Library base(libraryIn(folder, "libggml-base.")), ggml(libraryIn(folder, "libggml."));
  Library llama(libraryIn(folder, "libllama."));
  llama.find(setLog, "llama_log_set");
  ggml.find(loadBackends, "ggml_backend_load_all_from_path");
  llama.find(systemInfo, "llama_print_system_info");
  llama.find(modelDefaults, "llama_model_default_params");
  llama.find(loadModel, "llama_model_load_from_file");
  llama.find(contextDefaults, "llama_context_default_params");
  llama.find(makeContext, "llama_init_from_model");
  llama.find(positionsOf, "llama_n_ctx");
  llama.find(batchOf, "llama_batch_get_one");
  llama.find(decode, "llama_decode");
  llama.find(lastLogits, "llama_get_logits_ith");
  llama.find(vocabularyOf, "llama_model_get_vocab");
  llama.find(tokensOf, "llama_vocab_n_tokens");
  llama.find(memoryOf, "llama_get_memory");
  llama.find(clearMemory, "llama_memory_clear");
  llama.find(setThreads, "llama_set_n_threads");
  llama.find(attachPool, "llama_attach_threadpool");
  base.find(poolDefaults, "ggml_threadpool_params_init");
}

/// What the library says of errors (for when it fails) and of where the weights lie.
std::string logged;
void keepLog(int level, const char *text, void *) {
  constexpr int kWarning = 3, kError = 4;
  if (level == kWarning || level == kError || strstr(text, "model buffer size"))
    logged += text;
}

/// The path of the CPU back end that was loaded.
std::filesystem::path loadedBackend() {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);)
    if (line.find("/libggml-cpu-") != std::string::npos)
      return line.substr(line.find('/'));
  fail("no CPU back end of ggml was loaded");
}

class Model {
public:
  Model(const Api &api, const char *path, uint32_t positions) : api(api) {
    void *model = api.loadModel(path, api.modelDefaults());
    Opaque parameters = api.contextDefaults();
    std::memcpy(parameters.bytes, &positions, sizeof(positions)); // `n_ctx`, rounded up by the library
    context = model ? api.makeContext(model, parameters) : nullptr;
    if (!context)
      fail(std::string(path) + ": llama.cpp cannot load it\n" + logged);
    if (uint32_t found = api.positionsOf(context); found < positions)
      fail("expects a context of " + std::to_string(positions) + " positions, but llama.cpp made one of " +
           std::to_string(found) + ": 'n_ctx' is not the first of its parameters");
    vocabulary = api.tokensOf(api.vocabularyOf(model));
    Library backend(loadedBackend());
    backend.find(newPool, "ggml_threadpool_new");
    backend.find(pausePool, "ggml_threadpool_pause");
  }

  /// Seconds of `steps` steps of `tokens` tokens each, after `prompt` tokens.
  double time(int prompt, int steps, int tokens, int threads) {
    void *pool = begin(threads);
    if (prompt > 0)
      step(prompt);
    auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < steps; ++i)
      step(tokens);
    double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    // Its threads would look for work for a while, on the cores that others are measured on.
    pausePool(pool);
    return seconds;
  }

  /// The sum of -log p of ids[1…], token by token.
  double loss(std::vector<int32_t> ids, int threads) {
    void *pool = begin(threads);
    double sum = 0;
    for (size_t i = 0; i + 1 < ids.size(); ++i) {
      const float *logits = decode(&ids[i], 1);
      double largest = *std::max_element(logits, logits + vocabulary), all = 0;
      for (int32_t id = 0; id < vocabulary; ++id)
        all += std::exp(logits[id] - largest);
      sum += std::log(all) + largest - logits[ids[i + 1]];
    }
    pausePool(pool);
    return sum;
  }

  bool has(int32_t id) const { return id >= 0 && id < vocabulary; }

private:
  /// An empty memory and `threads` threads.
  void *begin(int threads) {
    void *pool = poolOf(threads);
    api.attachPool(context, pool, pool);
    api.setThreads(context, threads, threads);
    api.clearMemory(api.memoryOf(context), true);
    return pool;
  }

  /// Pools live as long as the model: the back end looks at the last one it had.
  void *poolOf(int threads) {
    void *&pool = pools[threads];
    if (!pool) {
      Opaque parameters = {};
      api.poolDefaults(&parameters, threads);
      pool = newPool(&parameters);
    }
    return pool;
  }

  void step(int count) {
    std::vector<int32_t> tokens(count);
    for (int i = 0; i < count; ++i)
      tokens[i] = 3 + i * 37 % 500;
    decode(tokens.data(), count);
  }

  /// The logits after the last of `count` tokens.
  const float *decode(int32_t *tokens, int count) {
    const float *logits = api.decode(context, api.batchOf(tokens, count)) == 0 ? api.lastLogits(context, -1) : nullptr;
    if (!logits)
      fail("llama.cpp cannot decode\n" + logged);
    return logits;
  }

  const Api &api;
  void *context = nullptr;
  int32_t vocabulary = 0;
  void *(*newPool)(Opaque *) = nullptr;
  void (*pausePool)(void *) = nullptr; ///< until the next step
  std::map<int, void *> pools; ///< by their threads
};

} // namespace

int main(int argc, char **argv) {
  int positions = argc == 4 ? std::atoi(argv[3]) : 0;
  if (positions < 1) {
    std::cerr << "usage: cria-bench-llama-cpp LIBRARIES MODEL.gguf POSITIONS\n";
    return 2;
  }
  Api api(argv[1]);
  api.setLog(keepLog, nullptr);
  api.loadBackends(argv[1]);
  Model model(api, argv[2], uint32_t(positions));
  model.time(1, 2, 1, 1); // touches every weight once
  nlohmann::json loaded = {{"backend", loadedBackend().filename().string()}, {"system", api.systemInfo()}, {"log", logged}};
  std::cout << loaded.dump() << std::endl;

  std::string kind;
  int count, threads;
  while (std::cin >> kind >> count >> threads) {
    if ((kind != "decode" && kind != "prefill" && kind != "loss") || count < 1 || threads < 1)
      fail("expects lines 'decode STEPS THREADS', 'prefill TOKENS THREADS' or 'loss TOKENS THREADS', but got '" + kind +
           "'");
    if (kind == "loss") {
      std::vector<int32_t> ids(count);
      for (int32_t &id : ids)
        if (!(std::cin >> id) || !model.has(id))
          fail("expects " + std::to_string(count) + " ids of the model's vocabulary");
      std::cout << std::setprecision(17) << model.loss(ids, threads) << std::endl;
      continue;
    }
    double seconds = kind == "decode" ? model.time(1, count, 1, threads) : model.time(0, 1, count, threads);
    std::cout << seconds << std::endl;
  }
  // Freeing gigabytes before the process ends would only take time.
  std::_Exit(0);
}
