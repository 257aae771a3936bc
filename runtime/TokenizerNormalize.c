/*===- TokenizerNormalize.c - Unicode's canonical composition (NFC) ------------===
 *
 * Decompose, sort the marks after each base by their combining class, compose
 * (Unicode Standard Annex 15). Bytes that are not UTF-8 pass through as bases
 * that compose with nothing.
 *===------------------------------------------------------------------------===*/
#include "runtime/TokenizerInternal.h"

#include <stdlib.h>
#include <string.h>

/* A character on its way: code point, or CRIA_MALFORMED_BYTE + byte, below its
 * combining class. */
#define CODE_POINT(x) ((x) & 0xffffffu)
#define COMBINING_CLASS(x) ((x) >> 24)

enum {
  HANGUL_BASE = 0xac00,
  HANGUL_END = 0xd7a4,
  HANGUL_L = 0x1100,
  HANGUL_V = 0x1161,
  HANGUL_T = 0x11a7,
  HANGUL_L_COUNT = 19,
  HANGUL_V_COUNT = 21,
  HANGUL_T_COUNT = 28
};

static uint32_t combiningClass(const CriaTokenizer *t, uint32_t c) {
  uint32_t low = 0, high = t->combining_class_count;
  while (high - low > 1) {
    uint32_t middle = low + (high - low) / 2;
    if (t->combining_classes[middle] >> 8 <= c)
      low = middle;
    else
      high = middle;
  }
  return t->combining_classes[low] & 0xff;
}

/* The place of c in `decompositions`, or decomposition_count. */
static uint32_t findDecomposition(const CriaTokenizer *t, uint32_t c) {
  uint32_t low = 0, high = t->decomposition_count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (t->decompositions[middle].code_point == c)
      return middle;
    if (t->decompositions[middle].code_point < c)
      low = middle + 1;
    else
      high = middle;
  }
  return t->decomposition_count;
}

/* What first and second compose to, 0 if nothing. */
static uint32_t compose(const CriaTokenizer *t, uint32_t first, uint32_t second) {
  uint32_t l = first - HANGUL_L, v = second - HANGUL_V, s = first - HANGUL_BASE;
  if (l < HANGUL_L_COUNT && v < HANGUL_V_COUNT)
    return HANGUL_BASE + (l * HANGUL_V_COUNT + v) * HANGUL_T_COUNT;
  if (s < HANGUL_END - HANGUL_BASE && s % HANGUL_T_COUNT == 0 && second > HANGUL_T &&
      second < HANGUL_T + HANGUL_T_COUNT)
    return first + second - HANGUL_T;
  uint32_t low = 0, high = t->composition_count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    const CriaComposition *m = &t->compositions[middle];
    if (m->first == first && m->second == second)
      return m->result;
    if (m->first < first || (m->first == first && m->second < second))
      low = middle + 1;
    else
      high = middle;
  }
  return 0;
}

typedef struct Characters {
  uint32_t *data;
  size_t count, capacity;
} Characters;

static int append(const CriaTokenizer *t, Characters *s, uint32_t c) {
  if (s->count == s->capacity) {
    size_t capacity = s->capacity ? 2 * s->capacity : 256;
    uint32_t *data = realloc(s->data, capacity * sizeof *data);
    if (!data)
      return -1;
    s->data = data;
    s->capacity = capacity;
  }
  s->data[s->count++] = combiningClass(t, c) << 24 | c;
  return 0;
}

static int decompose(const CriaTokenizer *t, Characters *s, uint32_t c) {
  if (c >= HANGUL_BASE && c < HANGUL_END) {
    uint32_t i = c - HANGUL_BASE, last = i % HANGUL_T_COUNT;
    i /= HANGUL_T_COUNT;
    return append(t, s, HANGUL_L + i / HANGUL_V_COUNT) ||
           append(t, s, HANGUL_V + i % HANGUL_V_COUNT) ||
           (last && append(t, s, HANGUL_T + last));
  }
  uint32_t found = findDecomposition(t, c);
  if (found == t->decomposition_count)
    return append(t, s, c);
  for (uint32_t i = t->decompositions[found].first; i < t->decompositions[found + 1].first; ++i)
    if (append(t, s, t->decomposed[i]))
      return -1;
  return 0;
}

/* Sorts data[0..count) by combining class, equal ones in their order: a merge
 * sort, since a hostile text is one long run of marks. */
static void sortMarks(uint32_t *data, size_t count, uint32_t *spare) {
  for (size_t width = 1; width < count; width *= 2) {
    for (size_t begin = 0; begin < count; begin += 2 * width) {
      size_t middle = begin + width < count ? begin + width : count;
      size_t end = middle + width < count ? middle + width : count;
      size_t a = begin, b = middle, out = begin;
      while (a < middle || b < end) {
        int takes_a = b == end || (a < middle && COMBINING_CLASS(data[a]) <=
                                                     COMBINING_CLASS(data[b]));
        spare[out++] = takes_a ? data[a++] : data[b++];
      }
    }
    memcpy(data, spare, count * sizeof *data);
  }
}

static int reorder(Characters *s) {
  uint32_t *spare = NULL;
  for (size_t i = 0, begin; i < s->count; ++i) {
    for (begin = i; i < s->count && COMBINING_CLASS(s->data[i]) != 0;)
      ++i;
    if (i - begin < 2)
      continue;
    if (!spare && !(spare = malloc(s->count * sizeof *spare)))
      return -1;
    sortMarks(s->data + begin, i - begin, spare);
  }
  free(spare);
  return 0;
}

static void composeAll(const CriaTokenizer *t, Characters *s) {
  size_t size = 0, base = 0;
  int has_base = 0;
  for (size_t i = 0; i < s->count; ++i) {
    uint32_t x = s->data[i];
    /* A mark is blocked by one of its own class or a higher one before it. */
    if (has_base && (size == base + 1 || COMBINING_CLASS(s->data[size - 1]) < COMBINING_CLASS(x))) {
      uint32_t result = compose(t, CODE_POINT(s->data[base]), CODE_POINT(x));
      if (result) {
        s->data[base] = result;
        continue;
      }
    }
    if (COMBINING_CLASS(x) == 0) {
      base = size;
      has_base = 1;
    }
    s->data[size++] = x;
  }
  s->count = size;
}

static size_t encodeUtf8(uint32_t c, char *out) {
  if (c >= CRIA_MALFORMED_BYTE) {
    out[0] = (char)(c - CRIA_MALFORMED_BYTE);
    return 1;
  }
  size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
  for (size_t i = n; i-- > 1; c >>= 6)
    out[i] = (char)(0x80 | (c & 0x3f));
  out[0] = (char)(lead[n] | c);
  return n;
}

int criaNormalizeNfc(const CriaTokenizer *t, const char *text, size_t bytes, char **out,
                     size_t *out_bytes) {
  *out = (char *)text;
  *out_bytes = bytes;
  /* All text below U+0300, which begins with the byte 0xCC, is in NFC already. */
  size_t at = 0, length;
  while (at < bytes && (unsigned char)text[at] < 0xcc)
    ++at;
  if (at == bytes)
    return 0;

  Characters s = {0};
  int result = 0;
  for (at = 0; at < bytes && result == 0; at += length) {
    uint32_t c = criaDecodeUtf8(text + at, bytes - at, &length);
    result = c < CRIA_MALFORMED_BYTE ? decompose(t, &s, c) : append(t, &s, c);
  }
  if (result == 0)
    result = reorder(&s);
  char *buffer = result == 0 ? malloc(4 * s.count) : NULL;
  if (buffer) {
    composeAll(t, &s);
    size_t size = 0;
    for (size_t i = 0; i < s.count; ++i)
      size += encodeUtf8(CODE_POINT(s.data[i]), buffer + size);
    *out = buffer;
    *out_bytes = size;
  }
  free(s.data);
  return buffer ? 0 : -1;
}
