/*===- EngineTest.c - What memory a prompt gets, and when --------------------===*/
#include "runtime/Engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

enum { C = 128, T = 16, Page = CRIA_PAGE_BYTES, Pages = 64, WorkspacePages = 7 };

static void step(const void *weights, void *state, void *workspace, void *scratch, int64_t index,
                 int64_t rows, int64_t thread, int64_t threads, void *barrier) {
  (void)weights, (void)state, (void)workspace, (void)scratch;
  (void)index, (void)rows, (void)thread, (void)threads, (void)barrier;
}

static const CriaModel model = {
    .context = C,
    .chunk = T,
    .state_bytes = Pages * Page,
    .workspace_bytes = WorkspacePages * Page - 100,
    .scratch_bytes = Page,
    .logits_offset = T * sizeof(int32_t),
    /* Positions 0 to 143, after a page of tokens and from the middle of a page on. */
    .caches = {Page + Page / 2, 6 * Page + Page / 4, 9, 16},
    .forward_one = step,
    .forward_chunk = step,
    .finish_one = step,
    .finish_chunk = step,
    .logits_one = step,
    .logits_chunk = step,
};

static int failures;

/* Expects memory where `wanted` says so, and nowhere else. */
static void compare(const char *when, const char *what, uint8_t *start, const char *wanted,
                    int pages) {
  unsigned char found[Pages];
  if (mincore(start, (size_t)pages * Page, found) != 0) {
    perror("mincore");
    ++failures;
    return;
  }
  for (int page = 0; page < pages; ++page)
    if ((found[page] & 1) != wanted[page]) {
      fprintf(stderr, "%s: page %d of the %s: expects %s memory\n", when, page, what,
              wanted[page] ? "to have" : "no");
      ++failures;
    }
}

/* Expects the workspace to have memory where there are positions, and the state for those below
 * `positions` and for tokens. */
static void expect(const CriaEngine *engine, const char *when, uint64_t positions) {
  char all[Pages];
  memset(all, positions > 0, sizeof(all));
  compare(when, "workspace", engine->workspace, all, WorkspacePages);
  char wanted[Pages] = {1};
  for (uint64_t position = 0; position < positions; ++position) {
    const CriaCaches *c = &model.caches;
    uint64_t at = c->offset + position / c->positions * c->block_bytes;
    memset(wanted + at / Page, 1, (at + c->block_bytes - 1) / Page - at / Page + 1);
  }
  compare(when, "state", engine->state, wanted, Pages);
}

/* Expects what is large enough for a huge page to begin where one can. */
static void expectHuge(void) {
  enum { Huge = 2 << 20 };
  CriaModel large = model;
  large.state_bytes = Huge;
  large.workspace_bytes = Huge - 1;
  CriaEngine engine;
  memset(&engine, 0, sizeof(engine));
  if (criaEngineOpen(&engine, &large, "", 1, 0) != 0)
    exit(1);
  if ((uintptr_t)engine.state % Huge) {
    fprintf(stderr, "the state: expects to begin at a huge page, but begins at %p\n", (void *)engine.state);
    ++failures;
  }
  memset(engine.state, 1, large.state_bytes);
  memset(engine.workspace, 1, large.workspace_bytes);
  criaEngineClose(&engine);
}

int main(void) {
  static const int32_t ids[C];
  void *page = mmap(NULL, Page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (madvise(page, Page, MADV_POPULATE_WRITE) != 0) {
    perror("skipped: this system cannot make pages ahead (Linux 5.14)");
    return 77;
  }
  for (uint32_t threads = 1; threads <= 3; ++threads) {
    CriaEngine engine;
    memset(&engine, 0, sizeof(engine));
    if (criaEngineOpen(&engine, &model, "", threads, 0) != 0)
      return 1;
    for (int token = 0; token < 3; ++token)
      criaEngineFeed(&engine, ids, 1, NULL, NULL);
    expect(&engine, "after single tokens", 0);
    criaEngineFeed(&engine, ids, 10, NULL, NULL); /* 3 to 12 */
    expect(&engine, "after a part of a chunk", 13);
    criaEnginePrepare(&engine, 67); /* 4 chunks and 3 tokens */
    expect(&engine, "before several chunks", 80);
    criaEngineFeed(&engine, ids, 67, NULL, NULL);
    expect(&engine, "after several chunks", 80);
    criaEngineFeed(&engine, ids, 42, NULL, NULL);
    expect(&engine, "after chunks that begin within a block", 122);
    criaEngineFeed(&engine, ids, C - 122, NULL, NULL);
    expect(&engine, "at the context's end", C);
    criaEngineClose(&engine);
  }
  expectHuge();
  if (failures)
    fprintf(stderr, "%d checks failed\n", failures);
  return failures != 0;
}
