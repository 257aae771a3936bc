/*===- TokenizerSentencePiece.c - Text with U+2581 for spaces ------------------===
 *
 * Follows the sentencepiece library: spaces become U+2581, each malformed byte
 * becomes U+FFFD, one symbol per character (or user-defined piece) is merged, and
 * what is no piece at the end falls back to its bytes or to the unknown piece.
 *===------------------------------------------------------------------------===*/
#include "runtime/TokenizerInternal.h"

#include <stdlib.h>
#include <string.h>

static const char space_symbol[] = "\xe2\x96\x81";
static const char replacement[] = "\xef\xbf\xbd";

static int beginsWith(const char *text, size_t bytes, const char *prefix) {
  size_t n = strlen(prefix);
  return bytes >= n && memcmp(text, prefix, n) == 0;
}

/* Writes the normalized text to `out`, which has room for 3 * bytes + 3, and
 * returns its length. */
static size_t normalize(const CriaTokenizer *t, const char *text, size_t bytes, int is_first,
                        char *out) {
  size_t at = 0, size = 0;
  int removes = (t->flags & CRIA_TOKENIZER_REMOVE_WHITESPACE) != 0;
  while (removes && at < bytes && text[at] == ' ')
    ++at;
  if (at == bytes)
    return 0;
  int prefix = (t->flags & CRIA_TOKENIZER_SPACE_PREFIX) != 0;
  if ((t->flags & CRIA_TOKENIZER_PREFIX_FIRST) && !is_first)
    prefix = 0;
  if ((t->flags & CRIA_TOKENIZER_PREFIX_ONCE) &&
      (text[at] == ' ' || beginsWith(text + at, bytes - at, space_symbol)))
    prefix = 0;
  if (prefix) {
    memcpy(out, space_symbol, 3);
    size = 3;
  }
  int after_space = removes;
  while (at < bytes) {
    size_t length;
    const char *from = text + at;
    uint32_t c = criaDecodeUtf8(from, bytes - at, &length);
    at += length;
    if (c == ' ' && after_space)
      continue;
    after_space = removes && c == ' ';
    if (c == ' ' || c >= CRIA_UNICODE_END) {
      from = c == ' ' ? space_symbol : replacement;
      length = 3;
    }
    memcpy(out + size, from, length);
    size += length;
  }
  while (removes && size >= 3 && memcmp(out + size - 3, space_symbol, 3) == 0)
    size -= 3;
  return size;
}

static int addSymbols(CriaEncoder *e, const char *text, size_t bytes) {
  const CriaTokenizer *t = e->t;
  int matches = t->user_defined && t->piece_ranks;
  e->symbol_count = 0;
  for (size_t at = 0; at < bytes;) {
    size_t length;
    int32_t id = matches ? criaMatchUserDefined(t, text + at, bytes - at) : -1;
    uint32_t frozen = id >= 0;
    if (frozen) {
      length = t->piece_offsets[id + 1] - t->piece_offsets[id];
    } else {
      criaDecodeUtf8(text + at, bytes - at, &length);
      id = criaFindPiece(t, text + at, length);
    }
    if (criaAddSymbol(e, at, length, id, frozen))
      return -1;
    at += length;
  }
  return 0;
}

/* Emits what is no piece: its bytes where they are pieces, else the unknown piece,
 * once for a run of them. */
static int emitUnknown(CriaEncoder *e, const char *text, size_t bytes, int after_unknown) {
  const CriaTokenizer *t = e->t;
  int has_bytes = 1;
  for (size_t i = 0; i < bytes; ++i)
    has_bytes &= t->byte_ids[(unsigned char)text[i]] >= 0;
  if (!has_bytes)
    return t->unk_id < 0 || after_unknown ? 0 : criaEmit(e, t->unk_id);
  for (size_t i = 0; i < bytes; ++i)
    if (criaEmit(e, t->byte_ids[(unsigned char)text[i]]))
      return -1;
  return 0;
}

/* Emits a symbol. An unused piece only served to make longer ones: it is taken
 * apart again into what it was made of, which may be unused as well. */
static int emitSymbol(CriaEncoder *e, const char *text, const CriaSymbol *symbol,
                      int after_unknown) {
  if (symbol->id < 0)
    return emitUnknown(e, text + symbol->start, symbol->length, after_unknown);
  if (!e->splits)
    return criaEmit(e, symbol->id);
  /* The merge heap is empty now and has room for all parts. */
  CriaCandidate *parts = e->heap;
  size_t count = 1;
  parts[0] = (CriaCandidate){0, symbol->start, symbol->length};
  while (count > 0) {
    CriaCandidate part = parts[--count];
    int32_t id = criaFindPiece(e->t, text + part.left, part.size);
    if (id < 0) {
      if (emitUnknown(e, text + part.left, part.size, 0))
        return -1;
      continue;
    }
    uint32_t split = e->splits[id];
    if (e->t->piece_types[id] == CRIA_PIECE_UNUSED && split > 0 && split < part.size &&
        count + 2 <= e->heap_capacity) {
      parts[count++] = (CriaCandidate){0, part.left + split, part.size - split};
      parts[count++] = (CriaCandidate){0, part.left, split};
    } else if (criaEmit(e, id)) {
      return -1;
    }
  }
  return 0;
}

int criaEncodeSentencePiece(CriaEncoder *e, const char *text, size_t bytes, int is_first) {
  char *normalized = malloc(3 * bytes + 3);
  if (!normalized)
    return -1;
  size_t size = normalize(e->t, text, bytes, is_first, normalized);
  int result = addSymbols(e, normalized, size);
  if (result == 0)
    result = criaMergeSymbols(e, normalized);
  int after_unknown = 0;
  for (uint32_t i = e->symbol_count ? 0 : CRIA_NO_SYMBOL; result == 0 && i != CRIA_NO_SYMBOL;
       i = e->symbols[i].next) {
    result = emitSymbol(e, normalized, &e->symbols[i], after_unknown);
    after_unknown = e->symbols[i].id < 0;
  }
  free(normalized);
  return result;
}
