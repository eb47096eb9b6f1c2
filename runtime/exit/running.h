/* How exit records run: one by one, each in the compartment that owns its function. */
#ifndef IA2_EXIT_RUNNING_H
#define IA2_EXIT_RUNNING_H

#include <stddef.h>

/* Inside the owner's compartment, called by its gate: runs record \a index, once. Aborts if it is
 * not \a owner's. */
void ia2_exit_invoke(size_t index, int status, int owner);

/* For what libc calls, with the rights of key 0 (or of a compartment that has libc run its own):
 * runs record \a index. \a status: of exit. */
void ia2_exit_run_index(size_t index, int status);

/* The status that libc has passed last on this thread. */
int ia2_exit_status(void);

#endif
