//===- Vocabulary.h - What a model's tokenizer is ----------------*- C++ -*-===//
//
// A model file's tokenizer, read but not yet laid out: frontends fill it in,
// `compiler/tokenizer` turns it into the runtime's tables. It stays beside the
// IR rather than in it, since a hundred thousand pieces would hide the model.
//
//===----------------------------------------------------------------------===//
#ifndef CRIA_DIALECTS_LLAMA_VOCABULARY_H
#define CRIA_DIALECTS_LLAMA_VOCABULARY_H

#include <cstdint>
#include <string>
#include <vector>

namespace cria::llama {

/// A tokenizer: V pieces and the rules that join bytes into them.
struct Vocabulary {
  enum class Kind {
    /// SentencePiece BPE: merge the pair whose joined piece has the best score;
    /// unknown characters fall back to their bytes. LLaMA 1 and 2, Mistral.
    SentencePieceBpe,
    /// Byte-level BPE: a pre-tokenizer splits the text, then ranked merges over
    /// bytes. LLaMA 3, Qwen.
    ByteLevelBpe,
  };
  /// How byte-level BPE splits text into words before merging (the regular
  /// expressions are those of the models' published tokenizers).
  /// SmolLm is GPT-2's, applied between digits that each stand alone.
  enum class PreTokenizer { None, Gpt2, Llama3, Qwen2, SmolLm };
  enum class PieceType : uint8_t { Normal, Unknown, Control, UserDefined, Unused, Byte };

  struct Piece {
    /// What it decodes to; SentencePiece's U+2581 is kept as it is, and a Byte
    /// piece holds its one byte, not the text "<0x0A>".
    std::string bytes;
    float score = 0;   ///< SentencePieceBpe only: higher merges first
    PieceType type = PieceType::Normal;
  };
  /// `left` and `right` become `result`; earlier merges win.
  struct Merge {
    uint32_t left, right, result;
  };

  Kind kind = Kind::SentencePieceBpe;
  PreTokenizer preTokenizer = PreTokenizer::None;
  std::vector<Piece> pieces; ///< [V], by id
  /// Best first. ByteLevelBpe always; SentencePieceBpe only where the file lists
  /// merges instead of scores (tokenizer.json), which then rule alone.
  std::vector<Merge> merges;
  int32_t bosId = -1, eosId = -1, unkId = -1;
  bool addBos = true;            ///< a prompt starts with BOS
  bool addSpacePrefix = true;    ///< SentencePieceBpe: text is encoded as if a space preceded it
  /// SentencePieceBpe: no space is added to a text that begins with one (Hugging Face's Metaspace).
  bool spacePrefixOnce = false;
  /// SentencePieceBpe: text after a UserDefined piece gets no space (Metaspace "first").
  bool spacePrefixFirstOnly = false;
  bool removeExtraWhitespace = false; ///< SentencePieceBpe: collapse runs of spaces, trim both ends
  bool normalizeNfc = false;     ///< ByteLevelBpe: text is brought to Unicode NFC first (Qwen)
  bool ignoreMerges = false;     ///< ByteLevelBpe: a word that is a piece is taken whole (LLaMA 3)
};

} // namespace cria::llama

#endif // CRIA_DIALECTS_LLAMA_VOCABULARY_H
