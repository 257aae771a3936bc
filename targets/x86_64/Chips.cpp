//===- Chips.cpp - x86-64 levels and what they need ------------------------===//
//
// Levels as the System V ABI defines them. A feature's locator is its place in
// CPUID: leaf, subleaf, register (0..3 = eax..edx), bit (Intel SDM, volume 2A).
//
//===----------------------------------------------------------------------===//

#include "targets/x86_64/X86.h"

using namespace cria;

namespace {

constexpr uint32_t kEax = 0, kEbx = 1, kEcx = 2;

constexpr Feature kSse42{"sse4.2", {1, 0, kEcx, 20}};
constexpr Feature kMovbe{"movbe", {1, 0, kEcx, 22}};
constexpr Feature kPopcnt{"popcnt", {1, 0, kEcx, 23}};
constexpr Feature kAvx{"avx", {1, 0, kEcx, 28}};
constexpr Feature kF16c{"f16c", {1, 0, kEcx, 29}};
constexpr Feature kFma{"fma", {1, 0, kEcx, 12}};
constexpr Feature kBmi{"bmi", {7, 0, kEbx, 3}};
constexpr Feature kAvx2{"avx2", {7, 0, kEbx, 5}};
constexpr Feature kBmi2{"bmi2", {7, 0, kEbx, 8}};
constexpr Feature kLzcnt{"lzcnt", {0x80000001, 0, kEcx, 5}};
constexpr Feature kAvx512f{"avx512f", {7, 0, kEbx, 16}};
constexpr Feature kAvx512dq{"avx512dq", {7, 0, kEbx, 17}};
constexpr Feature kAvx512cd{"avx512cd", {7, 0, kEbx, 28}};
constexpr Feature kAvx512bw{"avx512bw", {7, 0, kEbx, 30}};
constexpr Feature kAvx512vl{"avx512vl", {7, 0, kEbx, 31}};

constexpr Feature kAvx512vnni{"avx512vnni", {7, 0, kEcx, 11}};
constexpr Feature kAvx512vbmi{"avx512vbmi", {7, 0, kEcx, 1}};
constexpr Feature kAvx512bf16{"avx512bf16", {7, 1, kEax, 5}};

constexpr Feature kLevel3[] = {kSse42, kMovbe, kPopcnt, kAvx, kF16c, kFma, kBmi, kAvx2, kBmi2, kLzcnt};
constexpr Feature kLevel4[] = {kSse42, kMovbe, kPopcnt,  kAvx,      kF16c,     kFma,      kBmi,     kAvx2,
                               kBmi2,  kLzcnt, kAvx512f, kAvx512dq, kAvx512cd, kAvx512bw, kAvx512vl};
constexpr Feature kZen4[] = {kSse42, kMovbe,   kPopcnt,   kAvx,      kF16c,     kFma,      kBmi,        kAvx2,       kBmi2,
                             kLzcnt, kAvx512f, kAvx512dq, kAvx512cd, kAvx512bw, kAvx512vl, kAvx512vnni, kAvx512vbmi, kAvx512bf16};

constexpr Chip kChips[] = {
    {"x86-64-v3", "AVX2, FMA and F16C: Haswell (2013), Zen (2017) and later", "x86-64-v3", kLevel3, 32},
    {"x86-64-v4", "AVX-512 F, BW, CD, DQ and VL: Skylake-SP (2017), Zen 4 (2022) and later", "x86-64-v4", kLevel4,
     64},
    {"znver4", "Zen 4 (2022): AVX-512 with VNNI and BF16", "znver4", kZen4, 64},
};

} // namespace

llvm::ArrayRef<Chip> x86::chips() { return kChips; }

bool x86::has(const Chip &chip, llvm::StringRef feature) {
  return llvm::any_of(chip.features, [&](const Feature &f) { return f.name == feature; });
}
