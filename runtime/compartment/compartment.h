/* The part of the runtime that is linked into every compartment. It runs with the compartment's
 * rights, on its stack, and keeps what it knows in the compartment's own globals. Everything here
 * is hidden. libc functions are replaced by --wrap (ia2_compartment.ldflags).
 *
 * In this file: what the compartment's gates (gates/) define. What the gates call is in the files
 * of this folder, under the names ia2_compartment_*, and has no other caller. */
#ifndef IA2_COMPARTMENT_H
#define IA2_COMPARTMENT_H

#include <stddef.h>

#include "state/state.h"

#pragma GCC visibility push(hidden)

extern const struct ia2_compartment_descriptor ia2_this_compartment;

/* Gates to key 0 (api/key0_calls.c, load/plugins.c). */
void __ia2_key0_exit(int status) __attribute__((noreturn));
void *__ia2_key0_dlopen(const char *path, int flags);
int __ia2_key0_dlclose(void *handle);
void __ia2_key0_quick_exit(int status) __attribute__((noreturn));
void __ia2_key0_thread_exit(void *value) __attribute__((noreturn));

/* This compartment's gates, for what libc is to call back. */
void __ia2_atfork_prepare(void);
void __ia2_atfork_parent(void);
void __ia2_atfork_child(void);

/* Takes back the call in progress, for a jump of compartment \a key (gates/ia2_gate_unwind.S). */
void __ia2_unwind(uint32_t key) __attribute__((noreturn));

#pragma GCC visibility pop

#endif
