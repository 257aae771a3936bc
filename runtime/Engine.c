#include "runtime/Engine.h"

#include "runtime/Message.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE_BYTES ((size_t)2 << 20)

#ifndef MADV_POPULATE_WRITE /* Linux 5.14; not in every musl */
#define MADV_POPULATE_WRITE 23
#endif

/* Zeroed memory at a page's start; pages come into being when touched: huge ones, where
 * there is room for one, for they save faults and TLB misses. */
static uint8_t *reserve(const char *what, uint64_t bytes) {
  if (bytes == 0)
    bytes = CRIA_PAGE_BYTES;
  size_t room = bytes >= HUGE_PAGE_BYTES ? HUGE_PAGE_BYTES - CRIA_PAGE_BYTES : 0;
  void *address = bytes > PTRDIFF_MAX - HUGE_PAGE_BYTES
                      ? MAP_FAILED
                      : mmap(NULL, bytes + room, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED) {
    criaError("cannot reserve %" PRIu64 " bytes for the %s: %s", bytes, what,
              bytes > PTRDIFF_MAX - HUGE_PAGE_BYTES ? "too many" : strerror(errno));
    return NULL;
  }
  if (room) {
    address = (void *)(((uintptr_t)address + HUGE_PAGE_BYTES - 1) & ~(uintptr_t)(HUGE_PAGE_BYTES - 1));
    madvise(address, bytes, MADV_HUGEPAGE);
  }
  return address;
}

int criaEngineOpen(CriaEngine *engine, const CriaModel *model, const void *weights,
                   uint32_t threads, uint32_t step) {
  engine->model = model;
  engine->weights = weights;
  engine->position = engine->populated = 0;
  engine->lastRow = NULL;
  engine->margin = -1;
  engine->unscreened = 0;
  engine->stepSink = NULL;
  engine->stepContext = NULL;
  engine->step = step ? step : model->chunk;

  /* Whole pages per thread: no two threads write to one cache line. */
  uint64_t stride, scratchBytes;
  if (__builtin_add_overflow(model->scratch_bytes, CRIA_PAGE_BYTES - 1, &stride) ||
      __builtin_mul_overflow(stride / CRIA_PAGE_BYTES * CRIA_PAGE_BYTES, threads,
                             &scratchBytes))
    return criaError("cannot reserve %" PRIu64 " bytes of scratch for each of %u threads",
                     model->scratch_bytes, threads);
  engine->scratchStride = stride / CRIA_PAGE_BYTES * CRIA_PAGE_BYTES;

  engine->state = reserve("state and KV caches", model->state_bytes);
  engine->workspace = reserve("workspace", model->workspace_bytes);
  engine->scratch = reserve("threads' scratch", scratchBytes);
  if (!engine->state || !engine->workspace || !engine->scratch)
    return -1;
  return criaPoolStart(&engine->pool, threads);
}

void criaEngineClose(CriaEngine *engine) { criaPoolStop(&engine->pool); }

void criaEngineRewind(CriaEngine *engine) { engine->position = 0; }

typedef struct Call {
  const CriaEngine *engine;
  CriaEntry entry;
  int64_t index, rows;
} Call;

static void callEntry(void *opaque, int64_t thread, int64_t threads, void *barrier) {
  const Call *call = opaque;
  const CriaEngine *e = call->engine;
  call->entry(e->weights, e->state, e->workspace, e->scratch + thread * e->scratchStride,
              call->index, call->rows, thread, threads, barrier);
}

static void run(CriaEngine *engine, CriaEntry entry, int64_t index, int64_t rows) {
  Call call = {engine, entry, index, rows};
  criaPoolRun(&engine->pool, callEntry, &call);
}

typedef struct Range {
  uint8_t *start;
  uint64_t bytes;
} Range;

/* Makes the pages of two ranges, every thread its share. Where that fails (before Linux 5.14)
 * page faults do. */
static void populateShare(void *opaque, int64_t thread, int64_t threads, void *barrier) {
  (void)barrier;
  const Range *ranges = opaque;
  for (const Range *range = ranges; range < ranges + 2; ++range) {
    uint64_t share = range->bytes / (uint64_t)threads + 1, begin = (uint64_t)thread * share;
    if (begin >= range->bytes)
      continue;
    uint64_t left = range->bytes - begin;
    uintptr_t first = (uintptr_t)range->start + begin, end = first + (left < share ? left : share);
    first &= ~(uintptr_t)(CRIA_PAGE_BYTES - 1);
    madvise((void *)first, end - first, MADV_POPULATE_WRITE);
  }
}

/* A prompt of `count` tokens fills the blocks of its positions in the KV caches. Pages that
 * are made at once save a page fault each: on a virtual machine one took 13 us. */
void criaEnginePrepare(CriaEngine *engine, uint32_t count) {
  const CriaModel *m = engine->model;
  uint64_t from = engine->populated > engine->position ? engine->populated : engine->position;
  uint64_t to = (uint64_t)engine->position + count;
  if (count < 2 || from >= to)
    return;
  Range ranges[2] = {{engine->workspace, m->workspace_bytes}, {engine->state, 0}};
  if (m->caches.block_bytes) {
    uint64_t first = from / m->caches.positions, end = (to - 1) / m->caches.positions + 1;
    ranges[1].start += m->caches.offset + first * m->caches.block_bytes;
    ranges[1].bytes = (end - first) * m->caches.block_bytes;
  }
  criaPoolRun(&engine->pool, populateShare, ranges);
  engine->populated = (uint32_t)to;
}

/* The logits of hidden[0] that matter. A screen that leaves more than half is dearer than none: then some
 * steps do without. Which ones changes no logit that matters. */
static void runHead(CriaEngine *engine, int allMatter) {
  enum { WITHOUT = 64, SAMPLED = 16 };
  const CriaModel *m = engine->model;
  const float *logits = (const float *)(engine->state + m->logits_offset);
  int screens = m->logits_screened && !allMatter && engine->margin >= 0;
  if (screens && engine->unscreened > 0) {
    --engine->unscreened;
    screens = 0;
  }
  if (!screens) {
    run(engine, m->logits_one, 0, 1);
    return;
  }
  memcpy(engine->state + m->margin_offset, &engine->margin, sizeof(engine->margin));
  run(engine, m->logits_screened, 0, 1);
  uint32_t seen = 0, left = 0;
  for (uint32_t id = 0; id < m->vocabulary; id += SAMPLED, ++seen)
    left += logits[id] != -INFINITY;
  engine->unscreened = 2 * left > seen ? WITHOUT : 0;
}

int criaEngineFeed(CriaEngine *engine, const int32_t *ids, uint32_t count, CriaRowSink sink,
                   void *context) {
  const CriaModel *m = engine->model;
  assert(count > 0 && count <= m->context - engine->position);
  int32_t *tokens = (int32_t *)(engine->state + m->tokens_offset);
  const float *logits = (const float *)(engine->state + m->logits_offset);

  criaEnginePrepare(engine, count);
  while (count > 0) {
    uint32_t now = count < engine->step ? count : engine->step;
    int isChunk = now > 1;
    memcpy(tokens, ids, now * sizeof(*tokens));
    run(engine, isChunk ? m->forward_chunk : m->forward_one, engine->position, now);
    int64_t firstRow = (int64_t)engine->position * m->chunk;
    engine->position += now;
    ids += now;
    count -= now;

    int allRows = sink || engine->stepSink;
    if (allRows && isChunk) {
      run(engine, m->finish_chunk, firstRow, now);
      run(engine, m->logits_chunk, 0, now);
      engine->lastRow = logits + (size_t)(now - 1) * m->logits_stride;
    } else if (allRows || count == 0) {
      if (isChunk)
        run(engine, m->finish_one, firstRow + now - 1, 1);
      runHead(engine, allRows);
      engine->lastRow = logits;
    }
    if (engine->stepSink && engine->stepSink(engine->stepContext, engine->state, now) != 0)
      return -1;
    for (uint32_t row = 0; sink && row < now; ++row)
      if (sink(context, logits + (size_t)row * m->logits_stride) != 0)
        return -1;
  }
  return 0;
}
