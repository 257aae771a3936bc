//===- Convert.h - Numbers between their types -------------------*- C++ -*-===//
//
// Loops over many elements, without branches in them, so that they vectorize on
// any machine. F32 holds every stored type exactly; the way back rounds to
// nearest, ties to even.
//
//===----------------------------------------------------------------------===//
#ifndef CRIA_COMPILER_WEIGHTS_CONVERT_H
#define CRIA_COMPILER_WEIGHTS_CONVERT_H

#include <cstddef>
#include <cstdint>

namespace cria {

/// The floating-point types that a tensor is stored at.
enum class Storage { F32, F16, BF16 };

/// Bytes of one element.
size_t bytesOf(Storage storage);

/// `count` elements of `storage` at `from` (any alignment, little-endian) to F32.
void toF32(Storage storage, const void *from, size_t count, float *to);
/// `count` elements of F32 to `storage`.
void fromF32(Storage storage, const float *from, size_t count, void *to);
/// Rounds `count` elements to what `storage` can hold.
void roundTo(Storage storage, float *values, size_t count);

/// `blocks` of ggml's Q8_0 (F16 scale, 32 signed bytes) to 32 F32 each.
void fromQ8_0(const void *from, size_t blocks, float *to);
/// `blocks` of ggml's Q4_0 (F16 scale, 16 bytes: element i in the low, i + 16 in the
/// high nibble, minus 8) to 32 F32 each.
void fromQ4_0(const void *from, size_t blocks, float *to);

} // namespace cria

#endif // CRIA_COMPILER_WEIGHTS_CONVERT_H
