//===- Tokenizers.cpp - A tokenizer file of any kind -----------------------===//

#include "frontends/Tokenizers.h"

#include "frontends/InputFile.h"
#include "frontends/gguf/Gguf.h"
#include "frontends/tokenizer/Readers.h"

using namespace llvm;

namespace cria {

Expected<llama::Vocabulary> readTokenizerFile(StringRef path, int64_t vocabularySize) {
  Expected<std::unique_ptr<MemoryBuffer>> buffer = mapFile(path);
  if (!buffer)
    return buffer.takeError();
  StringRef bytes = (*buffer)->getBuffer();
  if (isGguf(bytes))
    return readGgufVocabulary(path);
  if (bytes.ltrim().starts_with("{"))
    return readTokenizerJson(path);
  // SentencePiece's first field is a piece: tag 0x0a, then its length, never 0.
  // llama2.c's first word is the length of the longest piece: far below 2^16.
  if (bytes.size() > 1 && bytes[0] == '\n' && bytes[1] != 0)
    return readSentencePieceModel(path);
  if (bytes.size() > 4 && bytes[2] == 0 && bytes[3] == 0)
    return readLlama2cTokenizer(path, uint64_t(vocabularySize));
  return inputError(path + ": expects a tokenizer (tokenizer.json, SentencePiece's "
                           "tokenizer.model, llama2.c's tokenizer.bin or GGUF), but got '" +
                    printable(bytes.take_front(16)) + "'");
}

} // namespace cria
