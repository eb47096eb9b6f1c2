/* The instructions in libc's and ld.so's code that can set PKRU. */
#ifndef IA2_LIBC_CODE_H
#define IA2_LIBC_CODE_H

/* Makes them of no use to whoever jumps to them. Call it once, before code of a compartment runs
 * and while there is one thread. Ends the process, in words, if an instruction is not where it is
 * known to be. Does nothing on a CPU without protection keys. */
void ia2_libc_code_close(void);

#endif
