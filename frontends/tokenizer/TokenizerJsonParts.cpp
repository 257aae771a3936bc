//===- TokenizerJsonParts.cpp - The stages around the model ---------------===//
#include "frontends/tokenizer/TokenizerJsonParts.h"
#include "frontends/tokenizer/Vocabulary.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

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

/// The stages of a Sequence (whose list is called `list`), or the stage itself.
std::vector<Json> stagesOf(const Json &stage, StringRef list) {
  if (stage.is_null())
    return {};
  const Json &members = member(stage, list);
  if (typeOf(stage) == "Sequence" && members.is_array())
    return std::vector<Json>(members.begin(), members.end());
  return {stage};
}

/// ByteLevel with `use_regex` as given and no space in front.
bool isByteLevel(const Json &stage, bool usesRegex) {
  return typeOf(stage) == "ByteLevel" && boolean(stage, "add_prefix_space", true) == false &&
         boolean(stage, "use_regex", true) == usesRegex;
}

std::optional<PreTokenizer> recognizeByteLevel(ArrayRef<Json> stages) {
  if (stages.size() == 1 && isByteLevel(stages[0], true))
    return PreTokenizer::Gpt2;
  if (stages.size() != 2)
    return std::nullopt;
  if (typeOf(stages[0]) == "Digits" && boolean(stages[0], "individual_digits", false) == true &&
      isByteLevel(stages[1], true))
    return PreTokenizer::SmolLm;
  if (typeOf(stages[0]) != "Split" || !hasText(stages[0], "behavior", "Isolated") ||
      boolean(stages[0], "invert", false) != false || !isByteLevel(stages[1], false))
    return std::nullopt;
  for (const KnownExpression &known : knownExpressions)
    if (hasText(member(stages[0], "pattern"), "Regex", known.expression))
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
  for (const auto &[name, value] : object.items())
    if (!is_contained(known, StringRef(name)))
      return tokenizerError(file, "'" + key + printable(name) +
                                      "' is a key that is not understood; known are " +
                                      join(known, ", "));
  return Error::success();
}

Error readPreTokenizer(const Json &root, Vocabulary &vocabulary, StringRef file) {
  const Json &stage = member(root, "pre_tokenizer");
  std::vector<Json> stages = stagesOf(stage, "pretokenizers");
  vocabulary.addSpacePrefix = false;
  if (stage.is_null())
    return Error::success();
  if (stages.size() == 1 && typeOf(stages[0]) == "Metaspace" &&
      readMetaspace(stages[0], vocabulary))
    return Error::success();
  std::optional<PreTokenizer> preTokenizer = recognizeByteLevel(stages);
  if (!preTokenizer)
    return tokenizerError(file, "'pre_tokenizer' expects " + supportedPreTokenizers +
                                    ", but got " + show(stage));
  vocabulary.kind = Vocabulary::Kind::ByteLevelBpe;
  vocabulary.preTokenizer = *preTokenizer;
  return Error::success();
}

Error readNormalizer(const Json &root, Vocabulary &vocabulary, StringRef file) {
  const Json &stage = member(root, "normalizer");
  std::vector<Json> stages = stagesOf(stage, "normalizers");
  if (vocabulary.kind == Vocabulary::Kind::ByteLevelBpe) {
    for (const Json &each : stages) {
      if (typeOf(each) != "NFC")
        return tokenizerError(file, "'normalizer' expects none or NFC, but got " + show(each));
      vocabulary.normalizeNfc = true;
    }
    return Error::success();
  }
  // Spaces become U+2581 exactly once: here, or in Metaspace.
  bool replaces = typeOf(member(root, "pre_tokenizer")) == "Metaspace", isKnown = true;
  for (const Json &each : stages) {
    if (typeOf(each) == "Prepend" && hasText(each, "prepend", spaceSymbol) && !replaces) {
      vocabulary.addSpacePrefix = true;
    } else if (typeOf(each) == "Replace" && hasText(each, "content", spaceSymbol) &&
               hasText(member(each, "pattern"), "String", " ")) {
      replaces = true;
    } else {
      isKnown = false;
    }
  }
  if (!isKnown || !replaces)
    return tokenizerError(file, "'normalizer' expects Prepend and Replace of spaces by '" +
                                    spaceSymbol + "', but got " + show(stage));
  return Error::success();
}

Error checkDecoder(const Json &root, const Vocabulary &vocabulary, StringRef file) {
  bool isByteLevelKind = vocabulary.kind == Vocabulary::Kind::ByteLevelBpe;
  static constexpr StringRef known[] = {"Replace", "ByteFallback", "Fuse", "Strip", "Metaspace"};
  for (const Json &stage : stagesOf(member(root, "decoder"), "decoders")) {
    std::string type = typeOf(stage);
    if (isByteLevelKind ? type != "ByteLevel" : !is_contained(known, StringRef(type)))
      return tokenizerError(file, Twine("'decoder' expects ") +
                                      (isByteLevelKind ? std::string("ByteLevel")
                                                       : join(ArrayRef(known), ", ")) +
                                      ", but got " + show(stage));
  }
  return Error::success();
}

Expected<std::optional<std::string>> readPostProcessor(const Json &root, StringRef file) {
  std::optional<std::string> before;
  for (const Json &stage : stagesOf(member(root, "post_processor"), "processors")) {
    std::string type = typeOf(stage);
    if (type == "ByteLevel") // it only moves offsets
      continue;
    const Json &single = member(stage, "single");
    if (type != "TemplateProcessing" || !single.is_array())
      return tokenizerError(file, "'post_processor' expects ByteLevel or TemplateProcessing, "
                                  "but got " + show(stage));
    if (!before)
      before.emplace();
    bool sawText = false, isKnown = true;
    for (const Json &part : single) {
      const Json &id = member(member(part, "SpecialToken"), "id");
      bool isText = !member(part, "Sequence").is_null();
      isKnown &= isText ? !sawText : id.is_string() && !sawText && before->empty();
      sawText |= isText;
      if (id.is_string())
        before = id.get<std::string>();
    }
    if (!isKnown || !sawText)
      return tokenizerError(file, "'post_processor.single' expects at most one special token "
                                  "before the text and none after it, but got " + show(single));
  }
  return before;
}

} // namespace cria::tokenizerjson
