//===- TokenizerJson.cpp - Reads tokenizer.json ---------------------------===//
#include "frontends/tokenizer/Readers.h"
#include "frontends/tokenizer/TokenizerJsonParts.h"
#include "frontends/tokenizer/Vocabulary.h"

#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using namespace cria::tokenizerjson;

namespace cria {

using llama::Vocabulary;
using Piece = Vocabulary::Piece;
using PieceType = Vocabulary::PieceType;

namespace {

/// Reads one file into one vocabulary, stage by stage in the order of `read`.
class TokenizerJsonReader {
public:
  TokenizerJsonReader(const Json &root, StringRef file)
      : root(root), model(member(root, "model")), file(file) {}

  Expected<Vocabulary> read();
  bool namesBos = false; ///< once it is read: the template names it

private:
  const Json &root, &model;
  StringRef file;
  Vocabulary vocabulary;

  Error checkModel();
  Error readPieces();
  Error readPiece(StringRef text, const Json &id, std::vector<bool> &seen, const Twine &key);
  Error readAddedToken(const Json &token, size_t index, std::vector<bool> &seen);
  Error readUnknownToken();
  Expected<std::vector<TextMerge>> readMerges();
  Error readSpecialTokens();

  bool isByteLevel() const { return vocabulary.kind == Vocabulary::Kind::ByteLevelBpe; }
  bool flag(StringRef name) const { return boolean(model, name, false).value_or(false); }
};

Error TokenizerJsonReader::checkModel() {
  if (!model.is_object() || (typeOf(model) != "BPE" && !member(model, "type").is_null()))
    return tokenizerError(file, "'model.type' expects 'BPE', but got " +
                                    show(model.is_object() ? member(model, "type") : model));
  if (Error error = checkMembers(model,
                                 {"type", "dropout", "unk_token", "continuing_subword_prefix",
                                  "end_of_word_suffix", "fuse_unk", "byte_fallback",
                                  "ignore_merges", "vocab", "merges"},
                                 file, "model."))
    return error;
  for (StringRef name : {"fuse_unk", "byte_fallback", "ignore_merges"})
    if (!boolean(model, name, false))
      return tokenizerError(file, "'model." + name + "' expects a boolean, but got " +
                                      show(member(model, name)));
  const Json &dropout = member(model, "dropout");
  if (!dropout.is_null() && dropout != 0)
    return tokenizerError(file, "'model.dropout' expects null, but got " + show(dropout));
  for (StringRef name : {"continuing_subword_prefix", "end_of_word_suffix"})
    if (const Json &affix = member(model, name); !affix.is_null() && affix != "")
      return tokenizerError(file, "'model." + name + "' expects null, but got " + show(affix));
  if (!member(model, "vocab").is_object())
    return tokenizerError(file, "'model.vocab' expects an object of pieces and ids, but got " +
                                    show(member(model, "vocab")));
  const Json &added = member(root, "added_tokens");
  if (!added.is_null() && !added.is_array())
    return tokenizerError(file, "'added_tokens' expects a list, but got " + show(added));
  return Error::success();
}

Error TokenizerJsonReader::readPiece(StringRef text, const Json &id, std::vector<bool> &seen,
                                     const Twine &key) {
  // As many ids as pieces, all below their number and none twice: then none is missing.
  if (!id.is_number_unsigned() || id.get<uint64_t>() >= seen.size())
    return tokenizerError(file, "'" + key + "' expects an id below the number of pieces, " +
                                    Twine(seen.size()) + ", but got " + show(id));
  uint64_t index = id.get<uint64_t>();
  if (seen[index])
    return tokenizerError(file, "'" + key + "' expects an id of its own, but " + Twine(index) +
                                    " is taken");
  seen[index] = true;
  vocabulary.pieces[index].bytes = text.str();
  return Error::success();
}

/// Tokens found in the text before anything else (UserDefined), or never (Control).
Error TokenizerJsonReader::readAddedToken(const Json &token, size_t index,
                                          std::vector<bool> &seen) {
  const std::string key = ("added_tokens[" + Twine(index) + "]").str();
  const Json &content = member(token, "content"), &id = member(token, "id");
  if (!content.is_string() || content.get_ref<const std::string &>().empty())
    return tokenizerError(file, "'" + key + ".content' expects a text, but got " + show(content));
  if (Error error = checkMembers(
          token, {"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"}, file, key + "."))
    return error;
  StringRef text = content.get_ref<const std::string &>();
  const Json &known = member(member(model, "vocab"), text);
  if (known.is_null()) {
    if (Error error = readPiece(text, id, seen, key + ".id"))
      return error;
  } else if (known != id) {
    return tokenizerError(file, "'" + key + ".id' expects " + show(known) +
                                    " as 'model.vocab' has it, but got " + show(id));
  }
  std::optional<bool> isSpecial = boolean(token, "special", false);
  if (!isSpecial)
    return tokenizerError(file, "'" + key + ".special' expects a boolean, but got " +
                                    show(member(token, "special")));
  Piece &piece = vocabulary.pieces[id.get<uint64_t>()];
  piece.bytes = text.str();
  piece.type = *isSpecial ? PieceType::Control : PieceType::UserDefined;
  if (*isSpecial)
    return Error::success();
  for (StringRef name : {"lstrip", "rstrip", "single_word"})
    if (boolean(token, name, false) != false)
      return tokenizerError(file, "'" + key + "." + name + "' expects false for " + show(content) +
                                      ", which is not special, but got " +
                                      show(member(token, name)));
  // Found in the normalized text, it would need its spaces and accents normalized too.
  bool isPlain = isByteLevel() && all_of(text, [](char c) { return uint8_t(c) < 0x80; });
  if (boolean(token, "normalized", true) != false && !isPlain)
    return tokenizerError(file, "'" + key + ".normalized' expects false for " + show(content) +
                                    ", which is not special, but got " +
                                    show(member(token, "normalized")));
  return Error::success();
}

Error TokenizerJsonReader::readPieces() {
  const Json &pieces = member(model, "vocab"), &added = member(root, "added_tokens");
  size_t count = pieces.size();
  for (const Json &token : added)
    if (const Json &content = member(token, "content"); content.is_string())
      count += member(pieces, content.get_ref<const std::string &>()).is_null();
  vocabulary.pieces.resize(count);
  std::vector<bool> seen(count);
  for (const auto &[text, id] : pieces.items())
    if (Error error = readPiece(text, id, seen, "model.vocab." + printable(text)))
      return error;
  for (size_t index = 0; index < added.size(); ++index)
    if (Error error = readAddedToken(added[index], index, seen))
      return error;
  return Error::success();
}

Error TokenizerJsonReader::readUnknownToken() {
  const Json &token = member(model, "unk_token");
  // With a piece for each byte nothing is unknown to byte-level BPE.
  if (token.is_null() || isByteLevel())
    return Error::success();
  const Json &pieces = member(model, "vocab");
  if (!token.is_string() || !pieces.contains(token.get_ref<const std::string &>()))
    return tokenizerError(file, "'model.unk_token' expects a piece of 'model.vocab', but got " +
                                    show(token));
  vocabulary.unkId = int32_t(member(pieces, token.get_ref<const std::string &>()).get<uint64_t>());
  vocabulary.pieces[vocabulary.unkId].type = PieceType::Unknown;
  return Error::success();
}

Expected<std::vector<TextMerge>> TokenizerJsonReader::readMerges() {
  const Json &list = member(model, "merges");
  if (!list.is_array())
    return tokenizerError(file, "'model.merges' expects a list, but got " + show(list));
  std::vector<TextMerge> merges;
  merges.reserve(list.size());
  for (const Json &merge : list) {
    if (merge.is_string()) {
      Expected<TextMerge> pair = parseMerge(merge.get_ref<const std::string &>(), file,
                                            "model.merges", merges.size());
      if (!pair)
        return pair.takeError();
      merges.push_back(*pair);
    } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() &&
               merge[1].is_string()) {
      merges.push_back({merge[0].get_ref<const std::string &>(),
                        merge[1].get_ref<const std::string &>()});
    } else {
      return tokenizerError(file, "'model.merges[" + Twine(merges.size()) +
                                      "]' expects two pieces, but got " + show(merge));
    }
  }
  return merges;
}

/// Which token begins a text, and whether one does: the file says so in the template
/// of its post-processor, or else LLaMA's habit is assumed.
Error TokenizerJsonReader::readSpecialTokens() {
  Expected<std::optional<int32_t>> before = readPostProcessor(root, vocabulary, file);
  if (!before)
    return before.takeError();
  namesBos = before->value_or(-1) >= 0;
  vocabulary.eosId = findSpecial(vocabulary, {"</s>", "<|end_of_text|>", "<|endoftext|>"});
  vocabulary.bosId = namesBos ? **before : findSpecial(vocabulary, {"<s>", "<|begin_of_text|>"});
  vocabulary.addBos = namesBos || (!before->has_value() && vocabulary.bosId >= 0);
  return Error::success();
}

Expected<Vocabulary> TokenizerJsonReader::read() {
  // "truncation" and "padding" are left by whoever saved the file; whoever loads
  // it sets them anew.
  if (Error error = checkMembers(root,
                                 {"version", "truncation", "padding", "added_tokens", "normalizer",
                                  "pre_tokenizer", "post_processor", "decoder", "model"},
                                 file, ""))
    return std::move(error);
  if (Error error = checkModel())
    return std::move(error);
  if (Error error = readPreTokenizer(root, vocabulary, file))
    return std::move(error);
  if (Error error = readNormalizer(root, vocabulary, file))
    return std::move(error);
  if (Error error = checkDecoder(root, vocabulary, file))
    return std::move(error);
  if (Error error = readPieces())
    return std::move(error);
  if (Error error = readUnknownToken())
    return std::move(error);
  if (Error error = readSpecialTokens())
    return std::move(error);
  Expected<std::vector<TextMerge>> merges = readMerges();
  if (!merges)
    return merges.takeError();
  if (isByteLevel()) {
    vocabulary.ignoreMerges = flag("ignore_merges");
    if (Error error = finishByteLevelVocabulary(vocabulary, *merges, file, "model.merges"))
      return std::move(error);
    return vocabulary;
  }

  if (flag("ignore_merges"))
    return tokenizerError(file, "'model.ignore_merges' expects false without ByteLevel, "
                                "but got true");
  if (merges->empty())
    return tokenizerError(file, "'model.merges' expects at least one merge, but got none");
  if (Error error = addMerges(vocabulary, *merges, file, "model.merges"))
    return std::move(error);
  if (flag("byte_fallback"))
    markBytePieces(vocabulary, /*allOrNone=*/false);
  if (Error error = finishSentencePieceVocabulary(vocabulary, file))
    return std::move(error);
  bool hasBytes = any_of(vocabulary.pieces,
                         [](const Piece &piece) { return piece.type == PieceType::Byte; });
  if (!hasBytes && !flag("fuse_unk"))
    return tokenizerError(file, "'model.fuse_unk' expects true without byte pieces, but got false");
  return vocabulary;
}

} // namespace

Expected<Vocabulary> readTokenizerJson(StringRef path, bool *namesBos) {
  Expected<Json> root = readJsonFile(path);
  if (!root)
    return root.takeError();
  TokenizerJsonReader reader(*root, path);
  Expected<Vocabulary> vocabulary = reader.read();
  if (namesBos)
    *namesBos = reader.namesBos;
  return vocabulary;
}

} // namespace cria
