//===- X86.h - The x86-64 target ---------------------------------*- C++ -*-===//
#ifndef CRIA_TARGETS_X86_64_X86_H
#define CRIA_TARGETS_X86_64_X86_H

#include "targets/Target.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace cria {

/// The x86-64 family, for `registerTarget`.
const Target &x86Target();

namespace x86 {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "targets/x86_64/Passes.h.inc"

/// All chips; the last that a machine can run suits it best.
llvm::ArrayRef<Chip> chips();
/// Chips that go into one artifact.
llvm::ArrayRef<ChipSet> chipSets();
/// Whether `chip` has the feature of that name.
bool has(const Chip &chip, llvm::StringRef feature);
/// The last row of the schedule table that fits.
Schedule schedule(const Chip &chip, const KernelKey &key);

} // namespace x86
} // namespace cria

#endif // CRIA_TARGETS_X86_64_X86_H
