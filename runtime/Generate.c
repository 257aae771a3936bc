/*===- Generate.c - Prompt in, continuation out ------------------------------===
 *
 * A turn feeds tokens and then lets the model go on; the plain mode is one turn,
 * `-i` is one per line. The last token of a turn (the last of -n, or EOS) may have been
 * chosen but not fed: it is `pending` until the next turn begins with it.
 *===------------------------------------------------------------------------===*/
#include "runtime/Files.h"
#include "runtime/Message.h"
#include "runtime/Sampler.h"
#include "runtime/Session.h"
#include "runtime/Utf8.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

typedef struct Generator {
  CriaSession *session;
  CriaSampler sampler;
  CriaRows rows;
  CriaUtf8 utf8;
  char *piece; /* [pieceCapacity] the bytes of one token */
  size_t pieceCapacity;
  int32_t previous; /* last token printed or given, -1: none */
  int32_t pending;  /* -1: none */
  int printsIds;
  int printedIds; /* in this turn: a comma is needed */
  int refusedLines; /* whether there are any */
  int ranOut;       /* whether a turn ended where the context does */

  uint64_t seed;
  uint64_t promptTokens, newTokens, decodedTokens; /* decoded: fed one by one */
  double memorySeconds, promptSeconds, decodeSeconds;
  double firstToken; /* seconds from the start to the first new token on its way out */
} Generator;

static int writeRow(void *context, const float *row) {
  Generator *g = context;
  return criaRowsWrite(&g->rows, row, g->session->model->vocabulary);
}

static int feed(Generator *g, const int32_t *ids, uint32_t count) {
  int wantsRows = g->session->options->given[CRIA_LOGITS];
  return criaEngineFeed(g->session->engine, ids, count, wantsRows ? writeRow : NULL, g);
}

static int isEos(const CriaModel *model, int32_t id) {
  for (uint32_t i = 0; i < model->eos_count; ++i)
    if (model->eos_ids[i] == id)
      return 1;
  return 0;
}

/* Prints one token, as its id or as text. SentencePiece puts a space before the
 * first word of a text; it is not part of the text. */
static int emit(Generator *g, int32_t id) {
  const CriaTokenizer *tokenizer = g->session->tokenizer;
  int isFirst = g->previous < 0 || g->previous == g->session->model->bos_id;
  g->previous = id;
  if (g->printsIds)
    return criaPrint(g->printedIds++ ? ",%d" : "%d", id);
  size_t count = criaTokenizerDecode(tokenizer, id, isFirst, g->piece, g->pieceCapacity);
  if (count > g->pieceCapacity) {
    char *larger = realloc(g->piece, count);
    if (!larger)
      return criaError("no memory for a token of %zu bytes", count);
    g->piece = larger;
    g->pieceCapacity = count;
    criaTokenizerDecode(tokenizer, id, isFirst, g->piece, g->pieceCapacity);
  }
  return criaUtf8Push(&g->utf8, g->piece, count, criaWrite);
}

static int endOfTurn(Generator *g) {
  if (criaUtf8End(&g->utf8, criaWrite) != 0 || criaWrite("\n", 1) != 0)
    return -1;
  g->printedIds = 0;
  return criaFlush();
}

static void noteFullContext(const Generator *g) {
  criaNote("the context of %u positions is full", g->session->model->context);
}

/* Samples, prints and feeds until there is a reason to stop. */
static int decode(Generator *g) {
  const CriaSession *s = g->session;
  CriaEngine *engine = s->engine;
  uint64_t limit = s->options->values[CRIA_MAX_TOKENS].whole;
  int wantsRows = s->options->given[CRIA_LOGITS];
  for (uint64_t produced = 0; produced < limit; ++produced) {
    int32_t next = criaSample(&g->sampler, engine->lastRow, engine->position - 1);
    if (next < 0)
      return -1;
    if (isEos(s->model, next) && !s->options->given[CRIA_IGNORE_EOS]) {
      g->pending = next;
      return 0;
    }
    if (emit(g, next) != 0 || criaFlush() != 0)
      return -1;
    if (g->newTokens++ == 0)
      g->firstToken = criaNow() - s->start;

    int isLast = produced + 1 == limit;
    if (engine->position == s->model->context) {
      g->ranOut = !isLast;
      return 0;
    }
    if (isLast && !wantsRows) {
      g->pending = next;
      return 0;
    }
    if (feed(g, &next, 1) != 0)
      return -1;
    ++g->decodedTokens;
  }
  return 0;
}

/* One turn over `ids`, which have been printed as far as they should be. */
static int turn(Generator *g, const CriaIds *ids) {
  double start = criaNow();
  criaEnginePrepare(g->session->engine, ids->count);
  double begin = criaNow();
  if (feed(g, ids->data, ids->count) != 0)
    return -1;
  double middle = criaNow();
  g->memorySeconds += begin - start;
  g->promptTokens += ids->count;
  g->promptSeconds += middle - begin;
  g->pending = -1;
  if (decode(g) != 0)
    return -1;
  g->decodeSeconds += criaNow() - middle;
  if (endOfTurn(g) != 0)
    return -1;
  if (g->ranOut && !g->session->options->given[CRIA_INTERACTIVE])
    noteFullContext(g);
  return 0;
}

/* Is there room for the pending token and `count` others? Prints an error and returns -1 if not. */
static int checkRoom(const Generator *g, uint32_t count, const char *what) {
  uint32_t context = g->session->model->context;
  uint32_t left = context - g->session->engine->position - (g->pending >= 0);
  if (count <= left)
    return 0;
  if (left == context)
    return criaError("the %s expects at most the %u tokens of the context, but got %u", what,
                     context, count);
  return criaError("the %s expects at most the %u tokens left of the context of %u, but got %u",
                   what, left, context, count);
}

/* The first turn: -p, -f, --ids, or BOS alone. */
static int firstTurn(Generator *g) {
  const CriaSession *s = g->session;
  const CriaModel *m = s->model;
  CriaIds ids = {0};
  char *text = NULL;
  size_t bytes = 0;
  int result = 0;
  for (uint32_t i = 0; i < s->promptIds.count && result == 0; ++i)
    result = criaAppendId(&ids, s->promptIds.data[i]);
  if (result == 0 && ids.count == 0) {
    result = criaPromptText(s, &text, &bytes);
    if (result == 0 && (m->add_bos || (bytes == 0 && m->bos_id >= 0)))
      result = criaAppendId(&ids, m->bos_id);
    if (result == 0 && bytes > 0)
      result = criaEncodeText(s, text, bytes, &ids);
    if (result == 0 && ids.count == 0)
      result = criaError("the prompt is empty, and this model has no BOS token to begin with");
  }
  if (result == 0)
    result = checkRoom(g, ids.count, "prompt");

  /* A text is printed as it was given, not as its tokens decode; a character that it breaks off in waits
   * for what the model says. */
  if (result == 0 && bytes > 0 && !g->printsIds) {
    size_t whole = bytes - criaUtf8Unfinished(text, bytes);
    result = criaWrite(text, whole);
    if (result == 0)
      result = criaUtf8Push(&g->utf8, text + whole, bytes - whole, criaWrite);
    g->previous = ids.data[ids.count - 1];
  } else {
    for (uint32_t i = 0; i < ids.count && result == 0; ++i)
      result = emit(g, ids.data[i]);
  }
  if (result == 0)
    result = criaFlush();
  if (result == 0)
    result = turn(g, &ids);
  free(text);
  free(ids.data);
  return result;
}

/* A line of the conversation: `pending` and the line's tokens (BOS before the very
 * first). A line that does not fit is refused, the next may be shorter. */
static int lineTurn(Generator *g, const char *line, size_t bytes) {
  const CriaSession *s = g->session;
  CriaIds ids = {0};
  int result = 0;
  if (g->pending >= 0)
    result = criaAppendId(&ids, g->pending);
  else if (s->engine->position == 0 && s->model->add_bos)
    result = criaAppendId(&ids, s->model->bos_id);
  if (result == 0)
    result = criaEncodeText(s, line, bytes, &ids);
  uint32_t own = ids.count - (g->pending >= 0); /* tokens of the line, BOS among them */
  if (result == 0 && ids.count > 0 && checkRoom(g, own, "line") != 0) {
    g->refusedLines = 1;
  } else if (result == 0 && ids.count > 0) {
    if (g->printsIds)
      for (uint32_t i = g->pending >= 0 ? 1 : 0; i < ids.count && result == 0; ++i)
        result = emit(g, ids.data[i]);
    g->previous = ids.data[ids.count - 1];
    if (result == 0)
      result = turn(g, &ids);
  }
  free(ids.data);
  return result;
}

typedef struct Line {
  char *text;
  size_t capacity, bytes; /* allocated; of the line, without what ends it (LF or CR LF) */
} Line;

/* The next line of standard input. Returns 1, or 0 at its end, or -1 with errno set. */
static int readLine(Line *line) {
  ssize_t got = getline(&line->text, &line->capacity, stdin);
  if (got < 0)
    return feof(stdin) ? 0 : -1;
  line->bytes = (size_t)got;
  if (line->bytes > 0 && line->text[line->bytes - 1] == '\n')
    --line->bytes;
  if (line->bytes > 0 && line->bytes < (size_t)got && line->text[line->bytes - 1] == '\r')
    --line->bytes;
  return 1;
}

static int cannotRead(int reason) {
  return criaError("cannot read standard input: %s", strerror(reason));
}

/* Says that the conversation is over, to who reads the text, too. Lines that others wrote and nobody has read are
 * refused like those that do not fit; a person at a terminal writes no more. */
static int endInFullContext(const Generator *g, int isTerminal, Line *line) {
  noteFullContext(g);
  if (criaCloseOutput() != 0)
    return -1;
  int got = 0;
  while (!isTerminal && (got = readLine(line)) > 0)
    if (line->bytes > 0)
      return criaError("cannot go on with the rest of standard input: the context has no position left");
  return got < 0 ? cannotRead(errno) : 0;
}

static int interact(Generator *g) {
  const CriaEngine *engine = g->session->engine;
  uint32_t context = g->session->model->context;
  int isTerminal = isatty(STDIN_FILENO);
  Line line = {0};
  int result = 0, got = 1, reason = 0;
  while (result == 0 && engine->position < context) {
    if (isTerminal)
      fputs("> ", stderr);
    got = readLine(&line);
    reason = errno;
    if (got <= 0)
      break;
    result = lineTurn(g, line.text, line.bytes);
  }
  if (isTerminal)
    fputc('\n', stderr);
  if (got < 0)
    result = cannotRead(reason);
  else if (result == 0 && engine->position == context)
    result = endInFullContext(g, isTerminal, &line);
  if (!isTerminal && g->refusedLines)
    result = -1; /* who wrote them has not seen it */
  free(line.text);
  return result;
}

/* Returns 0, or -1 where standard error, which would have to say so, cannot be written. */
static int printStats(const Generator *g) {
  const CriaSession *s = g->session;
  double prompt = g->promptSeconds > 0 ? g->promptTokens / g->promptSeconds : 0;
  double decode = g->decodeSeconds > 0 ? g->decodedTokens / g->decodeSeconds : 0;
  int written = fprintf(stderr,
          "{\"level\":\"%s\",\"threads\":%u,\"seed\":%" PRIu64 ",\"prompt_tokens\":%" PRIu64
          ",\"memory_seconds\":%.6f,\"prompt_seconds\":%.6f,\"prompt_tokens_per_second\":%.3f"
          ",\"new_tokens\":%" PRIu64 ",\"decoded_tokens\":%" PRIu64
          ",\"decode_seconds\":%.6f,\"decode_tokens_per_second\":%.3f"
          ",\"first_token_seconds\":%.6f,\"weights_bytes\":%" PRIu64 "}\n",
          s->model->target, s->engine->pool.threads, g->seed, g->promptTokens, g->memorySeconds,
          g->promptSeconds, prompt, g->newTokens, g->decodedTokens, g->decodeSeconds, decode,
          g->firstToken, s->model->weights_bytes);
  return written < 0 ? -1 : 0;
}

static int chooseSeed(Generator *g) {
  g->seed = g->session->options->values[CRIA_SEED].whole;
  if (g->session->options->given[CRIA_SEED])
    return 0;
  if (getrandom(&g->seed, sizeof(g->seed), 0) != sizeof(g->seed))
    return criaError("cannot get a random seed; give one with --seed");
  g->seed >>= 11; /* below 2^53: who reads --stats as JSON may have no integers but a double's */
  return 0;
}

static int generate(Generator *g) {
  const CriaOptions *options = g->session->options;
  int isInteractive = options->given[CRIA_INTERACTIVE];
  int hasPrompt =
      options->given[CRIA_PROMPT] || options->given[CRIA_FILE] || options->given[CRIA_IDS];
  if ((!isInteractive || hasPrompt) && firstTurn(g) != 0)
    return -1;
  return isInteractive ? interact(g) : 0;
}

int criaRunGenerate(CriaSession *session) {
  const CriaOptions *options = session->options;
  Generator g = {.session = session, .previous = -1, .pending = -1};
  g.printsIds = options->given[CRIA_PRINT_IDS] || !session->tokenizer;
  g.rows.descriptor = -1;
  g.sampler.temperature = options->values[CRIA_TEMPERATURE].real;
  g.sampler.topK = (uint32_t)options->values[CRIA_TOP_K].whole;
  g.sampler.topP = options->values[CRIA_TOP_P].real;
  g.sampler.minP = options->values[CRIA_MIN_P].real;
  if (chooseSeed(&g) != 0 ||
      criaSamplerOpen(&g.sampler, session->model->vocabulary, g.seed) != 0)
    return -1;
  session->engine->margin = criaSamplerMargin(&g.sampler);

  int result = 0;
  if (options->given[CRIA_LOGITS])
    result = criaRowsOpen(&g.rows, options->values[CRIA_LOGITS].text, options->values[CRIA_FILE].text);
  if (result == 0)
    result = generate(&g);
  if (result == 0 && options->given[CRIA_LOGITS])
    result = criaRowsCommit(&g.rows);
  criaRowsDiscard(&g.rows);
  criaSamplerClose(&g.sampler);
  free(g.piece);
  if (result == 0 && options->given[CRIA_STATS])
    result = printStats(&g);
  return result;
}
