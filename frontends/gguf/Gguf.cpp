//===- Gguf.cpp - The header of a GGUF file --------------------------------===//

#include "frontends/gguf/Gguf.h"

#include "dialects/llama/Quantization.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;

namespace cria {

namespace {

constexpr StringLiteral kMagic = "GGUF";
constexpr uint64_t kDefaultAlignment = 32, kMaxAlignment = 1 << 20;
constexpr uint32_t kMaxRank = 4;

struct TensorType {
  uint32_t id;
  StringLiteral name;
  Scalar scalar;
  llama::Encoding encoding;

  /// Elements of a block, which lie along the last dimension, and their bytes.
  int64_t blockElements() const {
    std::optional<llama::Format> format = llama::codeFormat(encoding);
    return format ? traits(*format).block : 1;
  }
  int64_t blockBytes() const {
    if (encoding != llama::Encoding::Plain)
      return llama::encodedBytes(encoding);
    return scalar == Scalar::F32 ? 4 : 2;
  }
};
/// The types that are read.
constexpr TensorType kTensorTypes[] = {
    {0, "F32", Scalar::F32, llama::Encoding::Plain},
    {1, "F16", Scalar::F16, llama::Encoding::Plain},
    {30, "BF16", Scalar::BF16, llama::Encoding::Plain},
    {2, "Q4_0", Scalar::F32, llama::Encoding::Q4_0},
    {3, "Q4_1", Scalar::F32, llama::Encoding::Q4_1},
    {6, "Q5_0", Scalar::F32, llama::Encoding::Q5_0},
    {7, "Q5_1", Scalar::F32, llama::Encoding::Q5_1},
    {8, "Q8_0", Scalar::F32, llama::Encoding::Q8_0},
    {10, "Q2_K", Scalar::F32, llama::Encoding::Q2_K},
    {11, "Q3_K", Scalar::F32, llama::Encoding::Q3_K},
    {12, "Q4_K", Scalar::F32, llama::Encoding::Q4_K},
    {13, "Q5_K", Scalar::F32, llama::Encoding::Q5_K},
    {14, "Q6_K", Scalar::F32, llama::Encoding::Q6_K},
    {39, "MXFP4", Scalar::F32, llama::Encoding::MXFP4},
};

std::string tensorTypeNames() {
  std::string names;
  for (const TensorType &type : kTensorTypes)
    names += (names.empty() ? "" : &type == std::prev(std::end(kTensorTypes)) ? " or " : ", ") + type.name.str();
  return names;
}

/// Names of the types that are not, for errors; by their number.
StringRef otherTensorType(uint32_t id) {
  switch (id) {
  case 9: return "Q8_1";
  case 15: return "Q8_K";
  case 16: return "IQ2_XXS";
  case 20: return "IQ4_NL";
  case 23: return "IQ4_XS";
  case 28: return "F64";
  default: return "an unknown one";
  }
}

/// Bytes of a number; 0 for strings, arrays and unknown types.
uint64_t numberBytes(GgufType type) {
  switch (type) {
  case GgufType::U8: case GgufType::I8: case GgufType::Bool: return 1;
  case GgufType::U16: case GgufType::I16: return 2;
  case GgufType::U32: case GgufType::I32: case GgufType::F32: return 4;
  case GgufType::U64: case GgufType::I64: case GgufType::F64: return 8;
  default: return 0;
  }
}

} // namespace

/// Takes the header apart from front to back; `rest` is what is left of the file.
class GgufParser {
public:
  GgufParser(GgufFile &file)
      : file(file), whole(file.buffer->getBuffer()), rest(whole) {}

  Error parse(bool keysOnly);

private:
  Error truncated(const Twine &what, uint64_t bytes) {
    return inputError(file.path + ": " + what + " expects " + Twine(bytes) + " bytes at offset " +
                      Twine(whole.size() - rest.size()) + ", but got " + Twine(rest.size()));
  }
  Error takeBytes(uint64_t bytes, const Twine &what, StringRef &taken) {
    if (bytes > rest.size())
      return truncated(what, bytes);
    taken = rest.take_front(bytes);
    rest = rest.drop_front(bytes);
    return Error::success();
  }
  Error takeU32(const Twine &what, uint32_t &value) {
    StringRef bytes;
    if (Error error = takeBytes(4, what, bytes))
      return error;
    value = support::endian::read32le(bytes.data());
    return Error::success();
  }
  Error takeU64(const Twine &what, uint64_t &value) {
    StringRef bytes;
    if (Error error = takeBytes(8, what, bytes))
      return error;
    value = support::endian::read64le(bytes.data());
    return Error::success();
  }
  /// A count, size or length: u32 in version 1.
  Error takeLength(const Twine &what, uint64_t &value) {
    if (file.wide)
      return takeU64(what, value);
    uint32_t narrow = 0;
    Error error = takeU32(what, narrow);
    value = narrow;
    return error;
  }
  Error takeString(const Twine &what, StringRef &text) {
    uint64_t length = 0;
    if (Error error = takeLength(what, length))
      return error;
    return takeBytes(length, what, text);
  }
  Error takeValue(const Twine &what, GgufValue &value);
  Error takeKey();
  Error takeTensor();
  Error placeTensors();

  GgufFile &file;
  StringRef whole, rest;
  struct Place {
    const TensorType *type;
    uint64_t offset; ///< from the data's start
  };
  std::map<std::string, Place> places; ///< by the tensors' names
};

Error GgufParser::parse(bool keysOnly) {
  uint32_t magic = 0, version = 0;
  if (Error error = takeU32("the magic number", magic))
    return error;
  if (!isGguf(whole))
    return inputError(file.path + ": expects '" + kMagic + "' at its start, but got '" +
                      printable(whole.take_front(4)) + "'");
  if (Error error = takeU32("the version", version))
    return error;
  if (version < 1 || version > 3)
    return inputError(file.path + ": expects GGUF version 1, 2 or 3, but got " + Twine(version) +
                      (version & 0xffff ? "" : " (a big-endian file is not supported)"));
  file.wide = version > 1;
  uint64_t tensorCount = 0, keyCount = 0;
  if (Error error = takeLength("the count of tensors", tensorCount))
    return error;
  if (Error error = takeLength("the count of keys", keyCount))
    return error;
  // Each entry is longer than this, so a wrong count ends where the file does.
  for (auto [what, count] : {std::pair("keys", keyCount), std::pair("tensors", tensorCount)})
    if (count > rest.size() / 8)
      return inputError(file.path + ": expects at most " + Twine(rest.size() / 8) + " " + what +
                        " in a file of its size, but got " + Twine(count));
  for (uint64_t i = 0; i < keyCount; ++i)
    if (Error error = takeKey())
      return error;
  if (keysOnly)
    return Error::success();
  for (uint64_t i = 0; i < tensorCount; ++i)
    if (Error error = takeTensor())
      return error;
  return placeTensors();
}

Error GgufParser::takeKey() {
  StringRef name;
  GgufValue value;
  if (Error error = takeString("a key", name))
    return error;
  if (Error error = takeValue("key '" + printable(name) + "'", value))
    return error;
  if (!file.keys.emplace(name.str(), value).second)
    return inputError(file.path + ": key '" + printable(name) +
                      "' expects to appear once, but got it twice");
  return Error::success();
}

Error GgufParser::takeValue(const Twine &what, GgufValue &value) {
  uint32_t type = 0;
  if (Error error = takeU32(what, type))
    return error;
  value.isArray = GgufType(type) == GgufType::Array;
  if (value.isArray) {
    if (Error error = takeU32(what, type))
      return error;
    if (Error error = takeLength(what, value.count))
      return error;
  }
  value.type = GgufType(type);
  if (uint64_t size = numberBytes(value.type)) {
    if (value.count > rest.size() / size)
      return truncated(what, SaturatingMultiply(value.count, size));
    return takeBytes(value.count * size, what, value.bytes);
  }
  if (value.type != GgufType::String)
    return inputError(file.path + ": " + what + " expects a type from 0 to 12" +
                      (value.isArray ? " that is not an array" : "") + ", but got " + Twine(type));
  if (!value.isArray)
    return takeString(what, value.bytes);
  StringRef start = rest, text;
  for (uint64_t i = 0; i < value.count; ++i)
    if (Error error = takeString(what, text))
      return error;
  value.bytes = start.drop_back(rest.size());
  return Error::success();
}

Error GgufParser::takeTensor() {
  StringRef name;
  if (Error error = takeString("a tensor's name", name))
    return error;
  std::string what = "tensor '" + printable(name) + "'";
  uint32_t rank = 0, typeId = 0;
  if (Error error = takeU32(what, rank))
    return error;
  if (rank < 1 || rank > kMaxRank)
    return inputError(file.path + ": " + what + " expects 1 to " + Twine(kMaxRank) +
                      " dimensions, but got " + Twine(rank));
  StoredTensor tensor;
  tensor.file = file.path;
  for (uint32_t i = 0; i < rank; ++i) {
    uint64_t size = 0;
    if (Error error = takeLength(what, size))
      return error;
    tensor.shape.insert(tensor.shape.begin(), int64_t(std::min<uint64_t>(size, INT64_MAX)));
  }
  uint64_t offset = 0;
  if (Error error = takeU32(what, typeId))
    return error;
  if (Error error = takeU64(what, offset))
    return error;

  const TensorType *type =
      find_if(kTensorTypes, [&](const TensorType &t) { return t.id == typeId; });
  if (type == std::end(kTensorTypes))
    return inputError(file.path + ": " + what +
                      " expects type " + tensorTypeNames() + ", but got " +
                      otherTensorType(typeId) + " (" + Twine(typeId) + ")");
  if (tensor.shape.back() % type->blockElements())
    return inputError(file.path + ": " + what + " of type " + type->name +
                      " expects rows of a multiple of " + Twine(type->blockElements()) +
                      ", but got shape " + shapeText(tensor.shape));
  tensor.scalar = type->scalar;
  tensor.encoding = type->encoding;
  if (!file.tensors.emplace(name.str(), tensor).second)
    return inputError(file.path + ": " + what + " expects to appear once, but got it twice");
  places[name.str()] = {type, offset};
  return Error::success();
}

/// Checks every tensor's bytes, once the start of the data is known.
Error GgufParser::placeTensors() {
  FirstError failed;
  GgufReader reader(file, failed);
  uint64_t alignment =
      uint64_t(reader.integer("general.alignment", 1, kMaxAlignment, kDefaultAlignment));
  if (!isPowerOf2_64(alignment))
    reader.expects("general.alignment", "a power of two");
  if (failed)
    return failed.take();
  uint64_t start = alignTo(whole.size() - rest.size(), alignment);
  uint64_t dataBytes = start < whole.size() ? whole.size() - start : 0;
  std::vector<ByteRange> ranges;
  for (auto &[name, tensor] : file.tensors) {
    std::string what = file.path + ": tensor '" + printable(name) + "'";
    auto [type, offset] = places[name];
    SmallVector<int64_t, 2> blocks = tensor.shape;
    blocks.back() /= type->blockElements();
    uint64_t bytes = 0;
    if (!checkedProduct(blocks, type->blockBytes(), bytes))
      return inputError(what + " expects a shape of positive sizes below 2^63 bytes, but got " +
                        shapeText(tensor.shape));
    if (offset % alignment)
      return inputError(what + " expects an offset that is a multiple of " + Twine(alignment) +
                        ", but got " + Twine(offset));
    if (offset > dataBytes || bytes > dataBytes - offset)
      return inputError(what + " expects " + Twine(bytes) + " bytes at offset " + Twine(offset) +
                        " of the data, but got a file with " + Twine(dataBytes) +
                        " bytes of data");
    tensor.offset = start + offset;
    ranges.push_back({offset, offset + bytes, printable(name)});
  }
  return checkDisjoint(ranges, file.path);
}

//===----------------------------------------------------------------------===//
// GgufFile
//===----------------------------------------------------------------------===//

bool isGguf(StringRef bytes) { return bytes.starts_with(kMagic); }

Expected<GgufFile> GgufFile::open(StringRef path, bool keysOnly) {
  GgufFile file;
  file.path = path.str();
  Expected<std::unique_ptr<MemoryBuffer>> buffer = mapFile(path);
  if (!buffer)
    return buffer.takeError();
  file.buffer = std::move(*buffer);
  if (Error error = GgufParser(file).parse(keysOnly))
    return std::move(error);
  return file;
}

StringRef GgufFile::getData(const StoredTensor &tensor) const {
  return buffer->getBuffer().substr(tensor.offset);
}

std::vector<StringRef> GgufFile::getStrings(const GgufValue &value) const {
  std::vector<StringRef> strings;
  StringRef rest = value.bytes;
  uint64_t lengthBytes = wide ? 8 : 4;
  strings.reserve(value.count);
  for (uint64_t i = 0; i < value.count; ++i) {
    uint64_t length = wide ? support::endian::read64le(rest.data())
                           : support::endian::read32le(rest.data());
    strings.push_back(rest.substr(lengthBytes, length));
    rest = rest.drop_front(lengthBytes + length);
  }
  return strings;
}

} // namespace cria
