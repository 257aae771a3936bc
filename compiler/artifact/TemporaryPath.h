//===- TemporaryPath.h - A file that is gone in the end ----------*- C++ -*-===//
#ifndef CRIA_COMPILER_ARTIFACT_TEMPORARYPATH_H
#define CRIA_COMPILER_ARTIFACT_TEMPORARYPATH_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>
#include <utility>

namespace cria {

/// A file that is gone when this is, also if a signal ends the program.
class TemporaryPath {
public:
  TemporaryPath() = default;
  TemporaryPath(TemporaryPath &&other) : path(std::exchange(other.path, {})) {}
  TemporaryPath &operator=(TemporaryPath &&other) {
    std::swap(path, other.path);
    return *this;
  }
  ~TemporaryPath();

  /// Makes a file of `contents` in the folder for such, whose name begins with `name`. Fails if
  /// it cannot be made or written.
  static llvm::Expected<TemporaryPath> create(llvm::StringRef name, llvm::StringRef contents = "");
  const std::string &get() const { return path; }

private:
  std::string path;
};

} // namespace cria

#endif // CRIA_COMPILER_ARTIFACT_TEMPORARYPATH_H
