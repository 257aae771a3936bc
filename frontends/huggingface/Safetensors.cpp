//===- Safetensors.cpp - Tensors of a Hugging Face folder ------------------===//
//
// A safetensors file is
//
//   u64 N        bytes of the header, little-endian
//   JSON [N]     {"name": {"dtype": "F16", "shape": [2, 3], "data_offsets": [begin, end]}, ...}
//   bytes        the tensors; offsets count from here
//
//===----------------------------------------------------------------------===//

#include "frontends/huggingface/Safetensors.h"

#include "frontends/Json.h"

#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"

using namespace llvm;

namespace cria {

namespace {

/// The format's own limit; also keeps the parsed header small.
constexpr uint64_t kMaxHeaderBytes = 100'000'000;
constexpr size_t kMaxRank = 8;

struct DataType {
  StringLiteral name;
  Scalar scalar;
  uint64_t bytes;
};
constexpr DataType kDataTypes[] = {
    {"F32", Scalar::F32, 4}, {"F16", Scalar::F16, 2}, {"BF16", Scalar::BF16, 2}};

/// The integers of `value`, or an error.
SmallVector<int64_t, 2> integers(JsonReader &reader, StringRef key, size_t atMost) {
  SmallVector<int64_t, 2> numbers;
  const Json *value = reader.find(key);
  bool valid = value && value->is_array() && value->size() <= atMost;
  if (valid)
    for (const Json &item : *value) {
      valid &= item.is_number_unsigned() && item.get<uint64_t>() <= uint64_t(INT64_MAX);
      numbers.push_back(valid ? item.get<int64_t>() : 0);
    }
  if (!valid)
    reader.expects(key, "a list of at most " + Twine(atMost) + " integers from 0 to 2^63 - 1",
                   value);
  return numbers;
}

/// Adds one entry of the header; its bytes must lie in the file's data, which
/// begins at `dataOffset` and is `dataBytes` long.
Error readEntry(StringRef path, const std::string &name, const Json &entry, uint64_t dataOffset,
                uint64_t dataBytes, StoredTensors &tensors, std::vector<ByteRange> &ranges) {
  std::string where = (path + ": tensor '" + printable(name) + "'").str();
  if (!entry.is_object())
    return inputError(where + " expects an object, but got " + jsonText(entry));
  FirstError error;
  JsonReader reader(entry, where, error);
  std::string dtype = reader.string("dtype");
  SmallVector<int64_t, 2> shape = integers(reader, "shape", kMaxRank);
  SmallVector<int64_t, 2> offsets = integers(reader, "data_offsets", 2);
  reader.refuseOthers({});
  if (error)
    return error.take();

  const DataType *type = find_if(kDataTypes, [&](const DataType &t) { return t.name == dtype; });
  if (type == std::end(kDataTypes))
    return inputError(where + " expects dtype F32, F16 or BF16, but got " + printable(dtype));
  if (offsets.size() != 2 || offsets[0] > offsets[1] || uint64_t(offsets[1]) > dataBytes)
    return inputError(where + " expects data_offsets [begin, end] within the file's " +
                      Twine(dataBytes) + " bytes of data, but got " + shapeText(offsets));
  uint64_t bytes = 0;
  if (!checkedProduct(shape, type->bytes, bytes))
    return inputError(where + " expects a shape of positive sizes below 2^63 bytes, but got " +
                      shapeText(shape));
  if (bytes != uint64_t(offsets[1] - offsets[0]))
    return inputError(where + " of shape " + shapeText(shape) + " expects " + Twine(bytes) +
                      " bytes, but got " + Twine(offsets[1] - offsets[0]));

  StoredTensor tensor;
  tensor.file = path.str();
  tensor.offset = dataOffset + offsets[0];
  tensor.scalar = type->scalar;
  tensor.shape = std::move(shape);
  auto [other, added] = tensors.try_emplace(name, std::move(tensor));
  if (!added)
    return inputError(where + " expects to be in one file only, but got it in " +
                      other->second.file + " too");
  ranges.push_back({uint64_t(offsets[0]), uint64_t(offsets[1]), printable(name)});
  return Error::success();
}

} // namespace

Error readSafetensors(StringRef path, StoredTensors &tensors) {
  Expected<std::unique_ptr<MemoryBuffer>> buffer = mapFile(path);
  if (!buffer)
    return buffer.takeError();
  StringRef file = (*buffer)->getBuffer();
  if (file.size() < 8)
    return inputError(path + ": expects at least 8 bytes, but got " + Twine(file.size()));
  uint64_t headerBytes = support::endian::read64le(file.data());
  if (headerBytes > std::min<uint64_t>(file.size() - 8, kMaxHeaderBytes))
    return inputError(path + ": expects a header of at most " +
                      Twine(std::min<uint64_t>(file.size() - 8, kMaxHeaderBytes)) +
                      " bytes, but got " + Twine(headerBytes));
  Expected<Json> header = parseJson(file.substr(8, headerBytes), path);
  if (!header)
    return header.takeError();
  if (!header->is_object())
    return inputError(path + ": expects a header that is a JSON object, but got " +
                      jsonText(*header));

  uint64_t dataOffset = 8 + headerBytes, dataBytes = file.size() - dataOffset;
  std::vector<ByteRange> ranges;
  for (const auto &[name, entry] : header->items())
    if (name != "__metadata__")
      if (Error error = readEntry(path, name, entry, dataOffset, dataBytes, tensors, ranges))
        return error;
  if (Error error = checkDisjoint(ranges, path))
    return error;
  uint64_t end = 0;
  for (const ByteRange &range : ranges) {
    if (range.begin != end)
      return inputError(path + ": tensor '" + range.name + "' expects data_offsets from " +
                        Twine(end) + " on, but got " + Twine(range.begin));
    end = range.end;
  }
  if (end != dataBytes)
    return inputError(path + ": expects " + Twine(end) + " bytes of data, but got " +
                      Twine(dataBytes));
  return Error::success();
}

Error readFolderTensors(StringRef folder, StoredTensors &tensors,
                        std::vector<std::string> &files) {
  std::string single = (folder + "/model.safetensors").str();
  std::string index = (folder + "/model.safetensors.index.json").str();
  if (sys::fs::exists(single)) {
    files.push_back(single);
    return readSafetensors(single, tensors);
  }
  if (!sys::fs::exists(index))
    return inputError(folder + ": expects model.safetensors or model.safetensors.index.json, " +
                      "but got neither");

  files.push_back(index);
  Expected<Json> json = readJsonFile(index);
  if (!json)
    return json.takeError();
  FirstError error;
  JsonReader reader(*json, index, error);
  const Json *map = reader.find("weight_map");
  if (!map || !map->is_object())
    reader.expects("weight_map", "an object", map);
  if (error)
    return error.take();
  std::set<std::string> shards;
  for (const auto &[name, shard] : map->items()) {
    std::string file = shard.is_string() ? shard.get<std::string>() : "";
    // A shard lies in the folder itself: a model must not read other files.
    bool inFolder = file.find_first_of(StringRef("/\\\0", 3)) == std::string::npos;
    if (file.empty() || file[0] == '.' || !inFolder)
      return inputError(index + ": tensor '" + printable(name) +
                        "' expects the name of a file in this folder, but got " + jsonText(shard));
    shards.insert(file);
  }
  for (const std::string &shard : shards) {
    files.push_back((folder + "/" + shard).str());
    if (Error failed = readSafetensors(files.back(), tensors))
      return failed;
  }
  for (const auto &[name, shard] : map->items()) {
    auto found = tensors.find(name);
    std::string expected = (folder + "/" + shard.get<std::string>()).str();
    if (found == tensors.end() || found->second.file != expected)
      return inputError(index + ": tensor '" + printable(name) + "' expects to be in " + expected +
                        ", but got it " +
                        (found == tensors.end() ? std::string("nowhere")
                                                : "in " + found->second.file));
  }
  for (const auto &[name, tensor] : tensors)
    if (!map->contains(name))
      return inputError(index + ": tensor '" + printable(name) + "' of " + tensor.file +
                        " expects to be in weight_map, but is not");
  return Error::success();
}

} // namespace cria
