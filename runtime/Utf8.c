#include "runtime/Utf8.h"

/* Bytes of the character that `lead` begins; 0: no character begins so. */
static unsigned lengthOf(unsigned char lead) {
  if (lead < 0x80)
    return 1;
  if (lead >= 0xc2 && lead <= 0xdf)
    return 2;
  if (lead >= 0xe0 && lead <= 0xef)
    return 3;
  if (lead >= 0xf0 && lead <= 0xf4)
    return 4;
  return 0;
}

/* Can `byte` follow what is held? Only second bytes have narrower ranges: no
 * overlong forms, no surrogates, nothing beyond U+10FFFF. */
static int continues(const CriaUtf8 *utf8, unsigned char byte) {
  unsigned char low = 0x80, high = 0xbf;
  if (utf8->count == 1)
    switch (utf8->held[0]) {
    case 0xe0: low = 0xa0; break;
    case 0xed: high = 0x9f; break;
    case 0xf0: low = 0x90; break;
    case 0xf4: high = 0x8f; break;
    }
  return byte >= low && byte <= high;
}

int criaUtf8End(CriaUtf8 *utf8, CriaTextSink write) {
  if (utf8->count == 0)
    return 0;
  utf8->count = 0;
  return write("\xef\xbf\xbd", 3);
}

int criaUtf8Push(CriaUtf8 *utf8, const char *bytes, size_t count, CriaTextSink write) {
  for (size_t i = 0; i < count; ++i) {
    unsigned char byte = (unsigned char)bytes[i];
    if (utf8->count > 0 && !continues(utf8, byte) && criaUtf8End(utf8, write) != 0)
      return -1;
    utf8->held[utf8->count++] = byte;
    unsigned length = lengthOf(utf8->held[0]);
    if (length == 0) {
      if (criaUtf8End(utf8, write) != 0)
        return -1;
    } else if (utf8->count == length) {
      utf8->count = 0;
      if (write((const char *)utf8->held, length) != 0)
        return -1;
    }
  }
  return 0;
}

static int keepNothing(const char *bytes, size_t count) {
  (void)bytes, (void)count;
  return 0;
}

size_t criaUtf8Unfinished(const char *bytes, size_t count) {
  CriaUtf8 utf8 = {0};
  size_t last = count < 4 ? count : 4; /* where a character begins is found within four bytes */
  criaUtf8Push(&utf8, bytes + count - last, last, keepNothing);
  return utf8.count;
}
