//===- TokenizerJsonParts.cpp - The stages around the model ---------------===//
#include "frontends/tokenizer/TokenizerJsonParts.h"
#include "frontends/tokenizer/Vocabulary.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace llvm;

namespace cria::tokenizerjson {

using llama::Vocabulary;
using PreTokenizer = Vocabulary::PreTokenizer;

namespace {

constexpr StringRef spaceSymbol = "\xe2\x96\x81";

/// The published regular expressions that the runtime has matchers for.
struct KnownExpression {
  StringRef name, expression;
  PreTokenizer preTokenizer;
};
constexpr KnownExpression knownExpressions[] = {
    {"gpt-2", R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)",
     PreTokenizer::Gpt2},
    {"llama-3",
     R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|)"
     R"( ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     PreTokenizer::Llama3},
    {"qwen2",
     R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|)"
     R"( ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     PreTokenizer::Qwen2},
};
constexpr StringRef supportedPreTokenizers =
    "none, Metaspace without split, or ByteLevel with the words of gpt-2, llama-3, qwen2 "
    "or smollm (gpt-2 between digits)";

bool hasText(const Json &object, StringRef name, StringRef text) {
  const Json &value = member(object, name);
  return value.is_string() && value.get_ref<const std::string &>() == text;
}

/// Whether `object` has the member `name`, which says `text` in the way of `kind` ("String", "Regex") and no more.
bool hasPattern(const Json &object, StringRef name, StringRef kind, StringRef text) {
  return member(object, name) == Json::object({{kind.str(), text.str()}});
}

/// A stage, and what leads its members' keys in errors: "decoder.decoders[1].".
struct Stage {
  const Json &json;
  std::string key;
};

/// The stages at `name` of `root`: those of a Sequence (whose list is called `list`), or the only one.
Expected<std::vector<Stage>> stagesOf(const Json &root, StringRef name, StringRef list, StringRef file) {
  const Json &stage = member(root, name), &members = member(stage, list);
  std::vector<Stage> stages;
  if (typeOf(stage) == "Sequence" && members.is_array()) {
    if (Error error = checkMembers(stage, {"type", list}, file, (name + ".").str()))
      return std::move(error);
    for (size_t index = 0; index < members.size(); ++index)
      stages.push_back({members[index], (name + "." + list + "[" + Twine(index) + "].").str()});
  } else if (!stage.is_null()) {
    stages.push_back({stage, (name + ".").str()});
  }
  return stages;
}

/// Refuses members of a stage of a known type that are not known. Where text lay before
/// (`trim_offsets`) and what is said twice (`str_rep`) change no ids.
Error checkStage(const Stage &stage, StringRef file) {
  StringRef members = StringSwitch<StringRef>(typeOf(stage.json))
                          .Case("ByteLevel", "add_prefix_space trim_offsets use_regex")
                          .Case("Digits", "individual_digits")
                          .Case("Metaspace", "replacement str_rep add_prefix_space prepend_scheme split")
                          .Case("Prepend", "prepend")
                          .Case("Replace", "pattern content")
                          .Case("Split", "pattern behavior invert")
                          .Case("Strip", "content start stop")
                          .Case("TemplateProcessing", "single pair special_tokens")
                          .Default("");
  SmallVector<StringRef> known = {"type"};
  members.split(known, ' ', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  return checkMembers(stage.json, known, file, stage.key);
}

Error checkStages(ArrayRef<Stage> stages, StringRef file) {
  for (const Stage &stage : stages)
    if (Error error = checkStage(stage, file))
      return error;
  return Error::success();
}

/// ByteLevel with `use_regex` as given and no space in front.
bool isByteLevel(const Json &stage, bool usesRegex) {
  return typeOf(stage) == "ByteLevel" && boolean(stage, "add_prefix_space", true) == false &&
         boolean(stage, "use_regex", true) == usesRegex;
}

std::optional<PreTokenizer> recognizeByteLevel(ArrayRef<Stage> stages) {
  if (stages.size() == 1 && isByteLevel(stages[0].json, true))
    return PreTokenizer::Gpt2;
  if (stages.size() != 2)
    return std::nullopt;
  const Json &first = stages[0].json, &second = stages[1].json;
  if (typeOf(first) == "Digits" && boolean(first, "individual_digits", false) == true &&
      isByteLevel(second, true))
    return PreTokenizer::SmolLm;
  if (typeOf(first) != "Split" || !hasText(first, "behavior", "Isolated") ||
      boolean(first, "invert", false) != false || !isByteLevel(second, false))
    return std::nullopt;
  for (const KnownExpression &known : knownExpressions)
    if (hasPattern(first, "pattern", "Regex", known.expression))
      return known.preTokenizer;
  return std::nullopt;
}

/// Metaspace: SentencePiece's spaces as a pre-tokenizer.
bool readMetaspace(const Json &stage, Vocabulary &vocabulary) {
  if (!hasText(stage, "replacement", spaceSymbol) || boolean(stage, "split", true) != false)
    return false;
  const Json &scheme = member(stage, "prepend_scheme");
  std::optional<bool> adds = boolean(stage, "add_prefix_space", true);
  if (!adds || !(scheme.is_null() || scheme.is_string()))
    return false;
  std::string when = scheme.is_string() ? scheme.get<std::string>() : *adds ? "always" : "never";
  vocabulary.addSpacePrefix = vocabulary.spacePrefixOnce = when != "never";
  vocabulary.spacePrefixFirstOnly = when == "first";
  return when == "always" || when == "first" || when == "never";
}

/// Whether `stages` make the text that the runtime makes of SentencePiece's pieces: spaces of "▁", with
/// `hasBytes` characters of their bytes, and perhaps no space in front.
bool decodesSentencePiece(ArrayRef<Stage> stages, bool hasBytes) {
  bool opensSpaces = false, joinsBytes = false, fuses = false, strips = false;
  for (const auto &[stage, key] : stages) {
    std::string type = typeOf(stage);
    const Json &start = member(stage, "start");
    if (type == "Replace" && hasPattern(stage, "pattern", "String", spaceSymbol) && hasText(stage, "content", " "))
      opensSpaces = true;
    else if (type == "Metaspace" && hasText(stage, "replacement", spaceSymbol))
      opensSpaces = strips = true;
    else if (type == "ByteFallback" && !fuses)
      joinsBytes = true;
    else if (type == "Fuse")
      fuses = true;
    // Of what is not fused yet it would strip every piece.
    else if (type == "Strip" && hasText(stage, "content", " ") && member(stage, "stop") == 0 &&
             (start == 0 || (start == 1 && opensSpaces && fuses && !strips)))
      strips |= start == 1;
    else
      return false;
  }
  return opensSpaces && (joinsBytes || !hasBytes);
}

/// The id of the token that a template puts before a text, -1 if none.
Expected<int32_t> readTemplate(const Stage &stage, const Vocabulary &vocabulary, StringRef file) {
  const Json &single = member(stage.json, "single");
  std::optional<std::string> before;
  bool sawText = false, isKnown = true;
  for (size_t index = 0; index < single.size(); ++index) {
    const std::string key = (stage.key + "single[" + Twine(index) + "].").str();
    const Json &part = single[index];
    bool isText = !member(part, "Sequence").is_null();
    const StringRef kind = isText ? "Sequence" : "SpecialToken";
    const Json &id = member(member(part, kind), "id");
    if (Error error = checkMembers(part, kind, file, key))
      return std::move(error);
    if (Error error = checkMembers(member(part, kind), {"id", "type_id"}, file, key + kind.str() + "."))
      return std::move(error);
    if (isText && id != "A")
      return tokenizerError(file, "'" + key + "Sequence.id' expects \"A\", but got " + show(id));
    isKnown &= !sawText && (isText || (id.is_string() && !before));
    sawText |= isText;
    if (!isText && id.is_string())
      before = id.get<std::string>();
  }
  if (!isKnown || !sawText)
    return tokenizerError(file, "'" + stage.key + "single' expects at most one special token before the text and "
                                                  "none after it, but got " + show(single));
  if (!before)
    return -1;
  int32_t id = findSpecial(vocabulary, StringRef(*before));
  if (id < 0)
    return tokenizerError(file, "'" + stage.key + "single' expects a special token of 'added_tokens', but got '" +
                                    printable(*before) + "'");
  // The ids are what is put before a text, whatever the token's name.
  const Json &token = member(member(stage.json, "special_tokens"), *before);
  const std::string key = stage.key + "special_tokens." + printable(*before) + ".";
  if (Error error = checkMembers(token, {"id", "ids", "tokens"}, file, key))
    return std::move(error);
  if (const Json &ids = member(token, "ids"); ids != Json::array({id}))
    return tokenizerError(file, "'" + key + "ids' expects [" + Twine(id) + "], the token's own, but got " + show(ids));
  return id;
}

} // namespace

std::string show(const Json &value) {
  std::string text = value.dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace);
  return text.size() > 400 ? text.substr(0, 400) + "..." : text;
}

const Json &member(const Json &object, StringRef name) {
  static const Json null;
  if (!object.is_object())
    return null;
  auto it = object.find(name.str());
  return it == object.end() ? null : *it;
}

std::string typeOf(const Json &stage) {
  const Json &type = member(stage, "type");
  return type.is_string() ? type.get<std::string>() : std::string();
}

std::optional<bool> boolean(const Json &object, StringRef name, bool otherwise) {
  const Json &value = member(object, name);
  if (value.is_null())
    return otherwise;
  return value.is_boolean() ? std::optional<bool>(value.get<bool>()) : std::nullopt;
}

Error checkMembers(const Json &object, ArrayRef<StringRef> known, StringRef file,
                   StringRef key) {
  if (!object.is_object()) // it has none
    return Error::success();
  for (const auto &[name, value] : object.items())
    if (!is_contained(known, StringRef(name)))
      return tokenizerError(file, "'" + key + printable(name) +
                                      "' is a key that is not understood; known are " +
                                      join(known, ", "));
  return Error::success();
}

int32_t findSpecial(const Vocabulary &vocabulary, ArrayRef<StringRef> texts) {
  for (StringRef text : texts)
    for (auto [id, piece] : enumerate(vocabulary.pieces))
      if (piece.type == Vocabulary::PieceType::Control && piece.bytes == text)
        return int32_t(id);
  return -1;
}

Error readPreTokenizer(const Json &root, Vocabulary &vocabulary, StringRef file) {
  const Json &stage = member(root, "pre_tokenizer");
  Expected<std::vector<Stage>> stages = stagesOf(root, "pre_tokenizer", "pretokenizers", file);
  if (!stages)
    return stages.takeError();
  vocabulary.addSpacePrefix = false;
  if (stage.is_null())
    return Error::success();
  if (stages->size() == 1 && typeOf(stages->front().json) == "Metaspace" &&
      readMetaspace(stages->front().json, vocabulary))
    return checkStages(*stages, file);
  std::optional<PreTokenizer> preTokenizer = recognizeByteLevel(*stages);
  if (!preTokenizer)
    return tokenizerError(file, "'pre_tokenizer' expects " + supportedPreTokenizers +
                                    ", but got " + show(stage));
  vocabulary.kind = Vocabulary::Kind::ByteLevelBpe;
  vocabulary.preTokenizer = *preTokenizer;
  return checkStages(*stages, file);
}

Error readNormalizer(const Json &root, Vocabulary &vocabulary, StringRef file) {
  const Json &stage = member(root, "normalizer");
  Expected<std::vector<Stage>> stages = stagesOf(root, "normalizer", "normalizers", file);
  if (!stages)
    return stages.takeError();
  if (vocabulary.kind == Vocabulary::Kind::ByteLevelBpe) {
    for (const auto &[each, key] : *stages)
      if (typeOf(each) != "NFC")
        return tokenizerError(file, "'normalizer' expects none or NFC, but got " + show(each));
    vocabulary.normalizeNfc = !stages->empty();
    return checkStages(*stages, file);
  }
  // Spaces become U+2581 exactly once: here, or in Metaspace.
  bool replaces = typeOf(member(root, "pre_tokenizer")) == "Metaspace", isKnown = true;
  for (const auto &[each, key] : *stages) {
    if (typeOf(each) == "Prepend" && hasText(each, "prepend", spaceSymbol) && !replaces &&
        !vocabulary.addSpacePrefix) {
      vocabulary.addSpacePrefix = true;
    } else if (typeOf(each) == "Replace" && hasText(each, "content", spaceSymbol) &&
               hasPattern(each, "pattern", "String", " ")) {
      replaces = true;
    } else {
      isKnown = false;
    }
  }
  if (!isKnown || !replaces)
    return tokenizerError(file, "'normalizer' expects at most one Prepend, and Replace of spaces by '" +
                                    spaceSymbol + "', but got " + show(stage));
  return checkStages(*stages, file);
}

Error checkDecoder(const Json &root, const Vocabulary &vocabulary, StringRef file) {
  const Json &stage = member(root, "decoder");
  Expected<std::vector<Stage>> stages = stagesOf(root, "decoder", "decoders", file);
  if (!stages)
    return stages.takeError();
  if (vocabulary.kind == Vocabulary::Kind::ByteLevelBpe) {
    if (stages->size() != 1 || typeOf(stages->front().json) != "ByteLevel")
      return tokenizerError(file, "'decoder' expects ByteLevel, but got " + show(stage));
  } else if (!decodesSentencePiece(*stages, boolean(member(root, "model"), "byte_fallback", false) == true)) {
    return tokenizerError(file, "'decoder' expects Replace of '" + spaceSymbol +
                                    "' by spaces (or Metaspace), ByteFallback for model.byte_fallback, Fuse, and "
                                    "Strip of at most one space in front, but got " + show(stage));
  }
  return checkStages(*stages, file);
}

Expected<std::optional<int32_t>> readPostProcessor(const Json &root, const Vocabulary &vocabulary,
                                                   StringRef file) {
  Expected<std::vector<Stage>> stages = stagesOf(root, "post_processor", "processors", file);
  if (!stages)
    return stages.takeError();
  std::optional<int32_t> before;
  for (const Stage &stage : *stages) {
    std::string type = typeOf(stage.json);
    bool isTemplate = type == "TemplateProcessing" && member(stage.json, "single").is_array();
    if (type != "ByteLevel" && !isTemplate)
      return tokenizerError(file, "'post_processor' expects ByteLevel or TemplateProcessing, "
                                  "but got " + show(stage.json));
    if (Error error = checkStage(stage, file))
      return std::move(error);
    if (!isTemplate) // ByteLevel only moves offsets
      continue;
    if (before)
      return tokenizerError(file, "'post_processor' expects at most one TemplateProcessing, but got " +
                                      show(member(root, "post_processor")));
    Expected<int32_t> id = readTemplate(stage, vocabulary, file);
    if (!id)
      return id.takeError();
    before = *id;
  }
  return before;
}

} // namespace cria::tokenizerjson
