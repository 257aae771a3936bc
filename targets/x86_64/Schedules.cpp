//===- Schedules.cpp - How kernels are cut on x86-64 -----------------------===//
//
// One table, ordered from general to special: the last row that matches wins.
// Matmul: panels are 16 rows on every chip, so that one layout serves all. A prefill tile
// keeps its tileRows x panelTile x 16 sums in registers (12 of 16 registers with AVX2, 16 of
// 32 with AVX-512) beside a column of weights. Of blocks in tiles of 6 rows and two panels
// 12 are F32 sums and 12 exact ones. A single token waits for memory, and its panels are
// streams from there: how many at once, and how much of them is fetched by hand, is
// measured, and differs from chip to chip.
// Attention: 64 positions between two changes of the maximum; the sums leave registers
// for the vectors of keys or values and for a query's element or weight. The tile is as high as
// pays, since its rows share what comes from memory or the second cache: higher than the sums that
// fit, which are those of 4 rows then. With AVX2 a single row reads its values as operands, and needs
// nearly all registers for sums.
// Tiles: of BF16 four of sums, 16 x 16 each, two of rows and two of panels are all there
// are. Of bytes the F32 sums of a tile are 16 registers, and all rows share the work of
// unpacking a panel.
//
//===----------------------------------------------------------------------===//

#include "targets/x86_64/X86.h"

#include <optional>

using namespace cria;

namespace {

using Kind = KernelKey::Kind;
using UnpackOnce = Schedule::UnpackOnce;

/// Kernels that a row is for, besides what else it says.
enum class Only {
  Every,
  F16,   ///< weights of F16
  Bf16,  ///< products of BF16
  Few,   ///< blocks of few bits: two sums of a pair of products fit into 16 bits
  Tiles, ///< what the chip multiplies as tiles
};

struct Row {
  Kind kind;
  std::optional<bool> chunk;     ///< absent: both steps
  llvm::StringLiteral feature;   ///< empty: every chip
  Schedule schedule;
  Only only = Only::Every;
};

/// Many rows in tiles of at most `rows`.
constexpr Schedule inTiles(int64_t rows, int64_t unroll, int64_t panelTile = 1) {
  Schedule schedule;
  schedule.panelRows = 16;
  schedule.panelTile = panelTile;
  schedule.tileRows = rows;
  schedule.unroll = unroll;
  return schedule;
}

/// One row, which meets `panelTile` panels at once.
constexpr Schedule singleRow(int64_t unroll, int64_t panelTile = 1) { return inTiles(1, unroll, panelTile); }

constexpr Schedule inStreams(Schedule schedule, int64_t streams) {
  schedule.streams = streams;
  return schedule;
}

/// By hand, `ahead` bytes ahead, into a core's first or second cache.
constexpr Schedule fetching(Schedule schedule, int64_t ahead, int64_t cache = 2) {
  schedule.ahead = ahead;
  schedule.aheadCache = cache;
  return schedule;
}

constexpr Schedule widenedOnce(Schedule schedule) {
  schedule.widenOnce = true;
  return schedule;
}

constexpr Schedule signedBytes(Schedule schedule) {
  schedule.signedBytes = true;
  return schedule;
}

constexpr Schedule unpackedOnce(Schedule schedule, UnpackOnce codes) {
  schedule.unpackOnce = codes;
  return schedule;
}

/// Products of tiles, of which an op has at most `opRows` rows (0: all) and `panelTile` panels.
constexpr Schedule tiles(int64_t opRows, int64_t panelTile) {
  Schedule schedule = inTiles(16, 1, panelTile);
  schedule.opRows = opRows;
  schedule.tileMatmul = true;
  return schedule;
}

constexpr Schedule lanes(int64_t lanes, int64_t block) {
  Schedule schedule;
  schedule.lanes = lanes;
  schedule.block = block;
  return schedule;
}

constexpr Schedule attention(int64_t lanes, int64_t rows, int64_t block, int64_t sums) {
  Schedule schedule;
  schedule.lanes = lanes;
  schedule.opRows = rows;
  schedule.block = block;
  schedule.sums = sums;
  return schedule;
}

/// Sums are those of `rows` rows at a time, or of `single` vectors (0: as many) if there is but one row.
constexpr Schedule inRows(Schedule schedule, int64_t rows, int64_t single) {
  schedule.registerRows = rows;
  schedule.singleRowSums = single;
  return schedule;
}

constexpr Row kTable[] = {
    // Without AVX a panel is four vectors: two rows fill half of the registers.
    {Kind::Matmul, true, "", inTiles(2, 4)},
    {Kind::BlockMatmul, false, "", singleRow(32)},
    {Kind::BlockMatmul, true, "", unpackedOnce(signedBytes(inTiles(2, 8)), UnpackOnce::Slow)},
    {Kind::BlockMatmul, true, "", unpackedOnce(inTiles(2, 32), UnpackOnce::All), Only::Few},
    {Kind::Matmul, true, "avx2", inTiles(6, 4)},
    {Kind::Matmul, true, "avx2", inTiles(4, 4), Only::Bf16}, // with both halves of its pairs
    {Kind::Attention, std::nullopt, "", attention(4, 4, 16, 8)},
    {Kind::Attention, std::nullopt, "avx2", inRows(attention(8, 8, 8, 12), 4, 16)},
    {Kind::Elementwise, std::nullopt, "", lanes(8, 256)},
    {Kind::Matmul, true, "avx512f", widenedOnce(inTiles(8, 4, 2))},
    {Kind::Attention, std::nullopt, "avx512f", inRows(attention(16, 8, 4, 16), 4, 0)},
    {Kind::Elementwise, std::nullopt, "avx512f", lanes(16, 256)},
    // A block's sums are one AVX-512 register of 32-bit integers, or two of AVX2. Without VNNI few
    // bits are straight code, and the products of more a loop. One token: Zen 3 reads four streams
    // up to half faster than one, and, as panels are short, best if they go on behind a panel's end.
    // Zen 5 does, too, a fifth faster, if a turn of the loop over vectors reads a line of each, and a seventh more
    // if it also fetches one of each. Fetching ahead in one panel is worth half on Intel's chips with AVX-512
    // (Emerald Rapids). Zen 4 reads slower with it, or with several panels.
    {Kind::BlockMatmul, false, "avx2", inStreams(singleRow(32), 4)},
    {Kind::BlockMatmul, true, "avx2", unpackedOnce(signedBytes(inTiles(4, 8)), UnpackOnce::Slow)},
    {Kind::BlockMatmul, true, "avx2", unpackedOnce(inTiles(4, 32), UnpackOnce::All), Only::Few},
    {Kind::BlockMatmul, true, "avxvnni", inTiles(2, 32)},
    {Kind::BlockMatmul, false, "avx512f", fetching(singleRow(32), 6144)},
    {Kind::BlockMatmul, false, "avx512bf16", singleRow(32)}, // Zen 4; the next two rows are others'
    {Kind::BlockMatmul, false, "avx512vp2intersect", fetching(inStreams(singleRow(8), 4), 1408, 1)}, // Zen 5
    {Kind::BlockMatmul, false, "amx-tile", fetching(singleRow(32), 6144)},
    {Kind::BlockMatmul, true, "avx512f", unpackedOnce(inTiles(4, 8, 2), UnpackOnce::Slow)},
    {Kind::BlockMatmul, true, "avx512vnni", inTiles(6, 32, 2)},
    // One token: more columns per iteration, since the loop does nothing else. Zen 3 and Zen 5 read four
    // panels faster than one, by themselves; of F16 Zen 5 wants lines fetched, too.
    {Kind::Matmul, false, "", singleRow(8)},
    {Kind::Matmul, false, "avx2", singleRow(8, 4)},
    {Kind::Matmul, false, "avx512f", fetching(singleRow(8), 4096)},
    {Kind::Matmul, false, "avx512bf16", singleRow(8)},
    {Kind::Matmul, false, "avx512vp2intersect", singleRow(8, 4)},
    {Kind::Matmul, false, "avx512vp2intersect", fetching(singleRow(2, 4), 1536, 1), Only::F16},
    {Kind::Matmul, false, "amx-tile", fetching(singleRow(8), 4096)},
    {Kind::Matmul, true, "", tiles(32, 2), Only::Tiles},
    {Kind::BlockMatmul, true, "", tiles(0, 1), Only::Tiles},
};

bool isBf16(const KernelKey &key) { return key.weightType && key.weightType.isBF16(); }

/// Tiles are of bytes, in groups of columns, or of BF16, 32 columns wide.
bool multipliesTiles(const Chip &chip, const KernelKey &key) {
  bool whole = key.columns > 0 && key.columns % 32 == 0;
  return chip.tiles && (key.kind == Kind::BlockMatmul || (whole && isBf16(key)));
}

bool isFor(Only only, const Chip &chip, const KernelKey &key) {
  switch (only) {
  case Only::Every:
    return true;
  case Only::F16:
    return key.weightType && key.weightType.isF16();
  case Only::Bf16:
    return isBf16(key);
  case Only::Few:
    return key.largest < 64; // 2 sums * 2 products * 128 * 63 < 2^15
  case Only::Tiles:
    return multipliesTiles(chip, key);
  }
  llvm_unreachable("every kind of row is handled");
}

} // namespace

Schedule x86::schedule(const Chip &chip, const KernelKey &key) {
  Schedule found;
  for (const Row &row : kTable)
    if (row.kind == key.kind && row.chunk.value_or(key.chunk) == key.chunk &&
        (row.feature.empty() || has(chip, row.feature)) && isFor(row.only, chip, key))
      found = row.schedule;
  return found;
}
