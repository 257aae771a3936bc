/*===- Relro.h - Read-only after relocation ----------------------------------===*/
#ifndef CRIA_RUNTIME_RELRO_H
#define CRIA_RUNTIME_RELRO_H

/* Makes the executable's relocated data read-only. A dynamic loader does this by
 * itself; a static executable has none, and musl leaves the pages writable. */
void criaProtectRelro(void);

#endif /* CRIA_RUNTIME_RELRO_H */
