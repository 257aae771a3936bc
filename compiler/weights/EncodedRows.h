//===- EncodedRows.h - Blocks of codes in files ------------------*- C++ -*-===//
//
// GGUF's block encodings taken apart into what they all are: F16 numbers of a block,
// bytes of its groups, and codes. Nothing is rounded on the way, and what the parts
// stand for is known to CodeRow alone.
//
//===----------------------------------------------------------------------===//
#ifndef CRIA_COMPILER_WEIGHTS_ENCODEDROWS_H
#define CRIA_COMPILER_WEIGHTS_ENCODEDROWS_H

#include "dialects/llama/Quantization.h"

namespace cria {

/// `blocks` blocks of `encoding` (not `plain`) at `from` (any alignment) into `row`,
/// which then has the columns of that many blocks.
void decodeBlocks(llama::Encoding encoding, const char *from, int64_t blocks, llama::CodeRow &row);

} // namespace cria

#endif // CRIA_COMPILER_WEIGHTS_ENCODEDROWS_H
