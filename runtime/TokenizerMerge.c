/*===- TokenizerMerge.c - Symbols become pieces --------------------------------===
 *
 * Byte pair encoding of n symbols in O(n log n): neighbours that may merge wait
 * in a heap, best rank first and then leftmost; merging two takes a symbol out of
 * a linked list and offers the new one to its neighbours. Entries are not removed
 * when one of their symbols changes. They are recognised instead: symbols only
 * grow, so a pair whose size is no longer the entry's is another pair.
 *===------------------------------------------------------------------------===*/
#include "runtime/TokenizerInternal.h"

#include <stdlib.h>

int criaAddSymbol(CriaEncoder *e, size_t start, size_t length, int32_t id, uint32_t frozen) {
  if (e->symbol_count == e->symbol_capacity) {
    size_t capacity = e->symbol_capacity ? 2 * e->symbol_capacity : 64;
    CriaSymbol *symbols = realloc(e->symbols, capacity * sizeof *symbols);
    if (!symbols)
      return -1;
    e->symbols = symbols;
    e->symbol_capacity = capacity;
  }
  uint32_t index = (uint32_t)e->symbol_count++;
  e->symbols[index] = (CriaSymbol){index ? index - 1 : CRIA_NO_SYMBOL, CRIA_NO_SYMBOL,
                                   (uint32_t)start, (uint32_t)length, id, frozen};
  if (index)
    e->symbols[index - 1].next = index;
  return 0;
}

static int isBefore(CriaCandidate a, CriaCandidate b) {
  return a.rank != b.rank ? a.rank < b.rank : a.left < b.left;
}

static void pushCandidate(CriaEncoder *e, CriaCandidate c) {
  size_t i = e->heap_count++;
  for (; i > 0 && isBefore(c, e->heap[(i - 1) / 2]); i = (i - 1) / 2)
    e->heap[i] = e->heap[(i - 1) / 2];
  e->heap[i] = c;
}

static CriaCandidate popCandidate(CriaEncoder *e) {
  CriaCandidate top = e->heap[0], last = e->heap[--e->heap_count];
  size_t i = 0;
  for (size_t child = 1; child < e->heap_count; child = 2 * i + 1) {
    if (child + 1 < e->heap_count && isBefore(e->heap[child + 1], e->heap[child]))
      ++child;
    if (!isBefore(e->heap[child], last))
      break;
    e->heap[i] = e->heap[child];
    i = child;
  }
  e->heap[i] = last;
  return top;
}

/* The merge of two symbols: its rank and resulting piece; 0 if there is none. */
static int findMerge(const CriaEncoder *e, const char *text, const CriaSymbol *left,
                     const CriaSymbol *right, uint32_t *rank, int32_t *result) {
  const CriaTokenizer *t = e->t;
  if (left->frozen || right->frozen)
    return 0;
  if (t->piece_ranks) {
    *result = criaFindPiece(t, text + left->start, (size_t)left->length + right->length);
    if (*result < 0)
      return 0;
    *rank = t->piece_ranks[*result];
    return 1;
  }
  if (left->id < 0 || right->id < 0 || t->merge_slot_count == 0)
    return 0;
  uint32_t slot = criaTokenizerSlot(
      criaTokenizerHashPair((uint32_t)left->id, (uint32_t)right->id), t->merge_slot_count);
  for (uint32_t i = 0; i < t->merge_slot_count; ++i) {
    if (t->merge_slots[slot] == 0)
      return 0;
    *rank = t->merge_slots[slot] - 1;
    const CriaTableMerge *m = &t->merges[*rank];
    if (m->left == (uint32_t)left->id && m->right == (uint32_t)right->id) {
      *result = (int32_t)m->result;
      return 1;
    }
    if (++slot == t->merge_slot_count)
      slot = 0;
  }
  return 0;
}

static void offer(CriaEncoder *e, const char *text, uint32_t left) {
  if (left == CRIA_NO_SYMBOL || e->symbols[left].next == CRIA_NO_SYMBOL)
    return;
  const CriaSymbol *l = &e->symbols[left], *r = &e->symbols[l->next];
  uint32_t rank;
  int32_t result;
  if (!findMerge(e, text, l, r, &rank, &result))
    return;
  pushCandidate(e, (CriaCandidate){rank, left, l->length + r->length});
  if (e->splits)
    e->splits[result] = l->length;
}

int criaMergeSymbols(CriaEncoder *e, const char *text) {
  /* n - 1 first offers; each of at most n - 1 merges takes one and makes two. */
  size_t most = 2 * e->symbol_count;
  if (most > e->heap_capacity) {
    CriaCandidate *heap = realloc(e->heap, most * sizeof *heap);
    if (!heap)
      return -1;
    e->heap = heap;
    e->heap_capacity = most;
  }
  e->heap_count = 0;
  for (size_t i = 0; i + 1 < e->symbol_count; ++i)
    offer(e, text, (uint32_t)i);
  while (e->heap_count > 0) {
    CriaCandidate c = popCandidate(e);
    CriaSymbol *left = &e->symbols[c.left];
    if (left->length == 0 || left->next == CRIA_NO_SYMBOL)
      continue;
    CriaSymbol *right = &e->symbols[left->next];
    uint32_t rank;
    int32_t result;
    if (left->length + right->length != c.size ||
        !findMerge(e, text, left, right, &rank, &result))
      continue;
    left->id = result;
    left->length = c.size;
    left->next = right->next;
    if (right->next != CRIA_NO_SYMBOL)
      e->symbols[right->next].prev = c.left;
    right->length = 0;
    offer(e, text, left->prev);
    offer(e, text, c.left);
  }
  return 0;
}
