//===- Config.cpp - config.json of a Hugging Face folder -------------------===//

#include "frontends/huggingface/Config.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace llvm;

namespace cria {

namespace {

enum class Window {
  Never,
  Always,   // every layer, where sliding_window is set
  Optional, // the layers from max_window_layers on, where use_sliding_window is set
};

/// What sets one architecture apart. To add one that is made of the same ops,
/// add a row; `modelType` is also its name in the artifact.
struct Family {
  StringLiteral architecture, modelType;
  Window window;
  bool qkvBias;         ///< always has biases of Q, K and V
  bool attentionBias;   ///< honours `attention_bias`: biases of Q, K, V and O
  bool mlpBias;         ///< honours `mlp_bias`
  bool qkNorm;
  int64_t kvHeads;      ///< default of num_key_value_heads; 0: as many as heads
  int64_t headSize;     ///< default of head_dim; 0: hidden_size / heads
  int64_t slidingWindow; ///< default of sliding_window; 0: none
  int64_t windowLayers; ///< default of max_window_layers
  bool addBos;
};
constexpr Family kFamilies[] = {
    {"LlamaForCausalLM", "llama", Window::Never, false, true, true, false, 0, 0, 0, 0, true},
    {"MistralForCausalLM", "mistral", Window::Always, false, false, false, false, 8, 0, 4096, 0,
     true},
    {"Qwen2ForCausalLM", "qwen2", Window::Optional, true, false, false, false, 32, 0, 4096, 28,
     false},
    {"Qwen3ForCausalLM", "qwen3", Window::Optional, false, true, false, true, 32, 128, 4096, 28,
     false},
};

/// Keys that say nothing about the logits: training, bookkeeping, sampling
/// defaults (which are the command line's here).
constexpr StringLiteral kHarmlessKeys[] = {
    "_name_or_path", "_attn_implementation", "attention_dropout", "attn_implementation",
    "do_sample", "dtype", "gradient_checkpointing", "id2label", "initializer_range", "is_decoder",
    "is_llama_config", "label2id", "max_length", "max_new_tokens", "max_sequence_length",
    "output_attentions", "output_hidden_states", "pad_token_id", "pretraining_tp", "return_dict",
    "temperature", "top_k", "top_p", "torch_dtype", "torchscript", "transformers.js_config",
    "transformers_version", "unsloth_fixed", "unsloth_version", "use_bfloat16", "use_cache",
};

/// Switches of other code bases that appear in configs of these families; off,
/// they change nothing.
constexpr StringLiteral kMustBeFalse[] = {"attention_bias", "mlp_bias", "rope_interleaved",
                                          "use_mrope", "use_qk_norm", "add_cross_attention",
                                          "is_encoder_decoder", "tie_encoder_decoder"};

std::string supportedArchitectures() {
  std::string list;
  for (const Family &family : kFamilies)
    list += (list.empty() ? "" : ", ") + family.architecture.str();
  return list;
}

class ConfigReader {
public:
  ConfigReader(const Json &config, std::string file)
      : config(config), file(file), reader(config, file, error) {}

  Expected<Hyperparameters> read(StringRef name);

private:
  void findFamily();
  void readSizes();
  void readSwitches();
  void readWindows();
  void readTokens();

  const Json &config;
  std::string file;
  FirstError error;
  JsonReader reader;
  const Family *family = nullptr;
  Hyperparameters p;
};

Expected<Hyperparameters> ConfigReader::read(StringRef name) {
  p.name = name.str();
  findFamily();
  for (auto step : {&ConfigReader::readSizes, &ConfigReader::readSwitches,
                    &ConfigReader::readWindows, &ConfigReader::readTokens})
    if (!error)
      (this->*step)();
  reader.refuseOthers(kHarmlessKeys);
  if (error)
    return error.take();
  return p;
}

void ConfigReader::findFamily() {
  const Json *list = reader.find("architectures");
  std::string name;
  if (list && list->is_array() && list->size() == 1 && list->front().is_string())
    name = list->front().get<std::string>();
  else
    reader.expects("architectures", "a list of one name", list);
  family = llvm::find_if(kFamilies, [&](const Family &f) { return f.architecture == name; });
  if (family == std::end(kFamilies)) {
    error.report(file + ": architecture '" + printable(name) +
                 "' is not supported; supported are " + supportedArchitectures());
    return;
  }
  p.architecture = family->modelType.str();
  if (reader.string("model_type", p.architecture) != p.architecture)
    reader.expects("model_type", "'" + p.architecture + "' as its architecture is " + name,
                   reader.find("model_type"));
}

void ConfigReader::readSizes() {
  p.vocabulary = reader.integer("vocab_size", 1, kMaxDimension);
  p.width = reader.integer("hidden_size", 1, kMaxDimension);
  p.ffn = reader.integer("intermediate_size", 1, kMaxDimension);
  p.layers = reader.integer("num_hidden_layers", 1, kMaxLayers);
  p.heads = reader.integer("num_attention_heads", 1, kMaxHeads);
  if (error)
    return;
  p.kvHeads = reader.integer("num_key_value_heads", 1, kMaxHeads,
                             family->kvHeads ? family->kvHeads : p.heads);
  bool ownHeadSize = reader.find("head_dim") || family->headSize;
  if (!ownHeadSize && p.width % p.heads)
    reader.expects("hidden_size", "a multiple of num_attention_heads " + Twine(p.heads),
                   reader.find("hidden_size"));
  p.headSize = reader.integer("head_dim", 1, kMaxDimension,
                              family->headSize ? family->headSize
                                               : std::max<int64_t>(p.width / p.heads, 1));
  int64_t context = reader.integer("max_position_embeddings", 1, kMaxDimension);
  p.epsilon = reader.positive("rms_norm_eps");
  p.rope = readRope(config, reader, file, context, error);
  p.contextSize = stretchedContext(p.rope, context);
}

void ConfigReader::readSwitches() {
  if (reader.string("hidden_act", "silu") != "silu")
    reader.expects("hidden_act", "'silu'", reader.find("hidden_act"));
  p.tiedOutput = reader.boolean("tie_word_embeddings", false);
  p.qkNorm = family->qkNorm;
  bool attentionBias = family->attentionBias && reader.boolean("attention_bias", false);
  p.qkvBias = family->qkvBias || attentionBias;
  p.outputBias = attentionBias;
  p.mlpBias = family->mlpBias && reader.boolean("mlp_bias", false);
  for (StringRef key : kMustBeFalse) {
    bool honoured = (key == "attention_bias" && family->attentionBias) ||
                    (key == "mlp_bias" && family->mlpBias);
    if (!honoured && reader.boolean(key, false))
      reader.expects(key, "false", reader.find(key));
  }
  const Json *rotary = reader.find("partial_rotary_factor");
  if (rotary && *rotary != 1)
    reader.expects("partial_rotary_factor", "1", rotary);
}

void ConfigReader::readWindows() {
  p.windows.assign(p.layers, 0);
  int64_t window = 0, first = 0;
  if (family->window != Window::Never) {
    // An explicit null is "no window", while an absent key takes the default.
    bool none = config.contains("sliding_window") && config["sliding_window"].is_null();
    window = reader.integer("sliding_window", 1, kMaxDimension, none ? 0 : family->slidingWindow);
  }
  if (family->window == Window::Optional) {
    if (!reader.boolean("use_sliding_window", false))
      window = 0;
    first = reader.integer("max_window_layers", 0, kMaxDimension, family->windowLayers);
  }
  for (int64_t layer = first; layer < p.layers; ++layer)
    p.windows[layer] = window;

  const Json *types = reader.find("layer_types");
  if (!types)
    return;
  if (!types->is_array() || types->size() != size_t(p.layers)) {
    reader.expects("layer_types", "a list of " + Twine(p.layers) + " names", types);
    return;
  }
  for (int64_t layer = 0; layer < p.layers; ++layer) {
    const Json &type = (*types)[layer];
    if (type == "sliding_attention" && window > 0)
      p.windows[layer] = window;
    else if (type == "full_attention" && family->window != Window::Always)
      p.windows[layer] = 0;
    else if (type != "full_attention" || p.windows[layer] != 0)
      reader.expects("layer_types",
                     window > 0 ? "'sliding_attention' or 'full_attention' as the window allows"
                                : "'full_attention' in a model without sliding_window",
                     &type);
  }
}

/// Adds the ids of an EOS key: one integer, or a list of them.
void readEosIds(JsonReader &reader, Hyperparameters &p) {
  const Json *value = reader.find("eos_token_id");
  if (!value)
    return;
  std::vector<Json> items = value->is_array() ? value->get<std::vector<Json>>()
                                              : std::vector<Json>{*value};
  for (const Json &item : items) {
    if (p.eosIds.size() > kMaxEosIds) // checkHyperparameters refuses them, however many there are
      return;
    if (item.is_number_unsigned() && item.get<uint64_t>() < uint64_t(p.vocabulary))
      addEosId(p, item.get<int64_t>());
    else
      reader.expects("eos_token_id", "ids from 0 to " + Twine(p.vocabulary - 1), &item);
  }
}

void ConfigReader::readTokens() {
  p.bosId = reader.integer("bos_token_id", 0, p.vocabulary - 1, -1);
  p.addBos = family->addBos && p.bosId >= 0;
  readEosIds(reader, p);
}

} // namespace

Expected<Hyperparameters> readConfig(StringRef folder, std::vector<std::string> &files) {
  std::string path = (folder + "/config.json").str();
  files.push_back(path);
  Expected<Json> config = readJsonFile(path);
  if (!config)
    return config.takeError();
  SmallString<128> absolute(folder);
  sys::fs::make_absolute(absolute);
  sys::path::remove_dots(absolute, /*remove_dot_dot=*/true);
  std::string name = printable(sys::path::filename(absolute));
  Expected<Hyperparameters> p = ConfigReader(*config, path).read(name);
  if (!p)
    return p;

  // generation_config.json holds sampling defaults; only its EOS ids matter here.
  std::string generation = (folder + "/generation_config.json").str();
  if (sys::fs::exists(generation)) {
    files.push_back(generation);
    Expected<Json> json = readJsonFile(generation);
    if (!json)
      return json.takeError();
    FirstError error;
    JsonReader reader(*json, generation, error);
    readEosIds(reader, *p);
    if (error)
      return error.take();
  }
  if (Error error = checkHyperparameters(*p, path))
    return error;
  return p;
}

} // namespace cria
