#include "benchmarks/kernels/Team.h"

#include "runtime/Engine.h"

#include <stdlib.h>
#include <sys/mman.h>

struct CriaTeam {
  CriaEngine engine;
  CriaEntry entry;
  int64_t index, rows;
};

CriaTeam *criaTeamOpen(const CriaModel *model, const void *weights, uint32_t threads) {
  CriaTeam *team = aligned_alloc(64, (sizeof(CriaTeam) + 63) / 64 * 64);
  /* Not freed where that fails: threads that were started before wait in it. */
  return team && criaEngineOpen(&team->engine, model, weights, threads, 0) == 0 ? team : NULL;
}

static void call(void *opaque, int64_t thread, int64_t threads, void *barrier) {
  const CriaTeam *team = opaque;
  const CriaEngine *e = &team->engine;
  team->entry(e->weights, e->state, e->workspace, e->scratch + thread * e->scratchStride, team->index,
              team->rows, thread, threads, barrier);
}

void criaTeamRun(CriaTeam *team, CriaEntry entry, int64_t index, int64_t rows) {
  team->entry = entry;
  team->index = index;
  team->rows = rows;
  criaPoolRun(&team->engine.pool, call, team);
}

uint8_t *criaTeamState(CriaTeam *team) { return team->engine.state; }

/* A program's memory goes with its process; here, many models come one by one. */
void criaTeamClose(CriaTeam *team) {
  CriaEngine *e = &team->engine;
  criaEngineClose(e);
  munmap(e->state, e->model->state_bytes);
  munmap(e->workspace, e->model->workspace_bytes);
  munmap(e->scratch, e->scratchStride * e->pool.threads);
  free(team);
}
