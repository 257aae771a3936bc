//===- AtomicFile.h - A file that is there whole or not at all ---*- C++ -*-===//
#ifndef CRIA_COMPILER_ARTIFACT_ATOMICFILE_H
#define CRIA_COMPILER_ARTIFACT_ATOMICFILE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"

#include <string>
#include <utility>

namespace cria {

/// A file that takes its place when it is whole. Until `keep`, and for good if that is never called or a signal
/// ends the program, what was there stays, and nothing is beside it.
class AtomicFile {
public:
  AtomicFile(AtomicFile &&other)
      : name(std::move(other.name)), target(std::move(other.target)), temporary(std::exchange(other.temporary, {})),
        file(std::exchange(other.file, -1)) {}
  ~AtomicFile();

  /// Makes `.NAME.XXXXXX` beside `output`, or beside what a link there leads to, which it goes on leading to.
  /// Fails if neither a file nor nothing is there, if a link leads nowhere, or if the folder takes no file.
  static llvm::Expected<AtomicFile> create(llvm::StringRef output);

  /// To write to.
  int descriptor() const { return file; }
  /// The output that was asked for, as errors name it.
  llvm::StringRef asked() const { return name; }
  /// "<output>: cannot be written: <why>", as an error.
  llvm::Error cannotBeWritten(const llvm::Twine &why) const;
  /// Gives the file its permissions, `mode` less what the process masks, closes it, and gives it its name.
  llvm::Error keep(unsigned mode);

private:
  AtomicFile() = default;

  std::string name;      ///< as it was asked for
  std::string target;    ///< what it leads to
  std::string temporary; ///< empty: kept, or moved from
  int file = -1;
};

} // namespace cria

#endif // CRIA_COMPILER_ARTIFACT_ATOMICFILE_H
