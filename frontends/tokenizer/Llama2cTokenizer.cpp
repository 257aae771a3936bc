//===- Llama2cTokenizer.cpp - Reads llama2.c's tokenizer.bin --------------===//
//
// The layout: max_token_length i32, then for each piece score f32, length i32 and
// its bytes, little-endian. Types are not stored: pieces 0 to 2 are unknown, BOS
// and EOS, and "<0x0A>" names a byte. The exporter wrote spaces for U+2581.
//
//===----------------------------------------------------------------------===//
#include "frontends/InputFile.h"
#include "frontends/tokenizer/Readers.h"
#include "frontends/tokenizer/Vocabulary.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/Endian.h"

using namespace llvm;

namespace cria {

using llama::Vocabulary;
using PieceType = Vocabulary::PieceType;

namespace {

constexpr uint64_t firstByteId = 3, byteCount = 256;

/// Takes a little-endian word from the front of `bytes`, which has one.
uint32_t takeWord(StringRef &bytes) {
  uint32_t word = support::endian::read32le(bytes.data());
  bytes = bytes.drop_front(4);
  return word;
}

/// Whether pieces 3 to 258 are the 256 bytes: small vocabularies have none.
bool hasBytePieces(const Vocabulary &vocabulary) {
  if (vocabulary.pieces.size() < firstByteId + byteCount)
    return false;
  for (uint64_t byte = 0; byte < byteCount; ++byte)
    if (vocabulary.pieces[firstByteId + byte].bytes != "<0x" + utohexstr(byte, false, 2) + ">")
      return false;
  return true;
}

std::string withSpaceSymbols(StringRef text) {
  std::string result;
  for (char c : text)
    result += c == ' ' ? std::string("\xe2\x96\x81") : std::string(1, c);
  return result;
}

} // namespace

Expected<Vocabulary> readLlama2cTokenizer(StringRef path, uint64_t vocabularySize) {
  Expected<std::unique_ptr<MemoryBuffer>> file = mapFile(path);
  if (!file)
    return file.takeError();
  StringRef bytes = (*file)->getBuffer();
  if (bytes.size() < 4)
    return tokenizerError(path, "expects a llama2.c tokenizer of at least 4 bytes, but got " +
                                    Twine(bytes.size()));
  takeWord(bytes); // the longest piece: the pieces say it themselves

  Vocabulary vocabulary;
  for (uint64_t id = 0; id < vocabularySize; ++id) {
    if (bytes.empty())
      return tokenizerError(path, "the tokenizer expects the model's " + Twine(vocabularySize) +
                                      " pieces, but got " + Twine(id));
    if (bytes.size() < 8)
      return tokenizerError(path, "piece " + Twine(id) +
                                      " expects a score and a length of 8 bytes, but got " +
                                      Twine(bytes.size()));
    float score = llvm::bit_cast<float>(takeWord(bytes));
    uint32_t length = takeWord(bytes);
    if (length > bytes.size())
      return tokenizerError(path, "piece " + Twine(id) + " expects " + Twine(length) +
                                      " bytes, but got " + Twine(bytes.size()));
    PieceType type = id == 0   ? PieceType::Unknown
                     : id <= 2 ? PieceType::Control
                               : PieceType::Normal;
    vocabulary.pieces.push_back({withSpaceSymbols(bytes.take_front(length)), score, type});
    bytes = bytes.drop_front(length);
  }
  if (!bytes.empty())
    return tokenizerError(path, "the tokenizer expects to end after the model's " +
                                    Twine(vocabularySize) + " pieces, but got " +
                                    Twine(bytes.size()) + " more bytes");
  if (hasBytePieces(vocabulary))
    for (uint64_t byte = 0; byte < byteCount; ++byte)
      vocabulary.pieces[firstByteId + byte].type = PieceType::Byte;
  vocabulary.unkId = 0;
  vocabulary.bosId = vocabularySize > 1 ? 1 : -1;
  vocabulary.eosId = vocabularySize > 2 ? 2 : -1;
  vocabulary.addBos = vocabulary.bosId >= 0;
  if (Error error = finishSentencePieceVocabulary(vocabulary, path))
    return std::move(error);
  return vocabulary;
}

} // namespace cria
