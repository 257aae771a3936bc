//===- RopeTable.h - Cosines and sines of every position ---------*- C++ -*-===//
#ifndef CRIA_COMPILER_WEIGHTS_ROPETABLE_H
#define CRIA_COMPILER_WEIGHTS_ROPETABLE_H

#include "dialects/llama/Llama.h"

#include <vector>

namespace cria {

/// Rows of a `llama.rope_table` [C, 2, Dh/2], computed in F64 (formulas: the op).
class RopeTable {
public:
  explicit RopeTable(llama::RopeTableOp op);
  /// Numbers of a row: Dh.
  int64_t columns() const { return 2 * frequencies.size(); }
  /// The cosines [Dh/2], then the sines [Dh/2], of `position`.
  void row(int64_t position, float *out) const;

private:
  std::vector<double> frequencies; ///< [Dh/2], stretched
  double magnitude;
};

} // namespace cria

#endif // CRIA_COMPILER_WEIGHTS_ROPETABLE_H
