/*===- PoolTest.c - The barrier under load, for ThreadSanitizer --------------===
 *
 * Every thread writes its own slot, meets the others and reads all slots: plain
 * memory, so that only the barrier orders it. Run with as many threads as cores and
 * with many more, without pauses (all spin) and with (all sleep).
 *===------------------------------------------------------------------------===*/
#include "runtime/Abi.h"
#include "runtime/Pool.h"

#include <stdio.h>
#include <unistd.h>

enum { Rounds = 40, Runs = 200, Most = 16 };

typedef struct Slots {
  int64_t slots[Most];
  int64_t wrong[Most]; /* by thread */
  int64_t rounds;
  int pauses;
} Slots;

static void job(void *opaque, int64_t thread, int64_t threads, void *barrier) {
  Slots *s = opaque;
  for (int64_t round = 1; round <= s->rounds; ++round) {
    if (s->pauses && (round + thread) % 16 == 0)
      usleep(200);
    s->slots[thread] = s->slots[thread] + thread + 1;
    cria_barrier(barrier);
    for (int64_t other = 0; other < threads; ++other)
      s->wrong[thread] += s->slots[other] != (other + 1) * (s->slots[thread] / (thread + 1));
    cria_barrier(barrier);
  }
}

static int64_t stress(uint32_t threads, int pauses) {
  static CriaPool pool;
  Slots slots = {.rounds = Rounds, .pauses = pauses};
  int64_t wrong = 0;
  if (criaPoolStart(&pool, threads) != 0)
    return 1;
  for (int run = 0; run < Runs / (pauses ? 10 : 1); ++run) {
    if (pauses && run % 4 == 0)
      usleep(500); /* the others go to sleep between runs */
    criaPoolRun(&pool, job, &slots);
  }
  criaPoolStop(&pool);
  for (uint32_t thread = 0; thread < threads; ++thread) {
    wrong += slots.wrong[thread];
    wrong += slots.slots[thread] != (thread + 1) * (int64_t)Rounds * (Runs / (pauses ? 10 : 1));
  }
  if (wrong)
    fprintf(stderr, "%u threads: %lld wrong values\n", threads, (long long)wrong);
  return wrong;
}

int main(void) {
  static const uint32_t counts[] = {1, 2, 3, 4, Most};
  int64_t wrong = 0;
  for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); ++i)
    wrong += stress(counts[i], 0) + stress(counts[i], 1);
  return wrong != 0;
}
