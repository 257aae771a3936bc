/*===- EngineTest.c - What memory a prompt gets, and which head runs, and when ===*/
#include "runtime/Engine.h"

#include <math.h>
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

static int whole, screened;  /* heads that were run so */
static float leaves, wanted; /* what a screen leaves of a logit, and the margin it is to get */
enum { V = 256, Margin = 64, Logits = 128 }; /* offsets */

static void countWhole(const void *weights, void *state, void *workspace, void *scratch, int64_t index,
                       int64_t rows, int64_t thread, int64_t threads, void *barrier) {
  (void)weights, (void)state, (void)workspace, (void)scratch;
  (void)index, (void)rows, (void)thread, (void)threads, (void)barrier;
  ++whole;
}

static void countScreened(const void *weights, void *state, void *workspace, void *scratch, int64_t index,
                          int64_t rows, int64_t thread, int64_t threads, void *barrier) {
  (void)weights, (void)workspace, (void)scratch, (void)thread, (void)threads, (void)barrier;
  ++screened;
  float *logits = (float *)((char *)state + Logits);
  for (int id = 0; id < V; ++id)
    logits[id] = id < V / 2 ? -INFINITY : leaves;
  if (index != 0 || rows != 1 || memcmp((char *)state + Margin, &wanted, sizeof(wanted)) != 0) {
    fprintf(stderr, "a screen: expects row 0, and the margin %g\n", (double)wanted);
    ++failures;
  }
}

static void expectHeads(const char *when, int wholeHeads, int screenedHeads) {
  if (whole != wholeHeads || screened != screenedHeads) {
    fprintf(stderr, "%s: expects %d whole heads and %d screened ones, but got %d and %d\n", when, wholeHeads,
            screenedHeads, whole, screened);
    ++failures;
  }
  whole = screened = 0;
}

static int ignoreRow(void *context, const float *row) {
  (void)context, (void)row;
  return 0;
}

/* Expects a screen where only some logits matter, unless the last one left more than half of them. */
static void expectScreens(void) {
  static const int32_t ids[C];
  CriaModel large = model;
  large.vocabulary = large.logits_stride = V;
  large.margin_offset = Margin;
  large.logits_offset = Logits;
  large.logits_one = countWhole;
  large.logits_screened = countScreened;
  CriaEngine engine;
  memset(&engine, 0, sizeof(engine));
  if (criaEngineOpen(&engine, &large, "", 1, 0) != 0)
    exit(1);
  criaEngineFeed(&engine, ids, 1, NULL, NULL);
  expectHeads("if all logits matter", 1, 0);

  engine.margin = wanted = 1.5f;
  leaves = 0; /* half of them: no more */
  criaEngineFeed(&engine, ids, 1, NULL, NULL);
  criaEngineFeed(&engine, ids, 5, NULL, NULL);
  expectHeads("if few logits are left", 0, 2);
  criaEngineFeed(&engine, ids, 1, ignoreRow, NULL);
  expectHeads("if somebody wants all rows", 1, 0);

  large.vocabulary = V / 2; /* all that are left out */
  criaEngineFeed(&engine, ids, 1, NULL, NULL);
  criaEngineFeed(&engine, ids, 1, NULL, NULL);
  expectHeads("if no logit is left", 0, 2);
  large.vocabulary = V;
  leaves = -INFINITY;
  criaEngineFeed(&engine, ids, 1, NULL, NULL);
  expectHeads("if no logit is left of more", 0, 1);

  engine.margin = wanted = 0;
  large.logits_offset += V / 2 * sizeof(float); /* so that the kernel leaves what is read here */
  large.vocabulary = V / 2;
  leaves = 0;
  criaEngineFeed(&engine, ids, 1, NULL, NULL);
  expectHeads("the first time that all are left", 0, 1);
  for (int step = 0; step < 64; ++step)
    criaEngineFeed(&engine, ids, 1, NULL, NULL);
  expectHeads("after that", 64, 0);
  leaves = -INFINITY;
  for (int step = 0; step < 3; ++step)
    criaEngineFeed(&engine, ids, 1, NULL, NULL);
  expectHeads("once it is tried again", 0, 3);
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
  expectScreens();
  if (failures)
    fprintf(stderr, "%d checks failed\n", failures);
  return failures != 0;
}
