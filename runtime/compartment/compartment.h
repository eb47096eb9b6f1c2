/* The part of the runtime that is linked into every compartment: it runs with the compartment's
 * rights, on its stack, and keeps what it knows in the compartment's own globals. Everything here
 * is hidden; libc functions are replaced by `--wrap` (ia2_compartment.ldflags). */
#ifndef IA2_COMPARTMENT_H
#define IA2_COMPARTMENT_H

#include <stddef.h>

#include "state/state.h"

#pragma GCC visibility push(hidden)

extern const struct ia2_compartment_descriptor ia2_this_compartment;

/* Gates to nobody (key 0 alone); see nobody.c. */
void __ia2_nobody_exit(int status) __attribute__((noreturn));
void *__ia2_nobody_dlopen(const char *path, int flags);
int __ia2_nobody_dlclose(void *handle);
void __ia2_nobody_quick_exit(int status) __attribute__((noreturn));
void __ia2_nobody_thread_exit(void *value) __attribute__((noreturn));

/* This compartment's gates, for what libc is to call back. */
void __ia2_atfork_prepare(void);
void __ia2_atfork_parent(void);
void __ia2_atfork_child(void);

/* What the gates call (ia2_gate.S). */
int ia2_compartment_main(int argc, char **argv, char **envp);
void *ia2_compartment_thread(void);
void ia2_compartment_signal(int number, siginfo_t *info, void *context);
void ia2_compartment_exit_call(size_t index, int status);
int ia2_compartment_thread_end(int round);
void ia2_compartment_thread_storage(uint32_t slot);
void ia2_compartment_construct(void);
void ia2_compartment_atfork_prepare(void);
void ia2_compartment_atfork_parent(void);
void ia2_compartment_atfork_child(void);
void *ia2_compartment_client_alloc(size_t size, size_t align, int client);
int ia2_compartment_client_free(void *p, int client);

int ia2_compartment_shared_free(void *p);
void *ia2_compartment_shared_resize(void *p, size_t size);
size_t ia2_compartment_shared_size(void *p);

/* shared_memory.c: a shared block at a multiple of  align (0: any). NULL and ENOMEM without
 * memory. */
void *ia2_shared_allocate(size_t size, size_t align, int zero);
size_t ia2_shared_size(void *p);

/* jumps.c, for ia2_gate_unwind.S: the call that this compartment made with its stack at  frame is
 * taken back (or the signal handler that interrupted it at  interrupted), by a jump of compartment
 * key. Goes to the jump's target if that is here; otherwise cuts what belongs to the call in
 * progress and returns  key. Signals are blocked. */
uint32_t ia2_compartment_unwound(uint32_t key, uintptr_t frame, uintptr_t interrupted);
void __ia2_unwind(uint32_t key) __attribute__((noreturn));
/* heap.c, copied_arguments.c, thread_exit.c: leaves the scopes of IA2_ALLOCATE_IN, of arguments by
 * copy and of pthread_cleanup_push whose frames lie in this range, because a jump skips them. */
void ia2_allocations_cut(uintptr_t low, uintptr_t high);
void ia2_copies_cut(uintptr_t low, uintptr_t high);
void ia2_thread_cleanup_cut(uintptr_t low, uintptr_t high);

/* heap.c: this compartment's own heap, whatever IA2_ALLOCATE_IN says. */
void *ia2_own_calloc(size_t count, size_t size);
void ia2_own_free(void *p);
/* loading.c: whether this came with dlopen, and its constructors have not been called yet. */
int ia2_is_arriving(void);
/* jumps.c: at the thread's end. */
void ia2_jump_records_end(void);
/* thread_exit.c: aborts if the thread ends over the head of this compartment. */
void ia2_thread_exit_check(void);
/* thread_values.c: 1 if a destructor ran. */
int ia2_thread_values_end(void);

#pragma GCC visibility pop

#endif
