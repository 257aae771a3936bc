#include "runtime/Options.h"

#include "runtime/Files.h"
#include "runtime/Message.h"
#include "runtime/Pool.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum Kind { FLAG, TEXT, WHOLE, REAL } Kind;

/* One row per option, in the order of `CriaOption`. */
typedef struct Row {
  char letter; /* 0: none */
  const char *name;
  Kind kind;
  double low, high; /* REAL; WHOLE up to 2^53, above which `high` means 2^64 - 1 */
  double initial;   /* REAL and WHOLE */
  const char *placeholder;
  const char *help; /* lines after the first are indented by the printer */
} Row;

#define ANY 0x1p64

static const Row rows[CRIA_OPTION_COUNT] = {
    {'p', "prompt", TEXT, 0, 0, 0, "TEXT",
     "continue TEXT; it is printed first (BOS first where the\n"
     "model wants it; default: BOS alone)"},
    {'f', "file", TEXT, 0, 0, 0, "FILE", "continue what is in FILE (-: standard input)"},
    {0, "ids", TEXT, 0, 0, 0, "1,15,7",
     "continue these token ids, taken as they are: no BOS"},
    {'n', "max-tokens", WHOLE, 0, ANY, ANY, "N",
     "stop after N new tokens (default: at EOS or the end of\n"
     "the context); 0: only the prompt"},
    {'i', "interactive", FLAG, 0, 0, 0, NULL,
     "read lines from standard input, go on after each in the\n"
     "same context"},
    {0, "temperature", REAL, 0, 100, 0.8, "F",
     "flatten (> 1) or sharpen (< 1) the odds (default 0.8);\n"
     "0: always the best token"},
    {0, "top-k", WHOLE, 0, INT32_MAX, 40, "N",
     "choose among the N best tokens (default 40; 0: off)"},
    {0, "top-p", REAL, 0, 1, 0.95, "F",
     "choose among the best tokens that have F of the\n"
     "probability together (default 0.95; 1: off)"},
    {0, "min-p", REAL, 0, 1, 0.05, "F",
     "leave out tokens less probable than F times the best\n"
     "(default 0.05; 0: off)"},
    {0, "seed", WHOLE, 0, ANY, 0, "N",
     "the same seed gives the same text (default: random;\n"
     "--stats tells it)"},
    {0, "ignore-eos", FLAG, 0, 0, 0, NULL, "go on after EOS"},
    {0, "threads", WHOLE, 1, CRIA_MAX_THREADS, 0, "N",
     "default: all cores, or as many as a container's quota\n"
     "of their time comes to"},
    {0, "chunk", WHOLE, 1, UINT32_MAX, 0, "N",
     "feed the prompt in chunks of N tokens (1: one by one)"},
    {0, "level", TEXT, 0, 0, 0, "NAME",
     "use the code for this chip (--info lists them; default:\n"
     "what suits this machine best)"},
    {0, "print-ids", FLAG, 0, 0, 0, NULL,
     "print token ids, prompt and new ones, instead of text"},
    {0, "logits", TEXT, 0, 0, 0, "FILE",
     "write the logits: raw little-endian F32, a row of the\n"
     "vocabulary for each token of the prompt and each new\n"
     "one (none for a token beyond the context)"},
    {0, "stats", FLAG, 0, 0, 0, NULL,
     "print speed and seed as a line of JSON on standard error"},
    {0, "perplexity", TEXT, 0, 0, 0, "FILE",
     "print the perplexity of the text in FILE (-: standard\n"
     "input), in windows of the context that do not overlap;\n"
     "each begins with BOS where the model wants it, its first\n"
     "token is not scored"},
    {0, "record", TEXT, 0, 0, 0, "FILE",
     "write what matrices are multiplied by, for cria's\n"
     "--calibrate (only a model that it compiled for that)"},
    {0, "tokenize", FLAG, 0, 0, 0, NULL,
     "print the token ids of the prompt or, without one, of\n"
     "standard input; no BOS"},
    {0, "info", FLAG, 0, 0, 0, NULL, "print what this file is"},
    {0, "version", FLAG, 0, 0, 0, NULL, "print the version of cria that made this file"},
    {'h', "help", FLAG, 0, 0, 0, NULL, "print this"},
};

int criaPrintHelp(void) {
  int result = criaPrint("Usage: %s [options]\n"
                         "Tells how a text goes on, by the language model that is in this file.\n"
                         "The text goes to standard output, everything else to standard error.\n\n",
                         criaProgram());
  for (int option = 0; option < CRIA_OPTION_COUNT; ++option) {
    const Row *row = &rows[option];
    char left[64];
    snprintf(left, sizeof(left), "--%s %s", row->name, row->placeholder ? row->placeholder : "");
    const char letter[] = {row->letter ? '-' : ' ', row->letter ? row->letter : ' ',
                           row->letter ? ',' : ' ', 0};
    result |= criaPrint("  %s %-20s", letter, left);
    const char *line = row->help;
    for (const char *end; (end = strchr(line, '\n')); line = end + 1)
      result |= criaPrint("%.*s\n%26s", (int)(end - line), line, "");
    result |= criaPrint("%s\n", line);
  }
  result |= criaPrint("\nExit status: 0 done, 1 failed, 2 wrong usage.\n");
  return result;
}

/* Digits only: no sign, no space. Returns -1 for anything else or beyond 2^64 - 1. */
static int parseWhole(const char *text, uint64_t *value) {
  *value = 0;
  if (!*text)
    return -1;
  for (; *text; ++text)
    if (*text < '0' || *text > '9' || __builtin_mul_overflow(*value, 10, value) ||
        __builtin_add_overflow(*value, (uint64_t)(*text - '0'), value))
      return -1;
  return 0;
}

/* A decimal number to its end: no hexadecimal, infinity or NaN. */
static int parseReal(const char *text, double *value) {
  if (!*text || text[strspn(text, "0123456789.eE+-")])
    return -1;
  char *end;
  *value = strtod(text, &end);
  return *end || !isfinite(*value) ? -1 : 0;
}

static int parseValue(const Row *row, const char *text, CriaValue *value) {
  if (row->kind == TEXT) {
    value->text = text;
    return 0;
  }
  if (row->kind == REAL) {
    if (parseReal(text, &value->real) != 0 || value->real < row->low ||
        value->real > row->high)
      return criaError("--%s expects a number from %g to %g, but got '%s'", row->name,
                       row->low, row->high, text);
    return 0;
  }
  uint64_t high = row->high < ANY ? (uint64_t)row->high : UINT64_MAX;
  if (parseWhole(text, &value->whole) != 0 || value->whole < (uint64_t)row->low ||
      value->whole > high)
    return criaError("--%s expects a whole number from %g to %" PRIu64 ", but got '%s'",
                     row->name, row->low, high, text);
  return 0;
}

/* Finds the option that `argument` names: "--name", "--name=value", "-l" or
 * "-lvalue". *value is what is attached to it, NULL: nothing. */
static int findOption(const char *argument, const char **value) {
  *value = NULL;
  for (int option = 0; option < CRIA_OPTION_COUNT; ++option) {
    const Row *row = &rows[option];
    if (argument[1] == '-') {
      size_t length = strlen(row->name);
      const char *rest = argument + 2 + length;
      if (strncmp(argument + 2, row->name, length) != 0 || (*rest && *rest != '='))
        continue;
      if (*rest)
        *value = rest + 1;
      return option;
    }
    if (row->letter && argument[1] == row->letter) {
      if (argument[2])
        *value = argument + 2;
      return option;
    }
  }
  return -1;
}

static int conflict(int a, int b) {
  return criaError("--%s and --%s cannot be used together", rows[a].name, rows[b].name);
}

/* There is one thing to do, with the options that it heeds, and at most one source of a prompt. */
static int checkConflicts(const CriaOptions *options) {
  if (options->given[CRIA_HELP])
    return 0;
  static const uint8_t conflicts[][2] = {
      {CRIA_PROMPT, CRIA_FILE}, {CRIA_PROMPT, CRIA_IDS}, {CRIA_FILE, CRIA_IDS}, {CRIA_LOGITS, CRIA_RECORD}};
#define BIT(option) (UINT32_C(1) << (option))
  static const struct {
    int what;
    uint32_t heeds;
  } others[] = {
      {CRIA_PERPLEXITY, BIT(CRIA_THREADS) | BIT(CRIA_CHUNK) | BIT(CRIA_LEVEL) | BIT(CRIA_RECORD)},
      {CRIA_TOKENIZE, BIT(CRIA_PROMPT) | BIT(CRIA_FILE) | BIT(CRIA_LEVEL)},
      {CRIA_INFO, BIT(CRIA_LEVEL)},
      {CRIA_VERSION, BIT(CRIA_LEVEL)},
  };
  for (size_t i = 0; i < sizeof(conflicts) / sizeof(*conflicts); ++i)
    if (options->given[conflicts[i][0]] && options->given[conflicts[i][1]])
      return conflict(conflicts[i][0], conflicts[i][1]);
  for (size_t i = 0; i < sizeof(others) / sizeof(*others); ++i)
    for (int option = 0; option < CRIA_OPTION_COUNT && options->given[others[i].what]; ++option)
      if (options->given[option] && option != others[i].what && !(others[i].heeds & BIT(option)))
        return conflict(others[i].what, option);
#undef BIT
  if (options->given[CRIA_INTERACTIVE] && options->given[CRIA_FILE] &&
      strcmp(options->values[CRIA_FILE].text, "-") == 0)
    return criaError("--file - and --interactive cannot both read standard input");
  return 0;
}

int criaParseOptions(CriaOptions *options, int argc, char **argv) {
  memset(options, 0, sizeof(*options));
  for (int option = 0; option < CRIA_OPTION_COUNT; ++option) {
    const Row *row = &rows[option];
    CriaValue *value = &options->values[option];
    if (row->kind == REAL)
      value->real = row->initial;
    else if (row->kind == WHOLE)
      value->whole = row->initial < ANY ? (uint64_t)row->initial : UINT64_MAX;
  }

  for (int i = 1; i < argc; ++i) {
    const char *argument = argv[i];
    if (argument[0] != '-' || !argument[1])
      return criaError("unexpected argument '%s'; a prompt is given with -p", argument);
    const char *value;
    int option = findOption(argument, &value);
    if (option < 0)
      return criaError("unknown option '%s'", argument);
    const Row *row = &rows[option];
    if (row->kind == FLAG && value)
      return criaError("--%s expects no value, but got '%s'", row->name, value);
    if (row->kind != FLAG && !value) {
      if (i + 1 == argc)
        return criaError("--%s expects a value (%s)", row->name, row->placeholder);
      value = argv[++i];
    }
    if (row->kind != FLAG && options->given[option])
      return criaError("--%s is given twice", row->name);
    options->given[option] = 1;
    if (row->kind != FLAG && parseValue(row, value, &options->values[option]) != 0)
      return -1;
  }
  return checkConflicts(options);
}

int64_t criaParseIds(const char *text, uint32_t vocabulary, int32_t **ids) {
  int64_t count = 1;
  for (const char *c = text; *c; ++c)
    count += *c == ',';
  int32_t *result = calloc((size_t)count, sizeof(*result));
  if (!result)
    return criaError("--ids: no memory for %" PRId64 " ids", count);
  const char *at = text;
  for (int64_t i = 0; i < count; ++i) {
    char digits[24];
    size_t length = strcspn(at, ",");
    uint64_t id = 0;
    size_t kept = length < sizeof(digits) - 1 ? length : sizeof(digits) - 1;
    memcpy(digits, at, kept);
    digits[kept] = 0;
    if (kept < length || parseWhole(digits, &id) != 0 || id >= vocabulary) {
      free(result);
      return criaError("--ids expects whole numbers from 0 to %u with commas between, "
                       "but got '%s%s'", vocabulary - 1, digits, kept < length ? "..." : "");
    }
    result[i] = (int32_t)id;
    at += length + 1;
  }
  *ids = result;
  return count;
}
