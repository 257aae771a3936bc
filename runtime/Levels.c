#include "runtime/Levels.h"

#include "runtime/Artifact.h"
#include "runtime/Cpu.h"
#include "runtime/Message.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int criaLevelsCheck(const CriaModel *const *models) {
  const CriaModel *first = models[0];
  for (; *models; ++models) {
    const CriaModel *m = *models;
    if (criaModelCheck(m) != 0)
      return -1;
    const struct {
      const char *field;
      uint64_t expected, value;
    } shared[] = {
        {"weights_bytes", first->weights_bytes, m->weights_bytes},
        {"vocabulary", first->vocabulary, m->vocabulary},
        {"context", first->context, m->context},
        {"chunk", first->chunk, m->chunk},
    };
    for (size_t i = 0; i < sizeof(shared) / sizeof(*shared); ++i)
      if (shared[i].expected != shared[i].value)
        return criaError("the model table of the generated code for %s expects the %s of that for "
                         "%s, %" PRIu64 ", but got %" PRIu64, m->target, shared[i].field, first->target,
                         shared[i].expected, shared[i].value);
  }
  return 0;
}

const CriaModel *criaLevelNamed(const CriaModel *const *models, const char *name) {
  char names[512];
  size_t length = 0;
  for (const CriaModel *const *m = models; *m; ++m) {
    if (strcmp((*m)->target, name) == 0)
      return *m;
    if (length < sizeof(names))
      length += (size_t)snprintf(names + length, sizeof(names) - length, "%s%s",
                                 length ? ", " : "", (*m)->target);
  }
  criaError("--level expects one of %s, as this file was compiled, but got '%s'", names, name);
  return NULL;
}

const CriaModel *criaLevelBest(const CriaModel *const *models) {
  const CriaModel *best = NULL;
  for (const CriaModel *const *m = models; *m; ++m)
    if (criaCpuRuns(*m))
      best = *m;
  return best ? best : models[0];
}
