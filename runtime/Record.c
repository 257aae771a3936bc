#include "runtime/Record.h"

#include "runtime/Message.h"

/* Through the buffer that is for floats: 4 bytes are 4 bytes. */
static int writeWord(CriaRecorder *recorder, uint32_t word) {
  return criaRowsWrite(&recorder->rows, (const float *)(const void *)&word, 1);
}

int criaRecorderOpen(CriaRecorder *recorder, const CriaModel *model, const char *path,
                     const char *input) {
  recorder->model = model;
  if (model->observation_count == 0)
    return criaError("--record expects a model that was compiled to be observed, as cria does "
                     "by itself for --calibrate, but this one was not");
  if (criaRowsOpen(&recorder->rows, path, input) != 0)
    return -1;
  static const char magic[16] = CRIA_RECORD_MAGIC;
  const float *words = (const float *)(const void *)magic;
  if (criaRowsWrite(&recorder->rows, words, sizeof(magic) / sizeof(float)) != 0 ||
      writeWord(recorder, (uint32_t)model->observation_count) != 0)
    return -1;
  for (uint64_t i = 0; i < model->observation_count; ++i)
    if (writeWord(recorder, model->observations[i].parts * model->observations[i].part) != 0)
      return -1;
  return 0;
}

int criaRecorderStep(void *context, const uint8_t *state, uint32_t tokens) {
  CriaRecorder *recorder = context;
  const CriaModel *m = recorder->model;
  if (writeWord(recorder, tokens) != 0)
    return -1;
  for (uint64_t i = 0; i < m->observation_count; ++i) {
    const CriaObservation *o = &m->observations[i];
    const float *vectors = (const float *)(const void *)(state + o->offset); /* [parts, T, part] */
    for (uint32_t token = 0; token < tokens; ++token)
      for (uint32_t part = 0; part < o->parts; ++part)
        if (criaRowsWrite(&recorder->rows, vectors + ((size_t)part * m->chunk + token) * o->part,
                          o->part) != 0)
          return -1;
  }
  return 0;
}

int criaRecorderCommit(CriaRecorder *recorder) { return criaRowsCommit(&recorder->rows); }

void criaRecorderDiscard(CriaRecorder *recorder) { criaRowsDiscard(&recorder->rows); }
