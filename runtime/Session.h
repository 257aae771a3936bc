/*===- Session.h - One run of the artifact: what all its modes share ---------===*/
#ifndef CRIA_RUNTIME_SESSION_H
#define CRIA_RUNTIME_SESSION_H

#include "runtime/Engine.h"
#include "runtime/Options.h"
#include "runtime/Tokenizer.h"

/* Token ids in a growing array. */
typedef struct CriaIds {
  int32_t *data;
  uint32_t count, capacity;
} CriaIds;

typedef struct CriaSession {
  const CriaOptions *options;
  const CriaModel *model;
  const CriaTokenizer *tokenizer; /* NULL: compiled without one */
  CriaEngine *engine;
  CriaIds promptIds; /* --ids; empty: not given */
  double start; /* seconds on the monotonic clock when the process began */
} CriaSession;

/* Seconds on the monotonic clock. */
double criaNow(void);

/* Appends the ids of `bytes` bytes of text. Returns 0, or prints an error (no
 * tokenizer, no memory, too many bytes or tokens) and returns -1. */
int criaEncodeText(const CriaSession *session, const char *text, size_t bytes, CriaIds *ids);
/* Appends one id. Returns 0, or prints an error and returns -1. */
int criaAppendId(CriaIds *ids, int32_t id);
/* Prints the ids with commas between and a newline. Returns like `criaWrite`. */
int criaPrintIds(const CriaIds *ids);

/* The text that -p gives, or -f's file: *text [*bytes], malloc'd. Without either
 * *text is NULL. Returns 0, or prints an error and returns -1. */
int criaPromptText(const CriaSession *session, char **text, size_t *bytes);

/* The modes. Each returns 0, or prints an error and returns -1. */
int criaRunGenerate(CriaSession *session);   /* one prompt, or -i: many */
int criaRunPerplexity(CriaSession *session); /* --perplexity */

#endif /* CRIA_RUNTIME_SESSION_H */
