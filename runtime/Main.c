/*===- Main.c - Where an artifact starts -------------------------------------===*/
#include "runtime/Artifact.h"
#include "runtime/Cpu.h"
#include "runtime/Files.h"
#include "runtime/Levels.h"
#include "runtime/Message.h"
#include "runtime/Record.h"
#include "runtime/Relro.h"
#include "runtime/Session.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>

enum { ExitDone = 0, ExitFailed = 1, ExitUsage = 2 };

static int printInfo(const CriaModel *const *levels, const CriaModel *m,
                     const CriaArtifact *artifact) {
  int result = 0;
  result |= criaPrint("model:         %s\n", m->name);
  result |= criaPrint("architecture:  %s\n", m->architecture);
  result |= criaPrint("parameters:    %" PRIu64 "\n", m->parameters);
  result |= criaPrint("weights:       %s, %" PRIu64 " bytes\n", m->weight_type,
                      m->weights_bytes);
  if (m->logits_screened)
    result |= criaPrint("rough head:    %" PRIu64 " bytes, which say what a token's step reads of the head\n",
                        m->rough_bytes);
  result |= criaPrint("kv cache:      %s, %" PRIu64 " bytes\n", m->cache_type,
                      m->caches.blocks * m->caches.block_bytes);
  result |= criaPrint("target:        %s", m->target);
  if (levels[1])
    for (const CriaModel *const *level = levels; *level; ++level)
      result |= criaPrint("%s%s%s", level == levels ? " (of " : ", ", (*level)->target,
                          level[1] ? "" : ")");
  result |= criaPrint("\n");
  result |= criaPrint("cpu features: ");
  for (uint32_t i = 0; i < m->cpu_feature_count; ++i)
    result |= criaPrint(" %s", m->cpu_features[i].name);
  result |= criaPrint("\ncontext:       %u\n", m->context);
  result |= criaPrint("chunk:         %u\n", m->chunk);
  result |= criaPrint("vocabulary:    %u\n", m->vocabulary);
  result |= criaPrint("layers:        %u\n", m->layers);
  result |= criaPrint("width:         %u\n", m->width);
  result |= criaPrint("ffn:           %u\n", m->ffn);
  result |= criaPrint("heads:         %u\n", m->heads);
  result |= criaPrint("kv heads:      %u\n", m->kv_heads);
  result |= criaPrint("head size:     %u\n", m->head_size);
  if (artifact->tokenizer)
    result |= criaPrint("tokenizer:     %zu bytes\n", artifact->tokenizerBytes);
  else
    result |= criaPrint("tokenizer:     none\n");
  result |= criaPrint("bos:           %d%s\n", m->bos_id, m->add_bos ? ", added" : "");
  result |= criaPrint("eos:          ");
  for (uint32_t i = 0; i < m->eos_count; ++i)
    result |= criaPrint(" %d", m->eos_ids[i]);
  result |= criaPrint("\nmemory:        %" PRIu64 " bytes of state, %" PRIu64
                      " of workspace, %" PRIu64 " per thread\n",
                      m->state_bytes, m->workspace_bytes, m->scratch_bytes);
  result |= criaPrint("file:          %" PRIu64 " bytes\n", artifact->fileBytes);
  result |= criaPrint("input hash:    %s\n", m->input_hash);
  result |= criaPrint("compiled by:   %s\n", m->producer);
  return result;
}

/* Opens the tables; *isThere is 0 for a model that was compiled without any. */
static int openTokenizer(CriaTokenizer *tokenizer, const CriaArtifact *artifact,
                         const CriaModel *model, int *isThere) {
  *isThere = artifact->tokenizer != NULL;
  if (!*isThere)
    return 0;
  const char *reason = "";
  if (criaTokenizerOpen(tokenizer, artifact->tokenizer, artifact->tokenizerBytes, &reason) != 0)
    return criaError("this file's tokenizer tables are damaged: %s", reason);
  if (tokenizer->pieces > model->vocabulary)
    return criaError("this file's tokenizer expects at most %u pieces, as the model has, "
                     "but got %u", model->vocabulary, tokenizer->pieces);
  return 0;
}

static int runTokenize(const CriaSession *session) {
  char *text;
  size_t bytes;
  if (criaPromptText(session, &text, &bytes) != 0)
    return -1;
  if (!text && criaReadText("-", &text, &bytes) != 0)
    return -1;
  CriaIds ids = {0};
  int result = criaEncodeText(session, text, bytes, &ids);
  if (result == 0)
    result = criaPrintIds(&ids);
  free(text);
  free(ids.data);
  return result == 0 ? criaFlush() : -1;
}

static int runModel(CriaSession *session, const CriaArtifact *artifact) {
  static CriaEngine engine;
  const CriaValue *values = session->options->values;
  const CriaModel *model = session->model;
  uint64_t threads = values[CRIA_THREADS].whole;
  if (criaEngineOpen(&engine, model, artifact->weights,
                     threads ? (uint32_t)threads : criaCoreCount(),
                     (uint32_t)values[CRIA_CHUNK].whole) != 0)
    return -1;
  criaArtifactReadAhead(artifact, model);
  session->engine = &engine;
  CriaRecorder recorder;
  if (session->options->given[CRIA_RECORD]) {
    const char *input = values[session->options->given[CRIA_FILE] ? CRIA_FILE : CRIA_PERPLEXITY].text;
    if (criaRecorderOpen(&recorder, model, values[CRIA_RECORD].text, input) != 0) {
      criaEngineClose(&engine);
      return -1;
    }
    engine.stepSink = criaRecorderStep;
    engine.stepContext = &recorder;
  }
  int result = session->options->given[CRIA_PERPLEXITY] ? criaRunPerplexity(session)
                                                        : criaRunGenerate(session);
  if (engine.stepSink && result == 0)
    result = criaRecorderCommit(&recorder);
  if (engine.stepSink)
    criaRecorderDiscard(&recorder);
  criaEngineClose(&engine);
  return result;
}

static int run(const CriaOptions *options, double start) {
  const CriaModel *const *levels = cria_models();
  CriaArtifact artifact;
  if (criaLevelsCheck(levels) != 0)
    return ExitFailed;
  const CriaModel *model = options->given[CRIA_LEVEL]
                               ? criaLevelNamed(levels, options->values[CRIA_LEVEL].text)
                               : criaLevelBest(levels);
  if (!model)
    return ExitUsage;
  if (options->given[CRIA_VERSION]) {
    int result = criaPrint("%s (%s, %s, %s)\n", model->producer, model->name,
                           model->weight_type, model->target);
    return result == 0 && criaFlush() == 0 ? ExitDone : ExitFailed;
  }
  if (criaArtifactOpen(&artifact, model) != 0)
    return ExitFailed;
  if (options->given[CRIA_INFO])
    return printInfo(levels, model, &artifact) == 0 && criaFlush() == 0 ? ExitDone : ExitFailed;
  if (options->values[CRIA_CHUNK].whole > model->chunk) {
    criaError("--chunk expects a whole number from 1 to %u, as this file was compiled, but "
              "got '%" PRIu64 "'", model->chunk, options->values[CRIA_CHUNK].whole);
    return ExitUsage;
  }
  CriaIds promptIds = {0};
  if (options->given[CRIA_IDS]) {
    int64_t count =
        criaParseIds(options->values[CRIA_IDS].text, model->vocabulary, &promptIds.data);
    if (count < 0)
      return ExitUsage;
    promptIds.count = promptIds.capacity = (uint32_t)count;
  }

  CriaTokenizer tokenizer;
  int hasTokenizer;
  if (openTokenizer(&tokenizer, &artifact, model, &hasTokenizer) != 0)
    return ExitFailed;
  CriaSession session = {.options = options,
                         .model = model,
                         .tokenizer = hasTokenizer ? &tokenizer : NULL,
                         .promptIds = promptIds,
                         .start = start};
  if (options->given[CRIA_TOKENIZE])
    return runTokenize(&session) == 0 ? ExitDone : ExitFailed;
  /* Before the first instruction of generated code beyond `cria_models`. */
  if (criaCpuCheck(model) != 0)
    return ExitFailed;
  return runModel(&session, &artifact) == 0 ? ExitDone : ExitFailed;
}

int main(int argc, char **argv) {
  double start = criaNow();
  criaProtectRelro();
  criaSetProgram(argc > 0 ? argv[0] : NULL);
  criaReserveStandardFiles();
  signal(SIGPIPE, SIG_IGN); /* a write to a closed pipe is an error like others, */
  signal(SIGXFSZ, SIG_IGN); /* and so is one to a file that may not grow */

  CriaOptions options;
  if (criaParseOptions(&options, argc, argv) != 0) {
    criaNote("try '%s --help'", criaProgram());
    return ExitUsage;
  }
  if (options.given[CRIA_HELP])
    return criaPrintHelp() == 0 && criaFlush() == 0 ? ExitDone : ExitFailed;
  return run(&options, start);
}
