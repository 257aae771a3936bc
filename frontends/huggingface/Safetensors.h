//===- Safetensors.h - Tensors of a Hugging Face folder ----------*- C++ -*-===//
#ifndef CRIA_FRONTENDS_HUGGINGFACE_SAFETENSORS_H
#define CRIA_FRONTENDS_HUGGINGFACE_SAFETENSORS_H

#include "frontends/Weights.h"

namespace cria {

/// Reads the header of the safetensors file at `path` and adds its tensors to
/// `tensors`. Checks that the header lies within the file, that every dtype is
/// F32, F16 or BF16, that sizes agree with shapes, and that the tensors' bytes
/// fill the file without overlap.
llvm::Error readSafetensors(llvm::StringRef path, StoredTensors &tensors);

/// Reads `model.safetensors` of `folder`, or else every shard that
/// `model.safetensors.index.json` names, which must hold exactly the tensors
/// that the index says. Appends all files read to `files`.
llvm::Error readFolderTensors(llvm::StringRef folder, StoredTensors &tensors,
                              std::vector<std::string> &files);

} // namespace cria

#endif // CRIA_FRONTENDS_HUGGINGFACE_SAFETENSORS_H
