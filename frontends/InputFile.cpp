//===- InputFile.cpp - Hostile files, mapped and checked -------------------===//

#include "frontends/InputFile.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Support/xxhash.h"

#include <sys/mman.h>

using namespace llvm;

namespace cria {

namespace {

constexpr uint64_t kPieceBytes = 64 << 20;
constexpr size_t kPrintableLength = 120;

void append(std::vector<uint8_t> &bytes, uint64_t value) {
  uint8_t little[8];
  support::endian::write64le(little, value);
  bytes.insert(bytes.end(), little, little + 8);
}

std::string digest(ArrayRef<uint8_t> bytes) {
  XXH128_hash_t hash = xxh3_128bits(bytes);
  return utohexstr(hash.high64, /*LowerCase=*/true, 16) + utohexstr(hash.low64, true, 16);
}

} // namespace

Error inputError(const Twine &message) {
  return createStringError(inconvertibleErrorCode(), message);
}

Expected<std::unique_ptr<MemoryBuffer>> mapFile(StringRef path) {
  sys::fs::file_status status;
  if (std::error_code code = sys::fs::status(path, status))
    return inputError(path + ": " + StringRef(code.message()).lower());
  if (status.type() != sys::fs::file_type::regular_file)
    return inputError(path + ": expects a regular file, but got " +
                      (status.type() == sys::fs::file_type::directory_file ? "a folder"
                                                                           : "something else"));
  ErrorOr<std::unique_ptr<MemoryBuffer>> buffer =
      MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!buffer)
    return inputError(path + ": " + StringRef(buffer.getError().message()).lower());
  return std::move(*buffer);
}

Expected<std::unique_ptr<MemoryBuffer>> mapParsedFile(StringRef path) {
  Expected<std::unique_ptr<MemoryBuffer>> buffer = mapFile(path);
  if (buffer && (*buffer)->getBufferSize() > kMaxParsedBytes)
    return inputError(path + ": expects at most " + Twine(kMaxParsedBytes) + " bytes, but got " +
                      Twine((*buffer)->getBufferSize()));
  return buffer;
}

Expected<std::string> hashFiles(ArrayRef<std::string> paths) {
  std::vector<uint8_t> digests;
  for (const std::string &path : paths) {
    Expected<std::unique_ptr<MemoryBuffer>> file = mapFile(path);
    if (!file)
      return file.takeError();
    StringRef text = (*file)->getBuffer();
    append(digests, text.size());
    for (uint64_t at = 0; at < text.size(); at += kPieceBytes) {
      ArrayRef<uint8_t> piece = arrayRefFromStringRef(text.substr(at, kPieceBytes));
      XXH128_hash_t hash = xxh3_128bits(piece);
      append(digests, hash.low64);
      append(digests, hash.high64);
      // A model larger than memory should not push everything else out of it.
      if ((*file)->getBufferKind() == MemoryBuffer::MemoryBuffer_MMap &&
          piece.size() == kPieceBytes)
        madvise(const_cast<uint8_t *>(piece.data()), piece.size(), MADV_DONTNEED);
    }
  }
  return digest(digests);
}

std::string hashText(StringRef text) { return digest(arrayRefFromStringRef(text)); }

std::string printable(StringRef text) {
  std::string line;
  for (char c : text.take_front(kPrintableLength))
    line += isPrint(c) ? c : '?';
  return text.size() > kPrintableLength ? line + "..." : line;
}

std::string shapeText(ArrayRef<int64_t> shape) {
  std::string text;
  raw_string_ostream os(text);
  os << '[';
  interleaveComma(shape, os);
  os << ']';
  return text;
}

bool checkedProduct(ArrayRef<int64_t> shape, uint64_t unit, uint64_t &product) {
  product = unit;
  for (int64_t size : shape) {
    bool overflow = false;
    product = SaturatingMultiply<uint64_t>(product, uint64_t(size), &overflow);
    if (size <= 0 || overflow || product > uint64_t(INT64_MAX))
      return false;
  }
  return true;
}

Error checkDisjoint(std::vector<ByteRange> &ranges, StringRef file) {
  sort(ranges, [](const ByteRange &a, const ByteRange &b) { return a.begin < b.begin; });
  for (size_t i = 1; i < ranges.size(); ++i)
    if (ranges[i].begin < ranges[i - 1].end)
      return inputError(file + ": tensors '" + ranges[i - 1].name + "' and '" + ranges[i].name +
                        "' expect bytes of their own, but got [" + Twine(ranges[i - 1].begin) +
                        ", " + Twine(ranges[i - 1].end) + ") and [" + Twine(ranges[i].begin) +
                        ", " + Twine(ranges[i].end) + ")");
  return Error::success();
}

} // namespace cria
