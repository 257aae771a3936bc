//===- ProgressLine.h - How far long work has come ---------------*- C++ -*-===//
#ifndef CRIA_COMPILER_TOOLS_PROGRESSLINE_H
#define CRIA_COMPILER_TOOLS_PROGRESSLINE_H

#include <chrono>
#include <cstdint>

namespace cria {

/// A line on standard error that rewrites itself while tensors are written:
/// tensor k of n, bytes, time left. Shows nothing if standard error is not a
/// terminal, and nothing of work that is done within half a second.
class ProgressLine {
public:
  ProgressLine();
  ~ProgressLine();
  void show(uint64_t tensors, uint64_t allTensors, uint64_t bytes, uint64_t allBytes);
  /// Takes the line away, if one is there, before something else goes to standard error.
  static void hide();

private:
  using Clock = std::chrono::steady_clock;
  bool terminal;
  bool shown = false;
  Clock::time_point start, last;
};

} // namespace cria

#endif // CRIA_COMPILER_TOOLS_PROGRESSLINE_H
