/* The exit records of the state: one for each function that runs when the process or a thread ends.
 * All functions are thread-safe. */
#ifndef IA2_EXIT_TABLE_H
#define IA2_EXIT_TABLE_H

#include <stdint.h>

/* Makes a record of \a function, for compartment \a registrant. Its index, or IA2_EXIT_RECORDS if
 * there is none left. */
uint32_t ia2_exit_add_record(int registrant, uint32_t kind, void (*function)(void), void *argument);

void ia2_exit_free_record(uint32_t index);

/* The monitor's operations for these two, and the one that marks a record as run: 0, or -1 if it
 * was not to be run. */
long ia2_exit_added(long kind, long function, long argument, long registrant, int caller);
long ia2_exit_freed(long index, long, long, long, int caller);
long ia2_exit_claimed(long index, long, long, long, int caller);

/* Records from this index on were never taken: their pages need not exist. */
uint32_t ia2_exit_used_records(void);

/* The compartment that may run a function which \a registrant registered: \a registrant, if the
 * code is its own or a gate. -1 otherwise: code of another compartment never runs with the rights
 * of its owner just because somebody named it. */
int ia2_exit_owner_of(const void *function, int registrant);

/* The function's symbol, or where the function is; in \a text or in constant memory. */
const char *ia2_exit_symbol(const void *function, int registrant, char text[96]);

/* Whether \a registrant has its key. Constructors register with the rights of key 0: those of the
 * program before main, and those of a plugin that is being loaded. Aborts if anybody else does so
 * in another compartment's name. */
int ia2_exit_has_key(int registrant);

#endif
