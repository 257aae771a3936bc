/*===- Abi.h - What generated code and the runtime agree on ------------------===
 *
 * Plain C, included by the compiler (which emits a `CriaModel` and the entry
 * points) and by the runtime (which maps the weights and calls them). Change a
 * struct here and the version below changes with it: the runtime refuses an
 * object of another version, and says so.
 *
 * An artifact is one file:
 *
 *   ELF executable            runtime + generated code + a `CriaModel` for each level
 *   (padding to a page)
 *   weights segment           `CriaModel.weights_bytes`, mapped read-only
 *   (padding to a page)
 *   tokenizer tables          `TokenizerTables.h`; absent if bytes == 0
 *   CriaTrailer               the last bytes of the file
 *
 * Letters: T tokens of a chunk, C context, V vocabulary, D model width.
 *===------------------------------------------------------------------------===*/
#ifndef CRIA_RUNTIME_ABI_H
#define CRIA_RUNTIME_ABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#define CRIA_STATIC_ASSERT static_assert
#else
#define CRIA_STATIC_ASSERT _Static_assert
#endif

#define CRIA_ABI_VERSION 9u
/* Alignment of every segment in the artifact and of every buffer at run time. */
#define CRIA_PAGE_BYTES 4096u
/* Alignment of every tensor within a segment: a cache line, a 512-bit vector. */
#define CRIA_TENSOR_ALIGNMENT 64u
#define CRIA_MAX_EOS_IDS 8u

/* An entry point of the generated code. SPMD: all `threads` threads call it with
 * the same arguments except `thread` (0 <= thread < threads) and `scratch`; each
 * takes its static share of every kernel, or all of a small one, and meets the
 * others at the barrier.
 *
 *   weights    the weights segment (read-only)
 *   state      KV caches, tokens, hidden states, margin, logits, observations: `state_bytes`, zeroed at start
 *   workspace  intermediate tensors shared by the threads: `workspace_bytes`
 *   scratch    this thread's own: `scratch_bytes`
 *   index      forward_*: position p of the first token; finish_*: p times T, plus the first row;
 *              logits_*: the first row
 *   rows       *_chunk: how many rows, from the first one on, hold a token (1 to T); the others are
 *              not computed, or what is made of them is nobody's. *_one: 1
 */
typedef void (*CriaEntry)(const void *weights, void *state, void *workspace,
                          void *scratch, int64_t index, int64_t rows, int64_t thread,
                          int64_t threads, void *barrier);

/* Called by generated code between kernels that touch the same bytes; defined by
 * the runtime. Returns when all threads of the pool have called it. */
void cria_barrier(void *barrier);

/* One CPU feature that the generated code needs; the meaning of `locator` is the
 * target's (x86-64: CPUID leaf, subleaf, register 0..3 = a..d, bit). */
typedef struct CriaCpuFeature {
  const char *name;
  uint32_t locator[4];
} CriaCpuFeature;

/* Where a step leaves vectors that matrices are multiplied by, in a model compiled to
 * have them recorded: f32 [parts, T, part] in the state segment. Row t holds what
 * belongs to token t of a forward step, or to row t of a logits step. */
typedef struct CriaObservation {
  uint64_t offset; /* within the state segment, in bytes */
  uint32_t parts;
  uint32_t part; /* floats; a vector has parts * part */
} CriaObservation;

/* Where all KV caches keep positions: blocks in the state segment, of which block i holds what
 * belongs to positions i * positions to (i + 1) * positions - 1. */
typedef struct CriaCaches {
  uint64_t offset;      /* within the state segment, in bytes */
  uint64_t block_bytes; /* 0: there are none */
  uint64_t blocks;      /* blocks * positions >= C + T */
  uint64_t positions;
} CriaCaches;

/* What the compiler knows of the artifact, and the code for one chip or level of chips.
 * An artifact may hold several, which share the weights and differ in target, features,
 * sizes and places of memory and entry points only. */
typedef struct CriaModel {
  uint32_t abi_version;  /* CRIA_ABI_VERSION of the compiler */
  uint32_t struct_bytes; /* sizeof(CriaModel) of the compiler */

  const char *producer;     /* "cria 0.1.0" */
  const char *name;         /* model name */
  const char *architecture; /* "llama", "mistral", "qwen2", ... */
  const char *target;       /* "x86-64-v3", ... */
  const char *weight_type;  /* "f32", "f16", "bf16", "as stored (f16)" ... */
  const char *cache_type;   /* of keys and values: "f32", "f16", "bf16", "q8" */
  const char *input_hash;   /* XXH3-128 of the input files, hexadecimal */
  const CriaCpuFeature *cpu_features; /* [cpu_feature_count] */
  uint32_t cpu_feature_count;

  /* Hyperparameters, for --info and bounds checks. */
  uint32_t vocabulary; /* V */
  uint32_t width;      /* D */
  uint32_t ffn;        /* F */
  uint32_t layers;
  uint32_t heads;      /* H */
  uint32_t kv_heads;   /* Hkv */
  uint32_t head_size;  /* Dh */
  uint32_t context;    /* C: positions the KV cache holds */
  uint32_t chunk;      /* T: rows of forward_chunk and logits_chunk */
  uint32_t logits_stride; /* floats from one row of logits to the next, >= V */
  int32_t bos_id;      /* -1: none */
  uint32_t add_bos;    /* 1: a prompt starts with bos_id */
  uint32_t eos_count;
  int32_t eos_ids[CRIA_MAX_EOS_IDS];
  uint64_t parameters; /* number of weights, tied ones once */

  /* Sizes to reserve, in bytes. */
  uint64_t weights_bytes;
  uint64_t state_bytes;
  uint64_t workspace_bytes;
  uint64_t scratch_bytes; /* per thread */

  /* Places within the state segment, in bytes. */
  uint64_t tokens_offset; /* int32 [T]: input of forward_* */
  uint64_t logits_offset; /* f32 [T, logits_stride]: output of logits_* */
  uint64_t margin_offset; /* f32 [1]: input of logits_screened; 0: there is none */
  uint64_t rough_bytes;   /* of the weights, what logits_screened reads first; 0: there is none */

  const CriaObservation *observations; /* [observation_count]; mostly none */
  uint64_t observation_count;

  CriaCaches caches;

  /* forward_one reads tokens[0], forward_chunk tokens[0..rows); they append as many rows
   * to the KV caches from position `index` on and leave hidden states [T, D] in
   * the state. The caches have room for C + T positions, so that what stands for rows without
   * a token may overhang the context. What forward_chunk leaves lacks the last layer, which
   * finish_one adds to one row, making it the first one, and finish_chunk to all.
   * logits_one writes logits[0] from hidden[index]; logits_chunk writes all rows
   * (its index is 0). logits_screened, where there is one, is another logits_one: those that
   * are not below the best one less the margin are the same, others may be minus infinity. */
  CriaEntry forward_one;
  CriaEntry forward_chunk;
  CriaEntry finish_one;
  CriaEntry finish_chunk;
  CriaEntry logits_one;
  CriaEntry logits_chunk;
  CriaEntry logits_screened; /* NULL: none */
} CriaModel;

/* Defined by the generated code: every level's model, then NULL, ordered so that the
 * last whose features a machine has suits it best. Itself code that runs anywhere. */
const CriaModel *const *cria_models(void);

/* The last bytes of an artifact. Offsets are from the start of the file. */
typedef struct CriaTrailer {
  uint64_t weights_offset; /* multiple of CRIA_PAGE_BYTES */
  uint64_t weights_bytes;
  uint64_t tokenizer_offset; /* multiple of CRIA_PAGE_BYTES */
  uint64_t tokenizer_bytes;  /* 0: compiled without a tokenizer */
  uint64_t file_bytes;       /* the whole file, this trailer included */
  uint32_t abi_version;
  uint32_t reserved; /* 0 */
  char magic[16];    /* CRIA_TRAILER_MAGIC */
} CriaTrailer;

#define CRIA_TRAILER_MAGIC "cria artifact 1" /* 15 characters and a NUL */
/* The first bytes of what `--record` writes (Record.h). */
#define CRIA_RECORD_MAGIC "cria records 01" /* likewise */

CRIA_STATIC_ASSERT(sizeof(CriaCpuFeature) == 24, "CriaCpuFeature changed: raise CRIA_ABI_VERSION");
CRIA_STATIC_ASSERT(sizeof(CriaObservation) == 16, "CriaObservation changed: raise CRIA_ABI_VERSION");
CRIA_STATIC_ASSERT(sizeof(CriaCaches) == 32, "CriaCaches changed: raise CRIA_ABI_VERSION");
CRIA_STATIC_ASSERT(sizeof(CriaModel) == 336, "CriaModel changed: raise CRIA_ABI_VERSION");
CRIA_STATIC_ASSERT(sizeof(CriaTrailer) == 64, "CriaTrailer changed: raise CRIA_ABI_VERSION");

#ifdef __cplusplus
}
#endif

#endif /* CRIA_RUNTIME_ABI_H */
