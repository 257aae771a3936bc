//===- Chips.cpp - x86-64 levels and chips, and what they need -------------===//
//
// Levels as the System V ABI defines them, chips by the features that matter to our
// kernels. A feature's locator is its place in CPUID: leaf, subleaf, register
// (0..3 = eax..edx), bit (Intel SDM, volume 2A; AMD APM, volume 3).
//
// A list is what an artifact asks of the machine and all that LLVM may use, so one of
// a chip's features that nothing of ours wants is left out: the artifact then runs on
// more machines. Some are there to tell chips apart: sse4a, avxvnniint8, avx512fp16,
// prefetchi and avx512vp2intersect (of those here Zen 5 alone).
//
//===----------------------------------------------------------------------===//

#include "targets/x86_64/X86.h"

#include <utility>

using namespace cria;

namespace {

constexpr uint32_t kEax = 0, kEbx = 1, kEcx = 2, kEdx = 3;

constexpr Feature kSsse3{"ssse3", {1, 0, kEcx, 9}};
constexpr Feature kFma{"fma", {1, 0, kEcx, 12}};
constexpr Feature kCx16{"cx16", {1, 0, kEcx, 13}};
constexpr Feature kSse41{"sse4.1", {1, 0, kEcx, 19}};
constexpr Feature kSse42{"sse4.2", {1, 0, kEcx, 20}};
constexpr Feature kMovbe{"movbe", {1, 0, kEcx, 22}};
constexpr Feature kPopcnt{"popcnt", {1, 0, kEcx, 23}};
constexpr Feature kAvx{"avx", {1, 0, kEcx, 28}};
constexpr Feature kF16c{"f16c", {1, 0, kEcx, 29}};
constexpr Feature kBmi{"bmi", {7, 0, kEbx, 3}};
constexpr Feature kAvx2{"avx2", {7, 0, kEbx, 5}};
constexpr Feature kBmi2{"bmi2", {7, 0, kEbx, 8}};
constexpr Feature kAvx512f{"avx512f", {7, 0, kEbx, 16}};
constexpr Feature kAvx512dq{"avx512dq", {7, 0, kEbx, 17}};
constexpr Feature kAvx512cd{"avx512cd", {7, 0, kEbx, 28}};
constexpr Feature kAvx512bw{"avx512bw", {7, 0, kEbx, 30}};
constexpr Feature kAvx512vl{"avx512vl", {7, 0, kEbx, 31}};
constexpr Feature kAvx512vbmi{"avx512vbmi", {7, 0, kEcx, 1}};
constexpr Feature kAvx512vnni{"avx512vnni", {7, 0, kEcx, 11}};
constexpr Feature kAvx512vp2intersect{"avx512vp2intersect", {7, 0, kEdx, 8}};
constexpr Feature kAmxBf16{"amx-bf16", {7, 0, kEdx, 22}};
constexpr Feature kAvx512fp16{"avx512fp16", {7, 0, kEdx, 23}};
constexpr Feature kAmxTile{"amx-tile", {7, 0, kEdx, 24}};
constexpr Feature kAmxInt8{"amx-int8", {7, 0, kEdx, 25}};
constexpr Feature kAvxvnni{"avxvnni", {7, 1, kEax, 4}};
constexpr Feature kAvx512bf16{"avx512bf16", {7, 1, kEax, 5}};
constexpr Feature kAvxvnniint8{"avxvnniint8", {7, 1, kEdx, 4}};
constexpr Feature kPrefetchi{"prefetchi", {7, 1, kEdx, 14}};
constexpr Feature kLzcnt{"lzcnt", {0x80000001, 0, kEcx, 5}};
constexpr Feature kSse4a{"sse4a", {0x80000001, 0, kEcx, 6}};

template <size_t N> using Features = std::array<Feature, N>;

template <size_t N, size_t... I, typename... More>
constexpr Features<N + sizeof...(More)> join(const Features<N> &base, std::index_sequence<I...>, More... more) {
  return {{base[I]..., more...}};
}

/// The features of `base` and `more`.
template <size_t N, typename... More> constexpr auto with(const Features<N> &base, More... more) {
  return join(base, std::make_index_sequence<N>(), more...);
}

constexpr Features<5> kLevel2 = {{kSsse3, kSse41, kSse42, kCx16, kPopcnt}};
constexpr auto kLevel3 = with(kLevel2, kMovbe, kAvx, kF16c, kFma, kBmi, kAvx2, kBmi2, kLzcnt);
constexpr auto kLevel4 = with(kLevel3, kAvx512f, kAvx512dq, kAvx512cd, kAvx512bw, kAvx512vl);
constexpr auto kZnver3 = with(kLevel3, kSse4a); // which no chip of Intel's has
constexpr auto kAlderlake = with(kLevel3, kAvxvnni);
constexpr auto kSierraforest = with(kAlderlake, kAvxvnniint8);
constexpr auto kCascadelake = with(kLevel4, kAvx512vnni);
constexpr auto kIcelake = with(kCascadelake, kAvx512vbmi);
constexpr auto kZnver4 = with(kIcelake, kAvx512bf16);
constexpr auto kZnver5 = with(kZnver4, kAvxvnni, kAvx512vp2intersect);
// The last four of which no chip of AMD's has.
constexpr auto kSapphirerapids = with(kZnver4, kAvxvnni, kAvx512fp16, kAmxTile, kAmxBf16, kAmxInt8);
constexpr auto kGraniterapids = with(kSapphirerapids, kPrefetchi);

// The last that a machine can run is the one made for it.
constexpr Chip kChips[] = {
    {"x86-64-v2", "SSE4.2: Nehalem (2008), Bulldozer (2011) and later", "x86-64-v2", kLevel2, 16},
    {"x86-64-v3-tiles", "to check AMX without having it: on AVX2, the sums of a chip with AMX", "x86-64-v3", kLevel3, 32,
     true},
    {"x86-64-v3", "AVX2, FMA and F16C: Haswell (2013), Zen (2017) and later", "x86-64-v3", kLevel3, 32},
    {"znver3", "Zen 3 (2020): AVX2", "znver3", kZnver3, 32},
    {"alderlake", "Alder Lake (2021) and later without AVX-512: AVX2 with VNNI", "alderlake", kAlderlake, 32},
    {"sierraforest", "Sierra Forest (2024): AVX2 with VNNI", "sierraforest", kSierraforest, 32},
    {"x86-64-v4", "AVX-512 F, BW, CD, DQ and VL: Skylake-SP (2017), Zen 4 (2022) and later", "x86-64-v4", kLevel4,
     64},
    {"skylake-avx512", "Skylake-SP (2017): AVX-512", "skylake-avx512", kLevel4, 64},
    {"cascadelake", "Cascade Lake (2019): AVX-512 with VNNI", "cascadelake", kCascadelake, 64},
    {"icelake-server", "Ice Lake-SP (2021): AVX-512 with VNNI", "icelake-server", kIcelake, 64},
    {"znver4", "Zen 4 (2022): AVX-512 with VNNI and BF16", "znver4", kZnver4, 64},
    {"sapphirerapids", "Sapphire Rapids (2023): AVX-512 with VNNI and BF16, AMX", "sapphirerapids",
     kSapphirerapids, 64, true},
    {"graniterapids", "Granite Rapids (2024): AVX-512 with VNNI and BF16, AMX", "graniterapids", kGraniterapids, 64,
     true},
    {"znver5", "Zen 5 (2024): AVX-512 with VNNI and BF16", "znver5", kZnver5, 64},
};

// What makes a difference to our kernels: vectors of 16, 32 and 64 bytes, byte products
// on the latter two, products of BF16, how many streams a core reads best, and tiles.
constexpr llvm::StringLiteral kAllLevels[] = {"x86-64-v2",   "x86-64-v3", "alderlake",      "x86-64-v4",
                                              "cascadelake", "znver4",    "sapphirerapids", "znver5"};

constexpr ChipSet kChipSets[] = {
    {"x86-64", "several in one file, of which the machine's is picked at start", kAllLevels},
};

} // namespace

llvm::ArrayRef<Chip> x86::chips() { return kChips; }

llvm::ArrayRef<ChipSet> x86::chipSets() { return kChipSets; }

bool x86::has(const Chip &chip, llvm::StringRef feature) {
  return llvm::any_of(chip.features, [&](const Feature &f) { return f.name == feature; });
}
