//===- Records.h - What matrices were multiplied by, from a file -*- C++ -*-===//
//
// Reads what an artifact's `--record` has written (runtime/Record.h).
//
//===----------------------------------------------------------------------===//
#ifndef CRIA_COMPILER_WEIGHTS_RECORDS_H
#define CRIA_COMPILER_WEIGHTS_RECORDS_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <vector>

namespace cria {

/// The vectors that a text's tokens left, of each observation.
class Records {
public:
  /// The records in `bytes`, which must outlive this. An error says what is wrong
  /// with them, and where.
  static llvm::Expected<Records> parse(llvm::StringRef bytes);

  int64_t tokens() const { return allTokens; }
  size_t observations() const { return widths.size(); }
  /// K of observation `number`.
  int64_t width(size_t number) const { return widths[number]; }

  /// Vectors that lie one after the other: F32 [count, K], at any address.
  struct Run {
    const char *vectors;
    int64_t count;
  };
  /// All vectors of observation `number`, in the order of the text.
  std::vector<Run> vectors(size_t number) const;

private:
  llvm::SmallVector<int64_t> widths;
  int64_t allTokens = 0;
  struct Step {
    const char *data; ///< [T, K] of each observation in turn
    int64_t tokens;
  };
  std::vector<Step> steps;
};

} // namespace cria

#endif // CRIA_COMPILER_WEIGHTS_RECORDS_H
