//===- Json.h - JSON that may be hostile -------------------------*- C++ -*-===//
#ifndef CRIA_FRONTENDS_JSON_H
#define CRIA_FRONTENDS_JSON_H

#include "frontends/InputFile.h"

#include <nlohmann/json.hpp>

#include <optional>
#include <set>

namespace cria {

using Json = nlohmann::json;

/// Parses `text`. Refuses what JSON does not know (NaN, Infinity, NUL), numbers that
/// no double holds, a key twice in one object, and nesting deeper than 64. An
/// error names `file`, the last key and what was found.
llvm::Expected<Json> parseJson(llvm::StringRef text, llvm::StringRef file);

/// Maps and parses the file at `path`, of at most kMaxParsedBytes; its top level must be an object.
llvm::Expected<Json> readJsonFile(llvm::StringRef path);

/// `value` as one short, printable line.
std::string jsonText(const Json &value);

/// Reads an object key by key, checks each value, and keeps the first error (so
/// values read after it mean nothing: ask `error` before using them). A key with
/// the value null counts as absent.
class JsonReader {
public:
  /// `prefix` ("rope_scaling.") leads the keys in errors; `object` must outlive this.
  JsonReader(const Json &object, std::string file, FirstError &error, std::string prefix = "")
      : object(object), file(std::move(file)), prefix(std::move(prefix)), error(error) {}

  /// The value of `key` unless absent; it then counts as read.
  const Json *find(llvm::StringRef key);
  /// An integer in [min, max]; `fallback` where the key is absent, an error without one.
  int64_t integer(llvm::StringRef key, int64_t min, int64_t max,
                  std::optional<int64_t> fallback = std::nullopt);
  /// A finite number above zero.
  double positive(llvm::StringRef key, std::optional<double> fallback = std::nullopt);
  bool boolean(llvm::StringRef key, bool fallback);
  std::string string(llvm::StringRef key, std::optional<std::string> fallback = std::nullopt);

  void expects(llvm::StringRef key, const llvm::Twine &what, const Json *found);
  /// An error for each key with a value that was neither read nor is in `harmless`.
  void refuseOthers(llvm::ArrayRef<llvm::StringLiteral> harmless);

private:
  const Json &object;
  std::string file, prefix;
  FirstError &error;
  std::set<std::string> read;
};

} // namespace cria

#endif // CRIA_FRONTENDS_JSON_H
