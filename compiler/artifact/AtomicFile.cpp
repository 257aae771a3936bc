//===- AtomicFile.cpp - A file that is there whole or not at all -----------===//

#include "compiler/artifact/AtomicFile.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"

#include <cerrno>
#include <climits>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace cria;
using llvm::StringRef;
namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

AtomicFile::~AtomicFile() {
  if (file >= 0)
    ::close(file);
  if (temporary.empty())
    return;
  ::unlink(temporary.c_str());
  llvm::sys::DontRemoveFileOnSignal(temporary);
}

llvm::Error AtomicFile::cannotBeWritten(const llvm::Twine &why) const {
  return llvm::createStringError(name + ": cannot be written: " + why);
}

llvm::Expected<AtomicFile> AtomicFile::create(StringRef output) {
  AtomicFile result;
  result.name = output.str();
  llvm::SmallString<128> target(output);
  if (fs::is_symlink_file(output))
    if (std::error_code error = fs::real_path(output, target))
      return result.cannotBeWritten("it is a link, and what it leads to: " + error.message());
  result.target = std::string(target);
  if (fs::exists(target) && !fs::is_regular_file(target))
    return result.cannotBeWritten(llvm::Twine("expects a file or nothing there, but got ") +
                                  (fs::is_directory(target) ? "a folder" : "a device"));
  llvm::SmallString<128> model(path::parent_path(target));
  if (model.empty())
    model = ".";
  constexpr StringRef prefix = ".", suffix = ".XXXXXX";
  StringRef file = path::filename(target);
  if (file.size() <= NAME_MAX) // one that is too long still fails
    file = file.take_front(NAME_MAX - prefix.size() - suffix.size());
  path::append(model, prefix + file + suffix);
  std::string temporary(model);
  result.file = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (result.file < 0)
    return result.cannotBeWritten(std::strerror(errno));
  result.temporary = std::move(temporary);
  llvm::sys::RemoveFileOnSignal(result.temporary);
  return std::move(result);
}

llvm::Error AtomicFile::keep(unsigned mode) {
  mode_t mask = ::umask(0);
  ::umask(mask);
  bool isWritten = ::fchmod(file, mode & ~mask) == 0 && ::fsync(file) == 0;
  // Closed, or it could not be run.
  if (!isWritten || ::close(std::exchange(file, -1)) != 0 || ::rename(temporary.c_str(), target.c_str()) != 0)
    return cannotBeWritten(std::strerror(errno));
  llvm::sys::DontRemoveFileOnSignal(temporary);
  temporary.clear();
  return llvm::Error::success();
}
