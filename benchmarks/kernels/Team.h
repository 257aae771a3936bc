/*===- Team.h - Generated code, called as the runtime calls it ---------------===
 *
 * The runtime's headers are C11 with atomics; this much of them is for C++ too.
 *===------------------------------------------------------------------------===*/
#ifndef CRIA_BENCHMARKS_KERNELS_TEAM_H
#define CRIA_BENCHMARKS_KERNELS_TEAM_H

#include "runtime/Abi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Threads of the runtime's kind, with the memory that a model asks for. */
typedef struct CriaTeam CriaTeam;

/* A team of `threads` for `model`, whose weights segment is at `weights`; both must
 * outlive it. NULL, with an error printed, if there is no memory or no thread. */
CriaTeam *criaTeamOpen(const CriaModel *model, const void *weights, uint32_t threads);
/* Runs `entry` at `index`, with `rows` tokens, on all threads, and returns when all are done. */
void criaTeamRun(CriaTeam *team, CriaEntry entry, int64_t index, int64_t rows);
/* The state segment: tokens, logits, caches. */
uint8_t *criaTeamState(CriaTeam *team);
void criaTeamClose(CriaTeam *team);

#ifdef __cplusplus
}
#endif

#endif /* CRIA_BENCHMARKS_KERNELS_TEAM_H */
