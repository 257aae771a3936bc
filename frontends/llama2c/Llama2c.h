//===- Llama2c.h - Reads a llama2.c checkpoint -------------------*- C++ -*-===//
#ifndef CRIA_FRONTENDS_LLAMA2C_LLAMA2C_H
#define CRIA_FRONTENDS_LLAMA2C_LLAMA2C_H

#include "frontends/ModelBuilder.h"

namespace cria {

/// Whether `bytes`, the start of a file, look like a version 0 header (there is
/// no magic number: the seven numbers must make sense together).
bool isLlama2c(llvm::StringRef bytes);

/// Reads the version 0 checkpoint at `path`, whose size must be exactly that of
/// its tensors. With `ownTokenizer`, its tokenizer is the first of tokenizer.bin,
/// tokV.bin (V: the vocabulary's size) and tokenizer.model beside it; without any
/// the model has none.
llvm::Expected<ModelFile> readLlama2c(llvm::StringRef path, bool ownTokenizer);

} // namespace cria

#endif // CRIA_FRONTENDS_LLAMA2C_LLAMA2C_H
