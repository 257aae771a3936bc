//===- QuantizeRules.cpp - Which matrix takes which format -----------------===//

#include "compiler/transforms/QuantizeRules.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"

using namespace llvm;
using namespace cria;

Expected<QuantizeRules> QuantizeRules::parse(StringRef text) {
  auto expects = [](const Twine &what, StringRef found) {
    return createStringError(inconvertibleErrorCode(), "expects " + what + ", but got '" + found + "'");
  };
  auto parseFormat = [&](StringRef name, std::optional<llama::Format> &format) -> Error {
    format = llama::symbolizeFormat(name);
    if (name == "none" || (format && llama::isQuantizable(*format)))
      return Error::success();
    return expects("a format of none, " + llama::quantizableFormats(), name);
  };
  QuantizeRules result;
  SmallVector<StringRef> parts;
  text.split(parts, ',');
  for (auto [number, part] : enumerate(parts)) {
    auto [name, format] = part.split('=');
    bool isDefault = !part.contains('=');
    if (isDefault && number > 0)
      return expects("name=format after the default", part);
    if (!isDefault && name.empty())
      return expects("the name of a matrix before '='", part);
    Rule rule = {name.str(), {}};
    if (Error error = parseFormat(isDefault ? part : format, isDefault ? result.byDefault : rule.format))
      return std::move(error);
    if (isDefault)
      continue;
    if (any_of(result.rules, [&](const Rule &other) { return other.name == rule.name; }))
      return expects("one format for each name", part);
    result.rules.push_back(rule);
  }
  return result;
}

bool QuantizeRules::quantizes() const {
  return byDefault || any_of(rules, [](const Rule &rule) { return rule.format.has_value(); });
}

static StringRef roleOf(StringRef name) {
  StringRef role = name.rsplit('.').second;
  return role.empty() ? name : role;
}

bool QuantizeRules::Rule::fits(StringRef matrix) const { return name == matrix || name == roleOf(matrix); }

std::optional<llama::Format> QuantizeRules::formatOf(StringRef name) {
  StringRef role = roleOf(name);
  std::optional<llama::Format> format = byDefault;
  if ((role == kHeadRole || role == kEmbedRole) && byDefault)
    format = llama::Format::Q8;
  Rule *last = nullptr;
  for (Rule &rule : rules)
    if (rule.fits(name)) {
      rule.fitted = true;
      last = &rule;
    }
  if (!last)
    return format;
  last->decided = true;
  return last->format;
}

bool QuantizeRules::isNamed(StringRef name) const {
  return any_of(rules, [&](const Rule &rule) { return rule.fits(name); });
}

Error QuantizeRules::checkUsed() const {
  auto rule = find_if(rules, [](const Rule &rule) { return !rule.decided; });
  if (rule == rules.end())
    return Error::success();
  return createStringError(inconvertibleErrorCode(),
                           rule->fitted ? "expects rules that decide a format, but others behind '" + rule->name +
                                              "' fit all that it fits, and the last one wins"
                                        : "expects the name of a matrix, but none is called '" + rule->name + "'");
}
