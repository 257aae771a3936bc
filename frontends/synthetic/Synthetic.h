//===- Synthetic.h - Published shapes with random weights --------*- C++ -*-===//
//
// For measurements without model files: `synthetic:NAME` or, with other numbers,
// `synthetic:NAME?seed=N`. F32, without a tokenizer and without EOS, so that a
// run generates as many tokens as it is asked for.
//
//===----------------------------------------------------------------------===//
#ifndef CRIA_FRONTENDS_SYNTHETIC_SYNTHETIC_H
#define CRIA_FRONTENDS_SYNTHETIC_SYNTHETIC_H

#include "frontends/ModelBuilder.h"

namespace cria {

/// Whether `path` begins with "synthetic:".
bool isSynthetic(llvm::StringRef path);

/// The model of `path`; an unknown name is an error that lists the known ones. It
/// has no tokenizer, whatever `ownTokenizer` says.
llvm::Expected<ModelFile> readSynthetic(llvm::StringRef path, bool ownTokenizer);

} // namespace cria

#endif // CRIA_FRONTENDS_SYNTHETIC_SYNTHETIC_H
