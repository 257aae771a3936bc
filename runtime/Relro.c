#include "runtime/Relro.h"

#include "runtime/Abi.h"

#include <elf.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>

/* Defined by the linker: the start of the image, address 0 before relocation. */
extern const char __ehdr_start[] __attribute__((visibility("hidden")));

void criaProtectRelro(void) {
  const Elf64_Phdr *headers = (const Elf64_Phdr *)getauxval(AT_PHDR);
  unsigned long count = getauxval(AT_PHNUM);
  for (unsigned long i = 0; headers && i < count; ++i) {
    if (headers[i].p_type != PT_GNU_RELRO)
      continue;
    uintptr_t page = CRIA_PAGE_BYTES;
    uintptr_t begin = ((uintptr_t)__ehdr_start + headers[i].p_vaddr) / page * page;
    uintptr_t end = ((uintptr_t)__ehdr_start + headers[i].p_vaddr + headers[i].p_memsz) /
                    page * page;
    /* Hardening only: a kernel that refuses leaves a working program. */
    (void)mprotect((void *)begin, end - begin, PROT_READ);
  }
}
