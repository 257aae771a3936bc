#include "runtime/Files.h"
#include "runtime/Message.h"
#include "runtime/Session.h"

#include <math.h>
#include <stdlib.h>

/* A window on its way through the model: row i predicts token i + 1. */
typedef struct Window {
  const int32_t *ids;
  uint32_t count;
  uint32_t row;
  uint32_t vocabulary;
  double loss; /* sum of -log p, over all windows */
  uint64_t scored;
} Window;

static int scoreRow(void *context, const float *row) {
  Window *window = context;
  uint32_t next = ++window->row;
  if (next >= window->count)
    return 0;
  float maximum = row[0];
  for (uint32_t id = 1; id < window->vocabulary; ++id)
    maximum = row[id] > maximum ? row[id] : maximum;
  double sum = 0;
  for (uint32_t id = 0; id < window->vocabulary; ++id)
    sum += exp((double)row[id] - maximum);
  double loss = log(sum) + maximum - row[window->ids[next]];
  if (isnan(loss))
    return criaError("the logits at position %u are not finite", next - 1);
  window->loss += loss;
  ++window->scored;
  return 0;
}

/* Scores `text` window by window; `buffer` is [C]. */
static int scoreWindows(CriaSession *session, const CriaIds *text, int32_t *buffer,
                        Window *window) {
  const CriaModel *m = session->model;
  uint32_t prefix = m->add_bos ? 1 : 0;
  uint32_t share = m->context - prefix; /* tokens of the text in a window */
  uint32_t windows = text->count / share + (text->count % share != 0);
  buffer[0] = m->bos_id;
  for (uint32_t i = 0; i < windows; ++i) {
    uint32_t from = i * share;
    uint32_t taken = text->count - from < share ? text->count - from : share;
    for (uint32_t j = 0; j < taken; ++j)
      buffer[prefix + j] = text->data[from + j];
    window->ids = buffer;
    window->count = prefix + taken;
    window->row = 0;
    criaEngineRewind(session->engine);
    if (criaEngineFeed(session->engine, buffer, window->count, scoreRow, window) != 0)
      return -1;
    criaProgress("window %u of %u, perplexity %.4f ", i + 1, windows,
                 exp(window->loss / (double)window->scored));
  }
  return 0;
}

int criaRunPerplexity(CriaSession *session) {
  const char *path = session->options->values[CRIA_PERPLEXITY].text;
  char *text;
  size_t bytes;
  if (criaReadText(path, &text, &bytes) != 0)
    return -1;
  CriaIds ids = {0};
  int result = criaEncodeText(session, text, bytes, &ids);
  free(text);

  Window window = {.vocabulary = session->model->vocabulary};
  int32_t *buffer = calloc(session->model->context, sizeof(*buffer));
  uint32_t needed = session->model->add_bos ? 1 : 2;
  if (result == 0 && !buffer)
    result = criaError("no memory for a window of %u tokens", session->model->context);
  if (result == 0 && (ids.count < needed || session->model->context < 2))
    result = criaError("%s: a perplexity expects at least %u tokens in a context of at least "
                       "2, but got %u in %u", path, needed, ids.count, session->model->context);
  if (result == 0)
    result = scoreWindows(session, &ids, buffer, &window);
  free(buffer);
  free(ids.data);
  if (result != 0)
    return -1;
  criaNote("%llu tokens scored in windows of %u", (unsigned long long)window.scored,
           session->model->context);
  if (criaPrint("%.6f\n", exp(window.loss / (double)window.scored)) != 0)
    return -1;
  return criaFlush();
}
