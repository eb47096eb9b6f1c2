/* The jump slots of libraries (.got.plt), through which they call other libraries and the variants
 * of functions that fit the CPU (IFUNC).
 *
 * A library without full RELRO has its slots on a page with its data. Everybody could write the
 * slots, and choose what runs with the rights of whoever uses the library. libc itself is linked
 * that way on Debian 12. */
#ifndef IA2_JUMP_SLOTS_H
#define IA2_JUMP_SLOTS_H

struct ia2_code_pages;

/* Gives each loaded library a read-only copy of its slots, and makes its PLT use the copy. The
 * changes of code are only noted in \a pages; ia2_code_pages_end() makes them.
 *
 * Symbols that are not bound yet are bound first, if there are no compartments yet. A symbol that
 * cannot be bound, or not with certainty, stays lazy: ld.so looks it up at each call.
 *
 * Call it once while there is one thread, and again after each dlopen. Later calls only look at
 * libraries that have come since, and may run in any thread with the rights of any compartment.
 * Ends the process, in words, if the PLT of a library is of an unknown form. Does nothing on a CPU
 * without protection keys. */
void ia2_jump_slots_seal(struct ia2_code_pages *pages);

#endif
