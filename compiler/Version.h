//===- Version.h - What this compiler is called ------------------*- C++ -*-===//
#ifndef CRIA_COMPILER_VERSION_H
#define CRIA_COMPILER_VERSION_H

#include "llvm/ADT/StringRef.h"

namespace cria {

/// Name and version, as `--version` and an artifact's `--info` show them.
inline constexpr llvm::StringLiteral kProducer = "cria 0.1.0";

} // namespace cria

#endif // CRIA_COMPILER_VERSION_H
