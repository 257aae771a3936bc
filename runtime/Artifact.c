#include "runtime/Artifact.h"

#include "runtime/Message.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* a * b, or the largest number where that is larger. */
static int64_t product(uint64_t a, uint64_t b) {
  int64_t result;
  return __builtin_mul_overflow(a, b, &result) ? INT64_MAX : result;
}

static int checkNumber(const char *field, int64_t value, int64_t low, int64_t high) {
  if (low <= value && value <= high)
    return 0;
  return criaError("the model table of the generated code expects %s from %" PRId64 " to %" PRId64
                   ", but got %" PRId64, field, low, high, value);
}

static int checkNumbers(const CriaModel *m) {
  const struct {
    const char *field;
    int64_t value, low, high;
  } numbers[] = {
      {"vocabulary", m->vocabulary, 1, INT32_MAX},
      {"context", m->context, 1, UINT32_MAX},
      {"chunk", m->chunk, 1, UINT32_MAX},
      {"logits_stride", m->logits_stride, m->vocabulary, UINT32_MAX},
      {"eos_count", m->eos_count, 0, CRIA_MAX_EOS_IDS},
      {"bos_id", m->bos_id, m->add_bos ? 0 : -1, (int64_t)m->vocabulary - 1},
  };
  for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); ++i)
    if (checkNumber(numbers[i].field, numbers[i].value, numbers[i].low, numbers[i].high) != 0)
      return -1;
  if (m->caches.block_bytes == 0)
    return 0;
  return checkNumber("positions in all blocks of the caches", product(m->caches.blocks, m->caches.positions),
                     (int64_t)m->context + m->chunk, INT64_MAX);
}

static int checkPlace(const CriaModel *m, const char *what, uint64_t offset, uint64_t bytes) {
  if (offset <= m->state_bytes && bytes <= m->state_bytes - offset)
    return 0;
  return criaError("the model table of the generated code expects its %s within the %" PRIu64
                   " bytes of state, but got %" PRIu64 " bytes at %" PRIu64,
                   what, m->state_bytes, bytes, offset);
}

static int checkPlaces(const CriaModel *m) {
  const CriaCaches *c = &m->caches;
  const uint64_t number = sizeof(float);
  if (checkPlace(m, "tokens", m->tokens_offset, m->chunk * sizeof(int32_t)) != 0 ||
      checkPlace(m, "logits", m->logits_offset, product(m->chunk * number, m->logits_stride)) != 0 ||
      (m->logits_screened && checkPlace(m, "margin", m->margin_offset, number) != 0) ||
      (c->block_bytes && checkPlace(m, "caches", c->offset, product(c->blocks, c->block_bytes)) != 0))
    return -1;
  for (uint64_t i = 0; i < m->observation_count; ++i) {
    const CriaObservation *o = &m->observations[i];
    if (checkPlace(m, "observations", o->offset, product((uint64_t)o->parts * o->part, m->chunk * number)) != 0)
      return -1;
  }
  return 0;
}

static int checkEntries(const CriaModel *m) {
  const struct {
    const char *name;
    CriaEntry entry;
  } entries[] = {
      {"forward_one", m->forward_one}, {"forward_chunk", m->forward_chunk},
      {"finish_one", m->finish_one},   {"finish_chunk", m->finish_chunk},
      {"logits_one", m->logits_one},   {"logits_chunk", m->logits_chunk},
  };
  for (size_t i = 0; i < sizeof(entries) / sizeof(*entries); ++i)
    if (!entries[i].entry)
      return criaError("the model table of the generated code expects an entry point %s, but got none",
                       entries[i].name);
  return 0;
}

int criaModelCheck(const CriaModel *m) {
  if (m->abi_version != CRIA_ABI_VERSION)
    return criaError("generated code has ABI version %u, but the runtime has version %u; "
                     "compile the model again with one installation of cria",
                     m->abi_version, CRIA_ABI_VERSION);
  if (m->struct_bytes != sizeof(CriaModel))
    return criaError("generated code expects a model table of %u bytes, but got %zu; "
                     "compile the model again with one installation of cria",
                     m->struct_bytes, sizeof(CriaModel));
  return checkNumbers(m) == 0 && checkPlaces(m) == 0 && checkEntries(m) == 0 ? 0 : -1;
}

/* Opens this very file. Where /proc is not mounted, the path that the kernel was
 * asked to execute serves. */
static int openSelf(void) {
  int descriptor = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    const char *path = (const char *)getauxval(AT_EXECFN);
    if (path)
      descriptor = open(path, O_RDONLY | O_CLOEXEC);
  }
  return descriptor;
}

static int checkSegment(const char *what, uint64_t offset, uint64_t bytes, uint64_t end) {
  if (offset % CRIA_PAGE_BYTES != 0)
    return criaError("this file is damaged: the offset of its %s expects a multiple of %u, "
                     "but got %" PRIu64, what, CRIA_PAGE_BYTES, offset);
  if (offset > end || bytes > end - offset)
    return criaError("this file is damaged: its %s of %" PRIu64 " bytes at %" PRIu64
                     " expect to end by %" PRIu64, what, bytes, offset, end);
  return 0;
}

static int checkTrailer(const CriaTrailer *t, const CriaModel *model, uint64_t fileBytes) {
  if (memcmp(t->magic, CRIA_TRAILER_MAGIC, sizeof(t->magic)) != 0)
    return criaError("this file is damaged: it does not end with cria's trailer; "
                     "it was cut off or changed");
  if (t->abi_version != CRIA_ABI_VERSION)
    return criaError("the trailer of this file has ABI version %u, but the runtime has "
                     "version %u", t->abi_version, CRIA_ABI_VERSION);
  if (t->file_bytes != fileBytes)
    return criaError("this file is damaged: it expects %" PRIu64 " bytes, but got %" PRIu64,
                     t->file_bytes, fileBytes);
  if (t->weights_bytes != model->weights_bytes)
    return criaError("this file is damaged: the code expects %" PRIu64
                     " bytes of weights, but the file has %" PRIu64,
                     model->weights_bytes, t->weights_bytes);
  uint64_t end = fileBytes - sizeof(CriaTrailer);
  if (checkSegment("weights", t->weights_offset, t->weights_bytes, end) != 0)
    return -1;
  if (t->tokenizer_bytes == 0)
    return 0;
  return checkSegment("tokenizer tables", t->tokenizer_offset, t->tokenizer_bytes, end);
}

static const void *mapSegment(int descriptor, const char *what, uint64_t offset,
                              uint64_t bytes) {
  void *address = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, descriptor, (off_t)offset);
  if (address == MAP_FAILED) {
    criaError("cannot map the %" PRIu64 " bytes of this file's %s: %s", bytes, what,
              strerror(errno));
    return NULL;
  }
  return address;
}

static int openFrom(int descriptor, CriaArtifact *artifact, const CriaModel *model) {
  struct stat status;
  if (fstat(descriptor, &status) != 0)
    return criaError("cannot examine this program's own file: %s", strerror(errno));
  uint64_t fileBytes = (uint64_t)status.st_size;
  CriaTrailer trailer;
  memset(&trailer, 0, sizeof(trailer));
  if (fileBytes > sizeof(trailer) &&
      pread(descriptor, &trailer, sizeof(trailer), (off_t)(fileBytes - sizeof(trailer))) < 0)
    return criaError("cannot read this program's own file: %s", strerror(errno));
  if (checkTrailer(&trailer, model, fileBytes) != 0)
    return -1;

  artifact->fileBytes = fileBytes;
  if (trailer.weights_bytes > 0) {
    artifact->weights =
        mapSegment(descriptor, "weights", trailer.weights_offset, trailer.weights_bytes);
    if (!artifact->weights)
      return -1;
    /* What is not in the page cache yet is read and mapped by huge pages where the
     * system can; see compiler/weights/OutputFile.h for what is. */
    madvise((void *)artifact->weights, trailer.weights_bytes, MADV_HUGEPAGE);
  }
  if (trailer.tokenizer_bytes > 0) {
    artifact->tokenizer = mapSegment(descriptor, "tokenizer tables",
                                     trailer.tokenizer_offset, trailer.tokenizer_bytes);
    if (!artifact->tokenizer)
      return -1;
    artifact->tokenizerBytes = trailer.tokenizer_bytes;
  }
  return 0;
}

int criaArtifactOpen(CriaArtifact *artifact, const CriaModel *model) {
  memset(artifact, 0, sizeof(*artifact));
  int descriptor = openSelf();
  if (descriptor < 0)
    return criaError("cannot open this program's own file (/proc/self/exe): %s",
                     strerror(errno));
  int result = openFrom(descriptor, artifact, model);
  close(descriptor); /* the mappings stay */
  return result;
}

/* Weights below this are read by page faults before a thread would have started. */
#define READ_AHEAD_FROM_BYTES ((uint64_t)64 << 20)
#define READ_AHEAD_STEP_BYTES ((uint64_t)16 << 20)

#ifndef MADV_POPULATE_READ /* Linux 5.14; not in every musl */
#define MADV_POPULATE_READ 22
#endif

static struct {
  uintptr_t next, end;
} ahead;

static void *readAhead(void *unused) {
  (void)unused;
  for (; ahead.next < ahead.end; ahead.next += READ_AHEAD_STEP_BYTES) {
    uintptr_t left = ahead.end - ahead.next;
    size_t bytes = left < READ_AHEAD_STEP_BYTES ? left : READ_AHEAD_STEP_BYTES;
    /* As page faults do it, which fill huge pages; MADV_WILLNEED fills small ones, which
     * then stay. For Linux before 5.14 there is nothing else. */
    if (madvise((void *)ahead.next, bytes, MADV_POPULATE_READ) != 0 && errno == EINVAL)
      madvise((void *)ahead.next, bytes, MADV_WILLNEED);
  }
  return NULL;
}

void criaArtifactReadAhead(const CriaArtifact *artifact, const CriaModel *model) {
  if (model->weights_bytes < READ_AHEAD_FROM_BYTES)
    return;
  /* One call for all would hold the first token back until the last gigabyte is
   * queued, and page faults alone read in small pieces, from as many places as
   * there are threads. So: step by step, in the file's order, beside the first
   * forward pass, which uses the weights in about that order. What is already in
   * memory costs a lookup per page. Failing to start is no loss but speed. */
  ahead.next = (uintptr_t)artifact->weights;
  ahead.end = ahead.next + model->weights_bytes;
  pthread_t handle;
  if (pthread_create(&handle, NULL, readAhead, NULL) == 0)
    pthread_detach(handle);
}
