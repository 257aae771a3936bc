//===- Weights.h - Which tensors a model has, by role ------------*- C++ -*-===//
//
// A format names its tensors in its own way; `Role` is what they are. A format
// gives a table from roles to its names, and `bindWeights` finds and checks
// every tensor that the hyperparameters call for, and refuses those that they
// do not.
//
//===----------------------------------------------------------------------===//
#ifndef CRIA_FRONTENDS_WEIGHTS_H
#define CRIA_FRONTENDS_WEIGHTS_H

#include "frontends/Hyperparameters.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"

#include <map>
#include <optional>

namespace cria {

/// The types of numbers that are stored plainly.
enum class Scalar { F32, F16, BF16 };

/// A tensor of seeded random numbers (`llama.synthetic`).
struct RandomTensor {
  int64_t seed = 0;
  double mean = 0, deviation = 0;
};

/// One tensor as a file holds it; its bytes are known to lie within the file.
struct StoredTensor {
  std::string file;    ///< path to open
  uint64_t offset = 0; ///< of its first byte; not necessarily aligned to its type
  llama::Encoding encoding = llama::Encoding::Plain;
  Scalar scalar = Scalar::F32; ///< F32 for block encodings
  llvm::SmallVector<int64_t, 2> shape;
  std::optional<RandomTensor> random; ///< set: `file` and `offset` mean nothing
};

/// By the file's own names, in an order that does not depend on the file.
using StoredTensors = std::map<std::string, StoredTensor>;

/// What a tensor is in the model, whatever a format calls it.
enum class Role : uint8_t {
  Embed, Norm, Output, // of the model
  AttnNorm, Q, K, V, O, QBias, KBias, VBias, OBias, QNorm, KNorm, // of a layer
  FfnNorm, Gate, Up, Down, GateBias, UpBias, DownBias,
};

/// A place in the model that a weight must fill.
struct WeightSlot {
  Role role;
  int64_t layer; ///< -1: of the model
  llvm::SmallVector<int64_t, 2> shape;

  /// "embed", "layers.0.q": the symbol of its `llama.source`.
  std::string symbol() const;
};

/// All weights of a model, in the order in which a step needs them.
std::vector<WeightSlot> weightSlots(const Hyperparameters &parameters);

/// A place and the tensor that fills it.
struct BoundWeight {
  WeightSlot slot;
  StoredTensor tensor;
};

/// How a format names a role; "{}" stands for the layer's number.
struct RoleName {
  Role role;
  llvm::StringLiteral name;
};

/// What a file with these names calls the tensor of `slot`; empty: it has no name for it.
std::string nameInFile(llvm::ArrayRef<RoleName> names, const WeightSlot &slot);

/// Finds every weight of the model among `tensors` and checks its shape. A
/// tensor that fills no slot is an error unless `harmless` knows it. `where`
/// names the model in errors about tensors that are not there.
llvm::Expected<std::vector<BoundWeight>>
bindWeights(const Hyperparameters &parameters, const StoredTensors &tensors,
            llvm::ArrayRef<RoleName> names, llvm::function_ref<bool(llvm::StringRef)> harmless,
            llvm::StringRef where);

} // namespace cria

#endif // CRIA_FRONTENDS_WEIGHTS_H
