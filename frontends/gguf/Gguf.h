//===- Gguf.h - Reads GGUF files ---------------------------------*- C++ -*-===//
//
// A GGUF file is, little-endian:
//
//   "GGUF", u32 version, count of tensors, count of keys
//   keys     string name, u32 type, value
//   tensors  string name, u32 rank, sizes (innermost first), u32 type, u64 offset
//   data     from the next multiple of `general.alignment` on; offsets count from here
//
// Counts, sizes and lengths are u32 in version 1 and u64 in versions 2 and 3.
//
//===----------------------------------------------------------------------===//
#ifndef CRIA_FRONTENDS_GGUF_GGUF_H
#define CRIA_FRONTENDS_GGUF_GGUF_H

#include "frontends/InputFile.h"
#include "frontends/ModelBuilder.h"

#include <set>

namespace cria {

/// Whether `bytes`, the start of a file, are those of a GGUF file.
bool isGguf(llvm::StringRef bytes);

/// Reads the model at `path` and, with `ownTokenizer`, the vocabulary in it.
llvm::Expected<ModelFile> readGguf(llvm::StringRef path, bool ownTokenizer);

/// Reads the vocabulary in the metadata of the GGUF file at `path`, whose tensors, if
/// it has some, do not matter; an error if there is none.
llvm::Expected<llama::Vocabulary> readGgufVocabulary(llvm::StringRef path);

/// What GGUF calls the tensor of `slot`.
std::string ggufTensorName(const WeightSlot &slot);

/// Types of metadata values, by their number in the file.
enum class GgufType : uint32_t {
  U8, I8, U16, I16, U32, I32, F32, Bool, String, Array, U64, I64, F64,
};

/// A metadata value, still in the file's bytes.
struct GgufValue {
  GgufType type;         ///< of the elements, if `isArray`
  bool isArray = false;
  uint64_t count = 1;    ///< of elements
  llvm::StringRef bytes; ///< the number, the string's text, or the array's elements
};

/// The header of a GGUF file: every count, length and offset is checked.
class GgufFile {
public:
  /// With `keysOnly` the tensors are not read, and may be of any type.
  static llvm::Expected<GgufFile> open(llvm::StringRef path, bool keysOnly = false);

  llvm::StringRef getPath() const { return path; }
  const std::map<std::string, GgufValue> &getKeys() const { return keys; }
  const StoredTensors &getTensors() const { return tensors; }
  /// The bytes of a tensor of this file.
  llvm::StringRef getData(const StoredTensor &tensor) const;
  /// The strings of an array of strings.
  std::vector<llvm::StringRef> getStrings(const GgufValue &value) const;

private:
  friend class GgufParser;
  std::string path;
  std::unique_ptr<llvm::MemoryBuffer> buffer;
  bool wide = true; ///< lengths are u64
  std::map<std::string, GgufValue> keys;
  StoredTensors tensors;
};

/// Reads keys one by one, checks each value and keeps the first error (so values
/// read after it mean nothing: ask `error` before using them).
class GgufReader {
public:
  GgufReader(const GgufFile &file, FirstError &error) : file(file), error(error) {}

  /// The value of `key`, which then counts as read; null if there is none.
  const GgufValue *find(llvm::StringRef key);
  /// An integer in [min, max]; `fallback` where the key is absent, an error without one.
  int64_t integer(llvm::StringRef key, int64_t min, int64_t max,
                  std::optional<int64_t> fallback = std::nullopt);
  /// A finite number above zero.
  double positive(llvm::StringRef key, std::optional<double> fallback = std::nullopt);
  /// A finite number, zero or above.
  double nonNegative(llvm::StringRef key, double fallback);
  bool boolean(llvm::StringRef key, bool fallback);
  std::string string(llvm::StringRef key, std::optional<std::string> fallback = std::nullopt);
  /// An array of `type` with `count` elements; null (and an error) if it is none.
  const GgufValue *array(llvm::StringRef key, GgufType type,
                         std::optional<uint64_t> count = std::nullopt);

  void expects(llvm::StringRef key, const llvm::Twine &what);
  bool wasRead(llvm::StringRef key) const { return read.count(key.str()); }

private:
  const GgufFile &file;
  FirstError &error;
  std::set<std::string> read;
};

/// The vocabulary of `file`; nothing if it has none.
llvm::Expected<std::optional<llama::Vocabulary>>
readVocabulary(const GgufFile &file, GgufReader &reader, FirstError &error);

/// Sets `rope` to the llama3 scaling whose frequency factors are `tensor` [Dh/2];
/// an error if none of the published form gives them.
llvm::Error readRopeFactors(const GgufFile &file, const StoredTensor &tensor, int64_t headSize,
                            RopeParameters &rope);

/// The divisors [Dh/2] that say LLaMA 3's scaling in a GGUF file, for `rope` of it.
std::vector<double> ropeFactors(const RopeParameters &rope, int64_t headSize);

} // namespace cria

#endif // CRIA_FRONTENDS_GGUF_GGUF_H
