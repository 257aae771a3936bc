//===- Machine.h - What this machine can do ----------------------*- C++ -*-===//
//
// The limits that kernels are judged by, measured beside them: neighbours on a
// shared machine change them from one second to the next.
//
//===----------------------------------------------------------------------===//
#ifndef CRIA_BENCHMARKS_MACHINE_H
#define CRIA_BENCHMARKS_MACHINE_H

namespace cria {

/// Bytes per second that `threads` threads read from memory, each its own part of
/// a buffer much larger than the caches, once through: as one stream, or as two or four side by side,
/// whichever this chip follows better.
double readBandwidth(int threads);

/// F32 operations per second (a multiply-add is two) of `threads` threads on
/// registers alone, with this machine's widest vectors.
double multiplyAddPeak(int threads);

/// Products of bytes, four to a sum of 32 bits (a product and its addition are
/// two operations), per second. Without an instruction for it two to a sum of 16
/// bits, and what makes 32 of them is not counted: a limit for small numbers.
double byteProductPeak(int threads);

/// Products of BF16 numbers, two to an F32 sum, counted alike; 0 without an
/// instruction.
double bfloatProductPeak(int threads);

} // namespace cria

#endif // CRIA_BENCHMARKS_MACHINE_H
