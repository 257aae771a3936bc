#include "runtime/Levels.h"

#include "runtime/Artifact.h"
#include "runtime/Cpu.h"
#include "runtime/Message.h"

#include <stdio.h>
#include <string.h>

int criaLevelsCheck(const CriaModel *const *models) {
  const CriaModel *first = models[0];
  for (; *models; ++models) {
    const CriaModel *m = *models;
    if (criaModelCheck(m) != 0)
      return -1;
    if (m->weights_bytes != first->weights_bytes || m->vocabulary != first->vocabulary ||
        m->context != first->context || m->chunk != first->chunk)
      return criaError("the model tables of the generated code for %s and %s contradict "
                       "each other", first->target, m->target);
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
