//===- GgufModel.cpp - A GGUF file's model ---------------------------------===//

#include "frontends/gguf/Gguf.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Path.h"

using namespace llvm;

namespace cria {

namespace {

constexpr RoleName kNames[] = {
    {Role::Embed, "token_embd.weight"},
    {Role::Norm, "output_norm.weight"},
    {Role::Output, "output.weight"},
    {Role::AttnNorm, "blk.{}.attn_norm.weight"},
    {Role::Q, "blk.{}.attn_q.weight"},
    {Role::K, "blk.{}.attn_k.weight"},
    {Role::V, "blk.{}.attn_v.weight"},
    {Role::O, "blk.{}.attn_output.weight"},
    {Role::QBias, "blk.{}.attn_q.bias"},
    {Role::KBias, "blk.{}.attn_k.bias"},
    {Role::VBias, "blk.{}.attn_v.bias"},
    {Role::OBias, "blk.{}.attn_output.bias"},
    {Role::QNorm, "blk.{}.attn_q_norm.weight"},
    {Role::KNorm, "blk.{}.attn_k_norm.weight"},
    {Role::FfnNorm, "blk.{}.ffn_norm.weight"},
    {Role::Gate, "blk.{}.ffn_gate.weight"},
    {Role::Up, "blk.{}.ffn_up.weight"},
    {Role::Down, "blk.{}.ffn_down.weight"},
    {Role::GateBias, "blk.{}.ffn_gate.bias"},
    {Role::UpBias, "blk.{}.ffn_up.bias"},
    {Role::DownBias, "blk.{}.ffn_down.bias"},
};
constexpr StringLiteral kRopeFactors = "rope_freqs.weight";

/// What sets one architecture apart; a row is all that one made of the same ops
/// needs. Mistral's files call themselves llama.
struct Family {
  StringLiteral name;
  llama::RopeLayout layout;
  bool optionalBias; ///< has the biases that its tensors say
  bool qkvBias, qkNorm;
};
constexpr Family kFamilies[] = {
    {"llama", llama::RopeLayout::Interleaved, true, false, false},
    {"qwen2", llama::RopeLayout::Half, false, true, false},
    {"qwen3", llama::RopeLayout::Half, false, false, true},
};

/// Keys that say nothing about the logits, and prefixes (with a final dot) of them.
constexpr StringLiteral kHarmlessKeys[] = {
    "general.", // but general.architecture and general.alignment are read
    "quantize.imatrix.",
    "tokenizer.chat_template",
    "tokenizer.chat_template.",
    "tokenizer.chat_templates",
    "tokenizer.huggingface.",
    "tokenizer.ggml.padding_token_id",
    "tokenizer.ggml.separator_token_id",
    "tokenizer.ggml.seperator_token_id",
    "tokenizer.ggml.cls_token_id",
    "tokenizer.ggml.mask_token_id",
    "tokenizer.ggml.add_sep_token",
    "tokenizer.ggml.prefix_token_id",
    "tokenizer.ggml.suffix_token_id",
    "tokenizer.ggml.middle_token_id",
    "tokenizer.ggml.fim_pre_token_id",
    "tokenizer.ggml.fim_suf_token_id",
    "tokenizer.ggml.fim_mid_token_id",
    "tokenizer.ggml.fim_pad_token_id",
    "tokenizer.ggml.fim_rep_token_id",
    "tokenizer.ggml.fim_sep_token_id",
    "tokenizer.ggml.token_type_count",
};

/// Whether `key` need not be read; without `ownTokenizer` the file's own means nothing.
bool isHarmless(StringRef key, bool ownTokenizer) {
  if (!ownTokenizer && key.starts_with("tokenizer.ggml."))
    return true;
  return any_of(kHarmlessKeys, [&](StringRef known) {
    return known.ends_with(".") ? key.starts_with(known) : key == known;
  });
}

class ModelReader {
public:
  ModelReader(const GgufFile &file) : file(file), reader(file, error) {}
  Expected<ModelFile> read(bool ownTokenizer);

private:
  void readSizes();
  void readRope();
  double readStretch(StringRef type);
  void readSwitches();
  void readTokens();
  void refuseOthers(bool ownTokenizer);
  std::string own(StringRef key) { return p.architecture + "." + key.str(); }
  bool hasTensor(StringRef name) { return file.getTensors().count(name.str()); }

  const GgufFile &file;
  FirstError error;
  GgufReader reader;
  const Family *family = nullptr;
  Hyperparameters p;
};

Expected<ModelFile> ModelReader::read(bool ownTokenizer) {
  ModelFile model;
  model.files.push_back(file.getPath().str());
  p.name = printable(reader.string("general.name", sys::path::stem(file.getPath()).str()));
  p.architecture = reader.string("general.architecture");
  family = find_if(kFamilies, [&](const Family &f) { return f.name == p.architecture; });
  if (family == std::end(kFamilies)) {
    std::string list =
        join(map_range(kFamilies, [](const Family &f) { return f.name.str(); }), ", ");
    reader.expects("general.architecture", "one of " + list);
    return error.take();
  }
  for (auto step : {&ModelReader::readSizes, &ModelReader::readRope, &ModelReader::readSwitches,
                    &ModelReader::readTokens})
    if (!error)
      (this->*step)();
  if (error)
    return error.take();
  if (ownTokenizer) {
    Expected<std::optional<llama::Vocabulary>> vocabulary = readVocabulary(file, reader, error);
    if (!vocabulary)
      return vocabulary.takeError();
    model.vocabulary = std::move(*vocabulary);
  }
  refuseOthers(ownTokenizer);
  if (error)
    return error.take();
  if (Error failed = checkHyperparameters(p, file.getPath()))
    return std::move(failed);

  auto factors = file.getTensors().find(kRopeFactors.str());
  if (factors != file.getTensors().end())
    if (Error failed = readRopeFactors(file, factors->second, p.headSize, p.rope))
      return std::move(failed);
  auto harmless = [](StringRef name) { return name == kRopeFactors; };
  Expected<std::vector<BoundWeight>> weights =
      bindWeights(p, file.getTensors(), kNames, harmless, file.getPath());
  if (!weights)
    return weights.takeError();
  model.weights = std::move(*weights);
  model.parameters = std::move(p);
  return model;
}

void ModelReader::readSizes() {
  p.width = reader.integer(own("embedding_length"), 1, kMaxDimension);
  p.ffn = reader.integer(own("feed_forward_length"), 1, kMaxDimension);
  p.layers = reader.integer(own("block_count"), 1, kMaxLayers);
  p.heads = reader.integer(own("attention.head_count"), 1, kMaxHeads);
  p.kvHeads = reader.integer(own("attention.head_count_kv"), 1, kMaxHeads, p.heads);
  p.contextSize = reader.integer(own("context_length"), 1, kMaxDimension);
  p.epsilon = reader.positive(own("attention.layer_norm_rms_epsilon"));
  if (error)
    return;
  std::string keyLength = own("attention.key_length");
  if (!reader.find(keyLength) && p.width % p.heads)
    reader.expects(own("embedding_length"),
                   "a multiple of the " + Twine(p.heads) + " attention heads");
  p.headSize = reader.integer(keyLength, 1, kMaxDimension, std::max<int64_t>(p.width / p.heads, 1));
  reader.integer(own("attention.value_length"), p.headSize, p.headSize, p.headSize);
  reader.integer(own("rope.dimension_count"), p.headSize, p.headSize, p.headSize);

  auto embed = file.getTensors().find("token_embd.weight");
  if (embed == file.getTensors().end())
    return error.report(file.getPath() + ": tensor 'token_embd.weight' is missing");
  p.vocabulary = embed->second.shape.front();
  if (p.vocabulary > kMaxDimension)
    return error.report(file.getPath() + ": tensor 'token_embd.weight' expects at most " +
                        Twine(kMaxDimension) + " rows, but got shape " +
                        shapeText(embed->second.shape));
  reader.integer(own("vocab_size"), p.vocabulary, p.vocabulary, p.vocabulary);
}

/// By what rope scaling of `type` stretches positions; 1: not at all. Without the
/// factor's key llama.cpp, too, asks for the one that it had before.
double ModelReader::readStretch(StringRef type) {
  std::string key = own("rope.scaling.factor"), oldKey = own("rope.scale_linear");
  auto read = [&](StringRef key, double fallback) {
    double factor = reader.nonNegative(key, fallback);
    return factor == 0 ? 1.0 : factor;
  };
  bool hasKey = reader.find(key);
  double said = read(key, 1.0), factor = read(oldKey, said);
  if (hasKey && factor != said)
    reader.expects(oldKey, "what rope.scaling.factor says");
  if (type == "none" && factor != 1)
    reader.expects(hasKey ? key : oldKey, "1 with rope.scaling.type none");
  return factor;
}

void ModelReader::readRope() {
  p.rope.layout = family->layout;
  p.rope.theta = reader.positive(own("rope.freq_base"), 10000.0);
  std::string typeKey = own("rope.scaling.type");
  std::string type = reader.string(typeKey, "linear"); // llama.cpp's default
  double factor = readStretch(type);
  double original =
      reader.positive(own("rope.scaling.original_context_length"), double(p.contextSize));
  double attention = reader.positive(own("rope.scaling.attn_factor"), 1.0);
  double betaFast = reader.positive(own("rope.scaling.yarn_beta_fast"), 32.0);
  double betaSlow = reader.positive(own("rope.scaling.yarn_beta_slow"), 1.0);
  reader.boolean(own("rope.scaling.finetuned"), false);
  if (type == "linear") {
    if (factor != 1)
      p.rope.scaling = llama::RopeScaling::Linear;
    p.rope.factor = factor;
  } else if (type == "yarn") {
    if (betaFast <= betaSlow)
      reader.expects(own("rope.scaling.yarn_beta_fast"), "more than yarn_beta_slow");
    if (p.rope.theta <= 1) // its correction range divides by ln(theta)
      reader.expects(own("rope.freq_base"), "more than 1 with rope scaling yarn");
    p.rope.scaling = llama::RopeScaling::Yarn;
    p.rope.factor = factor;
    p.rope.originalContext = original;
    p.rope.betaFast = betaFast;
    p.rope.betaSlow = betaSlow;
    // llama.cpp multiplies its own factor, which others write out, by this one.
    p.rope.attentionFactor = attention * yarnAttentionFactor(factor);
  } else if (type != "none") {
    reader.expects(typeKey, "one of none, linear, yarn");
  }
  if (type != "yarn" && attention != 1)
    reader.expects(own("rope.scaling.attn_factor"), "1 without yarn");
  p.contextSize = stretchedContext(p.rope, p.contextSize);
}

void ModelReader::readSwitches() {
  p.tiedOutput = !hasTensor("output.weight");
  p.qkNorm = family->qkNorm;
  p.qkvBias = family->qkvBias || (family->optionalBias && hasTensor("blk.0.attn_q.bias"));
  p.outputBias = family->optionalBias && hasTensor("blk.0.attn_output.bias");
  p.mlpBias = family->optionalBias && hasTensor("blk.0.ffn_gate.bias");
  p.windows.assign(p.layers, reader.integer(own("attention.sliding_window"), 0, kMaxDimension, 0));
  reader.integer(own("expert_count"), 0, 0, 0);
  reader.integer(own("expert_used_count"), 0, 0, 0);
  if (!reader.boolean(own("attention.causal"), true))
    reader.expects(own("attention.causal"), "true");
  std::string layout = reader.string(own("tensor_data_layout"), "Meta AI original pth");
  if (layout != "Meta AI original pth")
    reader.expects(own("tensor_data_layout"), "'Meta AI original pth'");
  reader.integer("split.no", 0, 0, 0);
  reader.integer("split.count", 0, 1, 1);
  reader.find("split.tensors.count");
}

void ModelReader::readTokens() {
  int64_t last = p.vocabulary - 1;
  p.bosId = reader.integer("tokenizer.ggml.bos_token_id", 0, last, -1);
  p.addBos = p.bosId >= 0 && p.architecture == "llama";
  // The end of a text, of a turn and of a message all end a generation.
  for (StringRef key : {"eos", "eot", "eom"}) {
    int64_t id = reader.integer(("tokenizer.ggml." + key + "_token_id").str(), 0, last, -1);
    if (id >= 0)
      addEosId(p, id);
  }
}

void ModelReader::refuseOthers(bool ownTokenizer) {
  for (const auto &[key, value] : file.getKeys())
    if (!reader.wasRead(key) && !isHarmless(key, ownTokenizer))
      error.report(file.getPath() + ": key '" + printable(key) +
                   "' is not understood and may change the result");
}

} // namespace

std::string ggufTensorName(const WeightSlot &slot) { return nameInFile(kNames, slot); }

Expected<ModelFile> readGguf(StringRef path, bool ownTokenizer) {
  Expected<GgufFile> file = GgufFile::open(path);
  if (!file)
    return file.takeError();
  return ModelReader(*file).read(ownTokenizer);
}

} // namespace cria
