/*===- TokenizerByteLevel.c - Text split into words of bytes -------------------===
 *
 * The pre-tokenizers' regular expressions, as hand-written matchers. Each
 * function below takes the longest of its alternatives' first match, in the
 * order in which the expression lists them. Bytes that are not UTF-8 count as
 * characters that are neither letter, number nor space, and stay what they are.
 *===------------------------------------------------------------------------===*/
#include "runtime/TokenizerInternal.h"

/* A place in the text and the character that begins there. */
typedef struct Cursor {
  const CriaTokenizer *t;
  const char *text;
  size_t end;
  size_t at, next; /* the character is text[at..next); at == end: none is left */
  uint32_t c;
  uint32_t class;
} Cursor;

static uint32_t classify(const CriaTokenizer *t, uint32_t c) {
  if (c < 0x80) {
    if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
      return CRIA_CHARACTER_LETTER;
    if (c >= '0' && c <= '9')
      return CRIA_CHARACTER_NUMBER;
    return c == ' ' || (c >= '\t' && c <= '\r') ? CRIA_CHARACTER_SPACE : CRIA_CHARACTER_OTHER;
  }
  uint32_t low = 0, high = t->class_count; /* the last run at or before c lies in [low, high) */
  while (high - low > 1) {
    uint32_t middle = low + (high - low) / 2;
    if (t->classes[middle] >> 2 <= c)
      low = middle;
    else
      high = middle;
  }
  return t->classes[low] & 3;
}

static void moveTo(Cursor *k, size_t at) {
  k->at = k->next = at;
  k->c = CRIA_NO_SYMBOL;
  k->class = CRIA_CHARACTER_OTHER;
  if (at < k->end) {
    size_t length;
    k->c = criaDecodeUtf8(k->text + at, k->end - at, &length);
    k->class = classify(k->t, k->c);
    k->next = at + length;
  }
}

static void step(Cursor *k) { moveTo(k, k->next); }

static int isAt(const Cursor *k, uint32_t class) { return k->at < k->end && k->class == class; }

static int isNewline(const Cursor *k) { return k->c == '\r' || k->c == '\n'; }

static size_t skip(Cursor *k, uint32_t class) {
  while (isAt(k, class))
    step(k);
  return k->at;
}

/* 's 't 're 've 'm 'll 'd; ignoring case, if asked, as Unicode folds it: s is also
 * U+017F. Returns the length in bytes from the apostrophe on, 0 if none. */
static size_t matchContraction(Cursor k, int ignores_case) {
  size_t begin = k.at;
  if (k.c != '\'')
    return 0;
  uint32_t letters[2];
  size_t ends[2];
  for (int i = 0; i < 2; ++i) {
    step(&k);
    letters[i] = k.c;
    if (ignores_case && k.c >= 'A' && k.c <= 'Z')
      letters[i] = k.c | 0x20;
    if (ignores_case && k.c == 0x17f)
      letters[i] = 's';
    ends[i] = k.next;
  }
  uint32_t a = letters[0], b = letters[1];
  if (a == 's' || a == 't' || a == 'm' || a == 'd')
    return ends[0] - begin;
  if (((a == 'r' || a == 'v') && b == 'e') || (a == 'l' && b == 'l'))
    return ends[1] - begin;
  return 0;
}

/* \s+(?!\S)|\s+ at a space: a run of spaces without its last one, which belongs to
 * the word after it, unless it is alone or nothing follows. */
static size_t matchSpaces(Cursor k) {
  size_t last = k.at, begin = k.at;
  while (isAt(&k, CRIA_CHARACTER_SPACE)) {
    last = k.at;
    step(&k);
  }
  return k.at == k.end || last == begin ? k.at : last;
}

/* '(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ */
static size_t matchGpt2(Cursor k) {
  size_t contraction = matchContraction(k, 0);
  if (contraction)
    return k.at + contraction;
  Cursor word = k;
  if (k.c == ' ')
    step(&word);
  if (word.at < word.end && word.class != CRIA_CHARACTER_SPACE)
    return skip(&word, word.class);
  return matchSpaces(k);
}

/* (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,digits}
 * | ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+ */
static size_t matchLlama3(Cursor k, int digits) {
  size_t contraction = matchContraction(k, 1);
  if (contraction)
    return k.at + contraction;
  Cursor word = k;
  if (k.class != CRIA_CHARACTER_LETTER && k.class != CRIA_CHARACTER_NUMBER && !isNewline(&k))
    step(&word);
  if (isAt(&word, CRIA_CHARACTER_LETTER))
    return skip(&word, CRIA_CHARACTER_LETTER);

  word = k;
  if (k.class == CRIA_CHARACTER_NUMBER) {
    for (int i = 0; i < digits && isAt(&word, CRIA_CHARACTER_NUMBER); ++i)
      step(&word);
    return word.at;
  }
  if (k.c == ' ')
    step(&word);
  if (isAt(&word, CRIA_CHARACTER_OTHER)) {
    skip(&word, CRIA_CHARACTER_OTHER);
    while (isNewline(&word))
      step(&word);
    return word.at;
  }
  size_t after_newline = 0;
  for (word = k; isAt(&word, CRIA_CHARACTER_SPACE); step(&word))
    if (isNewline(&word))
      after_newline = word.next;
  return after_newline ? after_newline : matchSpaces(k);
}

static int encodeWord(CriaEncoder *e, const char *word, size_t bytes) {
  const CriaTokenizer *t = e->t;
  if (t->flags & CRIA_TOKENIZER_IGNORE_MERGES) {
    int32_t id = criaFindPiece(t, word, bytes);
    if (id >= 0)
      return criaEmit(e, id);
  }
  e->symbol_count = 0;
  for (size_t i = 0; i < bytes; ++i)
    if (criaAddSymbol(e, i, 1, t->byte_ids[(unsigned char)word[i]], 0))
      return -1;
  if (criaMergeSymbols(e, word))
    return -1;
  for (uint32_t i = 0; i != CRIA_NO_SYMBOL; i = e->symbols[i].next)
    if (criaEmit(e, e->symbols[i].id))
      return -1;
  return 0;
}

int criaEncodeByteLevel(CriaEncoder *e, const char *text, size_t bytes) {
  Cursor k = {.t = e->t, .text = text, .end = bytes};
  int splits_digits = e->t->pre_tokenizer == CRIA_PRETOKENIZER_SMOLLM;
  if (e->t->pre_tokenizer == CRIA_PRETOKENIZER_NONE)
    return encodeWord(e, text, bytes);
  for (size_t at = 0; at < bytes;) {
    moveTo(&k, at);
    size_t end = k.next;
    if (splits_digits && k.class != CRIA_CHARACTER_NUMBER) {
      /* What the expression sees ends before the next digit. */
      for (k.end = bytes; k.at < bytes && k.class != CRIA_CHARACTER_NUMBER;)
        step(&k);
      size_t stretch = k.at;
      for (k.end = stretch; at < stretch; at = end) {
        moveTo(&k, at);
        end = matchGpt2(k);
        if (encodeWord(e, text + at, end - at))
          return -1;
      }
      k.end = bytes;
      continue;
    }
    if (e->t->pre_tokenizer == CRIA_PRETOKENIZER_GPT2)
      end = matchGpt2(k);
    else if (e->t->pre_tokenizer == CRIA_PRETOKENIZER_LLAMA3)
      end = matchLlama3(k, 3);
    else if (e->t->pre_tokenizer == CRIA_PRETOKENIZER_QWEN2)
      end = matchLlama3(k, 1);
    if (encodeWord(e, text + at, end - at))
      return -1;
    at = end;
  }
  return 0;
}
