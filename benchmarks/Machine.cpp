//===- Machine.cpp - What this machine can do ------------------------------===//
//
// Compiled for this machine (-march=native). Vectors are clang's own, one cache
// line long.
//
//===----------------------------------------------------------------------===//

#include "benchmarks/Machine.h"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <sys/mman.h>
#include <thread>
#include <vector>

namespace {

typedef float Line __attribute__((vector_size(64)));

constexpr size_t kBytes = size_t(1) << 30;
constexpr int kChains = 10; ///< independent sums: two per cycle, four or five cycles each

/// Keeps a result from being optimized away.
volatile float sink;

double seconds(const std::function<void()> &work) {
  auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void onThreads(int threads, const std::function<void(int)> &work) {
  std::vector<std::thread> others;
  for (int thread = 1; thread < threads; ++thread)
    others.emplace_back(work, thread);
  work(0);
  for (std::thread &other : others)
    other.join();
}

/// A gigabyte of memory that is there, in huge pages where the system has them.
const Line *buffer() {
  static const Line *lines = [] {
    void *memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
      abort();
    madvise(memory, kBytes, MADV_HUGEPAGE);
    float *floats = static_cast<float *>(memory);
    for (size_t i = 0; i < kBytes / sizeof(float); i += 1024)
      floats[i] = 1;
    return static_cast<const Line *>(memory);
  }();
  return lines;
}

float sumOf(const Line *begin, const Line *end) {
  Line sums[8] = {};
  for (const Line *at = begin; at < end; at += 8)
    for (int i = 0; i < 8; ++i)
      sums[i] += at[i];
  for (int i = 1; i < 8; ++i)
    sums[0] += sums[i];
  return sums[0][0];
}

} // namespace

double cria::readBandwidth(int threads) {
  const Line *lines = buffer();
  size_t share = kBytes / sizeof(Line) / threads / 8 * 8;
  double time = seconds([&] {
    onThreads(threads, [&](int thread) { sink = sumOf(lines + thread * share, lines + (thread + 1) * share); });
  });
  return share * threads * sizeof(Line) / time;
}

double cria::multiplyAddPeak(int threads) {
  constexpr int64_t kRounds = 5'000'000;
  double time = seconds([&] {
    onThreads(threads, [&](int thread) {
      Line sums[kChains] = {}, factor = {}, term = {};
      factor += 0.999f + thread;
      term += 0.001f;
      for (int64_t round = 0; round < kRounds; ++round)
        for (Line &sum : sums) {
          sum = sum * factor + term;
          asm("" : "+v"(sum)); // each step is done, in order
        }
      for (int i = 1; i < kChains; ++i)
        sums[0] += sums[i];
      sink = sums[0][0];
    });
  });
  return 2.0 * sizeof(Line) / sizeof(float) * kChains * kRounds * threads / time;
}
