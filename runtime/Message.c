#include "runtime/Message.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *program = "cria";

void criaSetProgram(const char *argv0) {
  if (!argv0 || !*argv0)
    return;
  const char *slash = strrchr(argv0, '/');
  program = slash && slash[1] ? slash + 1 : argv0;
}

const char *criaProgram(void) { return program; }

static void print(const char *format, va_list arguments) {
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
