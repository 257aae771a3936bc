#include "runtime/Pool.h"

#include "runtime/Abi.h"
#include "runtime/Message.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Some 50 us of `pause`: longer than the skew of a kernel's shares or the time in
 * which the main thread samples and prints a token, shorter than anyone notices. */
#define SPINS_ALONE 2000u
/* With more threads than cores, the awaited thread may need this very core. */
#define SPINS_CROWDED 16u
#define STACK_BYTES (1u << 20)

/* The kernel's numbers; musl's headers have none of its own for futexes. */
enum { FutexWaitPrivate = 128, FutexWakePrivate = 129 };

static void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static void futex(_Atomic uint32_t *word, int operation, uint32_t value) {
  syscall(SYS_futex, word, operation, value, NULL, NULL, 0);
}

void cria_barrier(void *opaque) {
  CriaBarrier *barrier = opaque;
  if (barrier->threads == 1)
    return;
  uint32_t generation = atomic_load_explicit(&barrier->generation, memory_order_relaxed);
  uint32_t before = atomic_fetch_add_explicit(&barrier->arrived, 1, memory_order_acq_rel);
  if (before + 1 == barrier->threads) {
    atomic_store_explicit(&barrier->arrived, 0, memory_order_relaxed);
    atomic_store(&barrier->generation, generation + 1);
    if (atomic_load(&barrier->sleepers) != 0)
      futex(&barrier->generation, FutexWakePrivate, INT_MAX);
    return;
  }
  for (uint32_t spin = 0; spin < barrier->spins; ++spin) {
    if (atomic_load_explicit(&barrier->generation, memory_order_acquire) != generation)
      return;
    relax();
  }
  atomic_fetch_add(&barrier->sleepers, 1);
  while (atomic_load(&barrier->generation) == generation)
    futex(&barrier->generation, FutexWaitPrivate, generation);
  atomic_fetch_sub(&barrier->sleepers, 1);
}

uint32_t criaQuotaCores(const char *text) {
  if (!isdigit((unsigned char)*text))
    return 0; /* "max" */
  char *end;
  unsigned long long quota = strtoull(text, &end, 10);
  if (*end != ' ' || !isdigit((unsigned char)end[1]))
    return 0;
  unsigned long long period = strtoull(end + 1, &end, 10);
  if (quota == 0 || period == 0 || (*end && *end != '\n'))
    return 0;
  unsigned long long cores = quota / period + (quota % period != 0);
  return cores < UINT32_MAX ? (uint32_t)cores : UINT32_MAX;
}

/* Reads a short text, of which what does not fit is left out; "" where there is none. */
static void readText(const char *path, char *text, size_t capacity) {
  size_t used = 0;
  int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t got = descriptor < 0 ? 0 : 1;
  while (got > 0 && used < capacity - 1) {
    got = read(descriptor, text + used, capacity - 1 - used);
    used += got > 0 ? (size_t)got : 0;
  }
  text[used] = 0;
  if (descriptor >= 0)
    close(descriptor);
}

uint32_t criaGroupCores(const char *mount, const char *groups) {
  const char *line = strncmp(groups, "0::", 3) == 0 ? groups : strstr(groups, "\n0::");
  const char *group = line ? line + strcspn(line, "/") : "";
  size_t length = strcspn(group, "\n");
  uint32_t least = 0;
  for (;;) {
    while (length > 0 && group[length - 1] == '/')
      --length;
    char path[PATH_MAX], text[64];
    int needed = snprintf(path, sizeof(path), "%s%.*s/cpu.max", mount, (int)length, group);
    if (needed < (int)sizeof(path)) {
      readText(path, text, sizeof(text));
      uint32_t cores = criaQuotaCores(text);
      if (cores > 0 && (least == 0 || cores < least))
        least = cores;
    }
    if (length == 0)
      return least;
    while (length > 0 && group[length - 1] != '/')
      --length;
  }
}

uint32_t criaCoreCount(void) {
  /* As many as Linux can have: it fills no mask that is smaller than its own. */
  cpu_set_t set[8192 / 8 / sizeof(cpu_set_t)];
  uint32_t count = 1;
  if (sched_getaffinity(0, sizeof(set), set) == 0)
    count = (uint32_t)CPU_COUNT_S(sizeof(set), set);
  char groups[8192];
  readText("/proc/self/cgroup", groups, sizeof(groups));
  uint32_t quota = criaGroupCores("/sys/fs/cgroup", groups);
  if (quota > 0 && quota < count)
    count = quota;
  return count < 1 ? 1 : count > CRIA_MAX_THREADS ? CRIA_MAX_THREADS : count;
}

static void *work(void *opaque) {
  const CriaWorker *worker = opaque;
  CriaPool *pool = worker->pool;
  for (;;) {
    cria_barrier(&pool->barrier); /* a job is there */
    if (!pool->job)
      return NULL;
    pool->job(pool->context, worker->thread, pool->threads, &pool->barrier);
    cria_barrier(&pool->barrier); /* all have finished it */
  }
}

int criaPoolStart(CriaPool *pool, uint32_t threads) {
  memset(pool, 0, sizeof(*pool));
  pool->threads = threads;
  pool->barrier.threads = threads;
  pool->barrier.spins = threads <= criaCoreCount() ? SPINS_ALONE : SPINS_CROWDED;

  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, STACK_BYTES);
  int result = 0;
  for (uint32_t thread = 1; thread < threads && result == 0; ++thread) {
    CriaWorker *worker = &pool->workers[thread];
    worker->pool = pool;
    worker->thread = thread;
    int reason = pthread_create(&worker->handle, &attributes, work, worker);
    if (reason != 0)
      result = criaError("cannot start thread %u of %u: %s", thread + 1, threads,
                         strerror(reason));
  }
  pthread_attr_destroy(&attributes);
  return result;
}

void criaPoolRun(CriaPool *pool, CriaJob job, void *context) {
  pool->job = job;
  pool->context = context;
  cria_barrier(&pool->barrier);
  job(context, 0, pool->threads, &pool->barrier);
  cria_barrier(&pool->barrier);
}

void criaPoolStop(CriaPool *pool) {
  pool->job = NULL;
  cria_barrier(&pool->barrier);
  for (uint32_t thread = 1; thread < pool->threads; ++thread)
    pthread_join(pool->workers[thread].handle, NULL);
}
