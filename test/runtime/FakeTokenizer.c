/*===- FakeTokenizer.c - Bytes are tokens ------------------------------------===
 *
 * Stands in for the runtime's tokenizer, so that its tables' format is not part of
 * these tests: ids 0 to 255 are bytes, 256 and 257 control tokens, an id above is a
 * word behind SentencePiece's space (" w258").
 *===------------------------------------------------------------------------===*/
#include "runtime/Tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int criaTokenizerOpen(CriaTokenizer *t, const void *tables, size_t bytes,
                      const char **error) {
  memset(t, 0, sizeof(*t));
  t->pieces = 300;
  if (bytes == 10 && memcmp(tables, "fakeTables", 10) == 0)
    return 0;
  *error = "they are not the fake ones";
  return -1;
}

int64_t criaTokenizerEncode(const CriaTokenizer *t, const char *text, size_t bytes,
                            int32_t **ids) {
  (void)t;
  *ids = malloc(bytes * sizeof(**ids) + 1);
  if (!*ids)
    return -1;
  for (size_t i = 0; i < bytes; ++i)
    (*ids)[i] = (unsigned char)text[i];
  return (int64_t)bytes;
}

size_t criaTokenizerDecode(const CriaTokenizer *t, int32_t id, int first, char *buffer,
                           size_t capacity) {
  (void)t;
  char text[16] = {(char)id};
  size_t count = id < 256 ? 1 : 0;
  if (id >= 258)
    count = (size_t)snprintf(text, sizeof(text), " w%d", (int)id);
  size_t skip = first && count > 0 && text[0] == ' ';
  count -= skip;
  if (capacity > 0)
    memcpy(buffer, text + skip, count < capacity ? count : capacity);
  return count;
}
