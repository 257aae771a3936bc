/*===- Utf8.h - Text that is never cut inside a character --------------------===
 *
 * A token may end in the middle of a character: byte pieces always do. Bytes pass
 * through here on their way to the reader. Those of a character that is not whole
 * yet are held back; a sequence that can no longer become a character is written
 * as one U+FFFD per maximal part, as the Unicode standard recommends.
 *===------------------------------------------------------------------------===*/
#ifndef CRIA_RUNTIME_UTF8_H
#define CRIA_RUNTIME_UTF8_H

#include <stddef.h>

/* What is held back; zero at the start. */
typedef struct CriaUtf8 {
  unsigned char held[4];
  unsigned count; /* bytes in `held` */
} CriaUtf8;

/* Takes bytes and gives valid UTF-8 to `write`, which returns 0 or -1 to stop.
 * Returns what the last `write` returned. */
typedef int (*CriaTextSink)(const char *bytes, size_t count);
int criaUtf8Push(CriaUtf8 *utf8, const char *bytes, size_t count, CriaTextSink write);
/* The text ends here: what is held back will not be completed. */
int criaUtf8End(CriaUtf8 *utf8, CriaTextSink write);
/* How many bytes at the end of a text begin a character that more bytes would complete: 0 to 3. */
size_t criaUtf8Unfinished(const char *bytes, size_t count);

#endif /* CRIA_RUNTIME_UTF8_H */
