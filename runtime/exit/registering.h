/* What is to run when the process or a thread ends. */
#ifndef IA2_EXIT_REGISTERING_H
#define IA2_EXIT_REGISTERING_H

#include "ia2_destructors.h"

/* Start-up, once all modules are known: decides who owns what was registered before. */
void ia2_exit_start(void);

/* The same for a compartment that came with dlopen (\a id; 0: all); and drops what one that is gone
 * has registered. */
void ia2_exit_find_owners(int id);
void ia2_exit_forget(int id);

/* For compartment \a registrant, with its rights (before main: with those of key 0): has libc run
 * \a function at its time. \a dso: the handle of the DSO, as __cxa_atexit's. 0, or -1 when there is
 * no memory or no record left. Thread-safe. */
int ia2_exit_register(int registrant, enum ia2_exit_kind kind, void (*function)(void),
                      void *argument, void *dso);

#endif
