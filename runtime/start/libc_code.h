/* The code of libc, of ld.so and of the libraries: what a compartment could use of it, or set in
 * it, to run with other rights. */
#ifndef IA2_LIBC_CODE_H
#define IA2_LIBC_CODE_H

/* Makes the instructions that set PKRU of no use to a compartment that jumps to them, closes libc's
 * hooks (libc_hooks.h) and makes the jump slots of all libraries read-only (load/jump_slots.h).
 * Call it once, before code of a compartment runs and while there is one thread. Ends the process,
 * in words, if an instruction is not where it is known to be. Does nothing on a CPU without
 * protection keys. */
void ia2_libc_code_close(void);

#endif
