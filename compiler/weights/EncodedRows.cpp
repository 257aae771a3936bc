//===- EncodedRows.cpp - Blocks of codes in files --------------------------===//
//
// The layouts are described at the Encoding attribute (LlamaAttributes.td). Loops over
// bytes are plain, so that they vectorize.
//
//===----------------------------------------------------------------------===//

#include "compiler/weights/EncodedRows.h"
#include "compiler/weights/Convert.h"

#include "llvm/Support/ErrorHandling.h"

using namespace cria;
using llama::Encoding;

namespace {

float half(const uint8_t *at) {
  float value;
  toF32(Storage::F16, at, 1, &value);
  return value;
}

/// What of a row belongs to the block being decoded.
struct Block {
  float *scale, *minimum;
  int8_t *scaleFactors;
  uint8_t *minimumFactors, *codes;
};

/// Columns i and 16 + i in the low and high half of byte i; the fifth bits, if any, in
/// the order of the columns.
void decode32(const uint8_t *nibbles, const uint8_t *fifths, uint8_t *codes) {
  for (int i = 0; i < 16; ++i) {
    codes[i] = nibbles[i] & 15;
    codes[16 + i] = nibbles[i] >> 4;
  }
  for (int i = 0; fifths && i < 32; ++i)
    codes[i] |= (fifths[i / 8] >> i % 8 & 1) << 4;
}

void decodeTwoBits(const uint8_t *bytes, uint8_t *codes) {
  for (int n = 0; n < 2; ++n)
    for (int j = 0; j < 4; ++j)
      for (int l = 0; l < 32; ++l)
        codes[128 * n + 32 * j + l] = bytes[32 * n + l] >> 2 * j & 3;
}

void decodeQ2K(const uint8_t *at, Block block) {
  for (int group = 0; group < 16; ++group) {
    block.scaleFactors[group] = at[group] & 15;
    block.minimumFactors[group] = at[group] >> 4;
  }
  decodeTwoBits(at + 16, block.codes);
  *block.scale = half(at + 80);
  *block.minimum = half(at + 82);
}

void decodeQ3K(const uint8_t *at, Block block) {
  const uint8_t *thirds = at, *factors = at + 96;
  decodeTwoBits(at + 32, block.codes);
  for (int part = 0; part < 8; ++part)
    for (int l = 0; l < 32; ++l)
      block.codes[32 * part + l] |= (thirds[l] >> part & 1) << 2;
  for (int group = 0; group < 16; ++group) {
    int low = factors[group % 8] >> (group < 8 ? 0 : 4) & 15;
    int high = factors[8 + group % 4] >> 2 * (group / 4) & 3;
    block.scaleFactors[group] = int8_t((low | high << 4) - 32);
  }
  *block.scale = half(at + 108);
}

/// Q4_K and Q5_K, which has 32 bytes of fifth bits between factors and codes.
void decodeQ45K(const uint8_t *at, bool five, Block block) {
  *block.scale = half(at);
  *block.minimum = half(at + 2);
  const uint8_t *factors = at + 4, *fifths = at + 16, *nibbles = at + (five ? 48 : 16);
  for (int group = 0; group < 4; ++group) {
    block.scaleFactors[group] = factors[group] & 63;
    block.minimumFactors[group] = factors[4 + group] & 63;
    block.scaleFactors[4 + group] = int8_t((factors[8 + group] & 15) | factors[group] >> 6 << 4);
    block.minimumFactors[4 + group] = uint8_t(factors[8 + group] >> 4 | factors[4 + group] >> 6 << 4);
  }
  for (int n = 0; n < 4; ++n)
    for (int l = 0; l < 32; ++l) {
      block.codes[64 * n + l] = nibbles[32 * n + l] & 15;
      block.codes[64 * n + 32 + l] = nibbles[32 * n + l] >> 4;
    }
  for (int group = 0; five && group < 8; ++group)
    for (int l = 0; l < 32; ++l)
      block.codes[32 * group + l] |= (fifths[l] >> group & 1) << 4;
}

void decodeQ6K(const uint8_t *at, Block block) {
  for (int n = 0; n < 2; ++n) {
    const uint8_t *low = at + 64 * n, *high = at + 128 + 32 * n;
    uint8_t *codes = block.codes + 128 * n;
    for (int l = 0; l < 32; ++l) {
      codes[l] = (low[l] & 15) | (high[l] & 3) << 4;
      codes[32 + l] = (low[32 + l] & 15) | (high[l] >> 2 & 3) << 4;
      codes[64 + l] = low[l] >> 4 | (high[l] >> 4 & 3) << 4;
      codes[96 + l] = low[32 + l] >> 4 | (high[l] >> 6 & 3) << 4;
    }
  }
  for (int group = 0; group < 16; ++group)
    block.scaleFactors[group] = int8_t(at[192 + group]);
  *block.scale = half(at + 208);
}

void decode(Encoding encoding, const uint8_t *at, Block block) {
  switch (encoding) {
  case Encoding::Plain:
    break;
  case Encoding::Q8_0:
    *block.scale = half(at);
    for (int i = 0; i < 32; ++i)
      block.codes[i] = at[2 + i] ^ 0x80; // signed to unsigned
    return;
  case Encoding::Q4_0:
    *block.scale = half(at);
    return decode32(at + 2, nullptr, block.codes);
  case Encoding::Q5_0:
    *block.scale = half(at);
    return decode32(at + 6, at + 2, block.codes);
  case Encoding::Q4_1: // what these add, a format subtracts
    *block.scale = half(at);
    *block.minimum = -half(at + 2);
    return decode32(at + 4, nullptr, block.codes);
  case Encoding::Q5_1:
    *block.scale = half(at);
    *block.minimum = -half(at + 2);
    return decode32(at + 8, at + 4, block.codes);
  case Encoding::Q2_K: return decodeQ2K(at, block);
  case Encoding::Q3_K: return decodeQ3K(at, block);
  case Encoding::Q4_K: return decodeQ45K(at, false, block);
  case Encoding::Q5_K: return decodeQ45K(at, true, block);
  case Encoding::Q6_K: return decodeQ6K(at, block);
  case Encoding::MXFP4:
    *block.scale = llama::fromExponent(at[0]);
    return decode32(at + 1, nullptr, block.codes);
  }
  llvm_unreachable("only block encodings are decoded");
}

} // namespace

void cria::decodeBlocks(Encoding encoding, const char *from, int64_t blocks, llama::CodeRow &row) {
  llama::Format format = *llama::codeFormat(encoding);
  const llama::FormatTraits &t = traits(format);
  int64_t bytes = llama::encodedBytes(encoding), groups = t.block / t.group;
  row.resize(format, blocks * t.block);
  auto part = [](auto &numbers, int64_t place) { return numbers.empty() ? nullptr : numbers.data() + place; };
  for (int64_t block = 0; block < blocks; ++block)
    decode(encoding, reinterpret_cast<const uint8_t *>(from) + block * bytes,
           {part(row.scales, block), part(row.minimums, block), part(row.scaleFactors, block * groups),
            part(row.minimumFactors, block * groups), part(row.codes, block * t.block)});
}
