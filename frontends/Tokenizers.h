//===- Tokenizers.h - A tokenizer file of any kind ---------------*- C++ -*-===//
#ifndef CRIA_FRONTENDS_TOKENIZERS_H
#define CRIA_FRONTENDS_TOKENIZERS_H

#include "dialects/llama/Vocabulary.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace cria {

/// Reads the tokenizer file at `path`, whose kind is recognised from its bytes:
/// tokenizer.json, SentencePiece's tokenizer.model, llama2.c's tokenizer.bin (which
/// must have `vocabularySize` pieces), or a GGUF file's metadata.
llvm::Expected<llama::Vocabulary> readTokenizerFile(llvm::StringRef path,
                                                    int64_t vocabularySize);

} // namespace cria

#endif // CRIA_FRONTENDS_TOKENIZERS_H
