#include "runtime/Message.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *program = "cria";

void criaSetProgram(const char *argv0) {
  if (!argv0 || !*argv0)
    return;
  const char *slash = strrchr(argv0, '/');
  program = slash && slash[1] ? slash + 1 : argv0;
}

const char *criaProgram(void) { return program; }

static int showsProgress; /* on a terminal, without a newline yet */

static void print(const char *format, va_list arguments) {
  if (showsProgress)
    fputs("\r\033[K", stderr);
  showsProgress = 0;
  fprintf(stderr, "%s: ", program);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
}

int criaError(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  print(format, arguments);
  va_end(arguments);
  return -1;
}

void criaNote(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  print(format, arguments);
  va_end(arguments);
}

void criaProgress(const char *format, ...) {
  if (!isatty(STDERR_FILENO))
    return;
  va_list arguments;
  va_start(arguments, format);
  fputc('\r', stderr);
  vfprintf(stderr, format, arguments);
  fputs("\033[K", stderr);
  va_end(arguments);
  showsProgress = 1;
}
