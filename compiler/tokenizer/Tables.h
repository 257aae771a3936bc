//===- Tables.h - A vocabulary becomes the runtime's tables ------*- C++ -*-===//
//
// Everything that an artifact needs to know of its tokenizer is decided here, so
// that it can start at once: pieces and merges get hash tables, SentencePiece's
// scores become ranks, and what the pre-tokenizers and NFC need of Unicode's
// character data is cut out of libutf8proc's. The layout, and the hashes that
// both sides must agree on, are in runtime/TokenizerTables.h.
//
// In reading order: Tables.cpp (the block and its sections), UnicodeTables.h
// (what is taken from Unicode). A new pre-tokenizer gets an enumerator in
// dialects/llama/Vocabulary.h and runtime/TokenizerTables.h, and a matcher in
// runtime/TokenizerByteLevel.c; \p{L}, \p{N} and \s are in the tables.
//
//===----------------------------------------------------------------------===//
#ifndef CRIA_COMPILER_TOKENIZER_TABLES_H
#define CRIA_COMPILER_TOKENIZER_TABLES_H

#include "dialects/llama/Vocabulary.h"

#include <cstdint>
#include <vector>

namespace cria {

/// Lays out `vocabulary`, which a frontend has checked (frontends/tokenizer/
/// Vocabulary.h), as the block that criaTokenizerOpen takes. The same vocabulary
/// always gives the same bytes.
std::vector<uint8_t> buildTokenizerTables(const llama::Vocabulary &vocabulary);

} // namespace cria

#endif // CRIA_COMPILER_TOKENIZER_TABLES_H
