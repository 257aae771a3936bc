/*===- baseline.c - A plain C engine in the style of llama2.c ----------------===
 *
 *   gcc -Ofast -fopenmp -march=native baseline.c -o baseline -lm
 *   baseline CHECKPOINT
 *
 * Not llama2.c, whose source no package that we use carries, but what its
 * documentation describes: F32, one token at a time (of a prompt too), a loop over
 * the rows of each matrix that OpenMP shares among threads and the compiler turns
 * into vectors. Answers the same lines as LlamaCpp.cpp, "decode STEPS THREADS" and
 * "prefill TOKENS THREADS", with seconds.
 *===------------------------------------------------------------------------===*/
#include <fcntl.h>
#include <math.h>
#include <omp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A version 0 checkpoint's header; V negative: the output matrix is separate. */
typedef struct Config {
  int32_t dim, ffn, layers, heads, kvHeads, vocabulary, context;
} Config;

/* Weights [layers, rows, columns], as they lie in the file. */
typedef struct Weights {
  const float *embed, *attnNorm, *q, *k, *v, *o, *ffnNorm, *gate, *down, *up, *norm, *output;
} Weights;

/* Buffers of one token, and the caches [layers, context, kvDim]. */
typedef struct State {
  float *x, *normed, *heads, *projected, *q, *gate, *up, *scores, *logits, *keys, *values;
} State;

static Config config;
static Weights weights;
static State state;
static int kvDim, headSize;

static void fail(const char *message, const char *what) {
  fprintf(stderr, "error: %s%s\n", what, message);
  exit(1);
}

static float *buffer(size_t count) {
  float *numbers = calloc(count, sizeof(float));
  if (!numbers)
    fail("no memory", "");
  return numbers;
}

static void load(const char *path) {
  int descriptor = open(path, O_RDONLY);
  struct stat status;
  if (descriptor < 0 || fstat(descriptor, &status) != 0 || read(descriptor, &config, sizeof(config)) != sizeof(config))
    fail(": cannot be read", path);
  char *file = mmap(NULL, status.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (file == MAP_FAILED)
    fail(": cannot be mapped", path);
  headSize = config.dim / config.heads;
  kvDim = config.kvHeads * headSize;
  int isShared = config.vocabulary > 0;
  config.vocabulary = abs(config.vocabulary);
  const float *at = (const float *)(file + sizeof(config));
  size_t layers = config.layers, dim = config.dim, ffn = config.ffn;
#define TAKE(field, count) weights.field = at, at += (count)
  TAKE(embed, config.vocabulary * dim);
  TAKE(attnNorm, layers * dim);
  TAKE(q, layers * dim * dim);
  TAKE(k, layers * dim * kvDim);
  TAKE(v, layers * dim * kvDim);
  TAKE(o, layers * dim * dim);
  TAKE(ffnNorm, layers * dim);
  TAKE(gate, layers * ffn * dim);
  TAKE(down, layers * dim * ffn);
  TAKE(up, layers * ffn * dim);
  TAKE(norm, dim);
  at += (size_t)config.context * headSize; /* two tables of rotary cosines and sines */
  weights.output = isShared ? weights.embed : at;
  if ((const char *)(weights.output + config.vocabulary * dim) > file + status.st_size)
    fail(": is shorter than its header says", path);

  size_t cache = layers * config.context * kvDim;
  state = (State){buffer(dim), buffer(dim), buffer(dim), buffer(dim), buffer(dim), buffer(ffn), buffer(ffn),
                  buffer((size_t)config.heads * config.context), buffer(config.vocabulary), buffer(cache),
                  buffer(cache)};
}

/* out [rows] = matrix [rows, columns] * in [columns] */
static void multiply(float *out, const float *matrix, const float *in, int rows, int columns) {
#pragma omp parallel for
  for (int row = 0; row < rows; ++row) {
    float sum = 0;
    for (int column = 0; column < columns; ++column)
      sum += matrix[(size_t)row * columns + column] * in[column];
    out[row] = sum;
  }
}

static void normalize(float *out, const float *in, const float *weight) {
  float squares = 0;
  for (int i = 0; i < config.dim; ++i)
    squares += in[i] * in[i];
  float scale = 1 / sqrtf(squares / config.dim + 1e-5f);
  for (int i = 0; i < config.dim; ++i)
    out[i] = weight[i] * (scale * in[i]);
}

static void rotate(float *heads, int count, int position) {
  for (int i = 0; i < count; i += 2) {
    float angle = position / powf(10000, (float)(i % headSize) / headSize);
    float c = cosf(angle), s = sinf(angle), a = heads[i], b = heads[i + 1];
    heads[i] = a * c - b * s;
    heads[i + 1] = a * s + b * c;
  }
}

static void attend(const float *keys, const float *values, int position) {
  int group = config.heads / config.kvHeads;
#pragma omp parallel for
  for (int head = 0; head < config.heads; ++head) {
    const float *q = state.q + head * headSize;
    float *scores = state.scores + (size_t)head * config.context, *out = state.heads + head * headSize;
    float largest = -INFINITY, total = 0;
    for (int t = 0; t <= position; ++t) {
      const float *key = keys + (size_t)t * kvDim + head / group * headSize;
      float score = 0;
      for (int i = 0; i < headSize; ++i)
        score += q[i] * key[i];
      scores[t] = score / sqrtf(headSize);
      largest = fmaxf(largest, scores[t]);
    }
    for (int t = 0; t <= position; ++t)
      total += scores[t] = expf(scores[t] - largest);
    memset(out, 0, headSize * sizeof(float));
    for (int t = 0; t <= position; ++t) {
      const float *value = values + (size_t)t * kvDim + head / group * headSize;
      for (int i = 0; i < headSize; ++i)
        out[i] += scores[t] / total * value[i];
    }
  }
}

/* Fills state.logits for `token` at `position`. */
static void step(int token, int position) {
  size_t dim = config.dim, ffn = config.ffn;
  memcpy(state.x, weights.embed + token * dim, dim * sizeof(float));
  for (size_t layer = 0; layer < (size_t)config.layers; ++layer) {
    float *keys = state.keys + layer * config.context * kvDim, *values = state.values + layer * config.context * kvDim;
    float *key = keys + (size_t)position * kvDim, *value = values + (size_t)position * kvDim;
    normalize(state.normed, state.x, weights.attnNorm + layer * dim);
    multiply(state.q, weights.q + layer * dim * dim, state.normed, dim, dim);
    multiply(key, weights.k + layer * dim * kvDim, state.normed, kvDim, dim);
    multiply(value, weights.v + layer * dim * kvDim, state.normed, kvDim, dim);
    rotate(state.q, dim, position);
    rotate(key, kvDim, position);
    attend(keys, values, position);
    multiply(state.projected, weights.o + layer * dim * dim, state.heads, dim, dim);
    for (size_t i = 0; i < dim; ++i)
      state.x[i] += state.projected[i];
    normalize(state.normed, state.x, weights.ffnNorm + layer * dim);
    multiply(state.gate, weights.gate + layer * ffn * dim, state.normed, ffn, dim);
    multiply(state.up, weights.up + layer * ffn * dim, state.normed, ffn, dim);
    for (size_t i = 0; i < ffn; ++i)
      state.gate[i] *= state.up[i] / (1 + expf(-state.gate[i]));
    multiply(state.projected, weights.down + layer * dim * ffn, state.gate, dim, ffn);
    for (size_t i = 0; i < dim; ++i)
      state.x[i] += state.projected[i];
  }
  normalize(state.x, state.x, weights.norm);
  multiply(state.logits, weights.output, state.x, config.vocabulary, dim);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + 1e-9 * time.tv_nsec;
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: baseline CHECKPOINT\n");
    return 2;
  }
  load(argv[1]);
  step(1, 0);
  printf("{}\n");
  fflush(stdout);
  char kind[16];
  int count, threads;
  while (scanf("%15s %d %d", kind, &count, &threads) == 3) {
    int isDecode = strcmp(kind, "decode") == 0;
    if ((!isDecode && strcmp(kind, "prefill") != 0) || count < 1 || count + isDecode > config.context || threads < 1)
      fail(": expects 'decode STEPS THREADS' or 'prefill TOKENS THREADS' within the context", kind);
    omp_set_num_threads(threads);
    step(1, 0); /* wakes the threads; the first token of a decode's prompt */
    double start = now();
    for (int i = 0; i < count; ++i)
      step(3 + i * 37 % 500, i + isDecode);
    printf("%.9f\n", now() - start);
    fflush(stdout);
  }
  return 0;
}
