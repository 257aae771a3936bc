//===- Config.h - config.json of a Hugging Face folder -----------*- C++ -*-===//
#ifndef CRIA_FRONTENDS_HUGGINGFACE_CONFIG_H
#define CRIA_FRONTENDS_HUGGINGFACE_CONFIG_H

#include "frontends/Hyperparameters.h"
#include "frontends/Json.h"

namespace cria {

/// Reads `folder`/config.json and, where there is one, the EOS ids of
/// generation_config.json. Every key is honoured, known not to change the
/// result, or refused by name. Appends the files read to `files`.
llvm::Expected<Hyperparameters> readConfig(llvm::StringRef folder,
                                           std::vector<std::string> &files);

/// Reads `rope_theta` and `rope_scaling`, or `rope_parameters` (transformers 5),
/// of a config whose model was made for `context` positions.
RopeParameters readRope(const Json &config, JsonReader &reader, const std::string &file,
                        int64_t context, FirstError &error);

} // namespace cria

#endif // CRIA_FRONTENDS_HUGGINGFACE_CONFIG_H
