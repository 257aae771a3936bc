//===- Json.cpp - JSON that may be hostile ---------------------------------===//

#include "frontends/Json.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <cmath>

using namespace llvm;

namespace cria {

namespace {

constexpr size_t kMaxDepth = 64;

/// Walks the text once before a document is built, for the errors that the
/// document's parser would not report, or not with a key.
class Checker : public nlohmann::json_sax<Json> {
public:
  Checker(StringRef text, StringRef file) : text(text), file(file) {}
  FirstError error;

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t &) override { return true; }
  bool string(string_t &) override { return true; }
  bool binary(binary_t &) override { return true; }
  bool start_object(size_t) override { return open(); }
  bool end_object() override { return close(); }
  bool start_array(size_t) override { return open(); }
  bool end_array() override { return close(); }
  bool key(string_t &name) override {
    lastKey = name;
    if (keys.back().insert(name).second)
      return true;
    error.report(file + ": key '" + printable(name) + "' expects to appear once, but got it twice");
    return false;
  }
  bool parse_error(size_t position, const std::string &,
                   const nlohmann::detail::exception &) override {
    // The parser stops within a word that it does not know: say all of it.
    auto inWord = [&](size_t at) {
      return isAlnum(text[at]) || StringRef("+-.").contains(text[at]);
    };
    size_t end = std::min(position, text.size()), begin = end;
    while (begin > 0 && (begin == position || inWord(begin - 1)))
      --begin;
    while (end < text.size() && inWord(end))
      ++end;
    StringRef word = text.slice(begin, end).trim();
    std::string key = lastKey.empty() ? "" : "key '" + printable(lastKey) + "' ";
    std::string found = word.empty() ? "the end" : "'" + printable(word) + "'";
    error.report(file + ": " + key + "expects JSON, but got " + found + " at byte " + Twine(begin));
    return false;
  }

private:
  bool open() {
    keys.emplace_back();
    if (keys.size() <= kMaxDepth)
      return true;
    error.report(file + ": expects JSON at most " + Twine(kMaxDepth) + " levels deep");
    return false;
  }
  bool close() {
    keys.pop_back();
    return true;
  }

  StringRef text, file;
  std::string lastKey;
  std::vector<std::set<std::string>> keys; ///< of every object that is open
};

} // namespace

Expected<Json> parseJson(StringRef text, StringRef file) {
  // The parser would take it for the end, and ignore what follows.
  if (size_t at = text.find('\0'); at != StringRef::npos)
    return inputError(file + ": expects JSON, but got NUL at byte " + Twine(at));
  Checker checker(text, file);
  if (!Json::sax_parse(text.begin(), text.end(), &checker)) {
    checker.error.report(file + ": expects JSON");
    return checker.error.take();
  }
  return Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
}

Expected<Json> readJsonFile(StringRef path) {
  Expected<std::unique_ptr<MemoryBuffer>> buffer = mapParsedFile(path);
  if (!buffer)
    return buffer.takeError();
  Expected<Json> json = parseJson((*buffer)->getBuffer(), path);
  if (json && !json->is_object())
    return inputError(path + ": expects a JSON object, but got " + jsonText(*json));
  return json;
}

std::string jsonText(const Json &value) {
  return printable(value.dump(-1, ' ', false, Json::error_handler_t::replace));
}

const Json *JsonReader::find(StringRef key) {
  read.insert(key.str());
  auto found = object.find(key.str());
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

void JsonReader::expects(StringRef key, const Twine &what, const Json *found) {
  error.report(file + ": key '" + prefix + key + "' expects " + what + ", but got " +
               (found ? jsonText(*found) : "nothing"));
}

int64_t JsonReader::integer(StringRef key, int64_t min, int64_t max,
                            std::optional<int64_t> fallback) {
  const Json *value = find(key);
  if (!value && fallback)
    return *fallback;
  // A number beyond 63 bits is unsigned or floating in the document.
  bool fits = value && value->is_number_integer() &&
              (!value->is_number_unsigned() || value->get<uint64_t>() <= uint64_t(INT64_MAX));
  int64_t number = fits ? value->get<int64_t>() : 0;
  if (fits && number >= min && number <= max)
    return number;
  expects(key, "an integer from " + Twine(min) + " to " + Twine(max), value);
  return min;
}

double JsonReader::positive(StringRef key, std::optional<double> fallback) {
  const Json *value = find(key);
  if (!value && fallback)
    return *fallback;
  double number = value && value->is_number() ? value->get<double>() : 0;
  if (std::isfinite(number) && number > 0)
    return number;
  expects(key, "a number above 0", value);
  return 1;
}

bool JsonReader::boolean(StringRef key, bool fallback) {
  const Json *value = find(key);
  if (!value)
    return fallback;
  if (value->is_boolean())
    return value->get<bool>();
  expects(key, "true or false", value);
  return fallback;
}

std::string JsonReader::string(StringRef key, std::optional<std::string> fallback) {
  const Json *value = find(key);
  if (!value && fallback)
    return *fallback;
  if (value && value->is_string())
    return value->get<std::string>();
  expects(key, "a string", value);
  return {};
}

void JsonReader::refuseOthers(ArrayRef<StringLiteral> harmless) {
  for (const auto &[key, value] : object.items())
    if (!value.is_null() && !read.count(key) && !is_contained(harmless, StringRef(key)))
      error.report(file + ": key '" + prefix + printable(key) +
                   "' is not understood and may change the result (its value is " +
                   jsonText(value) + ")");
}

} // namespace cria
