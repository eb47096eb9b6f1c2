/* Instructions by which code could take rights: WRPKRU, XRSTOR from memory, WRFSBASE. The audit
 * looks for the same (kit/ia2/elf/gates.py). */
#ifndef IA2_DANGEROUS_CODE_H
#define IA2_DANGEROUS_CODE_H

#include <stddef.h>

/* The length of such an instruction at \a code, of which \a left bytes can be read; 0 if there is
 * none. Async-signal-safe. */
size_t ia2_dangerous_code(const unsigned char *code, size_t left);

#endif
