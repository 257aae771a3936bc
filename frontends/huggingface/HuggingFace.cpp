//===- HuggingFace.cpp - Reads a Hugging Face folder -----------------------===//

#include "frontends/huggingface/HuggingFace.h"

#include "frontends/huggingface/Config.h"
#include "frontends/huggingface/Safetensors.h"
#include "frontends/tokenizer/Readers.h"

#include "llvm/Support/FileSystem.h"

using namespace llvm;

namespace cria {

namespace {

constexpr RoleName kNames[] = {
    {Role::Embed, "model.embed_tokens.weight"},
    {Role::Norm, "model.norm.weight"},
    {Role::Output, "lm_head.weight"},
    {Role::AttnNorm, "model.layers.{}.input_layernorm.weight"},
    {Role::Q, "model.layers.{}.self_attn.q_proj.weight"},
    {Role::K, "model.layers.{}.self_attn.k_proj.weight"},
    {Role::V, "model.layers.{}.self_attn.v_proj.weight"},
    {Role::O, "model.layers.{}.self_attn.o_proj.weight"},
    {Role::QBias, "model.layers.{}.self_attn.q_proj.bias"},
    {Role::KBias, "model.layers.{}.self_attn.k_proj.bias"},
    {Role::VBias, "model.layers.{}.self_attn.v_proj.bias"},
    {Role::OBias, "model.layers.{}.self_attn.o_proj.bias"},
    {Role::QNorm, "model.layers.{}.self_attn.q_norm.weight"},
    {Role::KNorm, "model.layers.{}.self_attn.k_norm.weight"},
    {Role::FfnNorm, "model.layers.{}.post_attention_layernorm.weight"},
    {Role::Gate, "model.layers.{}.mlp.gate_proj.weight"},
    {Role::Up, "model.layers.{}.mlp.up_proj.weight"},
    {Role::Down, "model.layers.{}.mlp.down_proj.weight"},
    {Role::GateBias, "model.layers.{}.mlp.gate_proj.bias"},
    {Role::UpBias, "model.layers.{}.mlp.up_proj.bias"},
    {Role::DownBias, "model.layers.{}.mlp.down_proj.bias"},
};

} // namespace

bool isHuggingFaceFolder(StringRef path) {
  return sys::fs::is_directory(path) && sys::fs::exists(path + "/config.json");
}

Expected<ModelFile> readHuggingFace(StringRef path, bool ownTokenizer) {
  StringRef folder = path.size() > 1 ? path.rtrim('/') : path;
  ModelFile model;
  Expected<Hyperparameters> parameters = readConfig(folder, model.files);
  if (!parameters)
    return parameters.takeError();
  model.parameters = std::move(*parameters);

  StoredTensors tensors;
  if (Error error = readFolderTensors(folder, tensors, model.files))
    return std::move(error);
  bool tied = model.parameters.tiedOutput;
  auto harmless = [&](StringRef name) {
    // Frequencies, which the config implies; and a copy of the embedding table,
    // which transformers, too, replaces by the table itself.
    return name.ends_with(".rotary_emb.inv_freq") || (tied && name == "lm_head.weight");
  };
  Expected<std::vector<BoundWeight>> weights =
      bindWeights(model.parameters, tensors, kNames, harmless, folder);
  if (!weights)
    return weights.takeError();
  model.weights = std::move(*weights);

  if (!ownTokenizer)
    return model;
  Expected<std::optional<FolderTokenizer>> tokenizer = readHuggingFaceTokenizer(folder, model.files);
  if (!tokenizer)
    return tokenizer.takeError();
  if (!*tokenizer)
    return model;
  // transformers begins prompts as the tokenizer's files say, and never looks at config.json's id for that.
  if ((*tokenizer)->namesBos)
    model.parameters.bosId = -1;
  model.vocabulary = std::move((*tokenizer)->vocabulary);
  return model;
}

} // namespace cria
