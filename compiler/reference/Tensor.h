//===- Tensor.h - What the reference interpreter computes with ---*- C++ -*-===//
#ifndef CRIA_COMPILER_REFERENCE_TENSOR_H
#define CRIA_COMPILER_REFERENCE_TENSOR_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace cria::reference {

/// Every value of a program: tensors of any element type, and, without
/// dimensions, an index. All hold doubles, which are exact for weights, tokens
/// and positions; activations are never rounded to F32 between ops.
struct Tensor {
  llvm::SmallVector<int64_t, 3> shape;
  std::vector<double> data; ///< row-major

  static Tensor zeros(llvm::ArrayRef<int64_t> shape) {
    size_t elements = 1;
    for (int64_t size : shape)
      elements *= size_t(size);
    return {{shape.begin(), shape.end()}, std::vector<double>(elements)};
  }
  static Tensor index(int64_t value) { return {{}, {double(value)}}; }

  int64_t asIndex() const { return int64_t(data[0]); }

  /// Row i of a matrix, or of a higher tensor seen as [shape[0], rest].
  const double *row(int64_t i) const { return data.data() + i * rowSize(); }
  double *row(int64_t i) { return data.data() + i * rowSize(); }
  int64_t rowSize() const { return int64_t(data.size()) / shape[0]; }
};

/// Shared, since a weight is used by every step.
using TensorRef = std::shared_ptr<const Tensor>;

} // namespace cria::reference

#endif // CRIA_COMPILER_REFERENCE_TENSOR_H
