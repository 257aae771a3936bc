//===- HuggingFace.h - Reads a Hugging Face folder ---------------*- C++ -*-===//
#ifndef CRIA_FRONTENDS_HUGGINGFACE_HUGGINGFACE_H
#define CRIA_FRONTENDS_HUGGINGFACE_HUGGINGFACE_H

#include "frontends/ModelBuilder.h"

namespace cria {

/// Whether `path` is a folder with a config.json.
bool isHuggingFaceFolder(llvm::StringRef path);

/// Reads config.json, the headers of the safetensors files and, with `ownTokenizer`,
/// the tokenizer of the folder at `path`.
llvm::Expected<ModelFile> readHuggingFace(llvm::StringRef path, bool ownTokenizer);

} // namespace cria

#endif // CRIA_FRONTENDS_HUGGINGFACE_HUGGINGFACE_H
