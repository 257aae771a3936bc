/*===- Tokenizer.c - Opens tables, decodes tokens, leads a text through --------===*/
#include "runtime/TokenizerInternal.h"

#include <stdlib.h>
#include <string.h>

/*===- Opening ----------------------------------------------------------------===*/

static const void *openSection(const CriaTokenizerHeader *h, CriaTableSection section,
                               size_t element_bytes, int *bad) {
  uint64_t end = section.offset + (uint64_t)section.count * element_bytes;
  if (section.count == 0)
    return NULL;
  if (section.offset % CRIA_TOKENIZER_ALIGNMENT != 0 || section.offset < h->header_bytes ||
      end > h->total_bytes) {
    *bad = 1;
    return NULL;
  }
  return (const char *)h + section.offset;
}

/* Whether values[0..count) do not descend and stay at or below `limit`. */
static int isAscending(const uint32_t *values, uint32_t count, uint32_t limit) {
  for (uint32_t i = 1; i < count; ++i)
    if (values[i] < values[i - 1])
      return 0;
  return count == 0 || values[count - 1] <= limit;
}

static int isBelow(const uint32_t *values, uint32_t count, uint32_t limit) {
  for (uint32_t i = 0; i < count; ++i)
    if (values[i] >= limit)
      return 0;
  return 1;
}

static const char *checkPieces(CriaTokenizer *t, const CriaTokenizerHeader *h) {
  if (h->piece_offsets.count != (uint64_t)t->pieces + 1 || h->piece_types.count != t->pieces ||
      !isAscending(t->piece_offsets, h->piece_offsets.count, h->piece_text.count))
    return "tokenizer tables: the pieces are damaged";
  for (uint32_t i = 0; i < t->pieces; ++i) {
    if (t->piece_types[i] >= CRIA_PIECE_TYPE_END)
      return "tokenizer tables: a piece has an unknown type";
    t->has_unused |= t->piece_types[i] == CRIA_PIECE_UNUSED;
  }
  if (t->unk_id < -1 || t->unk_id >= (int64_t)t->pieces)
    return "tokenizer tables: the unknown piece is outside the vocabulary";
  if (t->piece_ranks && h->piece_ranks.count != t->pieces)
    return "tokenizer tables: the ranks are damaged";
  if (!isBelow(t->piece_slots, t->piece_slot_count, t->pieces + 1))
    return "tokenizer tables: a piece in the hash table is outside the vocabulary";
  return NULL;
}

static const char *checkMerges(const CriaTokenizer *t, const CriaTokenizerHeader *h) {
  for (uint32_t i = 0; i < h->merges.count; ++i) {
    const CriaTableMerge *m = &t->merges[i];
    if (m->left >= t->pieces || m->right >= t->pieces || m->result >= t->pieces)
      return "tokenizer tables: a merge names a piece outside the vocabulary";
  }
  if (!isBelow(t->merge_slots, t->merge_slot_count, h->merges.count + 1))
    return "tokenizer tables: a merge in the hash table is out of range";
  /* No byte may be without a token, or text would get lost. */
  int32_t least = t->flags & CRIA_TOKENIZER_BYTE_LEVEL ? 0 : -1;
  for (int i = 0; i < 256; ++i)
    if (t->byte_ids[i] < least || t->byte_ids[i] >= (int64_t)t->pieces)
      return "tokenizer tables: a byte's piece is outside the vocabulary";
  return NULL;
}

static const char *checkUserDefined(const CriaTokenizer *t, const CriaTokenizerHeader *h) {
  if (!t->user_defined && !t->user_starts)
    return NULL;
  if (!t->user_defined || h->user_starts.count != 257 ||
      !isAscending(t->user_starts, 257, h->user_defined.count) ||
      !isBelow(t->user_defined, h->user_defined.count, t->pieces))
    return "tokenizer tables: the user-defined pieces are damaged";
  for (uint32_t i = 0; i < h->user_defined.count; ++i) {
    uint32_t id = t->user_defined[i];
    if (t->piece_offsets[id] == t->piece_offsets[id + 1])
      return "tokenizer tables: a user-defined piece is empty";
  }
  return NULL;
}

static const char *checkUnicode(const CriaTokenizer *t, const CriaTokenizerHeader *h) {
  const char *damaged = "tokenizer tables: the Unicode data are damaged";
  if (t->pre_tokenizer != CRIA_PRETOKENIZER_NONE && !t->classes)
    return damaged;
  if (!(t->flags & CRIA_TOKENIZER_NFC))
    return NULL;
  if (!t->combining_classes || !t->decompositions || !t->decomposed || !t->compositions)
    return damaged;
  for (uint32_t i = 0; i < h->decompositions.count; ++i)
    if (t->decompositions[i].first > h->decomposed.count ||
        (i > 0 && t->decompositions[i].first < t->decompositions[i - 1].first))
      return damaged;
  if (!isBelow(t->decomposed, h->decomposed.count, CRIA_UNICODE_END))
    return damaged;
  for (uint32_t i = 0; i < h->compositions.count; ++i)
    if (t->compositions[i].result >= CRIA_UNICODE_END)
      return damaged;
  return NULL;
}

int criaTokenizerOpen(CriaTokenizer *t, const void *tables, size_t bytes, const char **error) {
  const CriaTokenizerHeader *h = tables;
  memset(t, 0, sizeof *t);
  *error = NULL;
  if ((uintptr_t)tables % CRIA_TOKENIZER_ALIGNMENT != 0)
    *error = "tokenizer tables: not aligned in memory";
  else if (bytes < sizeof *h || memcmp(h->magic, CRIA_TOKENIZER_MAGIC, sizeof h->magic) != 0)
    *error = "tokenizer tables: not found where expected";
  else if (h->version != CRIA_TOKENIZER_VERSION || h->header_bytes != sizeof *h)
    *error = "tokenizer tables: made by another version of the compiler";
  else if (h->total_bytes != bytes)
    *error = "tokenizer tables: truncated, or followed by something else";
  else if (h->flags >= CRIA_TOKENIZER_FLAGS_END || h->pre_tokenizer >= CRIA_PRETOKENIZER_END)
    *error = "tokenizer tables: an unknown feature is asked for";
  if (*error)
    return -1;

  int bad = 0;
  t->flags = h->flags;
  t->pre_tokenizer = h->pre_tokenizer;
  t->unk_id = h->unk_id;
  t->pieces = h->piece_types.count;
  t->max_piece_bytes = h->max_piece_bytes;
  t->piece_offsets = openSection(h, h->piece_offsets, sizeof(uint32_t), &bad);
  t->piece_text = openSection(h, h->piece_text, 1, &bad);
  t->piece_types = openSection(h, h->piece_types, 1, &bad);
  t->piece_ranks = openSection(h, h->piece_ranks, sizeof(uint32_t), &bad);
  t->piece_slots = openSection(h, h->piece_slots, sizeof(uint32_t), &bad);
  t->piece_slot_count = h->piece_slots.count;
  t->merges = openSection(h, h->merges, sizeof(CriaTableMerge), &bad);
  t->merge_slots = openSection(h, h->merge_slots, sizeof(uint32_t), &bad);
  t->merge_slot_count = h->merge_slots.count;
  t->byte_ids = openSection(h, h->byte_ids, sizeof(int32_t), &bad);
  t->user_defined = openSection(h, h->user_defined, sizeof(uint32_t), &bad);
  t->user_starts = openSection(h, h->user_starts, sizeof(uint32_t), &bad);
  t->classes = openSection(h, h->classes, sizeof(uint32_t), &bad);
  t->class_count = h->classes.count;
  t->combining_classes = openSection(h, h->combining_classes, sizeof(uint32_t), &bad);
  t->combining_class_count = h->combining_classes.count;
  t->decompositions = openSection(h, h->decompositions, sizeof(CriaDecomposition), &bad);
  t->decomposition_count = h->decompositions.count ? h->decompositions.count - 1 : 0;
  t->decomposed = openSection(h, h->decomposed, sizeof(uint32_t), &bad);
  t->compositions = openSection(h, h->compositions, sizeof(CriaComposition), &bad);
  t->composition_count = h->compositions.count;
  if (bad || !t->piece_types || !t->piece_offsets || !t->piece_text || h->byte_ids.count != 256)
    *error = "tokenizer tables: a section is missing or reaches beyond the end";
  if (!*error)
    *error = checkPieces(t, h);
  if (!*error)
    *error = checkMerges(t, h);
  if (!*error)
    *error = checkUserDefined(t, h);
  if (!*error)
    *error = checkUnicode(t, h);
  return *error ? -1 : 0;
}

/*===- Looking up -------------------------------------------------------------===*/

uint32_t criaDecodeUtf8(const char *text, size_t bytes, size_t *length) {
  const unsigned char *p = (const unsigned char *)text;
  uint32_t c = p[0], least = 0;
  size_t n = 1;
  if (c >= 0xf0 && c < 0xf8)
    n = 4, c &= 0x07, least = 0x10000;
  else if (c >= 0xe0 && c < 0xf0)
    n = 3, c &= 0x0f, least = 0x800;
  else if (c >= 0xc0 && c < 0xe0)
    n = 2, c &= 0x1f, least = 0x80;
  else if (c >= 0x80)
    n = 0;
  if (n > bytes)
    n = 0;
  for (size_t i = 1; i < n; ++i) {
    if ((p[i] & 0xc0) != 0x80)
      n = 0;
    else
      c = c << 6 | (p[i] & 0x3f);
  }
  if (n == 0 || c < least || c >= CRIA_UNICODE_END || (c >= 0xd800 && c < 0xe000)) {
    *length = 1;
    return CRIA_MALFORMED_BYTE + p[0];
  }
  *length = n;
  return c;
}

int32_t criaFindPiece(const CriaTokenizer *t, const char *bytes, size_t count) {
  if (count > t->max_piece_bytes || t->piece_slot_count == 0)
    return -1;
  uint32_t slot = criaTokenizerSlot(criaTokenizerHashBytes(bytes, count), t->piece_slot_count);
  for (uint32_t i = 0; i < t->piece_slot_count; ++i) {
    if (t->piece_slots[slot] == 0)
      return -1;
    uint32_t id = t->piece_slots[slot] - 1;
    uint32_t begin = t->piece_offsets[id];
    if (t->piece_offsets[id + 1] - begin == count &&
        memcmp(t->piece_text + begin, bytes, count) == 0)
      return (int32_t)id;
    if (++slot == t->piece_slot_count)
      slot = 0;
  }
  return -1;
}

int32_t criaMatchUserDefined(const CriaTokenizer *t, const char *text, size_t bytes) {
  uint32_t byte = (unsigned char)text[0];
  for (uint32_t i = t->user_starts[byte]; i < t->user_starts[byte + 1]; ++i) {
    uint32_t id = t->user_defined[i];
    uint32_t begin = t->piece_offsets[id], count = t->piece_offsets[id + 1] - begin;
    if (count <= bytes && memcmp(t->piece_text + begin, text, count) == 0)
      return (int32_t)id;
  }
  return -1;
}

/*===- Encoding ---------------------------------------------------------------===*/

int criaEmit(CriaEncoder *e, int32_t id) {
  if (e->id_count == e->id_capacity) {
    size_t capacity = e->id_capacity ? 2 * e->id_capacity : 64;
    int32_t *ids = realloc(e->ids, capacity * sizeof *ids);
    if (!ids)
      return -1;
    e->ids = ids;
    e->id_capacity = capacity;
  }
  e->ids[e->id_count++] = id;
  return 0;
}

static int encodeStretch(CriaEncoder *e, const char *text, size_t bytes, int is_first) {
  if (bytes == 0)
    return 0;
  if (!(e->t->flags & CRIA_TOKENIZER_BYTE_LEVEL))
    return criaEncodeSentencePiece(e, text, bytes, is_first);
  if (!(e->t->flags & CRIA_TOKENIZER_NFC))
    return criaEncodeByteLevel(e, text, bytes);
  char *normalized;
  size_t normalized_bytes;
  if (criaNormalizeNfc(e->t, text, bytes, &normalized, &normalized_bytes))
    return -1;
  int result = criaEncodeByteLevel(e, normalized, normalized_bytes);
  if (normalized != text)
    free(normalized);
  return result;
}

/* Hugging Face finds its added tokens in the text as it is given and encodes what
 * lies between them stretch by stretch. SentencePiece finds its user-defined
 * pieces in the normalized text, which is TokenizerSentencePiece.c's business. */
static int encodeText(CriaEncoder *e, const char *text, size_t bytes) {
  size_t begin = 0, at = 0;
  int in_given_text = e->t->user_defined && !e->t->piece_ranks;
  while (in_given_text && at < bytes) {
    int32_t id = criaMatchUserDefined(e->t, text + at, bytes - at);
    if (id < 0) {
      ++at;
      continue;
    }
    if (encodeStretch(e, text + begin, at - begin, begin == 0) || criaEmit(e, id))
      return -1;
    at += e->t->piece_offsets[id + 1] - e->t->piece_offsets[id];
    begin = at;
  }
  return encodeStretch(e, text + begin, bytes - begin, begin == 0);
}

int64_t criaTokenizerEncode(const CriaTokenizer *t, const char *text, size_t bytes,
                            int32_t **ids) {
  CriaEncoder e = {.t = t};
  *ids = NULL;
  if (bytes > CRIA_MAX_TEXT_BYTES)
    return -1;
  int result = criaEmit(&e, 0); /* so that an empty text has an array as well */
  e.id_count = 0;
  if (result == 0 && t->has_unused && t->piece_ranks) {
    e.splits = calloc(t->pieces, sizeof *e.splits);
    result = e.splits ? 0 : -1;
  }
  if (result == 0)
    result = encodeText(&e, text, bytes);
  free(e.symbols);
  free(e.heap);
  free(e.splits);
  if (result) {
    free(e.ids);
    return -1;
  }
  *ids = e.ids;
  return (int64_t)e.id_count;
}

/*===- Decoding ---------------------------------------------------------------===*/

size_t criaTokenizerDecode(const CriaTokenizer *t, int32_t id, int first, char *buffer,
                           size_t capacity) {
  static const char unknown[] = " \xe2\x81\x87 "; /* as SentencePiece writes it: U+2047 */
  if (id < 0 || id >= (int64_t)t->pieces || t->piece_types[id] == CRIA_PIECE_CONTROL)
    return 0;
  const char *p = t->piece_text + t->piece_offsets[id];
  size_t count = t->piece_offsets[id + 1] - t->piece_offsets[id], size = 0;
  int is_sentence_piece = !(t->flags & CRIA_TOKENIZER_BYTE_LEVEL);
  if (is_sentence_piece && t->piece_types[id] == CRIA_PIECE_UNKNOWN)
    p = unknown, count = sizeof unknown - 1;
  int opens_spaces = is_sentence_piece && t->piece_types[id] != CRIA_PIECE_BYTE;
  int drops_space =
      first && (t->flags & (CRIA_TOKENIZER_SPACE_PREFIX | CRIA_TOKENIZER_REMOVE_WHITESPACE));
  for (size_t i = 0; i < count;) {
    char c = p[i];
    size_t length = 1;
    if (opens_spaces && count - i >= 3 && memcmp(p + i, "\xe2\x96\x81", 3) == 0) {
      c = ' ';
      length = 3;
    }
    if (length == 1 || i > 0 || !drops_space) {
      if (size < capacity)
        buffer[size] = c;
      ++size;
    }
    i += length;
  }
  return size;
}
