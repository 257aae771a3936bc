//===- InputFile.h - Hostile files, mapped and checked -----------*- C++ -*-===//
#ifndef CRIA_FRONTENDS_INPUTFILE_H
#define CRIA_FRONTENDS_INPUTFILE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace cria {

/// An error about an input; its text names file, key or tensor, what was
/// expected and what was found.
llvm::Error inputError(const llvm::Twine &message);

/// Keeps the first of several errors, so that a reader of many keys need not
/// stop to ask after each of them. `take` must be called in the end.
class FirstError {
public:
  void report(const llvm::Twine &message) {
    if (text.empty())
      text = message.str();
  }
  explicit operator bool() const { return !text.empty(); }
  llvm::Error take() const { return text.empty() ? llvm::Error::success() : inputError(text); }

private:
  std::string text;
};

/// Maps the regular file at `path` (never a pipe or a device); its pages are
/// read when touched. The buffer has no NUL at its end.
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> mapFile(llvm::StringRef path);

/// What is parsed as a whole, JSON and SentencePiece models, takes up to 75 times its
/// size in memory. Published files have at most a seventh of this.
inline constexpr uint64_t kMaxParsedBytes = uint64_t(256) << 20;

/// Maps a file that is to be parsed as a whole: one of at most kMaxParsedBytes.
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> mapParsedFile(llvm::StringRef path);

/// XXH3-128 over the files' contents in this order, as 32 hexadecimal digits.
/// Hashes pieces of 64 MiB, then the list of their hashes with the files' sizes:
/// one pass, and no more than a piece needs to be in memory.
llvm::Expected<std::string> hashFiles(llvm::ArrayRef<std::string> paths);

/// The same for a text, for inputs that are no files.
std::string hashText(llvm::StringRef text);

/// `text` shortened to a line that is safe to print: control characters and
/// bytes beyond ASCII become '?'.
std::string printable(llvm::StringRef text);

/// "[2, 3]".
std::string shapeText(llvm::ArrayRef<int64_t> shape);

/// The product of `shape` and `unit`; an error value (false) on overflow of
/// 63 bits or a dimension that is not positive.
bool checkedProduct(llvm::ArrayRef<int64_t> shape, uint64_t unit, uint64_t &product);

/// Bytes [begin, end) of a file that a tensor claims.
struct ByteRange {
  uint64_t begin, end;
  std::string name;
};

/// Fails if two of `ranges` overlap; sorts them by `begin`.
llvm::Error checkDisjoint(std::vector<ByteRange> &ranges, llvm::StringRef file);

} // namespace cria

#endif // CRIA_FRONTENDS_INPUTFILE_H
