/*===- Cpu.h - Can this CPU run the generated code? --------------------------===
 *
 * One implementation per architecture, `Cpu_<architecture>.c`, which gives the
 * locators of `CriaCpuFeature` their meaning. The runtime itself is compiled for
 * the architecture's baseline, so that this check runs anywhere.
 *===------------------------------------------------------------------------===*/
#ifndef CRIA_RUNTIME_CPU_H
#define CRIA_RUNTIME_CPU_H

#include "runtime/Abi.h"

/* Whether CPU and system offer every feature in `model->cpu_features`. */
int criaCpuRuns(const CriaModel *model);

/* Returns 0 if they do; otherwise prints which one is missing and returns -1. */
int criaCpuCheck(const CriaModel *model);

#endif /* CRIA_RUNTIME_CPU_H */
