//===- QuantizeRules.h - Which matrix takes which format ---------*- C++ -*-===//
//
// The value of --quantize: a default, then exceptions, between commas.
//
//   q4                             every matrix; the head, whose errors choose other
//                                  words, and the embedding, whose errors all layers
//                                  see, take q8 unless they are named
//   q4,lm_head=q6,down_proj=q8     exceptions by role: q_proj, k_proj, v_proj, o_proj,
//                                  gate_proj, up_proj, down_proj, lm_head, embed
//   q4,layers.0.down_proj=none     or of one layer; the last rule that fits wins, and
//                                  `none` leaves a matrix as it is stored; one that
//                                  never wins is an error
//   down_proj=q4                   no default: the others stay as they are stored
//
// An embedding that is not named keeps the codes that its file holds; one that is the
// head, too, is what the head is.
//
//===----------------------------------------------------------------------===//
#ifndef CRIA_COMPILER_TRANSFORMS_QUANTIZERULES_H
#define CRIA_COMPILER_TRANSFORMS_QUANTIZERULES_H

#include "dialects/llama/Quantization.h"

#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace cria {

/// The name of the head's matrix in rules.
inline constexpr llvm::StringLiteral kHeadRole = "lm_head";
/// The name of the embedding table in rules.
inline constexpr llvm::StringLiteral kEmbedRole = "embed";

/// The rules of one --quantize, which remember what was asked.
class QuantizeRules {
public:
  /// Reads `text`; an error says which part is wrong and what was expected.
  static llvm::Expected<QuantizeRules> parse(llvm::StringRef text);

  /// Whether some matrix may get a format.
  bool quantizes() const;
  /// The format of the matrix `name` ("layers.0.q_proj", "lm_head"); none: as stored.
  std::optional<llama::Format> formatOf(llvm::StringRef name);
  /// Whether an exception is about `name`.
  bool isNamed(llvm::StringRef name) const;
  /// An error if an exception decided nothing that `formatOf` was asked about: it fits no matrix, or others
  /// behind it fit all that it does.
  llvm::Error checkUsed() const;

private:
  struct Rule {
    std::string name;
    std::optional<llama::Format> format;
    bool fitted = false;  ///< some matrix
    bool decided = false; ///< its format: as the last one that fits

    /// Whether it is about `matrix`, by its name or its role.
    bool fits(llvm::StringRef matrix) const;
  };
  std::optional<llama::Format> byDefault;
  std::vector<Rule> rules;
};

} // namespace cria

#endif // CRIA_COMPILER_TRANSFORMS_QUANTIZERULES_H
