#include "runtime/Session.h"

#include "runtime/Files.h"
#include "runtime/Message.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

double criaNow(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int growIds(CriaIds *ids, uint64_t more) {
  uint64_t wanted = ids->count + more;
  if (wanted > INT32_MAX)
    return criaError("the text has more tokens than the %d that this program can hold",
                     INT32_MAX);
  if (wanted <= ids->capacity)
    return 0;
  uint64_t capacity = wanted + wanted / 2 + 64;
  int32_t *data = realloc(ids->data, capacity * sizeof(*data));
  if (!data)
    return criaError("no memory for %llu token ids", (unsigned long long)capacity);
  ids->data = data;
  ids->capacity = (uint32_t)capacity;
  return 0;
}

int criaAppendId(CriaIds *ids, int32_t id) {
  if (growIds(ids, 1) != 0)
    return -1;
  ids->data[ids->count++] = id;
  return 0;
}

int criaEncodeText(const CriaSession *session, const char *text, size_t bytes, CriaIds *ids) {
  const uint8_t *given = session->options->given;
  int takesIds = !given[CRIA_INTERACTIVE] && !given[CRIA_PERPLEXITY] && !given[CRIA_TOKENIZE];
  if (!session->tokenizer)
    return criaError("this file was compiled without a tokenizer%s",
                     takesIds ? "; give the prompt as --ids" : "");
  if (bytes > CRIA_MAX_TEXT_BYTES)
    return criaError("a text expects at most %zu bytes, but got %zu", CRIA_MAX_TEXT_BYTES, bytes);
  int32_t *encoded = NULL;
  int64_t count = criaTokenizerEncode(session->tokenizer, text, bytes, &encoded);
  if (count < 0)
    return criaError("no memory to encode a text of %zu bytes", bytes);
  int result = growIds(ids, (uint64_t)count);
  if (result == 0 && count > 0) {
    memcpy(ids->data + ids->count, encoded, (size_t)count * sizeof(*encoded));
    ids->count += (uint32_t)count;
  }
  free(encoded);
  return result;
}

int criaPrintIds(const CriaIds *ids) {
  int result = 0;
  for (uint32_t i = 0; i < ids->count && result == 0; ++i)
    result = criaPrint(i ? ",%d" : "%d", ids->data[i]);
  return result == 0 ? criaWrite("\n", 1) : result;
}

int criaPromptText(const CriaSession *session, char **text, size_t *bytes) {
  const CriaOptions *options = session->options;
  *text = NULL;
  *bytes = 0;
  if (options->given[CRIA_FILE])
    return criaReadText(options->values[CRIA_FILE].text, text, bytes);
  if (!options->given[CRIA_PROMPT])
    return 0;
  *bytes = strlen(options->values[CRIA_PROMPT].text);
  *text = strdup(options->values[CRIA_PROMPT].text);
  return *text ? 0 : criaError("no memory for a prompt of %zu bytes", *bytes);
}
