//===- TemporaryFile.h - Weights for a test, in a file ----------*- C++ -*-===//
#ifndef CRIA_TEST_TARGETS_TEMPORARYFILE_H
#define CRIA_TEST_TARGETS_TEMPORARYFILE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

#include "gtest/gtest.h"

namespace cria {

/// A file with `bytes` that is gone at the end.
struct TemporaryFile {
  explicit TemporaryFile(llvm::ArrayRef<char> bytes) {
    int descriptor;
    EXPECT_FALSE(llvm::sys::fs::createTemporaryFile("cria-test", "bin", descriptor, path));
    llvm::raw_fd_ostream(descriptor, /*shouldClose=*/true).write(bytes.data(), bytes.size());
  }
  ~TemporaryFile() { llvm::sys::fs::remove(path); }
  llvm::SmallString<128> path;
};

/// `numbers` as they lie in a file.
inline llvm::ArrayRef<char> asBytes(llvm::ArrayRef<float> numbers) {
  return {reinterpret_cast<const char *>(numbers.data()), numbers.size() * sizeof(float)};
}

} // namespace cria

#endif // CRIA_TEST_TARGETS_TEMPORARYFILE_H
