//===- GgufVocabulary.cpp - The tokenizer in a GGUF file's metadata --------===//

#include "frontends/gguf/Gguf.h"

#include "frontends/tokenizer/Vocabulary.h"

#include "llvm/ADT/bit.h"
#include "llvm/Support/Endian.h"

using namespace llvm;
using cria::llama::Vocabulary;

namespace cria {

namespace {

using PieceType = Vocabulary::PieceType;
using PreTokenizer = Vocabulary::PreTokenizer;

/// What `tokenizer.ggml.pre` names. A row is all that an alias needs.
struct PreTokenizerName {
  StringLiteral name;
  PreTokenizer kind;
  bool ignoreMerges, addBos; ///< llama.cpp derives them from the name
  bool normalizeNfc;         ///< the published tokenizers of that name ask for it
};
constexpr PreTokenizerName kPreTokenizers[] = {
    {"gpt-2", PreTokenizer::Gpt2, false, false, false},
    {"llama-bpe", PreTokenizer::Llama3, true, true, false},
    {"llama3", PreTokenizer::Llama3, true, true, false},
    {"llama-v3", PreTokenizer::Llama3, true, true, false},
    {"qwen2", PreTokenizer::Qwen2, false, false, true},
    {"deepseek-r1-qwen", PreTokenizer::Qwen2, false, false, false},
    {"smollm", PreTokenizer::SmolLm, false, false, false},
};

/// ggml's token types 1 to 6.
constexpr PieceType kPieceTypes[] = {PieceType::Normal,      PieceType::Unknown, PieceType::Control,
                                     PieceType::UserDefined, PieceType::Unused,  PieceType::Byte};

/// Fills in pieces (still as the file's text) and types.
void readPieces(const GgufFile &file, GgufReader &reader, bool scored, FirstError &error,
                Vocabulary &vocabulary) {
  const GgufValue *tokens = reader.array("tokenizer.ggml.tokens", GgufType::String);
  if (!tokens)
    return;
  const GgufValue *scores =
      scored ? reader.array("tokenizer.ggml.scores", GgufType::F32, tokens->count) : nullptr;
  const GgufValue *types = reader.array("tokenizer.ggml.token_type", GgufType::I32, tokens->count);
  reader.find("tokenizer.ggml.scores"); // all zero, where a byte-level vocabulary has them
  if (error)
    return;
  for (auto [id, text] : enumerate(file.getStrings(*tokens))) {
    uint32_t type = support::endian::read32le(types->bytes.data() + 4 * id);
    if (type < 1 || type > std::size(kPieceTypes)) {
      error.report(file.getPath() + ": key 'tokenizer.ggml.token_type' expects types from 1 to " +
                   Twine(std::size(kPieceTypes)) + ", but got " + Twine(type) + " for token " +
                   Twine(id));
      return;
    }
    uint32_t score = scores ? support::endian::read32le(scores->bytes.data() + 4 * id) : 0;
    vocabulary.pieces.push_back(
        {text.str(), llvm::bit_cast<float>(score), kPieceTypes[type - 1]});
  }
}

/// Reads what is the same for both kinds; the defaults are in `vocabulary`.
void readSettings(GgufReader &reader, Vocabulary &vocabulary) {
  int64_t last = int64_t(vocabulary.pieces.size()) - 1;
  vocabulary.bosId =
      int32_t(reader.integer("tokenizer.ggml.bos_token_id", 0, last, vocabulary.bosId));
  vocabulary.eosId =
      int32_t(reader.integer("tokenizer.ggml.eos_token_id", 0, last, vocabulary.eosId));
  vocabulary.unkId =
      int32_t(reader.integer("tokenizer.ggml.unknown_token_id", 0, last, vocabulary.unkId));
  vocabulary.addBos = reader.boolean("tokenizer.ggml.add_bos_token", vocabulary.addBos);
  vocabulary.addBos &= vocabulary.bosId >= 0;
  vocabulary.addSpacePrefix =
      reader.boolean("tokenizer.ggml.add_space_prefix", vocabulary.addSpacePrefix);
  vocabulary.removeExtraWhitespace = reader.boolean("tokenizer.ggml.remove_extra_whitespaces",
                                                    vocabulary.removeExtraWhitespace);
  if (reader.boolean("tokenizer.ggml.add_eos_token", false))
    reader.expects("tokenizer.ggml.add_eos_token", "false");
  const GgufValue *map = reader.find("tokenizer.ggml.precompiled_charsmap");
  if (map && map->count > 0)
    reader.expects("tokenizer.ggml.precompiled_charsmap", "to be empty or absent");
}

Expected<Vocabulary> readSentencePiece(const GgufFile &file, GgufReader &reader,
                                       FirstError &error) {
  Vocabulary vocabulary;
  vocabulary.kind = Vocabulary::Kind::SentencePieceBpe;
  reader.string("tokenizer.ggml.pre", "default"); // means nothing here
  readPieces(file, reader, /*scored=*/true, error, vocabulary);
  // Converters of tokenizer.json write its merges, too. They change nothing: llama.cpp merges such a vocabulary by
  // its scores alone and never reads them.
  if (reader.find("tokenizer.ggml.merges"))
    reader.array("tokenizer.ggml.merges", GgufType::String);
  if (vocabulary.pieces.size() > 2) { // llama.cpp's defaults
    vocabulary.bosId = 1;
    vocabulary.eosId = 2;
    vocabulary.unkId = 0;
  }
  readSettings(reader, vocabulary);
  if (error)
    return error.take();
  // llama.cpp finds a byte's piece by its text, whatever its type.
  if (none_of(vocabulary.pieces, [](const Vocabulary::Piece &piece) { return piece.type == PieceType::Byte; }))
    markBytePieces(vocabulary, /*allOrNone=*/true);
  if (Error failed = finishSentencePieceVocabulary(vocabulary, file.getPath()))
    return std::move(failed);
  return vocabulary;
}

Expected<Vocabulary> readByteLevel(const GgufFile &file, GgufReader &reader, FirstError &error) {
  Vocabulary vocabulary;
  vocabulary.kind = Vocabulary::Kind::ByteLevelBpe;
  std::string pre = reader.string("tokenizer.ggml.pre");
  const PreTokenizerName *known =
      find_if(kPreTokenizers, [&](const PreTokenizerName &p) { return p.name == pre; });
  if (known == std::end(kPreTokenizers)) {
    std::string list;
    for (const PreTokenizerName &p : kPreTokenizers)
      list += (list.empty() ? "" : ", ") + p.name.str();
    reader.expects("tokenizer.ggml.pre", "one of " + list);
    return error.take();
  }
  vocabulary.preTokenizer = known->kind;
  vocabulary.ignoreMerges = known->ignoreMerges;
  vocabulary.addBos = known->addBos;
  vocabulary.normalizeNfc = known->normalizeNfc;
  readPieces(file, reader, /*scored=*/false, error, vocabulary);
  readSettings(reader, vocabulary);
  const GgufValue *lines = reader.array("tokenizer.ggml.merges", GgufType::String);
  if (error)
    return error.take();
  std::vector<TextMerge> merges;
  for (auto [index, line] : enumerate(file.getStrings(*lines))) {
    Expected<TextMerge> merge =
        parseMerge(line, file.getPath(), "tokenizer.ggml.merges", index);
    if (!merge)
      return merge.takeError();
    merges.push_back(*merge);
  }
  if (Error failed =
          finishByteLevelVocabulary(vocabulary, merges, file.getPath(), "tokenizer.ggml.merges"))
    return std::move(failed);
  return vocabulary;
}

} // namespace

Expected<std::optional<Vocabulary>> readVocabulary(const GgufFile &file, GgufReader &reader,
                                                   FirstError &error) {
  std::string model = reader.string("tokenizer.ggml.model", "none");
  if (!error && (model == "none" || model == "no_vocab"))
    return std::nullopt;
  if (!error && model != "llama" && model != "gpt2")
    reader.expects("tokenizer.ggml.model", "one of llama, gpt2");
  if (error)
    return error.take();
  Expected<Vocabulary> vocabulary = model == "llama" ? readSentencePiece(file, reader, error)
                                                     : readByteLevel(file, reader, error);
  if (!vocabulary)
    return vocabulary.takeError();
  return std::move(*vocabulary);
}

Expected<Vocabulary> readGgufVocabulary(StringRef path) {
  Expected<GgufFile> file = GgufFile::open(path, /*keysOnly=*/true);
  if (!file)
    return file.takeError();
  FirstError error;
  GgufReader reader(*file, error);
  Expected<std::optional<Vocabulary>> vocabulary = readVocabulary(*file, reader, error);
  if (!vocabulary)
    return vocabulary.takeError();
  if (!*vocabulary)
    return inputError(path + ": key 'tokenizer.ggml.model' expects a tokenizer, but got none");
  return std::move(**vocabulary);
}

} // namespace cria
