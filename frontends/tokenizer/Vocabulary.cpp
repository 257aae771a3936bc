//===- Vocabulary.cpp - What all tokenizer readers do ---------------------===//
#include "frontends/tokenizer/Vocabulary.h"
#include "frontends/InputFile.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/ConvertUTF.h"

#include <array>
#include <cmath>
#include <optional>

using namespace llvm;

namespace cria {

using llama::Vocabulary;
using Piece = Vocabulary::Piece;
using PieceType = Vocabulary::PieceType;

namespace {

// Keep every offset of the tables, text and hash tables included, in 32 bits.
constexpr size_t maxPieces = size_t(1) << 24;
constexpr size_t maxTextBytes = size_t(1) << 29;
constexpr size_t maxMerges = size_t(1) << 26;

// What a model may pad its embeddings with beyond the tokenizer's pieces.
constexpr uint64_t paddingMultiple = 128, maxPadding = 512;

std::string quote(StringRef text) { return "'" + printable(text) + "'"; }

Error checkSize(const Vocabulary &vocabulary, StringRef file) {
  if (vocabulary.pieces.empty())
    return tokenizerError(file, "the tokenizer expects at least one piece, but got none");
  if (vocabulary.pieces.size() > maxPieces)
    return tokenizerError(file, "the tokenizer expects at most " + Twine(maxPieces) +
                                    " pieces, but got " + Twine(vocabulary.pieces.size()));
  size_t bytes = 0;
  for (const Piece &piece : vocabulary.pieces)
    bytes += piece.bytes.size();
  if (bytes > maxTextBytes)
    return tokenizerError(file, "the tokenizer's pieces expect at most " + Twine(maxTextBytes) +
                                    " bytes, but got " + Twine(bytes));
  for (auto [name, id] : {std::pair("bos", vocabulary.bosId), std::pair("eos", vocabulary.eosId),
                          std::pair("unknown", vocabulary.unkId)})
    if (id < -1 || id >= int64_t(vocabulary.pieces.size()))
      return tokenizerError(file, Twine("the ") + name + " token expects an id below " +
                                      Twine(vocabulary.pieces.size()) + ", but got " + Twine(id));
  return Error::success();
}

/// The byte that "<0x0A>" names.
std::optional<uint8_t> parseBytePiece(StringRef text) {
  unsigned byte = 0;
  if (text.size() != 6 || !text.consume_front("<0x") || !text.consume_back(">") ||
      text.getAsInteger(16, byte))
    return std::nullopt;
  return uint8_t(byte);
}

StringRef typeName(PieceType type) {
  constexpr StringRef names[] = {"normal", "unknown", "control", "user-defined", "unused", "byte"};
  return names[size_t(type)];
}

/// Whether merges may have `piece`, whose text is still the file's. A UserDefined one is found in a text before
/// anything is merged, but normalization may make its text as well; among bytes it must not stand for others.
bool isMergeable(const Piece &piece, Vocabulary::Kind kind) {
  bool standsForItself = kind == Vocabulary::Kind::SentencePieceBpe ||
                         all_of(piece.bytes, [](char c) { return uint8_t(c) < 0x80; });
  return piece.type == PieceType::Normal || (piece.type == PieceType::UserDefined && standsForItself);
}

/// Replaces the texts of Byte pieces by their bytes. Returns whether there are any.
Expected<bool> resolveBytePieces(Vocabulary &vocabulary, StringRef file) {
  std::array<bool, 256> seen = {};
  size_t count = 0;
  for (auto [id, piece] : enumerate(vocabulary.pieces)) {
    if (piece.type != PieceType::Byte)
      continue;
    std::optional<uint8_t> byte = parseBytePiece(piece.bytes);
    if (!byte)
      return tokenizerError(file, "byte piece " + Twine(id) +
                                      " expects a text like '<0x0A>', but got " +
                                      quote(piece.bytes));
    if (seen[*byte])
      return tokenizerError(file, "byte piece " + Twine(id) + " expects a byte of its own, but " +
                                      quote(piece.bytes) + " came before");
    seen[*byte] = true;
    ++count;
    piece.bytes.assign(1, char(*byte));
  }
  if (count != 0 && count != 256)
    return tokenizerError(file, "the tokenizer expects 0 or 256 byte pieces, but got " +
                                    Twine(count));
  return count != 0;
}

/// GPT-2's byte alphabet: printable bytes of Latin-1 stand for themselves, the
/// others for U+0100 on in their order. Maps the character back, -1: none.
std::array<int16_t, 0x144> makeByteAlphabet() {
  std::array<int16_t, 0x144> bytes;
  bytes.fill(-1);
  unsigned next = 0x100;
  for (unsigned b = 0; b < 256; ++b) {
    bool isPrintable = (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
    bytes[isPrintable ? b : next++] = int16_t(b);
  }
  return bytes;
}

/// The bytes that a piece stands for. A text with other characters stands for
/// itself, as Hugging Face's decoder has it; no merge can make it.
std::string decodeByteAlphabet(StringRef text, ArrayRef<int16_t> alphabet) {
  std::string bytes;
  const UTF8 *at = text.bytes_begin();
  while (at != text.bytes_end()) {
    UTF32 c = 0;
    if (convertUTF8Sequence(&at, text.bytes_end(), &c, strictConversion) != conversionOK ||
        c >= alphabet.size() || alphabet[c] < 0)
      return text.str();
    bytes += char(alphabet[c]);
  }
  return bytes;
}

} // namespace

Error tokenizerError(StringRef file, const Twine &what) {
  return inputError(file + ": " + what);
}

Expected<TextMerge> parseMerge(StringRef line, StringRef file, StringRef key, size_t index) {
  auto [left, right] = line.split(' ');
  if (left.empty() || right.empty() || right.contains(' '))
    return tokenizerError(file, "'" + key + "[" + Twine(index) +
                                    "]' expects two pieces and a space between them, but got " +
                                    quote(line));
  return TextMerge(left, right);
}

Error addMerges(Vocabulary &vocabulary, ArrayRef<TextMerge> merges, StringRef file,
                StringRef key) {
  if (merges.size() > maxMerges)
    return tokenizerError(file, "'" + key + "' expects at most " + Twine(maxMerges) +
                                    " merges, but got " + Twine(merges.size()));
  StringMap<uint32_t> ids;
  for (auto [id, piece] : enumerate(vocabulary.pieces)) {
    auto [it, isNew] = ids.try_emplace(piece.bytes, id);
    if (!isNew && vocabulary.pieces[it->second].type != PieceType::Normal && piece.type == PieceType::Normal)
      it->second = id;
  }
  DenseSet<std::pair<uint32_t, uint32_t>> seen;
  vocabulary.merges.reserve(merges.size());
  for (auto [index, merge] : enumerate(merges)) {
    std::string joined = (merge.first + merge.second).str();
    const StringRef texts[] = {merge.first, merge.second, joined};
    std::array<uint32_t, 3> found;
    for (size_t place = 0; place < 3; ++place) {
      auto it = ids.find(texts[place]);
      auto refuse = [&](const Twine &why) {
        return tokenizerError(file, "'" + key + "[" + Twine(index) + "]' " + (place == 2 ? "makes " : "names ") +
                                        quote(texts[place]) + ", which " + why);
      };
      if (it == ids.end())
        return refuse("is no piece of the vocabulary");
      const Piece &piece = vocabulary.pieces[it->second];
      if (!isMergeable(piece, vocabulary.kind))
        return refuse("expects to be a normal piece, but got a " + typeName(piece.type) + " one");
      found[place] = it->second;
    }
    if (!seen.insert({found[0], found[1]}).second)
      return tokenizerError(file, "'" + key + "[" + Twine(index) + "]' repeats the merge of " +
                                      quote(merge.first) + " and " + quote(merge.second));
    vocabulary.merges.push_back({found[0], found[1], found[2]});
  }
  return Error::success();
}

void markBytePieces(Vocabulary &vocabulary, bool allOrNone) {
  std::array<bool, 256> seen = {};
  SmallVector<Piece *> pieces;
  for (Piece &piece : vocabulary.pieces)
    if (std::optional<uint8_t> byte = parseBytePiece(piece.bytes);
        byte && piece.bytes == "<0x" + utohexstr(*byte, /*LowerCase=*/false, 2) + ">") {
      seen[*byte] = true;
      pieces.push_back(&piece);
    }
  if (allOrNone && is_contained(seen, false))
    return;
  for (Piece *piece : pieces)
    piece->type = PieceType::Byte;
}

Error finishSentencePieceVocabulary(Vocabulary &vocabulary, StringRef file) {
  if (Error error = checkSize(vocabulary, file))
    return error;
  StringMap<uint32_t> ids;
  for (auto [id, piece] : enumerate(vocabulary.pieces)) {
    if (piece.bytes.empty())
      return tokenizerError(file, "piece " + Twine(id) + " expects a text, but got none");
    if (!std::isfinite(piece.score))
      return tokenizerError(file, "piece " + Twine(id) + ", " + quote(piece.bytes) +
                                      ", expects a finite score, but got " +
                                      (std::isnan(piece.score) ? "nan" : "infinity"));
    if (piece.type == PieceType::Unknown && vocabulary.unkId < 0)
      vocabulary.unkId = id;
    if (piece.type == PieceType::Unknown || piece.type == PieceType::Control ||
        piece.type == PieceType::Byte)
      continue;
    auto [it, isNew] = ids.try_emplace(piece.bytes, id);
    if (!isNew)
      return tokenizerError(file, "piece " + Twine(id) + " expects a text of its own, but " +
                                      quote(piece.bytes) + " is piece " + Twine(it->second) +
                                      " already");
  }
  Expected<bool> hasBytes = resolveBytePieces(vocabulary, file);
  if (!hasBytes)
    return hasBytes.takeError();
  if (!*hasBytes && vocabulary.unkId < 0)
    return tokenizerError(file, "the tokenizer expects byte pieces or an unknown piece for "
                                "characters without a piece, but got neither");
  return Error::success();
}

Error finishByteLevelVocabulary(Vocabulary &vocabulary, ArrayRef<TextMerge> merges,
                                StringRef file, StringRef mergesKey) {
  if (Error error = checkSize(vocabulary, file))
    return error;
  if (Error error = addMerges(vocabulary, merges, file, mergesKey))
    return error;
  std::array<int16_t, 0x144> alphabet = makeByteAlphabet();
  std::array<bool, 256> hasByte = {};
  for (Piece &piece : vocabulary.pieces) {
    if (piece.type != PieceType::Normal)
      continue;
    piece.bytes = decodeByteAlphabet(piece.bytes, alphabet);
    if (piece.bytes.size() == 1)
      hasByte[uint8_t(piece.bytes[0])] = true;
  }
  for (auto [byte, has] : enumerate(hasByte))
    if (!has)
      return tokenizerError(file, "byte-level BPE expects a normal piece for each byte, but byte 0x" +
                                      utohexstr(byte, false, 2) + " has none");
  return Error::success();
}

Error fitVocabulary(Vocabulary &vocabulary, uint64_t modelPieces, StringRef file) {
  size_t pieces = vocabulary.pieces.size();
  while (vocabulary.pieces.size() > modelPieces &&
         vocabulary.pieces.back().type == PieceType::Control)
    vocabulary.pieces.pop_back();
  bool isPadding = vocabulary.kind == Vocabulary::Kind::ByteLevelBpe && modelPieces > pieces &&
                   modelPieces % paddingMultiple == 0 && modelPieces - pieces < maxPadding;
  if (isPadding) {
    Piece unused;
    unused.type = PieceType::Unused;
    vocabulary.pieces.resize(modelPieces, unused);
  }
  if (vocabulary.pieces.size() != modelPieces)
    return tokenizerError(file, "the tokenizer expects the model's " + Twine(modelPieces) +
                                    " pieces, but got " + Twine(pieces));
  for (int32_t *id : {&vocabulary.bosId, &vocabulary.eosId, &vocabulary.unkId})
    if (*id >= int64_t(modelPieces))
      *id = -1;
  vocabulary.addBos &= vocabulary.bosId >= 0;
  return Error::success();
}

} // namespace cria
