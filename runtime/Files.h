/*===- Files.h - Standard output, whole files, and the file of logits --------===*/
#ifndef CRIA_RUNTIME_FILES_H
#define CRIA_RUNTIME_FILES_H

#include <stddef.h>
#include <stdint.h>

/* Makes sure that descriptors 0 to 2 are taken, so that no file opened later
 * becomes standard output by accident. A closed standard output stays unwritable. */
void criaReserveStandardFiles(void);

/* Buffers bytes for standard output; `criaFlush` writes them, `criaCloseOutput` lets who reads them see
 * their end. All return 0, or print why standard output cannot be written and return -1. */
int criaWrite(const char *bytes, size_t count);
int criaPrint(const char *format, ...) __attribute__((format(printf, 1, 2)));
int criaFlush(void);
int criaCloseOutput(void);

/* Reads a text to its end: a file, or standard input where `path` is "-", of at most CRIA_MAX_TEXT_BYTES.
 * Returns 0 and a malloc'd buffer, or prints an error and returns -1. */
int criaReadText(const char *path, char **bytes, size_t *count);

/* Rows of floats on their way to a file. They are collected in a file beside the
 * final one and renamed at the end: a half-written file never bears the name. */
typedef struct CriaRows {
  const char *path;  /* as the user gave it, for messages */
  char *target;      /* the file to replace; NULL: `path` is a device or a pipe */
  char *temporary;   /* NULL: writes go to `path` itself */
  int descriptor;    /* -1: closed */
  size_t used;       /* bytes in `buffer` */
  char *buffer;
} CriaRows;

/* All three return 0, or print an error, remove the temporary and return -1. Neither this
 * program's own file nor `input` (NULL: none), which is still read, is written over; nor are the
 * files that standard input and output were sent to. */
int criaRowsOpen(CriaRows *rows, const char *path, const char *input);
int criaRowsWrite(CriaRows *rows, const float *row, size_t floats);
int criaRowsCommit(CriaRows *rows);
/* Gives up: removes the temporary. No effect after `criaRowsCommit`. */
void criaRowsDiscard(CriaRows *rows);

#endif /* CRIA_RUNTIME_FILES_H */
