//===- ModelBuilder.h - Hyperparameters and weights become IR ----*- C++ -*-===//
#ifndef CRIA_FRONTENDS_MODELBUILDER_H
#define CRIA_FRONTENDS_MODELBUILDER_H

#include "dialects/llama/Vocabulary.h"
#include "frontends/Weights.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace cria {

/// What every format's reader returns.
struct ModelFile {
  Hyperparameters parameters;
  std::vector<BoundWeight> weights; ///< all of `weightSlots(parameters)`, in its order
  std::optional<llama::Vocabulary> vocabulary;
  std::vector<std::string> files; ///< all that were read, for the input's hash
};

/// Builds the module of `model`:
///
///   llama.source @embed, @layers.0.q ...   one per weight
///   llama.cache @layers.0.keys, .values    [C + T, Hkv, Dh]
///   @forward(tokens [?] i32, position) -> hidden [?, D], after the final norm
///   @logits(hidden [?, D]) -> logits [?, V]
///
/// C is `contextSize` and T is `chunk`: the last chunk of a prompt may overhang the
/// context, so caches and rope table have room for both.
mlir::OwningOpRef<mlir::ModuleOp> buildModel(mlir::MLIRContext *context, const ModelFile &model,
                                             int64_t contextSize, int64_t chunk,
                                             llvm::StringRef inputHash);

} // namespace cria

#endif // CRIA_FRONTENDS_MODELBUILDER_H
