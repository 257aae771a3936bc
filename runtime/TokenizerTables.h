/*===- TokenizerTables.h - Binary layout of the tokenizer's tables ------------===
 *
 * One little-endian block, written by compiler/tokenizer and used in place by
 * runtime/Tokenizer.c: a header of fixed size, then sections that the header
 * names by offset. All lookups are prepared at compile time, so opening the
 * tables is one pass that checks them. Change the layout or a hash here and
 * CRIA_TOKENIZER_VERSION changes with it.
 *
 * Letters: V pieces, M merges.
 *===------------------------------------------------------------------------===*/
#ifndef CRIA_RUNTIME_TOKENIZERTABLES_H
#define CRIA_RUNTIME_TOKENIZERTABLES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#define CRIA_TOKENIZER_ASSERT static_assert
#else
#define CRIA_TOKENIZER_ASSERT _Static_assert
#endif

#define CRIA_TOKENIZER_MAGIC "criatok" /* 7 characters and a NUL */
#define CRIA_TOKENIZER_VERSION 1u
/* Alignment of the block and of every section in it. */
#define CRIA_TOKENIZER_ALIGNMENT 8u
#define CRIA_UNICODE_END 0x110000u

enum CriaTokenizerFlags {
  CRIA_TOKENIZER_BYTE_LEVEL = 1u << 0,        /* else SentencePiece */
  CRIA_TOKENIZER_SPACE_PREFIX = 1u << 1,      /* text is encoded as if a space preceded it */
  CRIA_TOKENIZER_PREFIX_ONCE = 1u << 2,       /* ... unless it begins with one */
  CRIA_TOKENIZER_PREFIX_FIRST = 1u << 3,      /* ... but not after a user-defined piece */
  CRIA_TOKENIZER_REMOVE_WHITESPACE = 1u << 4, /* collapse runs of spaces, trim both ends */
  CRIA_TOKENIZER_IGNORE_MERGES = 1u << 5,     /* a word that is a piece is taken whole */
  CRIA_TOKENIZER_NFC = 1u << 6,               /* bring text to NFC first */
  CRIA_TOKENIZER_FLAGS_END = 1u << 7
};

enum CriaPreTokenizer {
  CRIA_PRETOKENIZER_NONE,
  CRIA_PRETOKENIZER_GPT2,
  CRIA_PRETOKENIZER_LLAMA3,
  CRIA_PRETOKENIZER_QWEN2,
  CRIA_PRETOKENIZER_SMOLLM,
  CRIA_PRETOKENIZER_END
};

enum CriaPieceType {
  CRIA_PIECE_NORMAL,
  CRIA_PIECE_UNKNOWN,
  CRIA_PIECE_CONTROL,
  CRIA_PIECE_USER_DEFINED,
  CRIA_PIECE_UNUSED,
  CRIA_PIECE_BYTE,
  CRIA_PIECE_TYPE_END
};

/* What the pre-tokenizers' \p{L}, \p{N} and \s tell apart. */
enum CriaCharacterClass {
  CRIA_CHARACTER_OTHER,
  CRIA_CHARACTER_LETTER,
  CRIA_CHARACTER_NUMBER,
  CRIA_CHARACTER_SPACE
};

/* `offset` bytes from the start of the block, `count` elements. */
typedef struct CriaTableSection {
  uint32_t offset;
  uint32_t count;
} CriaTableSection;

/* Pieces `left` and `right` become `result`; the place in the table is the rank. */
typedef struct CriaTableMerge {
  uint32_t left, right, result;
} CriaTableMerge;

/* A code point's full canonical decomposition begins at `first` of `decomposed`
 * and ends where the next entry's begins. The last entry is a sentinel. */
typedef struct CriaDecomposition {
  uint32_t code_point, first;
} CriaDecomposition;

typedef struct CriaComposition {
  uint32_t first, second, result;
} CriaComposition;

typedef struct CriaTokenizerHeader {
  char magic[8];
  uint32_t version;
  uint32_t header_bytes; /* sizeof(CriaTokenizerHeader) of the compiler */
  uint32_t total_bytes;  /* the whole block */
  uint32_t flags;        /* CriaTokenizerFlags */
  uint32_t pre_tokenizer;
  int32_t unk_id; /* -1: none */
  uint32_t max_piece_bytes;
  uint32_t reserved; /* 0 */

  CriaTableSection piece_offsets; /* u32 [V + 1]: ends of the pieces in piece_text */
  CriaTableSection piece_text;    /* u8 */
  CriaTableSection piece_types;   /* u8 [V]: CriaPieceType */
  /* u32 [V]: lower merges first. Absent where `merges` rule. */
  CriaTableSection piece_ranks;
  /* u32: id + 1 by criaTokenizerHashBytes, 0 empty; linear probing. Normal,
   * Unused and UserDefined pieces (byte level: Normal, for whole words). */
  CriaTableSection piece_slots;
  CriaTableSection merges;      /* CriaTableMerge [M] */
  CriaTableSection merge_slots; /* u32: rank + 1 by criaTokenizerHashPair, 0 empty */
  CriaTableSection byte_ids;    /* i32 [256]: id of each byte, -1: none */
  /* u32: ids of the pieces found in text before anything else, by first byte,
   * longest first; `user_starts` u32 [257] says where each byte's begin. */
  CriaTableSection user_defined;
  CriaTableSection user_starts;
  /* u32: code point << 2 | CriaCharacterClass, ascending; each opens a run. */
  CriaTableSection classes;
  /* u32: code point << 8 | canonical combining class, ascending, in runs. */
  CriaTableSection combining_classes;
  CriaTableSection decompositions; /* CriaDecomposition, by code point */
  CriaTableSection decomposed;     /* u32 code points */
  CriaTableSection compositions;   /* CriaComposition, by (first, second) */
} CriaTokenizerHeader;

CRIA_TOKENIZER_ASSERT(sizeof(CriaTableMerge) == 12, "raise CRIA_TOKENIZER_VERSION");
CRIA_TOKENIZER_ASSERT(sizeof(CriaDecomposition) == 8, "raise CRIA_TOKENIZER_VERSION");
CRIA_TOKENIZER_ASSERT(sizeof(CriaComposition) == 12, "raise CRIA_TOKENIZER_VERSION");
CRIA_TOKENIZER_ASSERT(sizeof(CriaTokenizerHeader) == 160, "raise CRIA_TOKENIZER_VERSION");

static inline uint32_t criaTokenizerMix(uint32_t h) {
  h = (h ^ (h >> 16)) * 0x85ebca6bu;
  h = (h ^ (h >> 13)) * 0xc2b2ae35u;
  return h ^ (h >> 16);
}

static inline uint32_t criaTokenizerHashBytes(const void *bytes, size_t count) {
  const uint8_t *p = (const uint8_t *)bytes;
  uint32_t h = 0x811c9dc5u;
  for (size_t i = 0; i < count; ++i)
    h = (h ^ p[i]) * 0x01000193u;
  return criaTokenizerMix(h);
}

static inline uint32_t criaTokenizerHashPair(uint32_t left, uint32_t right) {
  return criaTokenizerMix(criaTokenizerMix(left + 0x9e3779b9u) ^ right);
}

/* The slot of [0, slots) where the search for a hash begins. */
static inline uint32_t criaTokenizerSlot(uint32_t hash, uint32_t slots) {
  return (uint32_t)(((uint64_t)hash * slots) >> 32);
}

#ifdef __cplusplus
}
#endif

#endif /* CRIA_RUNTIME_TOKENIZERTABLES_H */
