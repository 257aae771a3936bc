/*===- RuntimeUnitTest.c - Text, numbers, chances and cores, under sanitizers ===*/
#include "runtime/Files.h"
#include "runtime/Options.h"
#include "runtime/Pool.h"
#include "runtime/Sampler.h"
#include "runtime/Session.h"
#include "runtime/Utf8.h"

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int failures;

#define CHECK(condition)                                                                   \
  do                                                                                       \
    if (!(condition)) {                                                                    \
      fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition);              \
      ++failures;                                                                          \
    }                                                                                      \
  while (0)

static char text[256];
static size_t textBytes;

static int collect(const char *bytes, size_t count) {
  memcpy(text + textBytes, bytes, count);
  textBytes += count;
  text[textBytes] = 0;
  return 0;
}

static void testUtf8(void) {
  static const struct {
    const char *in, *out;
  } cases[] = {
      {"plain", "plain"},
      {"\xc3\xa9\xe2\x82\xac\xf0\x9f\xa6\x99", "\xc3\xa9\xe2\x82\xac\xf0\x9f\xa6\x99"},
      {"a\x80" "b", "a\xef\xbf\xbd" "b"},                  /* no lead */
      {"\xe2\x82" "x", "\xef\xbf\xbd" "x"},                /* one per maximal part */
      {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},            /* overlong */
      {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* surrogate */
      {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
      {"\xe2\xe2\x82\xac", "\xef\xbf\xbd\xe2\x82\xac"},
      {"\xf0\x9f", "\xef\xbf\xbd"},                        /* the end cuts it */
      {"\xff", "\xef\xbf\xbd"},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); ++i) {
    CriaUtf8 utf8 = {{0}, 0};
    textBytes = 0;
    text[0] = 0;
    for (const char *c = cases[i].in; *c; ++c)
      CHECK(criaUtf8Push(&utf8, c, 1, collect) == 0);
    CHECK(criaUtf8End(&utf8, collect) == 0);
    CHECK(strcmp(text, cases[i].out) == 0);
  }
  /* Nothing of a character comes out before its last byte. */
  CriaUtf8 utf8 = {{0}, 0};
  textBytes = 0;
  criaUtf8Push(&utf8, "\xf0\x9f\xa6", 3, collect);
  CHECK(textBytes == 0);
  criaUtf8Push(&utf8, "\x99", 1, collect);
  CHECK(textBytes == 4);
}

/* Draws often and compares the frequency of each token with `expected` [n]; a
 * fixed seed, 5 standard deviations. */
static void checkDraws(CriaSampler sampler, const float *logits, const double *expected,
                       uint32_t n) {
  enum { Draws = 100000, Most = 16 };
  int counts[Most] = {0};
  CHECK(criaSamplerOpen(&sampler, n, 7) == 0);
  for (int i = 0; i < Draws; ++i) {
    int32_t id = criaSample(&sampler, logits, 0);
    CHECK(id >= 0 && id < (int32_t)n);
    ++counts[id];
  }
  for (uint32_t id = 0; id < n; ++id) {
    double p = expected[id], deviation = sqrt(Draws * p * (1 - p));
    CHECK(fabs(counts[id] - Draws * p) <= 5 * deviation);
  }
  criaSamplerClose(&sampler);
}

/* Every place of a row that is looked at by parts. */
static void testLongRows(void) {
  enum { Count = 75 };
  float row[Count];
  CriaSampler greedy = {.temperature = 0, .topP = 1}, few = {.temperature = 1, .topP = 1, .minP = 0.9};
  CHECK(criaSamplerOpen(&greedy, Count, 1) == 0 && criaSamplerOpen(&few, Count, 1) == 0);
  for (int id = 0; id < Count; ++id) {
    for (int i = 0; i < Count; ++i)
      row[i] = i % 7 ? -1 : -INFINITY;
    row[id] = 5;
    CHECK(criaSample(&greedy, row, 0) == id);
    row[(id + 40) % Count] = 5; /* the first of equal ones */
    CHECK(criaSample(&greedy, row, 0) == (id < 35 ? id : id - 35));
    row[(id + 40) % Count] = 4.9f;
    int seen[Count] = {0};
    for (int draw = 0; draw < 64; ++draw)
      ++seen[criaSample(&few, row, 0)];
    CHECK(seen[id] > 0 && seen[(id + 40) % Count] > 0 && seen[id] + seen[(id + 40) % Count] == 64);
    row[id] = NAN;
    CHECK(criaSample(&greedy, row, 0) == -1 && criaSample(&few, row, 0) == -1);
  }
  criaSamplerClose(&greedy);
  criaSamplerClose(&few);
}

static void testSampler(void) {
  /* Probabilities 0.1, 0.4, 0.2, 0.3, and one that is nothing. */
  const float logits[] = {logf(0.1f), logf(0.4f), logf(0.2f), logf(0.3f), -INFINITY};
  const CriaSampler off = {.temperature = 1, .topK = 0, .topP = 1, .minP = 0};
  CriaSampler s = off;
  checkDraws(s, logits, (double[]){0.1, 0.4, 0.2, 0.3, 0}, 5);
  s.temperature = 0.5; /* squares the odds */
  checkDraws(s, logits, (double[]){1 / 30., 16 / 30., 4 / 30., 9 / 30., 0}, 5);
  s = off, s.topK = 2;
  checkDraws(s, logits, (double[]){0, 4 / 7., 0, 3 / 7., 0}, 5);
  s = off, s.topP = 0.69;
  checkDraws(s, logits, (double[]){0, 4 / 7., 0, 3 / 7., 0}, 5);
  s = off, s.topP = 0.71;
  checkDraws(s, logits, (double[]){0, 4 / 9., 2 / 9., 3 / 9., 0}, 5);
  s = off, s.topP = 0;
  checkDraws(s, logits, (double[]){0, 1, 0, 0, 0}, 5);
  s = off, s.minP = 0.6;
  checkDraws(s, logits, (double[]){0, 4 / 7., 0, 3 / 7., 0}, 5);
  s = off, s.minP = 1;
  checkDraws(s, logits, (double[]){0, 1, 0, 0, 0}, 5);
  s = off, s.topK = 3, s.topP = 0.5; /* of the 0.9 that three have */
  checkDraws(s, logits, (double[]){0, 4 / 7., 0, 3 / 7., 0}, 5);
  s = off, s.temperature = 1e-30;
  checkDraws(s, logits, (double[]){0, 1, 0, 0, 0}, 5);

  /* Equal logits: by id. */
  const float equal[] = {1, 3, 3, 3};
  s = off, s.temperature = 0;
  checkDraws(s, equal, (double[]){0, 1, 0, 0}, 4);
  s = off, s.topK = 2;
  checkDraws(s, equal + 1, (double[]){0.5, 0.5, 0}, 3);
  s = off, s.topP = 0.1;
  checkDraws(s, equal + 1, (double[]){1, 0, 0}, 3);
  s = off, s.topP = 0.1, s.minP = 0.9; /* p below 1 / n still leaves the best */
  checkDraws(s, equal, (double[]){0, 1, 0, 0}, 4);

  s = off;
  CHECK(criaSamplerOpen(&s, 3, 1) == 0);
  const float notANumber[] = {0, NAN, 1}, infinite[] = {0, INFINITY, 0};
  const float nothing[] = {-INFINITY, -INFINITY, -INFINITY};
  CHECK(criaSample(&s, notANumber, 3) == -1);
  CHECK(criaSample(&s, infinite, 3) == -1);
  CHECK(criaSample(&s, nothing, 3) == -1);
  criaSamplerClose(&s);
}

static void testIds(void) {
  int32_t *ids;
  CHECK(criaParseIds("1,15,7", 16, &ids) == 3);
  CHECK(ids[0] == 1 && ids[1] == 15 && ids[2] == 7);
  free(ids);
  static const char *const wrong[] = {"", "1,", ",1", "16", "-1", "1, 2", "1;2", "0x1",
                                      "99999999999999999999999999999999"};
  for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); ++i)
    CHECK(criaParseIds(wrong[i], 16, &ids) == -1);
}

/* However long it is, a line arrives whole. */
static void testLongLine(void) {
  FILE *file = tmpfile();
  int output = dup(STDOUT_FILENO);
  CHECK(file && output >= 0 && dup2(fileno(file), STDOUT_FILENO) >= 0);
  int result = criaPrint("%0*d\n", 3000, 7);
  result |= criaFlush();
  dup2(output, STDOUT_FILENO);
  CHECK(result == 0);
  CHECK(lseek(fileno(file), 0, SEEK_END) == 3001);
  close(output);
  fclose(file);
}

/* A text that a tokenizer cannot take is not looked at. */
static void testLongText(void) {
  CriaTokenizer tokenizer;
  const char *reason;
  CHECK(criaTokenizerOpen(&tokenizer, "fakeTables", 10, &reason) == 0);
  CriaOptions options = {0};
  CriaSession session = {.options = &options, .tokenizer = &tokenizer};
  CriaIds ids = {0};
  CHECK(criaEncodeText(&session, "ab", 2, &ids) == 0 && ids.count == 2);
  FILE *file = tmpfile();
  int errors = dup(STDERR_FILENO);
  CHECK(file && errors >= 0 && dup2(fileno(file), STDERR_FILENO) >= 0);
  int result = criaEncodeText(&session, "ab", ((size_t)512 << 20) + 1, &ids);
  fflush(stderr);
  dup2(errors, STDERR_FILENO);
  CHECK(result == -1 && ids.count == 2);
  rewind(file);
  text[fread(text, 1, sizeof(text) - 1, file)] = 0;
  CHECK(strcmp(text, "cria: a text expects at most 536870912 bytes, but got 536870913\n") == 0);
  close(errors);
  fclose(file);
  free(ids.data);
}

static void testQuota(void) {
  static const struct {
    const char *text;
    uint32_t cores;
  } cases[] = {
      {"max 100000\n", 0},
      {"200000 100000\n", 2},
      {"200001 100000\n", 3},
      {"150000 100000", 2},
      {"1000 100000\n", 1},
      {"1600000 50000\n", 32},
      {"18446744073709551615 1\n", UINT32_MAX},
      {"", 0},
      {"\n", 0},
      {"200000\n", 0},
      {"200000 \n", 0},
      {"200000 0\n", 0},
      {"0 100000\n", 0},
      {"-1 100000\n", 0},
      {"200000 -1\n", 0},
      {"200000 100000 1\n", 0},
      {"200000 max\n", 0},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); ++i)
    if (criaQuotaCores(cases[i].text) != cases[i].cores) {
      fprintf(stderr, "'%s' is a quota of %u cores, expected %u\n", cases[i].text,
              criaQuotaCores(cases[i].text), cases[i].cores);
      ++failures;
    }
}

static void writeText(const char *folder, const char *name, const char *content) {
  char path[256];
  snprintf(path, sizeof(path), "%s/%s", folder, name);
  FILE *file = fopen(path, "w");
  CHECK(file && fputs(content, file) >= 0);
  if (file)
    fclose(file);
}

/* A tree of groups: what is around one counts as well, what is beside it does not. */
static void testGroups(void) {
  char mount[] = "/tmp/cria-groups-XXXXXX";
  CHECK(mkdtemp(mount) != NULL);
  static const char *const folders[] = {"", "/slice", "/slice/inner", "/slice/beside"};
  char path[256];
  for (size_t i = 1; i < sizeof(folders) / sizeof(*folders); ++i) {
    snprintf(path, sizeof(path), "%s%s", mount, folders[i]);
    CHECK(mkdir(path, 0700) == 0);
  }
  CHECK(criaGroupCores(mount, "0::/slice/inner\n") == 0);
  writeText(mount, "slice/cpu.max", "800000 100000\n");
  writeText(mount, "slice/inner/cpu.max", "max 100000\n");
  writeText(mount, "slice/beside/cpu.max", "100000 100000\n");
  CHECK(criaGroupCores(mount, "0::/\n") == 0);
  CHECK(criaGroupCores(mount, "0::/slice\n") == 8);
  CHECK(criaGroupCores(mount, "0::/slice/inner\n") == 8);
  CHECK(criaGroupCores(mount, "0::/slice/inner") == 8);
  CHECK(criaGroupCores(mount, "0::/slice/none\n") == 8);
  CHECK(criaGroupCores(mount, "0::/slice/beside\n") == 1);
  CHECK(criaGroupCores(mount, "4:memory:/slice/beside\n0::/slice/inner\n") == 8);
  CHECK(criaGroupCores(mount, "10::/slice\n") == 0); /* another number */
  CHECK(criaGroupCores(mount, "") == 0);
  writeText(mount, "cpu.max", "300000 100000\n"); /* a container sees its own at the root */
  CHECK(criaGroupCores(mount, "0::/\n") == 3);
  CHECK(criaGroupCores(mount, "0::/slice/inner\n") == 3);
  CHECK(criaGroupCores(mount, "0::/slice/beside\n") == 1);
  CHECK(criaGroupCores(mount, "") == 3);
  CHECK(criaGroupCores("/no/such/mount", "0::/slice\n") == 0);
  for (size_t i = sizeof(folders) / sizeof(*folders); i-- > 0;) {
    snprintf(path, sizeof(path), "%s%s/cpu.max", mount, folders[i]);
    unlink(path);
    *strrchr(path, '/') = 0;
    CHECK(rmdir(path) == 0);
  }
}

/* As Linux for 8192 cores answers, of which this process may use `usable`, the last ones. */
static int usable;

int sched_getaffinity(pid_t process, size_t bytes, cpu_set_t *set) {
  (void)process;
  if (bytes < 8192 / 8) {
    errno = EINVAL;
    return -1;
  }
  memset(set, 0, bytes);
  for (int core = 8192 - usable; core < 8192; ++core)
    CPU_SET_S((size_t)core, bytes, set);
  return 0;
}

static void testCores(void) {
  static char groups[8192];
  FILE *file = fopen("/proc/self/cgroup", "r");
  if (file) {
    groups[fread(groups, 1, sizeof(groups) - 1, file)] = 0;
    fclose(file);
  }
  uint32_t quota = criaGroupCores("/sys/fs/cgroup", groups); /* that these tests run in */
  for (usable = 1; usable <= 8192; usable = 2 * usable + 1) {
    uint32_t wanted = usable < CRIA_MAX_THREADS ? (uint32_t)usable : CRIA_MAX_THREADS;
    CHECK(criaCoreCount() == (quota > 0 && quota < wanted ? quota : wanted));
  }
}

int main(void) {
  testUtf8();
  testLongLine();
  testLongText();
  testSampler();
  testLongRows();
  testIds();
  testQuota();
  testGroups();
  testCores();
  if (failures)
    fprintf(stderr, "%d checks failed\n", failures);
  return failures != 0;
}
