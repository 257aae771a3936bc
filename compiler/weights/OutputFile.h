//===- OutputFile.h - A file that is mapped fast later -----------*- C++ -*-===//
//
// What is written lands in the page cache, and an artifact runs from there. Linux maps
// 2 MiB at once where a whole aligned window of a file was first written at once; of
// pieces that threads write as they come, it keeps small pages, and a step that reads
// every weight once then spends a seventh of its time on address translation. So
// each window is written in whole, as zeros, before the first piece of it.
//
//===----------------------------------------------------------------------===//
#ifndef CRIA_COMPILER_WEIGHTS_OUTPUTFILE_H
#define CRIA_COMPILER_WEIGHTS_OUTPUTFILE_H

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>
#include <mutex>

namespace cria {

/// A file that is written in pieces, in any order.
class OutputFile {
public:
  /// Writes to `descriptor`, which stays its owner's. Nothing before byte `bytes` has been
  /// written yet: there, windows are filled ahead.
  OutputFile(int descriptor, uint64_t bytes) : descriptor(descriptor), size(bytes) {}

  /// Writes `bytes` at `offset`: zero, or an error number. Any thread may call it, for
  /// places that do not overlap.
  int write(llvm::ArrayRef<char> bytes, uint64_t offset);

private:
  int descriptor;
  uint64_t size;
  std::mutex mutex;
  uint64_t filled = 0; ///< windows before this byte are there
};

} // namespace cria

#endif // CRIA_COMPILER_WEIGHTS_OUTPUTFILE_H
