//===- ModelWriter.h - Files of published shapes -----------------*- C++ -*-===//
#ifndef CRIA_BENCHMARKS_MODELS_MODELWRITER_H
#define CRIA_BENCHMARKS_MODELS_MODELWRITER_H

#include "benchmarks/models/Blocks.h"
#include "frontends/ModelBuilder.h"

#include "llvm/Support/raw_ostream.h"

namespace cria {

/// A tensor to be written.
struct RandomWeight {
  WeightSlot slot;
  const BlockType *type;
  uint64_t bytes;

  /// Writes its blocks: the same for the same role, layer, shape and type.
  void write(llvm::raw_ostream &out) const;
};

/// Which weight of a model has which type.
struct Mix {
  llvm::StringLiteral name;
  uint32_t id;      ///< llama.cpp's number of such a file
  const char *type; ///< of every matrix; null: as llama-quantize mixes Q4_K_M
};

/// The weights of `model` in its order, norms in F32; an error where a row is no
/// whole number of blocks.
llvm::Expected<std::vector<RandomWeight>> randomWeights(const ModelFile &model, const Mix &mix);

/// A GGUF file, version 3, with a vocabulary of SentencePiece's kind.
void writeGguf(llvm::raw_ostream &out, const Hyperparameters &parameters, const Mix &mix,
               llvm::ArrayRef<RandomWeight> weights);

/// A llama2.c checkpoint, version 0; `weights` are F32.
void writeLlama2c(llvm::raw_ostream &out, const Hyperparameters &parameters, llvm::ArrayRef<RandomWeight> weights);

} // namespace cria

#endif // CRIA_BENCHMARKS_MODELS_MODELWRITER_H
