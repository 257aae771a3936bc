/*===- Options.h - The artifact's command line -------------------------------===*/
#ifndef CRIA_RUNTIME_OPTIONS_H
#define CRIA_RUNTIME_OPTIONS_H

#include <stdint.h>

/* Every option, in the order in which the help lists them. */
typedef enum CriaOption {
  CRIA_PROMPT,
  CRIA_FILE,
  CRIA_IDS,
  CRIA_MAX_TOKENS,
  CRIA_INTERACTIVE,
  CRIA_TEMPERATURE,
  CRIA_TOP_K,
  CRIA_TOP_P,
  CRIA_MIN_P,
  CRIA_SEED,
  CRIA_IGNORE_EOS,
  CRIA_THREADS,
  CRIA_CHUNK,
  CRIA_LEVEL,
  CRIA_PRINT_IDS,
  CRIA_LOGITS,
  CRIA_STATS,
  CRIA_PERPLEXITY,
  CRIA_RECORD,
  CRIA_TOKENIZE,
  CRIA_INFO,
  CRIA_VERSION,
  CRIA_HELP,
  CRIA_OPTION_COUNT
} CriaOption;

/* What each option was given, or its default. */
typedef union CriaValue {
  const char *text; /* NULL: not given */
  uint64_t whole;
  double real;
} CriaValue;

typedef struct CriaOptions {
  CriaValue values[CRIA_OPTION_COUNT];
  uint8_t given[CRIA_OPTION_COUNT];
} CriaOptions;

/* Reads the command line; a value given twice is an error. Returns 0, or
 * prints what is wrong with it and returns -1. */
int criaParseOptions(CriaOptions *options, int argc, char **argv);

/* Prints the help to standard output. Returns 0, or -1 like `criaWrite`. */
int criaPrintHelp(void);

/* Reads "1,15,7" into malloc'd `ids`, each below `vocabulary`. Returns how many, at
 * least 1 and at most the length of `text`, or prints an error and returns -1. */
int64_t criaParseIds(const char *text, uint32_t vocabulary, int32_t **ids);

#endif /* CRIA_RUNTIME_OPTIONS_H */
