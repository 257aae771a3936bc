/*===- FakeModel.c - A model without a compiler ------------------------------===
 *
 * Defines `cria_models` by hand, with a "network" small enough to be said again in
 * runtime_test.py: the hidden state of a position is a hash of all tokens up to it,
 * so that a token fed at the wrong position, a row without a token that leaks or a thread
 * that runs ahead changes every logit after it. CRIA_FAKE in the environment damages
 * the table; CRIA_FAKE_SCRIPT dictates what comes out; CRIA_FAKE_NAN is a position.
 *
 *   hidden[r] = fold(h * 31 + token + 1 mod 65521) over the tokens so far; forward_chunk leaves
 *               more, which finish_* takes off
 *   logits[r][j] = weights[j] + ((hidden[r] + 17 j) mod 97) / 16; a screen leaves no other than the margin asks for
 *===------------------------------------------------------------------------===*/
#include "runtime/Abi.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { V = 300, Stride = 320, C = 64, T = 8, Bos = 256, Eos = 257, Unfinished = 1000 };

typedef struct State {
  int32_t tokens[T];
  int32_t cache[C + T];
  int64_t hidden[T];
  int64_t positions[T];
  _Alignas(64) float logits[T][Stride];
  float margin;
  _Alignas(64) float seen[2][T][3];
  _Alignas(64) float headSeen[1][T][1];
} State;

static int32_t script[C];
static int scriptLength;
static int64_t nanPosition = -1;

static void check(int isTrue) {
  if (!isTrue)
    __builtin_trap();
}

static void forward(State *state, int64_t *workspace, int64_t *scratch, int64_t position,
                    int64_t rows, int64_t thread, int64_t threads, void *barrier) {
  check((uintptr_t)workspace % 64 == 0 && (uintptr_t)scratch % 64 == 0);
  check(position >= 0 && position < C && scratch[0] >= 0);
  scratch[0] = thread;
  for (int64_t row = thread; row < rows; row += threads)
    workspace[row] = state->tokens[row];
  cria_barrier(barrier);
  /* Each row by another thread than before: a broken barrier shows. */
  for (int64_t row = (thread + 1) % threads; row < rows; row += threads)
    state->cache[position + row] = (int32_t)workspace[row];
  cria_barrier(barrier);
  for (int64_t row = thread; row < rows; row += threads) {
    int64_t hash = 0;
    for (int64_t at = 0; at <= position + row; ++at)
      hash = (hash * 31 + state->cache[at] + 1) % 65521;
    state->hidden[row] = rows > 1 ? hash + Unfinished : hash;
    state->positions[row] = position + row;
    for (int i = 0; i < 6; ++i)
      state->seen[i / 3][row][i % 3] = (float)(10 * (position + row) + i);
  }
  cria_barrier(barrier);
  check(scratch[0] == thread);
}

static void logits(const float *weights, State *state, int64_t from, int64_t rows,
                   int64_t thread, int64_t threads, void *barrier) {
  for (int64_t row = 0; row < rows; ++row) {
    float *out = state->logits[row];
    int64_t position = state->positions[from + row];
    state->headSeen[0][row][0] = (float)-position;
    for (int64_t j = thread; j < V; j += threads) {
      out[j] = weights[j] + (float)((state->hidden[from + row] + 17 * j) % 97) / 16;
      if (scriptLength && script[position % scriptLength] == j)
        out[j] = 100;
      if (position == nanPosition && j == 5)
        out[j] = NAN;
    }
  }
  cria_barrier(barrier);
}

#define ENTRY(name)                                                                        \
  static void name(const void *weights, void *state, void *workspace, void *scratch,       \
                   int64_t index, int64_t rows, int64_t thread, int64_t threads,        \
                   void *barrier)
ENTRY(forwardOne) {
  (void)weights;
  check(rows == 1);
  forward(state, workspace, scratch, index, rows, thread, threads, barrier);
}
ENTRY(forwardChunk) {
  (void)weights;
  check(rows > 1 && rows <= T);
  forward(state, workspace, scratch, index, rows, thread, threads, barrier);
}
/* What forward_chunk left undone. */
static void finish(State *state, int64_t index, int64_t rows, int64_t thread, void *barrier) {
  int64_t from = index % T;
  check(state->positions[from] == index / T + from);
  cria_barrier(barrier);
  for (int64_t row = 0; thread == 0 && row < rows; ++row) {
    state->hidden[row] = state->hidden[from + row] - Unfinished;
    state->positions[row] = state->positions[from + row];
  }
  cria_barrier(barrier);
}
ENTRY(finishOne) {
  (void)weights, (void)workspace, (void)scratch, (void)threads;
  check(rows == 1);
  finish(state, index, rows, thread, barrier);
}
ENTRY(finishChunk) {
  (void)weights, (void)workspace, (void)scratch, (void)threads;
  check(index % T == 0 && rows > 1 && rows <= T);
  finish(state, index, rows, thread, barrier);
}
ENTRY(logitsOne) {
  (void)workspace, (void)scratch;
  check(rows == 1);
  logits(weights, state, index, rows, thread, threads, barrier);
}
ENTRY(logitsChunk) {
  (void)workspace, (void)scratch;
  check(index == 0 && rows > 1 && rows <= T);
  logits(weights, state, 0, rows, thread, threads, barrier);
}

static int trapsScreens;
ENTRY(logitsScreened) {
  (void)workspace, (void)scratch;
  State *s = state;
  check(index == 0 && rows == 1 && s->margin >= 0 && !trapsScreens);
  logits(weights, s, 0, rows, thread, threads, barrier);
  float best = -INFINITY;
  for (int j = 0; j < V; ++j)
    best = fmaxf(best, s->logits[0][j]);
  cria_barrier(barrier);
  for (int64_t j = thread; j < V; j += threads)
    if (s->logits[0][j] < best - s->margin)
      s->logits[0][j] = -INFINITY;
  cria_barrier(barrier);
}

static const CriaCpuFeature features[] = {{"sse2", {1, 0, 3, 26}},
                                          {"avx512f", {0x7fffffff, 0, 1, 16}}};

static const CriaObservation observations[] = {{offsetof(State, seen), 2, 3},
                                               {offsetof(State, headSeen), 1, 1}};

static CriaModel model = {
    .abi_version = CRIA_ABI_VERSION,
    .struct_bytes = sizeof(CriaModel),
    .producer = "cria 0.1.0",
    .name = "fake",
    .architecture = "llama",
    .target = "x86-64-v4",
    .weight_type = "f32",
    .cache_type = "f16",
    .input_hash = "0123456789abcdef",
    .cpu_features = features,
    .cpu_feature_count = 1,
    .vocabulary = V,
    .width = 1,
    .ffn = 1,
    .layers = 1,
    .heads = 1,
    .kv_heads = 1,
    .head_size = 1,
    .context = C,
    .chunk = T,
    .logits_stride = Stride,
    .bos_id = Bos,
    .add_bos = 1,
    .eos_count = 1,
    .eos_ids = {Eos},
    .parameters = V,
    .weights_bytes = V * sizeof(float),
    .state_bytes = sizeof(State),
    .workspace_bytes = T * sizeof(int64_t),
    .scratch_bytes = 100,
    .tokens_offset = offsetof(State, tokens),
    .logits_offset = offsetof(State, logits),
    .caches = {offsetof(State, cache), sizeof(int32_t), C + T, 1},
    .forward_one = forwardOne,
    .forward_chunk = forwardChunk,
    .finish_one = finishOne,
    .finish_chunk = finishChunk,
    .logits_one = logitsOne,
    .logits_chunk = logitsChunk,
};

/* A second level that asks for nothing and a third that no machine has; the name of a
 * field: the second one's is less. */
static CriaModel others[2];
static const CriaModel *models[4] = {&model};

static void addLevels(const char *how) {
  others[0] = others[1] = model;
  others[0].target = "x86-64-v5";
  others[0].cpu_feature_count = 0;
  others[1].target = "x86-64-v6";
  others[1].cpu_feature_count = 2;
  others[0].weights_bytes -= strcmp(how, "-weights_bytes") == 0;
  others[0].vocabulary -= strcmp(how, "-vocabulary") == 0;
  others[0].context -= strcmp(how, "-context") == 0;
  others[0].chunk -= strcmp(how, "-chunk") == 0;
  if (strcmp(how, "-none") == 0)
    model.cpu_feature_count = others[0].cpu_feature_count = 2;
  models[1] = &others[0];
  models[2] = &others[1];
}

static void damage(const char *how) {
  if (strcmp(how, "abi") == 0)
    model.abi_version = CRIA_ABI_VERSION + 1;
  else if (strcmp(how, "struct") == 0)
    model.struct_bytes -= 8;
  else if (strcmp(how, "cpu") == 0)
    model.cpu_feature_count = 2;
  else if (strncmp(how, "levels", 6) == 0)
    addLevels(how + 6);
  else if (strcmp(how, "offset") == 0)
    model.logits_offset = UINT64_MAX - 8;
  else if (strcmp(how, "stride") == 0)
    model.logits_stride = V - 1;
  else if (strcmp(how, "bos") == 0)
    model.bos_id = V;
  else if (strcmp(how, "entry") == 0)
    model.finish_chunk = NULL;
  else if (strcmp(how, "huge") == 0)
    model.state_bytes = (uint64_t)1 << 62;
  else if (strcmp(how, "scratch") == 0)
    model.scratch_bytes = UINT64_MAX / 2;
  else if (strcmp(how, "observed") == 0)
    model.observations = observations, model.observation_count = 2;
  else if (strcmp(how, "unseen") == 0) {
    static const CriaObservation beyond = {sizeof(State) - 64, 2, 3};
    model.observations = &beyond, model.observation_count = 1;
  } else if (strncmp(how, "screened", 8) == 0) {
    model.logits_screened = logitsScreened;
    model.margin_offset = strcmp(how + 8, "-beyond") == 0 ? sizeof(State) - 3 : offsetof(State, margin);
    model.rough_bytes = V;
    trapsScreens = strcmp(how + 8, "-trapped") == 0;
  } else if (strcmp(how, "uncached") == 0) {
    model.caches.block_bytes = sizeof(State) / 4;
  } else if (strcmp(how, "short") == 0) {
    model.caches.blocks = C + T - 1;
  } else if (strcmp(how, "nobos") == 0)
    model.bos_id = -1, model.add_bos = 0;
  else
    abort();
}

const CriaModel *const *cria_models(void) {
  const char *how = getenv("CRIA_FAKE");
  if (how)
    damage(how);
  const char *nanAt = getenv("CRIA_FAKE_NAN");
  if (nanAt)
    nanPosition = atoi(nanAt);
  const char *text = getenv("CRIA_FAKE_SCRIPT");
  scriptLength = 0;
  while (text && *text && scriptLength < C) {
    script[scriptLength++] = (int32_t)strtol(text, (char **)&text, 10);
    text += *text == ',';
  }
  return models;
}
