#include "runtime/Cpu.h"

#include "runtime/Message.h"

#include <cpuid.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Bits of XCR0: the register state that the system saves for its processes. A CPU
 * may know instructions whose registers the kernel does not keep. */
#define STATE_AVX 0x06ull    /* XMM and upper YMM */
#define STATE_AVX512 0xe6ull /* and masks, upper ZMM, ZMM16 to 31 */
#define STATE_AMX 0x60006ull /* AVX's, and tile configuration and data */

static uint64_t enabledState(void) {
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
    return 0;
  unsigned low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t)high << 32 | low;
}

static uint64_t neededState(const char *name) {
  if (strncmp(name, "avx512", 6) == 0)
    return STATE_AVX512;
  if (strncmp(name, "amx", 3) == 0)
    return STATE_AMX;
  if (strncmp(name, "avx", 3) == 0 || strcmp(name, "fma") == 0 || strcmp(name, "f16c") == 0)
    return STATE_AVX;
  return 0;
}

/* locator: CPUID leaf, subleaf, register 0..3 = a..d, bit. */
static int hasFeature(const uint32_t *locator) {
  unsigned registers[4] = {0};
  if (locator[2] > 3 || locator[3] > 31)
    return 0;
  if (!__get_cpuid_count(locator[0], locator[1], &registers[0], &registers[1],
                         &registers[2], &registers[3]))
    return 0;
  return registers[locator[2]] >> locator[3] & 1;
}

typedef enum Lack { LACKS_NOTHING, LACKS_CPU, LACKS_SYSTEM, LACKS_PERMISSION } Lack;

/* Tiles are 8 KB that Linux keeps for a process, all its threads, only if asked
 * (Documentation/arch/x86/xstate.rst); the first instruction would else be a SIGILL. */
#define ARCH_REQ_XCOMP_PERM 0x1023
#define STATE_NUMBER_TILES 18

static int allowsTiles(void) {
  return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, STATE_NUMBER_TILES) == 0;
}

/* What keeps `model` from running here: its first feature that is missing, if any. */
static Lack findLack(const CriaModel *model, const char **name) {
  uint64_t state = enabledState();
  for (uint32_t i = 0; i < model->cpu_feature_count; ++i) {
    const CriaCpuFeature *feature = &model->cpu_features[i];
    *name = feature->name;
    if (!hasFeature(feature->locator))
      return LACKS_CPU;
    uint64_t needed = neededState(feature->name);
    if ((state & needed) != needed)
      return LACKS_SYSTEM;
    if (needed == STATE_AMX && !allowsTiles())
      return LACKS_PERMISSION;
  }
  return LACKS_NOTHING;
}

int criaCpuRuns(const CriaModel *model) {
  const char *name;
  return findLack(model, &name) == LACKS_NOTHING;
}

int criaCpuCheck(const CriaModel *model) {
  const char *name = "";
  switch (findLack(model, &name)) {
  case LACKS_NOTHING:
    return 0;
  case LACKS_CPU:
    return criaError("this CPU lacks %s, which this file was compiled for (target %s)", name,
                     model->target);
  case LACKS_SYSTEM:
    return criaError("this system does not enable %s, which this file was compiled for "
                     "(target %s)", name, model->target);
  case LACKS_PERMISSION:
    return criaError("this system does not let programs use %s, which this file was compiled "
                     "for (target %s): %s", name, model->target, strerror(errno));
  }
  __builtin_unreachable();
}
