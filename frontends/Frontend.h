//===- Frontend.h - A model file becomes llama IR ----------------*- C++ -*-===//
#ifndef CRIA_FRONTENDS_FRONTEND_H
#define CRIA_FRONTENDS_FRONTEND_H

#include "dialects/llama/Vocabulary.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <optional>
#include <string>
#include <vector>

namespace cria {

inline constexpr int64_t kChunk = 128; ///< tokens of a prefill step, unless asked otherwise

/// The model to import, and what of it can be chosen.
struct ImportOptions {
  std::string path;      ///< a Hugging Face folder, a GGUF or llama2.c file, or "synthetic:NAME"
  std::string tokenizer; ///< a tokenizer file to use instead of the one found beside the model
  int64_t context = 0;   ///< positions of the KV cache; 0: the model's own, at most 4096
  int64_t chunk = kChunk; ///< tokens of a prefill step
};

/// What comes of a model file: the computation, and what turns text into its tokens.
struct ImportedModel {
  /// A module with `llama.model`, sources, caches, and the functions
  /// `forward` (tokens [?], position -> hidden [?, D]) and
  /// `logits` (hidden [?, D] -> logits [?, V]).
  mlir::OwningOpRef<mlir::ModuleOp> module;
  /// Absent if the model comes without a tokenizer.
  std::optional<llama::Vocabulary> vocabulary;
  /// Every file that was read, and no other: of a folder also those beside the tensors.
  std::vector<std::string> files;
};

/// Reads the model at `options.path`, whose format is recognised from the file
/// itself. Tensor data stays in the files: only headers are read. Problems are
/// reported as diagnostics that name file, key or tensor, expected and found.
mlir::FailureOr<ImportedModel> importModel(mlir::MLIRContext *context, const ImportOptions &options);

} // namespace cria

#endif // CRIA_FRONTENDS_FRONTEND_H
