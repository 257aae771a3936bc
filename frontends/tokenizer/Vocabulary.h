//===- Vocabulary.h - What all tokenizer readers do --------------*- C++ -*-===//
//
// A reader fills a llama::Vocabulary with its file's pieces as text and calls one
// of the `finish` functions below, which turn that text into bytes and check all
// that the tables and the runtime rely on. `file` is named in every error.
//
//===----------------------------------------------------------------------===//
#ifndef CRIA_FRONTENDS_TOKENIZER_VOCABULARY_H
#define CRIA_FRONTENDS_TOKENIZER_VOCABULARY_H

#include "dialects/llama/Vocabulary.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"

#include <utility>

namespace cria {

/// The error "`file`: `what`".
llvm::Error tokenizerError(llvm::StringRef file, const llvm::Twine &what);

/// A merge by the texts of its two pieces.
using TextMerge = std::pair<llvm::StringRef, llvm::StringRef>;

/// Splits "left right" at its only space; `key` and `index` say where it stands.
llvm::Expected<TextMerge> parseMerge(llvm::StringRef line, llvm::StringRef file,
                                     llvm::StringRef key, size_t index);

/// Appends `merges`, best first, to `vocabulary.merges`: all three pieces of each
/// must be Normal ones, or UserDefined ones whose texts stand for themselves. `key` is
/// where the file lists them.
llvm::Error addMerges(llama::Vocabulary &vocabulary, llvm::ArrayRef<TextMerge> merges,
                      llvm::StringRef file, llvm::StringRef key);

/// Makes Byte pieces of those with the texts "<0x00>" to "<0xFF>", whatever their types; with `allOrNone` only if
/// each of these texts is there.
void markBytePieces(llama::Vocabulary &vocabulary, bool allOrNone);

/// Finishes a SentencePieceBpe vocabulary. In: pieces with the text that the file
/// gives them ("▁the", "<0x0A>"), scores (or merges) and types. Byte pieces get
/// their byte; `unkId` is found if it is -1. Errors: no pieces, too many, empty or
/// twice the same, scores that are not numbers, some but not all 256 bytes, and
/// neither bytes nor an unknown piece.
llvm::Error finishSentencePieceVocabulary(llama::Vocabulary &vocabulary, llvm::StringRef file);

/// Finishes a ByteLevelBpe vocabulary. In: Normal pieces in GPT-2's byte alphabet
/// ("Ġthe"), all others as plain text, and `merges` likewise. Errors: no pieces, too
/// many, a byte without a piece, merges that name or make no piece, ids out of
/// range.
llvm::Error finishByteLevelVocabulary(llama::Vocabulary &vocabulary,
                                      llvm::ArrayRef<TextMerge> merges, llvm::StringRef file,
                                      llvm::StringRef mergesKey);

/// Makes `vocabulary` fit a model of `modelPieces` pieces. Surplus control pieces,
/// which no text becomes, are dropped, and a byte-level vocabulary is filled with
/// unused pieces, fewer than 512, up to a multiple of 128 (models pad their
/// embeddings). Any other difference is an error.
llvm::Error fitVocabulary(llama::Vocabulary &vocabulary, uint64_t modelPieces,
                          llvm::StringRef file);

} // namespace cria

#endif // CRIA_FRONTENDS_TOKENIZER_VOCABULARY_H
