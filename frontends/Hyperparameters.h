//===- Hyperparameters.h - A model's numbers, whatever its format -*- C++ -*-===//
#ifndef CRIA_FRONTENDS_HYPERPARAMETERS_H
#define CRIA_FRONTENDS_HYPERPARAMETERS_H

#include "dialects/llama/Llama.h"

#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace cria {

/// Rotary embedding; the fields mean what `llama.rope_table` says.
struct RopeParameters {
  llama::RopeLayout layout = llama::RopeLayout::Half;
  double theta = 1e4;
  llama::RopeScaling scaling = llama::RopeScaling::None;
  double factor = 1;
  double originalContext = 0;
  double lowFrequencyFactor = 1, highFrequencyFactor = 4; ///< llama3
  double betaFast = 32, betaSlow = 1;                     ///< yarn
  double attentionFactor = 1;                             ///< yarn
};

/// What a model's header or config says; the letters are those of the dialect.
struct Hyperparameters {
  std::string name;
  std::string architecture; ///< "llama", "mistral", "qwen2", "qwen3"
  int64_t vocabulary = 0;   ///< V
  int64_t width = 0;        ///< D
  int64_t ffn = 0;          ///< F
  int64_t layers = 0;
  int64_t heads = 0;        ///< H
  int64_t kvHeads = 0;      ///< Hkv
  int64_t headSize = 0;     ///< Dh
  int64_t contextSize = 0;  ///< positions that the model was made for
  double epsilon = 0;       ///< of every norm
  RopeParameters rope;
  bool tiedOutput = false;  ///< the output matrix is the embedding table
  bool qkvBias = false, outputBias = false; ///< of the attention's projections
  bool mlpBias = false;
  bool qkNorm = false;      ///< a norm of every query and key head, before rope
  std::vector<int64_t> windows; ///< [layers]; 0: a layer attends to all that came before
  int64_t bosId = -1;       ///< -1: none
  bool addBos = true;       ///< a prompt starts with BOS, unless the tokenizer knows better
  std::vector<int64_t> eosIds;
};

/// Ranges that every reader applies before it computes with a size, so that no
/// product of two of them overflows.
inline constexpr int64_t kMaxDimension = 1 << 24; ///< V, D, F, C, H * Dh
inline constexpr int64_t kMaxLayers = 4096;
inline constexpr int64_t kMaxHeads = 1 << 16;
/// Four times what any published model has; a row of a head must fit into registers
/// and code that is written out for it.
inline constexpr int64_t kMaxHeadSize = 1024;
/// The runtime's ABI has room for so many: CRIA_MAX_EOS_IDS, compared in compiler/tools/Compile.cpp.
inline constexpr size_t kMaxEosIds = 8;

/// Appends to `parameters.eosIds` what is not there yet.
void addEosId(Hyperparameters &parameters, int64_t id);

/// Checks what no single key can say (divisibility, ranges of ids); `where`
/// names the file in errors.
llvm::Error checkHyperparameters(const Hyperparameters &parameters, llvm::StringRef where);

/// YaRN's published attention factor, 0.1 * weight * ln(factor) + 1.
double yarnAttentionFactor(double factor, double weight = 1);

/// Positions to which `rope` stretches a model that was made for `context`.
int64_t stretchedContext(const RopeParameters &rope, int64_t context);

} // namespace cria

#endif // CRIA_FRONTENDS_HYPERPARAMETERS_H
