//===- RopeConfig.cpp - Rotary embedding in config.json --------------------===//

#include "frontends/huggingface/Config.h"

using namespace llvm;

namespace cria {

namespace {

using llama::RopeScaling;

/// "rope_type", or "type" as older configs spell it; both must agree.
std::string ropeType(JsonReader &reader) {
  std::string modern = reader.string("rope_type", ""), legacy = reader.string("type", "");
  if (!modern.empty() && !legacy.empty() && modern != legacy)
    reader.expects("type", "what rope_type says, '" + printable(modern) + "'",
                   reader.find("type"));
  if (!modern.empty())
    return modern;
  return legacy.empty() ? "default" : legacy;
}

void readLlama3(JsonReader &reader, RopeParameters &rope) {
  rope.scaling = RopeScaling::Llama3;
  rope.factor = reader.positive("factor");
  rope.originalContext = reader.positive("original_max_position_embeddings");
  rope.lowFrequencyFactor = reader.positive("low_freq_factor");
  rope.highFrequencyFactor = reader.positive("high_freq_factor");
  if (rope.highFrequencyFactor <= rope.lowFrequencyFactor)
    reader.expects("high_freq_factor", "more than low_freq_factor",
                   reader.find("high_freq_factor"));
}

void readYarn(JsonReader &reader, RopeParameters &rope, int64_t context) {
  rope.scaling = RopeScaling::Yarn;
  rope.originalContext = reader.positive("original_max_position_embeddings", double(context));
  rope.factor = reader.positive("factor", double(context) / rope.originalContext);
  rope.betaFast = reader.positive("beta_fast", 32);
  rope.betaSlow = reader.positive("beta_slow", 1);
  if (rope.betaFast <= rope.betaSlow)
    reader.expects("beta_fast", "more than beta_slow", reader.find("beta_fast"));
  // As transformers has it: the two mscales count only together.
  double attention = yarnAttentionFactor(rope.factor);
  if (reader.find("mscale") && reader.find("mscale_all_dim"))
    attention = yarnAttentionFactor(rope.factor, reader.positive("mscale")) /
                yarnAttentionFactor(rope.factor, reader.positive("mscale_all_dim"));
  rope.attentionFactor = reader.positive("attention_factor", attention);
  if (!reader.boolean("truncate", true))
    reader.expects("truncate", "true (fractional correction ranges are not supported)",
                   reader.find("truncate"));
}

} // namespace

RopeParameters readRope(const Json &config, JsonReader &reader, const std::string &file,
                        int64_t context, FirstError &error) {
  RopeParameters rope;
  rope.theta = reader.positive("rope_theta", 10000.0);
  const Json *scaling = reader.find("rope_scaling"), *modern = reader.find("rope_parameters");
  if (scaling && modern)
    reader.expects("rope_scaling", "to be absent beside 'rope_parameters'", scaling);
  std::string key = modern ? "rope_parameters" : "rope_scaling";
  const Json *object = modern ? modern : scaling;
  if (!object || error)
    return rope;
  if (!object->is_object()) {
    reader.expects(key, "an object", object);
    return rope;
  }

  JsonReader inner(*object, file, error, key + ".");
  if (inner.find("rope_theta")) {
    double theta = inner.positive("rope_theta");
    if (reader.find("rope_theta") && theta != rope.theta)
      inner.expects("rope_theta", "the config's own rope_theta", inner.find("rope_theta"));
    rope.theta = theta;
  }
  std::string type = ropeType(inner);
  if (type == "linear") {
    rope.scaling = RopeScaling::Linear;
    rope.factor = inner.positive("factor");
  } else if (type == "llama3") {
    readLlama3(inner, rope);
  } else if (type == "yarn") {
    readYarn(inner, rope, context);
    if (rope.theta <= 1) // its correction range divides by ln(theta)
      reader.expects("rope_theta", "more than 1 with rope scaling yarn", reader.find("rope_theta"));
  } else if (type != "default") {
    error.report(file + ": key '" + key +
                 ".rope_type' expects one of default, linear, llama3, yarn, but got '" +
                 printable(type) + "'");
  }
  inner.refuseOthers({"finetuned"});
  return rope;
}

} // namespace cria
