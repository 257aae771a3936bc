//===- GgufReader.cpp - Metadata values, checked ---------------------------===//

#include "frontends/gguf/Gguf.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/Endian.h"

#include <cmath>

using namespace llvm;
using namespace llvm::support;

namespace cria {

namespace {

/// The integer that `value` holds, if it holds one below 2^63.
std::optional<int64_t> integerOf(const GgufValue &value) {
  if (value.isArray)
    return std::nullopt;
  const char *data = value.bytes.data();
  switch (value.type) {
  case GgufType::U8: return uint8_t(*data);
  case GgufType::I8: return int8_t(*data);
  case GgufType::U16: return endian::read16le(data);
  case GgufType::I16: return int16_t(endian::read16le(data));
  case GgufType::U32: return endian::read32le(data);
  case GgufType::I32: return int32_t(endian::read32le(data));
  case GgufType::I64: return int64_t(endian::read64le(data));
  case GgufType::U64:
    if (endian::read64le(data) <= uint64_t(INT64_MAX))
      return int64_t(endian::read64le(data));
    return std::nullopt;
  default: return std::nullopt;
  }
}

std::optional<double> numberOf(const GgufValue &value) {
  if (!value.isArray && value.type == GgufType::F32)
    return llvm::bit_cast<float>(endian::read32le(value.bytes.data()));
  if (!value.isArray && value.type == GgufType::F64)
    return llvm::bit_cast<double>(endian::read64le(value.bytes.data()));
  if (std::optional<int64_t> integer = integerOf(value))
    return double(*integer);
  return std::nullopt;
}

std::string valueText(const GgufValue &value) {
  if (value.isArray)
    return "an array of " + std::to_string(value.count);
  if (value.type == GgufType::String)
    return "'" + printable(value.bytes) + "'";
  if (value.type == GgufType::Bool)
    return value.bytes[0] ? "true" : "false";
  if (value.type == GgufType::U64)
    return std::to_string(endian::read64le(value.bytes.data()));
  if (std::optional<int64_t> integer = integerOf(value))
    return std::to_string(*integer);
  std::string text;
  raw_string_ostream(text) << *numberOf(value);
  return text;
}

} // namespace

const GgufValue *GgufReader::find(StringRef key) {
  read.insert(key.str());
  auto found = file.getKeys().find(key.str());
  return found == file.getKeys().end() ? nullptr : &found->second;
}

void GgufReader::expects(StringRef key, const Twine &what) {
  const GgufValue *value = find(key);
  error.report(file.getPath() + ": key '" + key + "' expects " + what + ", but got " +
               (value ? valueText(*value) : "nothing"));
}

int64_t GgufReader::integer(StringRef key, int64_t min, int64_t max,
                            std::optional<int64_t> fallback) {
  const GgufValue *value = find(key);
  if (!value && fallback)
    return *fallback;
  std::optional<int64_t> number = value ? integerOf(*value) : std::nullopt;
  if (number && *number >= min && *number <= max)
    return *number;
  expects(key, "an integer from " + Twine(min) + " to " + Twine(max));
  return min;
}

double GgufReader::positive(StringRef key, std::optional<double> fallback) {
  const GgufValue *value = find(key);
  if (!value && fallback)
    return *fallback;
  std::optional<double> number = value ? numberOf(*value) : std::nullopt;
  if (number && std::isfinite(*number) && *number > 0)
    return *number;
  expects(key, "a number above 0");
  return 1;
}

double GgufReader::nonNegative(StringRef key, double fallback) {
  const GgufValue *value = find(key);
  if (!value)
    return fallback;
  std::optional<double> number = numberOf(*value);
  if (number && std::isfinite(*number) && *number >= 0)
    return *number;
  expects(key, "a number from 0 on");
  return 1;
}

bool GgufReader::boolean(StringRef key, bool fallback) {
  const GgufValue *value = find(key);
  if (!value)
    return fallback;
  if (!value->isArray && value->type == GgufType::Bool)
    return value->bytes[0] != 0;
  expects(key, "true or false");
  return fallback;
}

std::string GgufReader::string(StringRef key, std::optional<std::string> fallback) {
  const GgufValue *value = find(key);
  if (!value && fallback)
    return *fallback;
  if (value && !value->isArray && value->type == GgufType::String)
    return value->bytes.str();
  expects(key, "a string");
  return {};
}

const GgufValue *GgufReader::array(StringRef key, GgufType type, std::optional<uint64_t> count) {
  const GgufValue *value = find(key);
  if (value && value->isArray && value->type == type && (!count || value->count == *count))
    return value;
  StringRef elements = type == GgufType::String ? "strings"
                       : type == GgufType::F32  ? "f32 numbers"
                                                : "i32 numbers";
  expects(key, "an array of " + (count ? std::to_string(*count) + " " : "") + elements);
  return nullptr;
}

} // namespace cria
