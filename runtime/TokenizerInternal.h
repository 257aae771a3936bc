/*===- TokenizerInternal.h - What the tokenizer's parts share ------------------===*/
#ifndef CRIA_RUNTIME_TOKENIZERINTERNAL_H
#define CRIA_RUNTIME_TOKENIZERINTERNAL_H

#include "runtime/Tokenizer.h"

#define CRIA_NO_SYMBOL UINT32_MAX
/* A malformed byte b decodes to this + b: no code point, kept apart from all. */
#define CRIA_MALFORMED_BYTE CRIA_UNICODE_END

/* A run of text that is one piece so far; a doubly linked list in text order. */
typedef struct CriaSymbol {
  uint32_t prev, next; /* CRIA_NO_SYMBOL at the ends */
  uint32_t start, length; /* bytes of the text; length 0: merged into its left neighbour */
  int32_t id;          /* -1: no piece */
  uint32_t frozen;     /* 1: user-defined, never merged */
} CriaSymbol;

/* Symbol `left` and its right neighbour, `size` bytes together, may merge. */
typedef struct CriaCandidate {
  uint32_t rank, left, size;
} CriaCandidate;

/* Memory of one call of criaTokenizerEncode. */
typedef struct CriaEncoder {
  const CriaTokenizer *t;
  CriaSymbol *symbols;
  size_t symbol_count, symbol_capacity;
  CriaCandidate *heap; /* also holds the parts of an unused piece while it is taken apart */
  size_t heap_count, heap_capacity;
  uint32_t *splits; /* [V]: length of the left part that last offered this unused piece */
  int32_t *ids;
  size_t id_count, id_capacity;
} CriaEncoder;

/* The functions that return int return 0, or -1 when out of memory. */

/* Decodes one character of text[0..bytes), bytes > 0: its code point, or
 * CRIA_MALFORMED_BYTE + the byte (one byte long). */
uint32_t criaDecodeUtf8(const char *text, size_t bytes, size_t *length);

/* The id of a piece by its bytes, -1 if there is none in piece_slots. */
int32_t criaFindPiece(const CriaTokenizer *t, const char *bytes, size_t count);

/* The id of the longest user-defined piece that text begins with, -1: none. */
int32_t criaMatchUserDefined(const CriaTokenizer *t, const char *text, size_t bytes);

int criaEmit(CriaEncoder *e, int32_t id);
int criaAddSymbol(CriaEncoder *e, size_t start, size_t length, int32_t id, uint32_t frozen);
/* Merges the symbols added since `symbol_count` was 0, best rank first and then
 * leftmost; what is left is the list from symbol 0 on. */
int criaMergeSymbols(CriaEncoder *e, const char *text);

/* Encode one stretch of text between user-defined pieces. */
int criaEncodeSentencePiece(CriaEncoder *e, const char *text, size_t bytes, int is_first);
int criaEncodeByteLevel(CriaEncoder *e, const char *text, size_t bytes);

/* Brings text to NFC. *out is `text` itself where nothing changes, else malloc'd. */
int criaNormalizeNfc(const CriaTokenizer *t, const char *text, size_t bytes, char **out,
                     size_t *out_bytes);

#endif /* CRIA_RUNTIME_TOKENIZERINTERNAL_H */
