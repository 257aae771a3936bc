/*===- Sampler.h - From a row of logits to the next token --------------------===
 *
 * In this order: temperature; min-p drops tokens less probable than that share of
 * the best one's probability; top-k keeps the k best; top-p keeps the fewest best
 * ones whose probabilities sum to p of what is left; one is drawn. Equal logits are
 * ordered by id, lower first, so that a seed gives the same tokens everywhere.
 *===------------------------------------------------------------------------===*/
#ifndef CRIA_RUNTIME_SAMPLER_H
#define CRIA_RUNTIME_SAMPLER_H

#include <stdint.h>

typedef struct CriaSampler {
  double temperature; /* 0: the best token, always */
  uint32_t topK;      /* 0: off */
  double topP;        /* 1: off */
  double minP;        /* 0: off */
  uint64_t random[4]; /* xoshiro256++ */
  uint32_t vocabulary; /* V */
  int32_t *ids;        /* [V] candidates, by id or as a heap */
  int32_t *best;       /* [V] candidates, best first */
  double *weights;     /* [V] of the candidates in use */
} CriaSampler;

/* Reserves memory for V candidates and seeds the generator; the four numbers above
 * are set by the caller. Returns 0, or prints an error and returns -1. */
int criaSamplerOpen(CriaSampler *sampler, uint32_t vocabulary, uint64_t seed);
void criaSamplerClose(CriaSampler *sampler);

/* How far a logit may be below the best one and its token still be drawn; -1: any. */
float criaSamplerMargin(const CriaSampler *sampler);

/* Returns the next token for `logits` [V], or prints an error and returns -1 where
 * one of them is NaN or the best is infinite. `position` is for that message. */
int32_t criaSample(CriaSampler *sampler, const float *logits, uint32_t position);

#endif /* CRIA_RUNTIME_SAMPLER_H */
