#include "runtime/Sampler.h"

#include "runtime/Message.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* SplitMix64, by which the authors of xoshiro seed it. */
static uint64_t splitMix(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

static uint64_t rotate(uint64_t x, int by) { return x << by | x >> (64 - by); }

/* xoshiro256++, as a number in [0, 1). */
static double nextUniform(uint64_t *s) {
  uint64_t result = rotate(s[0] + s[3], 23) + s[0];
  uint64_t shifted = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= shifted;
  s[3] = rotate(s[3], 45);
  return (double)(result >> 11) * 0x1p-53;
}

int criaSamplerOpen(CriaSampler *sampler, uint32_t vocabulary, uint64_t seed) {
  for (int i = 0; i < 4; ++i)
    sampler->random[i] = splitMix(&seed);
  sampler->vocabulary = vocabulary;
  sampler->ids = calloc(vocabulary, sizeof(*sampler->ids));
  sampler->best = calloc(vocabulary, sizeof(*sampler->best));
  sampler->weights = calloc(vocabulary, sizeof(*sampler->weights));
  if (!sampler->ids || !sampler->best || !sampler->weights) {
    criaSamplerClose(sampler);
    return criaError("cannot reserve memory to sample from %u tokens", vocabulary);
  }
  return 0;
}

void criaSamplerClose(CriaSampler *sampler) {
  free(sampler->ids);
  free(sampler->best);
  free(sampler->weights);
  sampler->ids = sampler->best = NULL;
  sampler->weights = NULL;
}

static int isBetter(const float *logits, int32_t a, int32_t b) {
  return logits[a] > logits[b] || (logits[a] == logits[b] && a < b);
}

/* Restores the heap [count], best on top, below `at`. */
static void sink(const float *logits, int32_t *heap, uint32_t count, uint32_t at) {
  for (;;) {
    uint32_t child = 2 * at + 1;
    if (child >= count)
      return;
    if (child + 1 < count && isBetter(logits, heap[child + 1], heap[child]))
      ++child;
    if (!isBetter(logits, heap[child], heap[at]))
      return;
    int32_t moved = heap[at];
    heap[at] = heap[child];
    heap[child] = moved;
    at = child;
  }
}

static void makeHeap(const float *logits, int32_t *ids, uint32_t count) {
  for (uint32_t at = count / 2; at-- > 0;)
    sink(logits, ids, count, at);
}

/* Takes the best one out of the heap [*count]. */
static int32_t takeBest(const float *logits, int32_t *heap, uint32_t *count) {
  int32_t best = heap[0];
  heap[0] = heap[--*count];
  sink(logits, heap, *count, 0);
  return best;
}

/* A weight is a probability before its division by the sum; the best token's is 1. */
static double weightOf(const CriaSampler *s, float logit, float maximum) {
  return exp(((double)logit - maximum) / s->temperature);
}

/* Sets the weights of `ids` [count] and returns their sum. */
static double weigh(CriaSampler *s, const float *logits, float maximum, const int32_t *ids,
                    uint32_t count) {
  double total = 0;
  for (uint32_t i = 0; i < count; ++i)
    total += s->weights[i] = weightOf(s, logits[ids[i]], maximum);
  return total;
}

/* Keeps the first ones of `best` [*count], in order, that reach top-p of `total`;
 * returns their sum. */
static double cutOrdered(const CriaSampler *s, uint32_t *count, double total) {
  double sum = 0;
  uint32_t kept = 0;
  while (kept < *count && (kept == 0 || sum < s->topP * total))
    sum += s->weights[kept++];
  *count = kept;
  return sum;
}

/* The same for unordered `ids` [*count], with their weights set; the result is in
 * `best`. Tokens below (1 - p) / (n - 1) of the mass are dropped first: all such
 * together are less than 1 - p, and a long tail need not be put in order. */
static double cutUnordered(CriaSampler *s, const float *logits, float maximum,
                           uint32_t *count, double total) {
  double least = *count > 1 ? (1 - s->topP) / (*count - 1) * total : 0;
  least = least < 1 ? least : 1; /* the best one stays */
  uint32_t left = 0;
  for (uint32_t i = 0; i < *count; ++i)
    if (s->weights[i] >= least)
      s->ids[left++] = s->ids[i];
  makeHeap(logits, s->ids, left);
  double sum = 0;
  uint32_t kept = 0;
  while (left > 0 && (kept == 0 || sum < s->topP * total)) {
    s->best[kept] = takeBest(logits, s->ids, &left);
    s->weights[kept] = weightOf(s, logits[s->best[kept]], maximum);
    sum += s->weights[kept++];
  }
  *count = kept;
  return sum;
}

/* What min-p leaves is not further below the best logit. */
static double lowestOf(const CriaSampler *s) {
  return s->minP > 0 ? s->temperature * log(s->minP) : -INFINITY;
}

float criaSamplerMargin(const CriaSampler *s) {
  double margin = s->temperature == 0 ? 0 : -lowestOf(s);
  /* Rounded up, and more than a difference of logits can be rounded. */
  return margin < FLT_MAX / 2 ? (float)(margin * (1 + 0x1p-20)) : -1;
}

typedef float Lanes __attribute__((vector_size(16)));
typedef int32_t Mask __attribute__((vector_size(16)));

/* The first token from `id` on whose logit is above `bound` or NaN; V: none. A row is long, and few of
 * it are: so 16 are looked at at once. */
static uint32_t nextAbove(const CriaSampler *s, const float *logits, uint32_t id, float bound) {
  enum { AT_ONCE = 4, COUNT = AT_ONCE * sizeof(Lanes) / sizeof(float) };
  Lanes bounds = {bound, bound, bound, bound};
  for (; s->vocabulary - id >= COUNT; id += COUNT) {
    Lanes some[AT_ONCE];
    memcpy(some, logits + id, sizeof(some));
    Mask below = some[0] <= bounds;
    for (int i = 1; i < AT_ONCE; ++i)
      below &= some[i] <= bounds;
    if ((below[0] & below[1] & below[2] & below[3]) == 0)
      break;
  }
  while (id < s->vocabulary && logits[id] <= bound)
    ++id;
  return id;
}

int32_t criaSample(CriaSampler *s, const float *logits, uint32_t position) {
  int32_t best = 0;
  float maximum = -INFINITY;
  for (uint32_t id = 0; (id = nextAbove(s, logits, id, maximum)) < s->vocabulary; ++id) {
    if (isnan(logits[id]))
      return criaError("the logits at position %u hold a NaN (token %u)", position, id);
    best = (int32_t)id;
    maximum = logits[id];
  }
  if (isinf(maximum))
    return criaError("the logits at position %u expect a finite maximum, but got %f",
                     position, (double)maximum);
  if (s->temperature == 0)
    return best;

  int32_t *ids = s->ids;
  uint32_t count = 0;
  double lowest = lowestOf(s);
  /* Below all that are to be found, however sums and differences are rounded. */
  double rounded = 0x1p-40 * (fabs(maximum) - lowest);
  float bound = nextafterf((float)(maximum + lowest - rounded), -INFINITY);
  for (uint32_t id = 0; (id = nextAbove(s, logits, id, bound)) < s->vocabulary; ++id)
    if ((double)logits[id] - maximum >= lowest)
      ids[count++] = (int32_t)id;

  double total;
  if (s->topK > 0 && s->topK < count) {
    makeHeap(logits, ids, count);
    for (uint32_t i = 0; i < s->topK; ++i)
      s->best[i] = takeBest(logits, ids, &count);
    ids = s->best;
    count = s->topK;
    total = weigh(s, logits, maximum, ids, count);
    if (s->topP < 1)
      total = cutOrdered(s, &count, total);
  } else {
    total = weigh(s, logits, maximum, ids, count);
    if (s->topP < 1) {
      total = cutUnordered(s, logits, maximum, &count, total);
      ids = s->best;
    }
  }

  double left = nextUniform(s->random) * total;
  uint32_t chosen = 0;
  for (uint32_t i = 0; i < count; ++i) {
    if (s->weights[i] <= 0)
      continue;
    chosen = i; /* the last one if rounding leaves something of `left` */
    if (left < s->weights[i])
      break;
    left -= s->weights[i];
  }
  return ids[chosen];
}
