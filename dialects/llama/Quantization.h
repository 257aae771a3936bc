//===- Quantization.h - What low-bit formats mean ----------------*- C++ -*-===//
//
// A format cuts the rows of a matrix into groups of columns. Every number of a group
// has a code c of a few bits, which means a small integer, its level: c - offset, or
// the entry of a table. With the group's scale s and minimum m, both exact in F32, the
// code stands for
//
//   s * level(c)         or, in formats with minimums,   s * level(c) - m
//
// at F32; the product is exact, the subtraction rounds once. The last group of a row may
// have fewer columns than the others; its block is filled up with columns of code 0, which
// stand for nothing and meet nothing. Where s and m come from:
//
//   one level     s and m are F16, of each group (but see mxfp4)
//   two levels    s = d * a and m = e * b: F16 d and e of 256 columns, and of each group
//   (K-quants)    a signed byte a and an unsigned one b
//
//   format    bits  level               group  other
//   q8          8   c - 128                32
//   q6 q5 q4    6…  c - 2^(bits - 1)       32  also q4_64, q4_128: groups of 64, 128
//   q4z q5z     4…  c                      32  minimums; also q4z_64, q4z_128
//   q3          3   c - 4                  32
//   q2          2   -3, -1, 1, 3           32
//   ternary     2   -1, 0, 1               32
//   nf4         4   127 x NormalFloat      64  the 16 quantiles of QLoRA (Dettmers et al.,
//                                              2023), times 127, to the nearest integer
//   mxfp4       4   twice an E2M1          32  s is a power of two, half of OCP MX's (2023):
//                                              2^(e - 128) for a byte e, NaN for 255
//   q2_k        2   c                      16  two levels, minimums
//   q3_k        3   c - 4                  16  two levels
//   q4_k q5_k   4…  c                      32  two levels, minimums
//   q6_k        6   c - 32                 16  two levels
//
// GGUF's Q8_0, Q4_0, Q4_1, Q5_0, Q5_1 and MXFP4 are q8, q4, q4z, q5, q5z and mxfp4. The
// K-quants come from files only; codes for the others are chosen by `quantizeRow`.
//
// `llama.pack_blocks` stores codes in blocks of `rows` (R) rows and `block` columns:
//
//   R scales, F16 or bytes e; with minimums R F16 minimums (e)
//   for every 32 columns: with two levels the factors, for each of their groups in turn a and
//   (with minimums) b; then the codes, of w bits: w vectors of 4 R bytes
//
// so that a panel takes as many bytes as in a file, and is read from its first one to its last. Byte r of R bytes
// is of row r. Factors take as many bits as in files, too:
//
//   8 bits    R bytes for each
//   4 bits    R bytes for every two, the first one in the low bits
//   6 bits    two: R bytes have the first one, and above it the lowest two bits of the second; R / 2 bytes the
//             upper four, of row r in the low bits, and of row r + R / 2
//
// Columns are taken by four, as dot products of bytes take them: byte 4 r + k of a vector is of row
// r, and of column k of some fours. Codes of 8, 4 and 2 bits fill bytes: those of fours j, j + w,
// j + 2 w, … are in vector j, from the low bits up. So are those of 3, 5 and 6 bits as far as bytes
// have room for whole ones, and the codes of the fours that are left are cut into the bits that are
// left, in the order of the vectors, their low bits first. Of 6 bits that is done for each half of
// the 32 columns by itself: three fours in three vectors, whose upper two bits are the last one.
//
//===----------------------------------------------------------------------===//
#ifndef CRIA_DIALECTS_LLAMA_QUANTIZATION_H
#define CRIA_DIALECTS_LLAMA_QUANTIZATION_H

#include "dialects/llama/Llama.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLExtras.h"

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace cria::llama {

/// Columns that a kernel takes at a time, and that share a scale in the vectors that
/// quantized matrices meet (`llama.quantize_rows`).
inline constexpr int kGroup = 32;
inline constexpr int kMostGroup = 128; ///< columns of the longest group
inline constexpr int kMostBlockRows = 64; ///< rows of a packed block, at most

/// What there is to know about a format; see above.
struct FormatTraits {
  int bits;     ///< of a code: 2 to 6, or 8
  int offset;   ///< level + offset is an unsigned byte
  int group;    ///< columns: 16, 32, 64 or 128
  int block;    ///< columns that share their F16 numbers
  bool minimums;
  llvm::ArrayRef<int8_t> levels; ///< of every code; empty: code - offset
  bool exponents = false; ///< scales are powers of two, stored as bytes e
  int factorBits = 0;     ///< of a and b, as they are packed: 4, 6 or 8 (then a is signed); 0 with one level
  int factorOffset = 0;   ///< a + factorOffset is packed

  /// Whether the scales and minimums of groups are factors, a few bits each, times those of a block.
  bool twoLevels() const { return block > group; }
  /// Factors, a and b, of 32 columns.
  int factorsOfStep() const { return twoLevels() ? (minimums ? 2 : 1) * (group < 32 ? 32 / group : 1) : 0; }
  /// No level + offset is above it.
  int largest() const { return levels.empty() ? (1 << bits) - 1 : *llvm::max_element(levels) + offset; }
};
const FormatTraits &traits(Format format);

/// The names of the formats that weights can be quantized to, with commas: all but
/// the two-level ones.
std::string quantizableFormats();
/// Whether `format` is one of them.
bool isQuantizable(Format format);

/// The byte e of a scale that is 2^(e - 128) or NaN, and the way back.
uint8_t toExponent(float scale);
float fromExponent(uint8_t exponent);

/// The codes of one row [K] in some format; quotients are rounded up.
struct CodeRow {
  int64_t columns = 0;          ///< K
  std::vector<float> scales;    ///< [K / block], exactly representable as F16, or by `toExponent`
  std::vector<float> minimums;  ///< [K / block], likewise; empty without minimums
  std::vector<int8_t> scaleFactors;     ///< [K / group] a; empty with one level
  std::vector<uint8_t> minimumFactors;  ///< [K / group] b; empty without
  std::vector<uint8_t> codes;   ///< [K / block * block]; 0 beyond K

  /// Makes room for `columns`.
  void resize(Format format, int64_t columns);
  /// Makes every number zero: what rows beyond the matrix's last are.
  void clear();
  /// The numbers that the codes stand for, [K].
  void dequantize(Format format, float *values) const;
};

/// What an error costs, for all rows of a matrix of K columns: compiler/weights/Guide.h
/// says how it is made.
struct Guide {
  int64_t columns;           ///< K
  std::vector<float> factor; ///< U [K, K], upper triangular with a positive diagonal
};

/// Chooses the codes of one row of `columns` numbers.
///
/// Numbers are scaled by 1 / s (F32), clamped and rounded to the nearest level: to even
/// integers at ties, to the lower of two levels of a table. s is the best of a few, the
/// one with the smallest sum of squared errors (F32, in eight partial sums), the first
/// if there are several. Without minimums an error counts as much as the square of its
/// number: large weights matter more to what a model says. With n from a first to a last
/// number of 32nds, in steps:
///
///   q8                      max |x| / 127
///   c - offset, ternary's   x / (-offset * n / 32), x being the number of largest magnitude, the
///                           first if there are several
///   levels of a table       max |x| / (the highest level * n / 32)
///   with minimums           (max x - min x) / (the highest code * n / 32), the range kept
///                           in its middle; m is minus its lower end
///
/// s and m are rounded to F16 (mxfp4: s to the next power of two) before they are used. Where
/// that is so much less that the number which s is to reach is more than half a level away,
/// as only subnormal ones are, s + 2^-24 (in magnitude) is tried, too.
/// A group with a number that F16 cannot hold stands for NaN.
///
/// With a `guide` (GPTQ: Frantar et al., 2022) the columns take turns, and what one errs
/// the later ones make good: with u = U[k, k], w the number of column k by then and v what
/// its code stands for, U[k, j] (w - v) / u is taken from every later column j. A group's
/// scale is chosen when its first column's turn comes, squared errors weighted by
/// 1 / u^2. Groups that stand for NaN change no other.
void quantizeRow(Format format, const float *values, int64_t columns, CodeRow &row, const Guide *guide = nullptr);

/// The format whose codes give the numbers of `weight` exactly: of a `llama.quantize`,
/// or of a source stored in blocks, also behind a change of the rows' order or of several
/// one below the other. None for other weights.
std::optional<Format> codeFormat(mlir::Value weight);

/// The symbol of the source that `weight` is made of; empty if it is not one alone.
llvm::StringRef sourceOf(mlir::Value weight);

/// The format of the codes of an encoding; none of `plain`.
std::optional<Format> codeFormat(Encoding encoding);
/// Bytes of a block of `encoding` in a file, which holds traits(…).block columns.
int64_t encodedBytes(Encoding encoding);

//===----------------------------------------------------------------------===//
// Packed blocks
//===----------------------------------------------------------------------===//

/// Where things are in a block of `rows` rows, in bytes.
struct BlockLayout {
  BlockLayout(Format format, int64_t rows);

  /// Bits of a code: `bits` of them, from bit `shift` on, are from bit `place` on in the bytes of `vector`.
  struct Field {
    int vector, place, bits, shift;
  };
  const FormatTraits &format;
  int64_t rows;
  int64_t minimums;   ///< of the F16 minimums; the scales are at 0
  int64_t factors;    ///< of the first 32 columns' factors
  int64_t codes;      ///< of the first 32 columns' codes
  int64_t stepBytes;  ///< of 32 columns: their factors, then their codes
  int64_t bytes;      ///< of the whole block
  /// Of each four of the 32 columns, what their codes are made of, low bits first.
  std::array<llvm::SmallVector<Field, 3>, 8> fields;

private:
  /// The fields of `fours` fours of columns from number `first` on, in `vectors` vectors from `vector` on.
  void place(int first, int fours, int vector, int vectors);
};

} // namespace cria::llama

#endif // CRIA_DIALECTS_LLAMA_QUANTIZATION_H
