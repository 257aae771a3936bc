#include "runtime/Engine.h"

#include "runtime/Message.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE_BYTES ((size_t)2 << 20)

#ifndef MADV_POPULATE_WRITE /* Linux 5.14; not in every musl */
#define MADV_POPULATE_WRITE 23
#endif

/* Zeroed memory at a page's start; pages come into being when touched. */
static uint8_t *reserve(const char *what, uint64_t bytes) {
  if (bytes == 0)
    bytes = CRIA_PAGE_BYTES;
  void *address = bytes > PTRDIFF_MAX
                      ? MAP_FAILED
                      : mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED) {
    criaError("cannot reserve %" PRIu64 " bytes for the %s: %s", bytes, what,
              bytes > PTRDIFF_MAX ? "too many" : strerror(errno));
    return NULL;
  }
  return address;
}

int criaEngineOpen(CriaEngine *engine, const CriaModel *model, const void *weights,
                   uint32_t threads, uint32_t step) {
  engine->model = model;
  engine->weights = weights;
  engine->position = engine->populated = 0;
  engine->lastRow = NULL;
  engine->stepSink = NULL;
  engine->stepContext = NULL;
  engine->step = step ? step : model->chunk;
  engine->stepMin = step ? 2 : model->chunk_min;

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
  /* Written in whole at each step: huge pages save faults and TLB misses. Not for
   * the KV caches, of which a short text touches a little in many places, and which are large
   * enough that looking for huge pages can take longer than a prompt. */
  if (model->workspace_bytes >= HUGE_PAGE_BYTES)
    madvise(engine->workspace, model->workspace_bytes, MADV_HUGEPAGE);
  return criaPoolStart(&engine->pool, threads);
}

void criaEngineClose(CriaEngine *engine) { criaPoolStop(&engine->pool); }

void criaEngineRewind(CriaEngine *engine) { engine->position = 0; }

typedef struct Call {
  const CriaEngine *engine;
  CriaEntry entry;
  int64_t index;
} Call;

static void callEntry(void *opaque, int64_t thread, int64_t threads, void *barrier) {
  const Call *call = opaque;
  const CriaEngine *e = call->engine;
  call->entry(e->weights, e->state, e->workspace, e->scratch + thread * e->scratchStride,
              call->index, thread, threads, barrier);
}

static void run(CriaEngine *engine, CriaEntry entry, int64_t index) {
  Call call = {engine, entry, index};
  criaPoolRun(&engine->pool, callEntry, &call);
}

typedef struct Range {
  const CriaEngine *engine;
  uint64_t from, to; /* positions */
} Range;

/* Makes the pages from `from` to `to`. Where that fails (before Linux 5.14) page faults do. */
static void populate(uint8_t *start, uint64_t from, uint64_t to) {
  uintptr_t first = ((uintptr_t)start + from) & ~(uintptr_t)(CRIA_PAGE_BYTES - 1);
  madvise((void *)first, (uintptr_t)start + to - first, MADV_POPULATE_WRITE);
}

/* Those of the workspace and of a range of positions, every thread its share. */
static void populateShare(void *opaque, int64_t thread, int64_t threads, void *barrier) {
  (void)barrier;
  const Range *range = opaque;
  const CriaModel *m = range->engine->model;
  uint64_t number = 0, share = m->workspace_bytes / (uint64_t)threads + 1;
  uint64_t begin = (uint64_t)thread * share, end = begin + share;
  if (begin < m->workspace_bytes)
    populate(range->engine->workspace, begin, end < m->workspace_bytes ? end : m->workspace_bytes);
  for (uint64_t i = 0; i < m->cache_count; ++i) {
    const CriaCache *c = &m->caches[i];
    uint64_t from = range->from / c->positions * c->slice;
    uint64_t to = ((range->to - 1) / c->positions + 1) * c->slice;
    for (uint64_t head = 0; head < c->heads; ++head, ++number) {
      if (number % (uint64_t)threads == (uint64_t)thread)
        populate(range->engine->state + c->offset + head * c->slices * c->slice, from, to);
    }
  }
}

/* How many of `count` tokens the next step takes: a chunk, or a single one. */
static uint32_t nextStep(const CriaEngine *engine, uint32_t count) {
  return count >= engine->step ? engine->step : count >= engine->stepMin ? count : 1;
}

/* A prompt of `count` tokens fills the KV caches in many places. Pages that are made at
 * once save a page fault each; on a virtual machine, where one took 13 us, faults were a
 * twentieth of the time. */
static void populateFor(CriaEngine *engine, uint32_t count) {
  const CriaModel *m = engine->model;
  uint64_t last = (count - 1) / engine->step * engine->step, to = (uint64_t)engine->position + count;
  if (nextStep(engine, count - (uint32_t)last) > 1)
    to = (uint64_t)engine->position + last + m->chunk; /* with padding */
  Range range = {engine, engine->populated > engine->position ? engine->populated : engine->position, to};
  if (count < engine->stepMin || range.from >= range.to)
    return;
  criaPoolRun(&engine->pool, populateShare, &range);
  engine->populated = (uint32_t)range.to;
}

int criaEngineFeed(CriaEngine *engine, const int32_t *ids, uint32_t count, CriaRowSink sink,
                   void *context) {
  const CriaModel *m = engine->model;
  assert(count > 0 && count <= m->context - engine->position);
  int32_t *tokens = (int32_t *)(engine->state + m->tokens_offset);
  const float *logits = (const float *)(engine->state + m->logits_offset);

  populateFor(engine, count);
  while (count > 0) {
    uint32_t now = nextStep(engine, count);
    int isChunk = now > 1;
    memcpy(tokens, ids, now * sizeof(*tokens));
    if (isChunk) {
      /* Padding writes cache rows past the text, which later tokens overwrite
       * before any position may look at them; C + T rows leave room for it. */
      memset(tokens + now, 0, (m->chunk - now) * sizeof(*tokens));
      run(engine, m->forward_chunk, engine->position);
    } else {
      run(engine, m->forward_one, engine->position);
    }
    int64_t firstRow = (int64_t)engine->position * m->chunk;
    engine->position += now;
    ids += now;
    count -= now;

    int allRows = sink || engine->stepSink;
    if (allRows && isChunk) {
      run(engine, m->finish_chunk, firstRow);
      run(engine, m->logits_chunk, 0);
      engine->lastRow = logits + (size_t)(now - 1) * m->logits_stride;
    } else if (allRows || count == 0) {
      if (isChunk)
        run(engine, m->finish_one, firstRow + now - 1);
      run(engine, m->logits_one, 0);
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
