/*===- Pool.h - A fixed set of threads that run one function together --------===
 *
 * SPMD: `criaPoolRun` makes every thread call one function, the calling thread
 * being thread 0, and returns when all have. Threads meet at one barrier, both
 * around a run and, through `cria_barrier`, inside it. A decode step has some
 * hundred barriers, so the barrier must cost no system call while all threads are
 * running: a waiting thread first spins on the generation counter. It must not
 * burn a core either, where another process holds the thread that everybody waits
 * for, or between runs: after a short while it sleeps on that same counter (futex).
 *
 * One barrier, its proof in four lines: `generation` cannot advance before the
 * last thread arrives, so what a thread reads before it arrives is current. A
 * sleeper announces itself in `sleepers` before its last look at `generation`;
 * the last thread advances `generation` before it looks at `sleepers`. Both in one
 * total order (seq_cst), so at least one sees the other, and the kernel repeats
 * the comparison atomically.
 *===------------------------------------------------------------------------===*/
#ifndef CRIA_RUNTIME_POOL_H
#define CRIA_RUNTIME_POOL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#define CRIA_MAX_THREADS 1024

/* What threads meet at. The counters that arriving threads write lie on another
 * cache line than the one that waiting threads read. */
typedef struct CriaBarrier {
  _Alignas(64) _Atomic uint32_t generation;
  uint32_t threads;
  uint32_t spins; /* how often to look before sleeping */
  _Alignas(64) _Atomic uint32_t arrived;
  _Atomic uint32_t sleepers;
} CriaBarrier;

/* A function that all threads run; `barrier` is for `cria_barrier`. */
typedef void (*CriaJob)(void *context, int64_t thread, int64_t threads, void *barrier);

typedef struct CriaPool CriaPool;

/* A thread of the pool other than the calling one. */
typedef struct CriaWorker {
  CriaPool *pool;
  int64_t thread; /* its number, from 1 */
  pthread_t handle;
} CriaWorker;

struct CriaPool {
  CriaBarrier barrier;
  CriaJob job; /* NULL: the threads end */
  void *context;
  uint32_t threads;
  CriaWorker workers[CRIA_MAX_THREADS]; /* [1, threads) are used */
};

/* How many threads this process can run at once, from 1 to CRIA_MAX_THREADS: the cores that it
 * may run on, or the quota of processor time that it has (cgroup v2) where that is less. Threads
 * beyond a quota would spend it on waiting for those that it holds back. */
uint32_t criaCoreCount(void);

/* The cores whose whole time a cgroup has by its cpu.max, "QUOTA PERIOD" in microseconds,
 * rounded up; 0: no quota ("max PERIOD"), or not to be understood. */
uint32_t criaQuotaCores(const char *text);
/* The least of that for the cgroup that `groups` names, the text of /proc/self/cgroup, and for
 * those that it lies in, the root of all being mounted at `mount`; 0: no quota. */
uint32_t criaGroupCores(const char *mount, const char *groups);

/* Starts `threads` - 1 threads; 1 <= threads <= CRIA_MAX_THREADS. Returns 0, or
 * prints an error and returns -1; the pool is of no use then, nor can it be stopped:
 * the caller ends the process. */
int criaPoolStart(CriaPool *pool, uint32_t threads);
void criaPoolRun(CriaPool *pool, CriaJob job, void *context);
/* Ends the threads and waits for them. */
void criaPoolStop(CriaPool *pool);

#endif /* CRIA_RUNTIME_POOL_H */
