/*===- Artifact.h - The file that is running: its weights and tables ---------===*/
#ifndef CRIA_RUNTIME_ARTIFACT_H
#define CRIA_RUNTIME_ARTIFACT_H

#include "runtime/Abi.h"

#include <stddef.h>

/* What lies behind the executable in its own file, mapped read-only. */
typedef struct CriaArtifact {
  const void *weights;   /* [weights_bytes] of the model */
  const void *tokenizer; /* NULL: compiled without a tokenizer */
  size_t tokenizerBytes;
  uint64_t fileBytes;
} CriaArtifact;

/* Checks that the generated object was made for this runtime and that its numbers
 * fit together. Returns 0, or prints an error and returns -1. */
int criaModelCheck(const CriaModel *model);

/* Opens the running executable, checks its trailer against the file and the model,
 * and maps weights and tables. Returns 0, or prints an error and returns -1. */
int criaArtifactOpen(CriaArtifact *artifact, const CriaModel *model);

/* Starts to read large weights ahead of their first use, in the background. */
void criaArtifactReadAhead(const CriaArtifact *artifact, const CriaModel *model);

#endif /* CRIA_RUNTIME_ARTIFACT_H */
