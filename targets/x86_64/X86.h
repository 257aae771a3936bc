//===- X86.h - The x86-64 target ---------------------------------*- C++ -*-===//
#ifndef CRIA_TARGETS_X86_64_X86_H
#define CRIA_TARGETS_X86_64_X86_H

#include "targets/Target.h"

namespace cria {

/// The x86-64 family, for `registerTarget`.
const Target &x86Target();

namespace x86 {

/// All chips, oldest first.
llvm::ArrayRef<Chip> chips();
/// The last row of the schedule table that fits.
Schedule schedule(const Chip &chip, const KernelKey &key);

} // namespace x86
} // namespace cria

#endif // CRIA_TARGETS_X86_64_X86_H
