/*===- Levels.h - Which of the file's code runs here -------------------------===
 *
 * An artifact may hold code for several chips or levels of chips, each with a
 * `CriaModel` of its own.
 *===------------------------------------------------------------------------===*/
#ifndef CRIA_RUNTIME_LEVELS_H
#define CRIA_RUNTIME_LEVELS_H

#include "runtime/Abi.h"

/* Returns 0 if every table is sound and all agree in what they share, the weights and
 * the model; otherwise prints an error and returns -1. */
int criaLevelsCheck(const CriaModel *const *models);

/* The level called `name`; NULL, after an error that lists the names, if there is none. */
const CriaModel *criaLevelNamed(const CriaModel *const *models, const char *name);

/* The last that this machine can run, or the first, if it can run none. */
const CriaModel *criaLevelBest(const CriaModel *const *models);

#endif /* CRIA_RUNTIME_LEVELS_H */
