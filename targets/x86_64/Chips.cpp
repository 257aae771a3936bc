//===- Chips.cpp - x86-64 levels and what they need ------------------------===//
//
// Levels as the System V ABI defines them. A feature's locator is its place in
// CPUID: leaf, subleaf, register (0..3 = eax..edx), bit (Intel SDM, volume 2A).
//
//===----------------------------------------------------------------------===//

#include "targets/x86_64/X86.h"

using namespace cria;

namespace {

constexpr uint32_t kEbx = 1, kEcx = 2;

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

constexpr Feature kLevel3[] = {kSse42, kMovbe, kPopcnt, kAvx, kF16c, kFma, kBmi, kAvx2, kBmi2, kLzcnt};
constexpr Feature kLevel4[] = {kSse42, kMovbe, kPopcnt,  kAvx,      kF16c,     kFma,      kBmi,     kAvx2,
                               kBmi2,  kLzcnt, kAvx512f, kAvx512dq, kAvx512cd, kAvx512bw, kAvx512vl};

constexpr Chip kChips[] = {
    {"x86-64-v3", "AVX2, FMA and F16C: Haswell (2013), Zen (2017) and later", "x86-64-v3", kLevel3, 32},
    {"x86-64-v4", "AVX-512 F, BW, CD, DQ and VL: Skylake-SP (2017), Zen 4 (2022) and later", "x86-64-v4", kLevel4,
     64},
};

} // namespace

llvm::ArrayRef<Chip> x86::chips() { return kChips; }
