/* What runs when the process or a thread ends: registered in the state, run one by one as nobody.
 */
#ifndef IA2_EXIT_RECORDS_H
#define IA2_EXIT_RECORDS_H

#include <link.h>

#include "ia2_destructors.h"

struct ia2_module;

/* Start-up: IA2_TRACE_EXIT, IA2_DIAG_EXIT, IA2_EXIT_ALLOW_ALL, IA2_EXIT_FORCE_LEGACY. Idempotent.
 * Set-user-ID programs ignore them. */
void ia2_exit_read_environment(void);

/* Start-up, once all modules are known: decides who owns what was registered before. */
void ia2_exit_start(void);

/* The same for a compartment that came with dlopen (\a id; 0: all); and drops what one that is gone
 * has registered. */
void ia2_exit_settle(int id);
void ia2_exit_forget(int id);

/* Records DT_FINI_ARRAY and DT_FINI of a module and puts \a entries in their place, two functions
 * that run them through ia2_exit_run_array and ia2_exit_run_fini. Aborts when that is impossible.
 */
void ia2_exit_gate_module(const struct dl_phdr_info *info, struct ia2_module *module,
                          void (**entries)(void));

/* For compartment \a registrant, with its rights (before main: with nobody's): has libc run \a
 * function at its time. \a dso: the handle of the DSO, as __cxa_atexit's. 0, or -1 when there is no
 * memory or no record left. Thread-safe. */
int ia2_exit_register(int registrant, enum ia2_exit_kind kind, void (*function)(void),
                      void *argument, void *dso);

/* Inside the owner's compartment, called by its gate: runs record \a index, once. Aborts if it is
 * not \a owner's. */
void ia2_exit_invoke(size_t index, int status, int owner);

/* As nobody, called by the loader through the module's entries. */
void ia2_exit_run_array(int id);
void ia2_exit_run_fini(int id);

/* The destructor of a thread-specific value: from pthread_key_create of compartment \a registrant,
 * with its rights. A name for its record, or -1 when none is left. Thread-safe. */
int64_t ia2_exit_add_key(int registrant, void (*destructor)(void *));
/* Inside the registrant: the key is deleted; and a thread ends that has \a value. Nothing happens
 * if the key is deleted already, which another thread may do at any time; 1 if the destructor ran.
 */
void ia2_exit_delete_key(int64_t name, int registrant);
int ia2_exit_run_key(int64_t name, int registrant, void *value);

/* "IA2_TRACE: ..." on stderr, if that was asked for. */
void ia2_exit_trace(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
