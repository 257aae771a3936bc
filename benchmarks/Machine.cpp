//===- Machine.cpp - What this machine can do ------------------------------===//
//
// Compiled for this machine (-march=native). Vectors are clang's own, one cache
// line long. What not every compiler flag allows is compiled all the same, by target
// attributes, and called where the chip has it.
//
//===----------------------------------------------------------------------===//

#include "benchmarks/Machine.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <immintrin.h>
#include <sched.h>
#include <sys/mman.h>
#include <thread>
#include <vector>

namespace {

typedef float Line __attribute__((vector_size(64)));

// The widest vectors of this machine.
#if defined(__AVX512BW__)
constexpr size_t kVectorBytes = 64;
__m512i bytes(int number) { return _mm512_set1_epi8(char(number)); }
__m512i addPairs(__m512i sums, __m512i left, __m512i right) {
  return _mm512_add_epi16(sums, _mm512_maddubs_epi16(left, right));
}
#elif defined(__AVX2__)
constexpr size_t kVectorBytes = 32;
__m256i bytes(int number) { return _mm256_set1_epi8(char(number)); }
__m256i addPairs(__m256i sums, __m256i left, __m256i right) {
  return _mm256_add_epi16(sums, _mm256_maddubs_epi16(left, right));
}
#else
constexpr size_t kVectorBytes = 16;
__m128i bytes(int number) { return _mm_set1_epi8(char(number)); }
__m128i addPairs(__m128i sums, __m128i left, __m128i right) {
  return _mm_add_epi16(sums, _mm_maddubs_epi16(left, right));
}
#endif
typedef float Floats __attribute__((vector_size(kVectorBytes)));

constexpr size_t kBytes = size_t(1) << 30;
constexpr int kChains = 10; ///< independent sums: two per cycle, four or five cycles each

constexpr int64_t kRounds = 10'000'000;

/// Keeps a result from being optimized away.
volatile float sink;

double seconds(const std::function<void()> &work) {
  auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Moves the calling thread to the `index`-th of the cores that it may use, if there
/// are so many: within milliseconds the system would not spread threads by itself.
void moveToCore(int index) {
  cpu_set_t allowed, one;
  CPU_ZERO(&one);
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0)
    return;
  for (int core = 0; core < CPU_SETSIZE; ++core)
    if (CPU_ISSET(core, &allowed) && index-- == 0)
      CPU_SET(core, &one);
  if (CPU_COUNT(&one) > 0)
    sched_setaffinity(0, sizeof(one), &one);
}

void onThreads(int threads, const std::function<void(int)> &work) {
  std::vector<std::thread> team;
  for (int thread = 0; thread < threads; ++thread)
    team.emplace_back([&work, thread] {
      moveToCore(thread);
      work(thread);
    });
  for (std::thread &member : team)
    member.join();
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

/// Operations per second of `work`, which does kRounds rounds of kChains
/// instructions of `operations` each on every thread.
double peakOf(int threads, int operations, const std::function<void(int)> &work) {
  return double(operations) * kChains * kRounds * threads / seconds([&] { onThreads(threads, work); });
}

// The empty assembly makes every instruction count: each step is done, in order.

void multiplyAdd(int thread) {
  Floats sums[kChains] = {}, factor = {}, term = {};
  factor += 0.999f + thread;
  term += 0.001f;
  for (int64_t round = 0; round < kRounds; ++round)
    for (Floats &sum : sums) {
      sum = sum * factor + term;
      asm("" : "+v"(sum));
    }
  for (int i = 1; i < kChains; ++i)
    sums[0] += sums[i];
  sink = sums[0][0];
}

__attribute__((target("avx512f,avx512vnni"))) void byteProducts512(int thread) {
  __m512i sums[kChains] = {}, left = _mm512_set1_epi8(1 + thread), right = _mm512_set1_epi8(-1);
  for (int64_t round = 0; round < kRounds; ++round)
    for (__m512i &sum : sums) {
      sum = _mm512_dpbusd_epi32(sum, left, right);
      asm("" : "+v"(sum));
    }
  for (int i = 1; i < kChains; ++i)
    sums[0] += sums[i];
  sink = float(sums[0][0]);
}

__attribute__((target("avx2,avxvnni"))) void byteProducts256(int thread) {
  __m256i sums[kChains] = {}, left = _mm256_set1_epi8(1 + thread), right = _mm256_set1_epi8(-1);
  for (int64_t round = 0; round < kRounds; ++round)
    for (__m256i &sum : sums) {
      sum = _mm256_dpbusd_avx_epi32(sum, left, right);
      asm("" : "+x"(sum));
    }
  for (int i = 1; i < kChains; ++i)
    sums[0] += sums[i];
  sink = float(sums[0][0]);
}

void bytePairs(int thread) {
  auto left = bytes(1 + thread), right = bytes(-1);
  decltype(left) sums[kChains] = {};
  for (int64_t round = 0; round < kRounds; ++round)
    for (auto &sum : sums) {
      asm("" : "+v"(left)); // the product anew each time
      sum = addPairs(sum, left, right);
      asm("" : "+v"(sum));
    }
  for (int i = 1; i < kChains; ++i)
    sums[0] += sums[i];
  sink = float(sums[0][0]);
}

__attribute__((target("avx512f,avx512bf16"))) void bfloatProducts(int thread) {
  __m512bh left = __m512bh(_mm512_set1_epi16(0x3f00 + thread)), right = __m512bh(_mm512_set1_epi16(0x3e00));
  __m512 sums[kChains] = {};
  for (int64_t round = 0; round < kRounds; ++round)
    for (__m512 &sum : sums) {
      sum = _mm512_dpbf16_ps(sum, left, right);
      asm("" : "+v"(sum));
    }
  for (int i = 1; i < kChains; ++i)
    sums[0] += sums[i];
  sink = sums[0][0];
}

/// Reads `lines` lines as `streams` streams side by side, a few lines of each in turn.
float sumOf(const Line *begin, size_t lines, int streams) {
  constexpr int kTogether = 4;
  size_t length = lines / streams / kTogether * kTogether;
  Line sums[kTogether] = {};
  for (size_t at = 0; at < length; at += kTogether)
    for (int stream = 0; stream < streams; ++stream)
      for (int i = 0; i < kTogether; ++i)
        sums[i] += begin[stream * length + at + i];
  for (int i = 1; i < kTogether; ++i)
    sums[0] += sums[i];
  return sums[0][0];
}

/// Pieces of a share that are read one after the other: as long as four panels of a matrix.
constexpr size_t kPiece = (size_t(256) << 10) / sizeof(Line);

double readBandwidth(int threads, int streams) {
  const Line *lines = buffer();
  size_t share = kBytes / sizeof(Line) / threads / kPiece * kPiece;
  double time = seconds([&] {
    onThreads(threads, [&](int thread) {
      const Line *begin = lines + thread * share;
      float sum = 0;
      for (size_t at = 0; at < share; at += kPiece)
        sum += sumOf(begin + at, kPiece, streams);
      sink = sum;
    });
  });
  return share * threads * sizeof(Line) / time;
}

} // namespace

double cria::readBandwidth(int threads) {
  return std::max({::readBandwidth(threads, 1), ::readBandwidth(threads, 2), ::readBandwidth(threads, 4)});
}

double cria::multiplyAddPeak(int threads) {
  return peakOf(threads, 2 * sizeof(Floats) / sizeof(float), multiplyAdd);
}

double cria::byteProductPeak(int threads) {
  if (__builtin_cpu_supports("avx512vnni"))
    return peakOf(threads, 2 * 64, byteProducts512);
  if (__builtin_cpu_supports("avxvnni"))
    return peakOf(threads, 2 * 32, byteProducts256);
  return peakOf(threads, 2 * kVectorBytes, bytePairs);
}

double cria::bfloatProductPeak(int threads) {
  return __builtin_cpu_supports("avx512bf16") ? peakOf(threads, 2 * 32, bfloatProducts) : 0;
}
