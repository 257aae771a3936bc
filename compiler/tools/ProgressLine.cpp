//===- ProgressLine.cpp - How far long work has come -----------------------===//

#include "compiler/tools/ProgressLine.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"

#include <atomic>

using namespace cria;

ProgressLine::ProgressLine()
    : terminal(llvm::sys::Process::StandardErrIsDisplayed()), start(Clock::now()), last(start) {}

ProgressLine::~ProgressLine() { hide(); }

/// Whether a line is there.
static std::atomic<bool> isThere = false;

void ProgressLine::hide() {
  if (isThere.exchange(false))
    llvm::errs() << "\r\033[K";
}

void ProgressLine::show(uint64_t tensors, uint64_t allTensors, uint64_t bytes, uint64_t allBytes) {
  Clock::time_point now = Clock::now();
  if (!terminal || now - last < std::chrono::milliseconds(shown ? 100 : 500) || bytes == 0)
    return;
  last = now;
  shown = true;
  double seconds = std::chrono::duration<double>(now - start).count();
  double left = seconds * double(allBytes - bytes) / double(bytes);
  llvm::errs() << llvm::format("\r\033[Kwriting weights: tensor %llu of %llu, %.1f of %.1f MB, %.0f s left",
                               (unsigned long long)tensors, (unsigned long long)allTensors, bytes / 1e6,
                               allBytes / 1e6, left);
  isThere = true;
}
