//===- TemporaryPath.cpp - A file that is gone in the end ------------------===//

#include "compiler/artifact/TemporaryPath.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"

#include <unistd.h>

using namespace cria;
using llvm::StringRef;

TemporaryPath::~TemporaryPath() {
  if (path.empty())
    return;
  ::unlink(path.c_str());
  llvm::sys::DontRemoveFileOnSignal(path);
}

llvm::Expected<TemporaryPath> TemporaryPath::create(StringRef name, StringRef contents) {
  int descriptor;
  llvm::SmallString<128> path;
  if (std::error_code error = llvm::sys::fs::createTemporaryFile(name, "", descriptor, path)) {
    llvm::SmallString<128> folder;
    llvm::sys::path::system_temp_directory(/*ErasedOnReboot=*/true, folder);
    return llvm::createStringError(folder + ": a temporary file cannot be made there: " + error.message());
  }
  llvm::sys::RemoveFileOnSignal(path);
  TemporaryPath result;
  result.path = std::string(path);
  llvm::raw_fd_ostream stream(descriptor, /*shouldClose=*/true);
  stream << contents;
  stream.flush();
  if (std::error_code error = stream.error()) {
    stream.clear_error();
    return llvm::createStringError(path + ": cannot be written: " + error.message());
  }
  return result;
}
