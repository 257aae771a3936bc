//===- Readers.h - Tokenizer files become vocabularies -----------*- C++ -*-===//
//
// One function per kind of file. Every error names the file, the key, what was
// expected and what was found; what would change ids and is not understood is
// refused by name. GGUF brings its tokenizer in its metadata: frontends/gguf.
//
//===----------------------------------------------------------------------===//
#ifndef CRIA_FRONTENDS_TOKENIZER_READERS_H
#define CRIA_FRONTENDS_TOKENIZER_READERS_H

#include "dialects/llama/Vocabulary.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <optional>
#include <string>
#include <vector>

namespace cria {

/// Reads a SentencePiece `tokenizer.model` of type BPE without normalization rules.
llvm::Expected<llama::Vocabulary> readSentencePieceModel(llvm::StringRef path);

/// Reads a Hugging Face `tokenizer.json`: byte-level BPE with the pre-tokenizer of
/// GPT-2, LLaMA 3, Qwen2 or SmolLM, or SentencePiece-like BPE (LLaMA 2, Mistral).
/// `namesBos` becomes whether it says which token is BOS; or else `bosId` is LLaMA's habit.
llvm::Expected<llama::Vocabulary> readTokenizerJson(llvm::StringRef path,
                                                    bool *namesBos = nullptr);

/// Reads a llama2.c `tokenizer.bin`, which does not say that it has
/// `vocabularySize` pieces.
llvm::Expected<llama::Vocabulary> readLlama2cTokenizer(llvm::StringRef path,
                                                       uint64_t vocabularySize);

/// The tokenizer of a Hugging Face folder.
struct FolderTokenizer {
  llama::Vocabulary vocabulary;
  bool namesBos = false; ///< its files say which token is BOS; or else `bosId` is LLaMA's habit
};

/// Lets a `tokenizer_config.json` override `addBos`, `addSpacePrefix`, `bosId` and
/// `eosId` of the vocabulary beside it.
llvm::Error applyTokenizerConfig(FolderTokenizer &tokenizer, llvm::StringRef path);

/// Reads the tokenizer of a Hugging Face folder: `tokenizer.json`, or else
/// `tokenizer.model`, and `tokenizer_config.json` if there is one. Nothing if the
/// folder has no tokenizer, an error if it has one of another kind. Appends the files
/// that it reads to `files`.
llvm::Expected<std::optional<FolderTokenizer>>
readHuggingFaceTokenizer(llvm::StringRef folder, std::vector<std::string> &files);

} // namespace cria

#endif // CRIA_FRONTENDS_TOKENIZER_READERS_H
