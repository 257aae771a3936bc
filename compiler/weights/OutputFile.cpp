//===- OutputFile.cpp - A file that is mapped fast later -------------------===//

#include "compiler/weights/OutputFile.h"

#include <algorithm>
#include <cerrno>
#include <unistd.h>

using namespace cria;

namespace {

constexpr uint64_t kWindow = 2 << 20; ///< bytes of a huge page where small ones have 4 KiB

constexpr char kZeros[kWindow] = {};

int writeAll(int file, llvm::ArrayRef<char> bytes, uint64_t offset) {
  while (!bytes.empty()) {
    ssize_t written = ::pwrite(file, bytes.data(), bytes.size(), offset);
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return written < 0 ? errno : ENOSPC;
    bytes = bytes.drop_front(written);
    offset += written;
  }
  return 0;
}

} // namespace

int OutputFile::write(llvm::ArrayRef<char> bytes, uint64_t offset) {
  {
    std::lock_guard<std::mutex> lock(mutex);
    for (uint64_t end = std::min(offset + bytes.size(), size); filled < end;) {
      uint64_t count = std::min(kWindow, size - filled);
      if (int error = writeAll(descriptor, {kZeros, count}, filled))
        return error;
      filled += count;
    }
  }
  return writeAll(descriptor, bytes, offset);
}
