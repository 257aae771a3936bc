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

} // namespace cria

#endif // CRIA_COMPILER_WEIGHTS_CONVERT_H
