//===- HuggingFaceTokenizer.cpp - The tokenizer of a model folder ---------===//
#include "frontends/tokenizer/Readers.h"
#include "frontends/tokenizer/TokenizerJsonParts.h"
#include "frontends/tokenizer/Vocabulary.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"

using namespace llvm;
using namespace cria::tokenizerjson;

namespace cria {

using llama::Vocabulary;

namespace {

/// Tokenizers that are not read, and what only comes with one.
constexpr StringRef otherFiles[] = {"vocab.json", "merges.txt", "tekken.json", "tokenizer_config.json"};

/// Refuses a folder whose tokenizer is of another kind: it is not to compile as if it had none.
Error refuseOtherTokenizers(StringRef folder) {
  SmallVector<StringRef> found;
  for (StringRef name : otherFiles)
    if (sys::fs::exists(folder + "/" + name))
      found.push_back(name);
  if (found.empty())
    return Error::success();
  return tokenizerError(folder, "expects tokenizer.json or tokenizer.model, but got only " + join(found, ", ") +
                                    "; another tokenizer can be given by --tokenizer FILE");
}

/// Sets `id` to the token that `key` names, as a text or as an object with one.
Error readTokenId(const Json &config, StringRef key, const Vocabulary &vocabulary, StringRef path,
                  int32_t &id) {
  const Json &value = member(config, key);
  const Json &text = value.is_object() ? member(value, "content") : value;
  if (value.is_null())
    return Error::success();
  if (!text.is_string())
    return tokenizerError(path, "'" + key + "' expects a token's text, but got " + show(value));
  for (auto [index, piece] : enumerate(vocabulary.pieces))
    if (piece.type != Vocabulary::PieceType::Normal &&
        piece.bytes == text.get_ref<const std::string &>()) {
      id = int32_t(index);
      return Error::success();
    }
  return tokenizerError(path, "'" + key + "' expects a special token of the tokenizer, but got " +
                                  show(text));
}

} // namespace

Error applyTokenizerConfig(FolderTokenizer &tokenizer, StringRef path) {
  Vocabulary &vocabulary = tokenizer.vocabulary;
  Expected<Json> read = readJsonFile(path);
  if (!read)
    return read.takeError();
  const Json &config = *read;
  if (Error error = readTokenId(config, "bos_token", vocabulary, path, vocabulary.bosId))
    return error;
  tokenizer.namesBos |= !member(config, "bos_token").is_null();
  if (Error error = readTokenId(config, "eos_token", vocabulary, path, vocabulary.eosId))
    return error;
  for (auto [key, otherwise] :
       {std::pair<StringRef, bool>("add_bos_token", vocabulary.addBos),
        {"add_eos_token", false},
        {"add_prefix_space", vocabulary.addSpacePrefix}}) {
    std::optional<bool> value = boolean(config, key, otherwise);
    if (!value)
      return tokenizerError(path, "'" + key + "' expects a boolean, but got " +
                                      show(member(config, key)));
    if (key == "add_bos_token")
      vocabulary.addBos = *value;
    else if (key == "add_eos_token" && *value)
      return tokenizerError(path, "'add_eos_token' expects false, but got true");
    else if (key == "add_prefix_space" && *value != vocabulary.addSpacePrefix) {
      if (vocabulary.kind == Vocabulary::Kind::ByteLevelBpe)
        return tokenizerError(path, "'add_prefix_space' expects false, but got true");
      vocabulary.addSpacePrefix = *value;
    }
  }
  if (vocabulary.addBos && vocabulary.bosId < 0)
    return tokenizerError(path, "'add_bos_token' is true, which expects a 'bos_token', "
                                "but got none");
  return Error::success();
}

Expected<std::optional<FolderTokenizer>> readHuggingFaceTokenizer(StringRef folder,
                                                                  std::vector<std::string> &files) {
  std::string path;
  auto finds = [&](StringRef name) {
    path = (folder + "/" + name).str();
    if (!sys::fs::exists(path))
      return false;
    files.push_back(path);
    return true;
  };
  FolderTokenizer tokenizer;
  auto keep = [&](Expected<Vocabulary> vocabulary) -> Error {
    if (!vocabulary)
      return vocabulary.takeError();
    tokenizer.vocabulary = std::move(*vocabulary);
    return Error::success();
  };
  if (finds("tokenizer.json")) {
    if (Error error = keep(readTokenizerJson(path, &tokenizer.namesBos)))
      return std::move(error);
  } else if (finds("tokenizer.model")) {
    if (Error error = keep(readSentencePieceModel(path)))
      return std::move(error);
    tokenizer.namesBos = tokenizer.vocabulary.bosId >= 0;
  } else {
    if (Error error = refuseOtherTokenizers(folder))
      return std::move(error);
    return std::nullopt;
  }
  if (finds("tokenizer_config.json"))
    if (Error error = applyTokenizerConfig(tokenizer, path))
      return std::move(error);
  return tokenizer;
}

} // namespace cria
