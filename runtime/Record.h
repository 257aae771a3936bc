/*===- Record.h - What matrices were multiplied by, in a file ----------------===
 *
 * For calibration: an artifact compiled to be observed leaves the vectors of each
 * step in its state (Abi.h), and `--record FILE` collects them. The file, all
 * little-endian:
 *
 *   char[16]          CRIA_RECORD_MAGIC
 *   u32               observations of a token, O
 *   u32 [O]           floats of each, K
 *   then for each step of the model:
 *     u32             tokens, T
 *     f32 [T, K]      for each observation in turn
 *===------------------------------------------------------------------------===*/
#ifndef CRIA_RUNTIME_RECORD_H
#define CRIA_RUNTIME_RECORD_H

#include "runtime/Abi.h"
#include "runtime/Files.h"

typedef struct CriaRecorder {
  const CriaModel *model;
  CriaRows rows;
} CriaRecorder;

/* All three return 0, or print an error, leave no file and return -1. Opening fails
 * where the model was not compiled to be observed, or `path` is that of `input`. */
int criaRecorderOpen(CriaRecorder *recorder, const CriaModel *model, const char *path, const char *input);
/* Appends a step of `tokens` 1..T, whose forward and logits functions have run; a
 * CriaStepSink, whose context is the recorder. */
int criaRecorderStep(void *recorder, const uint8_t *state, uint32_t tokens);
int criaRecorderCommit(CriaRecorder *recorder);
/* Gives up: leaves no file. No effect after `criaRecorderCommit`. */
void criaRecorderDiscard(CriaRecorder *recorder);

#endif /* CRIA_RUNTIME_RECORD_H */
