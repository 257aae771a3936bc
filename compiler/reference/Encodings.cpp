//===- Encodings.cpp - The scalar meaning of block encodings ---------------===//
//
// One element at a time, straight from the description of the Encoding attribute in
// LlamaAttributes.td and with its letters: codes c, numbers d, e, m, factors a, b.
//
//===----------------------------------------------------------------------===//

#include "compiler/reference/Ops.h"
#include "dialects/llama/Quantization.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/ErrorHandling.h"

#include <cmath>

using namespace mlir;
using namespace cria;
using llama::Encoding;

namespace {

double half(const uint8_t *at) {
  return APFloat(APFloat::IEEEhalf(), APInt(16, llvm::support::endian::read16le(at))).convertToDouble();
}

int bits(int byte, int first, int count) { return byte >> first & ((1 << count) - 1); }

/// c of column k in blocks of 32 whose 16 bytes of low codes are at `low`.
int low32(const uint8_t *low, int k) { return bits(low[k % 16], k < 16 ? 0 : 4, 4); }
/// Bit k of the 32 at `high`, as the fifth of a code.
int fifth(const uint8_t *high, int k) { return bits(high[k / 8], k % 8, 1) << 4; }

/// The 6-bit a (`which` 0) or b (1) of group g in the 12 bytes of q4_k and q5_k.
int sixBits(const uint8_t *at, int g, int which) {
  if (g < 4)
    return bits(at[4 * which + g], 0, 6);
  return bits(at[4 + g], 4 * which, 4) | bits(at[g - 4 + 4 * which], 6, 2) << 4;
}

/// The double is exact: at most 21 bits of product and 17 of minimum, no more than 50
/// bits apart.
double element(Encoding encoding, const uint8_t *at, int k) {
  int n = k / 128, j = k / 32 % 4, l = k % 32, g16 = k / 16, g32 = k / 32;
  switch (encoding) {
  case Encoding::Plain:
    break;
  case Encoding::Q8_0:
    return half(at) * int8_t(at[2 + k]);
  case Encoding::Q4_0:
    return half(at) * (low32(at + 2, k) - 8);
  case Encoding::Q4_1:
    return half(at) * low32(at + 4, k) + half(at + 2);
  case Encoding::Q5_0:
    return half(at) * ((low32(at + 6, k) | fifth(at + 2, k)) - 16);
  case Encoding::Q5_1:
    return half(at) * (low32(at + 8, k) | fifth(at + 4, k)) + half(at + 2);
  case Encoding::Q2_K: {
    double d = half(at + 80), e = half(at + 82);
    return d * bits(at[g16], 0, 4) * bits(at[16 + 32 * n + l], 2 * j, 2) - e * bits(at[g16], 4, 4);
  }
  case Encoding::Q3_K: {
    const uint8_t *h = at, *codes = at + 32, *factors = at + 96;
    int c = bits(codes[32 * n + l], 2 * j, 2) | bits(h[l], 4 * n + j, 1) << 2;
    int a = bits(factors[g16 % 8], g16 < 8 ? 0 : 4, 4) | bits(factors[8 + g16 % 4], 2 * (g16 / 4), 2) << 4;
    return half(at + 108) * (a - 32) * (c - 4);
  }
  case Encoding::Q4_K:
  case Encoding::Q5_K: {
    bool five = encoding == Encoding::Q5_K;
    const uint8_t *factors = at + 4, *h = at + 16, *codes = at + (five ? 48 : 16);
    int c = bits(codes[32 * (k / 64) + l], 4 * (g32 % 2), 4);
    if (five)
      c |= bits(h[l], g32, 1) << 4;
    return half(at) * sixBits(factors, g32, 0) * c - half(at + 2) * sixBits(factors, g32, 1);
  }
  case Encoding::Q6_K: {
    const uint8_t *low = at, *high = at + 128, *factors = at + 192;
    int c = bits(low[64 * n + 32 * (j % 2) + l], 4 * (j / 2), 4) | bits(high[32 * n + l], 2 * j, 2) << 4;
    return half(at + 208) * int8_t(factors[g16]) * (c - 32);
  }
  case Encoding::MXFP4: {
    int c = low32(at + 1, k), exponent = bits(c, 1, 2), fraction = bits(c, 0, 1);
    double e2m1 = exponent ? std::ldexp(1 + fraction / 2.0, exponent - 1) : fraction / 2.0;
    return at[0] == 255 ? NAN : std::ldexp(bits(c, 3, 1) ? -e2m1 : e2m1, at[0] - 127);
  }
  }
  llvm_unreachable("only block encodings have elements in blocks");
}

} // namespace

double reference::decodeElement(Encoding encoding, ArrayRef<uint8_t> bytes, size_t index) {
  size_t columns = traits(*llama::codeFormat(encoding)).block;
  return element(encoding, &bytes[index / columns * llama::encodedBytes(encoding)], int(index % columns));
}
