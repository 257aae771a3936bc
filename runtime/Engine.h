/*===- Engine.h - The model as a machine that is fed tokens ------------------===
 *
 * Owns the memory that the model's tables ask for, the thread pool and the
 * position. Holds no kernel: it calls the entry points of the generated code.
 *
 * Letters: T tokens of a chunk, C context, V vocabulary.
 *===------------------------------------------------------------------------===*/
#ifndef CRIA_RUNTIME_ENGINE_H
#define CRIA_RUNTIME_ENGINE_H

#include "runtime/Abi.h"
#include "runtime/Pool.h"

#include <stddef.h>

/* Looks at the state after a step of `tokens` 1..T. Returns 0, or -1 to stop. */
typedef int (*CriaStepSink)(void *context, const uint8_t *state, uint32_t tokens);

typedef struct CriaEngine {
  const CriaModel *model;
  const void *weights;
  uint8_t *state;
  uint8_t *workspace;
  uint8_t *scratch;       /* [threads, scratchStride] */
  size_t scratchStride;
  uint32_t position;      /* tokens fed so far, <= C */
  uint32_t populated;     /* positions below have memory in the KV caches, or had a page fault */
  uint32_t step;          /* tokens fed at once at most, <= T */
  const float *lastRow;   /* logits [V] of the last token fed */
  float margin;           /* logits further below the best one do not matter to who asks for the last
                             row alone, and may be minus infinity there; below zero: all matter */
  uint32_t unscreened;    /* heads to run whole before a screen is tried again */
  CriaStepSink stepSink;  /* after every step, all of whose logits it sees; NULL: nobody */
  void *stepContext;
  CriaPool pool;
} CriaEngine;

/* Takes a row of logits [V], once per token. Returns 0, or -1 to stop. */
typedef int (*CriaRowSink)(void *context, const float *row);

/* Reserves memory and starts the threads. `step` in 1..T feeds a prompt in chunks
 * of that many tokens; 0: of T.
 * Returns 0, or prints an error and returns -1. */
int criaEngineOpen(CriaEngine *engine, const CriaModel *model, const void *weights,
                   uint32_t threads, uint32_t step);
/* Ends the threads. The memory goes with the process. */
void criaEngineClose(CriaEngine *engine);

/* Makes the memory that the next `count` tokens will fill, no more than the context has room for.
 * Feeding them does so too; who measures time may want to know the two apart. */
void criaEnginePrepare(CriaEngine *engine, uint32_t count);

/* Feeds `count` >= 1 tokens, each in 0..V-1, no more than the context has room for,
 * and leaves the logits of the last one that matter in `lastRow`; `sink` (NULL: nobody) gets all
 * logits of each. Returns 0, or -1 as soon as a sink does. */
int criaEngineFeed(CriaEngine *engine, const int32_t *ids, uint32_t count, CriaRowSink sink,
                   void *context);

/* Starts again at position 0. What the KV caches hold beyond it is never read. */
void criaEngineRewind(CriaEngine *engine);

#endif /* CRIA_RUNTIME_ENGINE_H */
