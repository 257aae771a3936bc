//===- Support.h - What the tokenizer tests share ----------------*- C++ -*-===//
#ifndef CRIA_TEST_TOKENIZER_SUPPORT_H
#define CRIA_TEST_TOKENIZER_SUPPORT_H

#include "compiler/tokenizer/Tables.h"
#include "frontends/gguf/Gguf.h"
#include "frontends/tokenizer/Readers.h"
#include "runtime/Tokenizer.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace cria::test {

/// Ends the test with a message.
[[noreturn]] inline void fail(const llvm::Twine &what) {
  std::fprintf(stderr, "error: %s\n", what.str().c_str());
  std::exit(1);
}

/// Reads a vocabulary; the file's name tells the format. llama2.c files are
/// written FILE:PIECES.
inline llvm::Expected<llama::Vocabulary> readVocabulary(llvm::StringRef name) {
  if (name.ends_with(".gguf"))
    return readGgufVocabulary(name);
  if (name.ends_with(".json"))
    return readTokenizerJson(name);
  if (name.ends_with(".model"))
    return readSentencePieceModel(name);
  auto [path, count] = name.rsplit(':');
  uint64_t pieces = 0;
  if (count.getAsInteger(10, pieces))
    fail("'" + name + "' is no tokenizer file");
  return readLlama2cTokenizer(path, pieces);
}

/// A tokenizer with the tables that it reads.
struct Tokenizer {
  std::vector<uint8_t> tables;
  CriaTokenizer runtime;

  explicit Tokenizer(const llama::Vocabulary &vocabulary)
      : tables(buildTokenizerTables(vocabulary)) {
    const char *error;
    if (criaTokenizerOpen(&runtime, tables.data(), tables.size(), &error))
      fail(error);
  }

  std::vector<int32_t> encode(llvm::StringRef text) const {
    int32_t *ids;
    int64_t count = criaTokenizerEncode(&runtime, text.data(), text.size(), &ids);
    if (count < 0)
      fail("out of memory");
    std::vector<int32_t> result(ids, ids + count);
    std::free(ids);
    return result;
  }

  std::string decode(llvm::ArrayRef<int32_t> ids) const {
    std::string text;
    for (size_t i = 0; i < ids.size(); ++i) {
      size_t size = criaTokenizerDecode(&runtime, ids[i], i == 0, nullptr, 0);
      std::string bytes(size, '\0');
      criaTokenizerDecode(&runtime, ids[i], i == 0, bytes.data(), size);
      text += bytes;
    }
    return text;
  }
};

inline std::unique_ptr<Tokenizer> openTokenizer(llvm::StringRef name) {
  llvm::Expected<llama::Vocabulary> vocabulary = readVocabulary(name);
  if (!vocabulary)
    fail(llvm::toString(vocabulary.takeError()));
  return std::make_unique<Tokenizer>(*vocabulary);
}

inline std::string join(llvm::ArrayRef<int32_t> ids) {
  std::string text;
  for (int32_t id : ids)
    text += (text.empty() ? "" : " ") + llvm::itostr(id);
  return text;
}

inline std::unique_ptr<llvm::MemoryBuffer> readFile(llvm::StringRef path) {
  auto file = llvm::MemoryBuffer::getFile(path);
  if (!file)
    fail(path + ": " + file.getError().message());
  return std::move(*file);
}

} // namespace cria::test

#endif // CRIA_TEST_TOKENIZER_SUPPORT_H
