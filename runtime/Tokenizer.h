/*===- Tokenizer.h - Text to token ids and back --------------------------------===
 *
 * Reads the tables that the compiler prepared (TokenizerTables.h), in place. In
 * reading order: TokenizerTables.h (what is known), Tokenizer.c (open, decode,
 * and the way of a text through the parts), TokenizerSentencePiece.c or
 * TokenizerNormalize.c and TokenizerByteLevel.c (text becomes symbols), and
 * TokenizerMerge.c (symbols become pieces).
 *===------------------------------------------------------------------------===*/
#ifndef CRIA_RUNTIME_TOKENIZER_H
#define CRIA_RUNTIME_TOKENIZER_H

#include "runtime/TokenizerTables.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An open tokenizer: views into the tables, nothing of its own. It is read-only
 * after criaTokenizerOpen, so threads may share it. */
typedef struct CriaTokenizer {
  uint32_t flags;         /* CriaTokenizerFlags */
  uint32_t pre_tokenizer; /* CriaPreTokenizer */
  int32_t unk_id;
  uint32_t pieces;     /* V */
  uint32_t has_unused; /* 1: some piece is CRIA_PIECE_UNUSED */
  uint32_t max_piece_bytes;
  const uint32_t *piece_offsets; /* [V + 1] */
  const char *piece_text;
  const uint8_t *piece_types;  /* [V] */
  const uint32_t *piece_ranks; /* [V], or NULL: `merges` rule */
  const uint32_t *piece_slots;
  uint32_t piece_slot_count;
  const CriaTableMerge *merges; /* [M] */
  const uint32_t *merge_slots;
  uint32_t merge_slot_count;
  const int32_t *byte_ids;      /* [256] */
  const uint32_t *user_defined; /* NULL: none */
  const uint32_t *user_starts;  /* [257] */
  const uint32_t *classes;
  uint32_t class_count;
  const uint32_t *combining_classes;
  uint32_t combining_class_count;
  const CriaDecomposition *decompositions; /* [decomposition_count + 1] */
  uint32_t decomposition_count;
  const uint32_t *decomposed;
  const CriaComposition *compositions;
  uint32_t composition_count;
} CriaTokenizer;

/* Opens `bytes` bytes of tables at `tables`, which must be aligned to
 * CRIA_TOKENIZER_ALIGNMENT and outlive the tokenizer. Every value that is later
 * followed is checked here. Returns 0, or -1 with *error a static text. */
int criaTokenizerOpen(CriaTokenizer *t, const void *tables, size_t bytes, const char **error);

/* What one text may have: every position and length of it, normalized, fits into 32 bits. */
#define CRIA_MAX_TEXT_BYTES ((size_t)512 << 20)

/* Encodes `bytes` bytes of text, which may be anything: byte-level tokenizers
 * keep bytes that are not UTF-8, SentencePiece takes each for U+FFFD. No BOS is
 * added, and control tokens ("</s>") in the text are text. Returns the number of
 * ids in *ids, which the caller frees, or -1 if memory does not suffice or the text
 * has more than CRIA_MAX_TEXT_BYTES. */
int64_t criaTokenizerEncode(const CriaTokenizer *t, const char *text, size_t bytes, int32_t **ids);

/* Writes the bytes of token `id` to `buffer`, at most `capacity` of them, and
 * returns how many there are. `first` != 0, for the first token of a text, drops
 * the space that SentencePiece put in front of it. Control tokens and ids outside
 * the vocabulary have no bytes. */
size_t criaTokenizerDecode(const CriaTokenizer *t, int32_t id, int first, char *buffer,
                           size_t capacity);

#ifdef __cplusplus
}
#endif

#endif /* CRIA_RUNTIME_TOKENIZER_H */
