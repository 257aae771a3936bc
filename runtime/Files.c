#include "runtime/Files.h"

#include "runtime/Message.h"
#include "runtime/Tokenizer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RowsBufferBytes = 1 << 18, ReadStepBytes = 1 << 16 };

void criaReserveStandardFiles(void) {
  for (int descriptor = 0; descriptor <= 2; ++descriptor)
    if (fcntl(descriptor, F_GETFD) < 0 && errno == EBADF)
      /* The other way round: what is closed must still fail to be read, or written to. */
      (void)open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

/* Writes all bytes. Returns 0, or -1 with errno set. */
static int writeAll(int descriptor, const char *bytes, size_t count) {
  while (count > 0) {
    ssize_t written = write(descriptor, bytes, count);
    if (written < 0) {
      if (errno == EINTR)
        continue;
      return -1;
    }
    bytes += written;
    count -= (size_t)written;
  }
  return 0;
}

static char outputBuffer[8192];
static size_t outputUsed;

int criaFlush(void) {
  size_t count = outputUsed;
  outputUsed = 0;
  if (writeAll(STDOUT_FILENO, outputBuffer, count) != 0)
    return criaError("cannot write to standard output: %s", strerror(errno));
  return 0;
}

int criaWrite(const char *bytes, size_t count) {
  while (count > 0) {
    size_t part = sizeof(outputBuffer) - outputUsed;
    if (part > count)
      part = count;
    memcpy(outputBuffer + outputUsed, bytes, part);
    outputUsed += part;
    bytes += part;
    count -= part;
    if (outputUsed == sizeof(outputBuffer) && criaFlush() != 0)
      return -1;
  }
  return 0;
}

int criaCloseOutput(void) {
  if (criaFlush() != 0)
    return -1;
  if (close(STDOUT_FILENO) != 0)
    return criaError("cannot write to standard output: %s", strerror(errno));
  return 0;
}

int criaPrint(const char *format, ...) {
  char own[1024], *text = own;
  va_list arguments, again;
  va_start(arguments, format);
  va_copy(again, arguments);
  int length = vsnprintf(own, sizeof(own), format, arguments);
  if (length >= (int)sizeof(own) && (text = malloc((size_t)length + 1)))
    vsnprintf(text, (size_t)length + 1, format, again);
  va_end(again);
  va_end(arguments);
  if (length < 0 || !text)
    return criaError("cannot format a line of output: %s", strerror(errno));
  int result = criaWrite(text, (size_t)length);
  if (text != own)
    free(text);
  return result;
}

int criaReadText(const char *path, char **bytes, size_t *count) {
  int isInput = strcmp(path, "-") == 0;
  const char *name = isInput ? "standard input" : path, *quote = isInput ? "" : "'";
  int descriptor = isInput ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return criaError("cannot open '%s': %s", path, strerror(errno));

  char *buffer = NULL;
  size_t used = 0, capacity = 0;
  int result = 0;
  for (;;) {
    if (capacity - used < ReadStepBytes) {
      size_t larger = capacity > SIZE_MAX / 2 ? 0 : capacity * 2 + ReadStepBytes;
      char *grown = larger ? realloc(buffer, larger) : NULL;
      if (!grown) {
        result = criaError("%s%s%s does not fit into memory", quote, name, quote);
        break;
      }
      buffer = grown;
      capacity = larger;
    }
    ssize_t got = read(descriptor, buffer + used, capacity - used);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      result = criaError("cannot read %s%s%s: %s", quote, name, quote, strerror(errno));
    if (got <= 0)
      break;
    used += (size_t)got;
    if (used > CRIA_MAX_TEXT_BYTES) {
      result = criaError("a text expects at most %zu bytes, but got more from %s%s%s", CRIA_MAX_TEXT_BYTES,
                         quote, name, quote);
      break;
    }
  }
  if (!isInput)
    close(descriptor);
  if (result != 0) {
    free(buffer);
    return result;
  }
  *bytes = buffer;
  *count = used;
  return 0;
}

/* The temporary that a signal's handler removes before the process dies. */
static const char *volatile doomed;

static void removeAndDie(int signal) {
  const char *path = doomed;
  if (path)
    unlink(path);
  /* The handler was installed with SA_RESETHAND: raised again, and no longer blocked as it is
   * in here, the signal ends the process. Only number 1, as a container's first is, goes on:
   * the kernel spares it. */
  sigset_t own;
  sigemptyset(&own);
  sigaddset(&own, signal);
  sigprocmask(SIG_UNBLOCK, &own, NULL);
  raise(signal);
  _exit(128 + signal);
}

/* `path` is removed if a signal ends the program, until the next call; NULL: nothing is. What
 * the parent process asked to be ignored (nohup, a job in the background) still is. */
static void removeOnSignals(const char *path) {
  static const int ending[] = {SIGINT,  SIGTERM, SIGHUP,  SIGQUIT, SIGXCPU, SIGALRM, SIGVTALRM,
                               SIGUSR1, SIGUSR2, SIGBUS,  SIGSEGV, SIGILL,  SIGFPE,  SIGABRT};
  doomed = path;
  struct sigaction action, before;
  memset(&action, 0, sizeof(action));
  action.sa_handler = path ? removeAndDie : SIG_DFL;
  action.sa_flags = SA_RESETHAND;
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < sizeof(ending) / sizeof(*ending); ++i)
    if (sigaction(ending[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
      sigaction(ending[i], &action, NULL);
}

void criaRowsDiscard(CriaRows *rows) {
  if (rows->descriptor >= 0)
    close(rows->descriptor);
  rows->descriptor = -1;
  if (rows->temporary) {
    unlink(rows->temporary);
    removeOnSignals(NULL);
  }
  free(rows->temporary);
  free(rows->target);
  free(rows->buffer);
  rows->temporary = rows->target = rows->buffer = NULL;
}

static int rowsFail(CriaRows *rows, const char *what) {
  int reason = errno;
  criaRowsDiscard(rows); /* first: the message may go to the same full disk */
  return criaError("cannot %s '%s': %s", what, rows->path, strerror(reason));
}

static int isSame(const struct stat *a, const struct stat *b) {
  return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* What of this program's own the file is, which it would lose if it were replaced; NULL: nothing. */
static const char *ownFile(const struct stat *status, const char *input) {
  struct stat other;
  if (stat("/proc/self/exe", &other) == 0 && isSame(status, &other))
    return "the model";
  if (input && stat(input, &other) == 0 && isSame(status, &other))
    return "the input";
  if (S_ISREG(status->st_mode) && fstat(STDIN_FILENO, &other) == 0 && isSame(status, &other))
    return "standard input";
  if (S_ISREG(status->st_mode) && fstat(STDOUT_FILENO, &other) == 0 && isSame(status, &other))
    return "standard output";
  return NULL;
}

/* A file of a new name beside the target, with the permissions of any new file: what a killed
 * process left is in nobody's way, not even where every process has the same number. */
static int createTemporary(CriaRows *rows) {
  static const char suffix[] = ".XXXXXX";
  const char *slash = strrchr(rows->target, '/'), *name = slash ? slash + 1 : rows->target;
  size_t kept = strlen(rows->target), bytes = strlen(name), most = NAME_MAX + 1 - sizeof(suffix);
  if (bytes > most && bytes <= NAME_MAX)
    kept -= bytes - most; /* the suffix takes the place of the end of a name that leaves none */
  size_t length = kept + sizeof(suffix);
  rows->temporary = malloc(length);
  if (!rows->temporary)
    return rowsFail(rows, "write");
  memcpy(rows->temporary, rows->target, kept);
  memcpy(rows->temporary + kept, suffix, sizeof(suffix));
  sigset_t all, before; /* no signal between making it and knowing what to remove */
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, &before);
  rows->descriptor = mkostemp(rows->temporary, O_CLOEXEC);
  int reason = errno;
  if (rows->descriptor >= 0)
    removeOnSignals(rows->temporary);
  sigprocmask(SIG_SETMASK, &before, NULL);
  if (rows->descriptor < 0) {
    free(rows->temporary); /* not ours to remove */
    rows->temporary = NULL;
    errno = reason;
    return rowsFail(rows, "create");
  }
  mode_t mask = umask(0);
  umask(mask);
  return fchmod(rows->descriptor, 0666 & ~mask) == 0 ? 0 : rowsFail(rows, "create");
}

int criaRowsOpen(CriaRows *rows, const char *path, const char *input) {
  memset(rows, 0, sizeof(*rows));
  rows->path = path;
  rows->descriptor = -1;
  rows->buffer = malloc(RowsBufferBytes);
  if (!rows->buffer)
    return rowsFail(rows, "write");

  /* Devices and pipes are written to; only a regular file is replaced, and a
   * symbolic link keeps pointing to it: one that leads nowhere is refused. */
  struct stat status, own;
  int exists = stat(path, &status) == 0;
  if (!*path)
    return rowsFail(rows, "write");
  int reason = errno;
  if (!exists && lstat(path, &own) == 0 && S_ISLNK(own.st_mode)) {
    criaError("cannot write '%s': it is a link, and what it leads to: %s", path, strerror(reason));
    criaRowsDiscard(rows);
    return -1;
  }
  const char *owned = exists ? ownFile(&status, input) : NULL;
  if (owned) {
    criaError("cannot write '%s': expects a file of its own, but got %s", path, owned);
    criaRowsDiscard(rows);
    return -1;
  }
  if (exists && !S_ISREG(status.st_mode)) {
    rows->descriptor = open(path, O_WRONLY | O_CLOEXEC);
    return rows->descriptor < 0 ? rowsFail(rows, "write") : 0;
  }
  rows->target = exists ? realpath(path, NULL) : strdup(path);
  return rows->target ? createTemporary(rows) : rowsFail(rows, "write");
}

int criaRowsWrite(CriaRows *rows, const float *row, size_t floats) {
  const char *bytes = (const char *)row;
  size_t count = floats * sizeof(float);
  while (count > 0) {
    size_t part = RowsBufferBytes - rows->used;
    if (part > count)
      part = count;
    memcpy(rows->buffer + rows->used, bytes, part);
    rows->used += part;
    bytes += part;
    count -= part;
    if (rows->used == RowsBufferBytes) {
      rows->used = 0;
      if (writeAll(rows->descriptor, rows->buffer, RowsBufferBytes) != 0)
        return rowsFail(rows, "write");
    }
  }
  return 0;
}

int criaRowsCommit(CriaRows *rows) {
  if (writeAll(rows->descriptor, rows->buffer, rows->used) != 0)
    return rowsFail(rows, "write");
  int closed = close(rows->descriptor);
  rows->descriptor = -1;
  if (closed != 0)
    return rowsFail(rows, "write");
  if (rows->temporary) {
    if (rename(rows->temporary, rows->target) != 0)
      return rowsFail(rows, "write");
    removeOnSignals(NULL);
    free(rows->temporary);
    rows->temporary = NULL;
  }
  criaRowsDiscard(rows);
  return 0;
}
