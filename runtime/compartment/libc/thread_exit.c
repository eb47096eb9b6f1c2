/* How a thread of this compartment ends, apart from returning: its cleanup handlers run here, libc
 * does the rest with the rights of key 0. */
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

#include "base/die.h"
#include "compartment/compartment.h"
#include "compartment/heap/own_heap.h"
#include "compartment/libc/thread_exit.h"

#define HIDDEN __attribute__((visibility("hidden")))

/* What pthread_cleanup_push of C makes (nptl: a jump buffer on the stack that leads to the
 * handler). libc would look for them when it may not read this compartment's stack any more. */
static __thread __pthread_unwind_buf_t *handlers;
static __thread void *exit_value;

HIDDEN void __wrap___pthread_register_cancel(__pthread_unwind_buf_t *buffer)
{
    buffer->__pad[0] = handlers;
    handlers = buffer;
}

HIDDEN void __wrap___pthread_unregister_cancel(__pthread_unwind_buf_t *buffer)
{
    handlers = buffer->__pad[0];
}

/* These buffers are not set by the program. */
void __real_longjmp(struct __jmp_buf_tag *, int) __attribute__((noreturn));

static __attribute__((noreturn)) void next_handler(void)
{
    if (handlers) {
        struct __jmp_buf_tag *context = (void *)handlers->__cancel_jmp_buf;
        /* libc's buffer has the registers of a jmp_buf and no signal mask, which longjmp then does
         * not read; GCC cannot know that and warns, so it must not see the size. */
        __asm__("" : "+r"(context));
        __real_longjmp(context, 1);
    }
    __ia2_key0_thread_exit(exit_value);
}

/* The handler is done. */
HIDDEN __attribute__((noreturn)) void __wrap___pthread_unwind_next(__pthread_unwind_buf_t *buffer)
{
    handlers = buffer->__pad[0];
    next_handler();
}

HIDDEN __attribute__((noreturn)) void __wrap_pthread_exit(void *value)
{
    exit_value = value;
    next_handler();
}

void ia2_thread_exit_check(void)
{
    if (handlers)
        ia2_die("compartment %s: another compartment ended the thread, but cleanup handlers of "
                "this one are still to be run",
                ia2_this_compartment.name);
}

void ia2_thread_cleanup_cut(uintptr_t low, uintptr_t high)
{
    while ((uintptr_t)handlers >= low && (uintptr_t)handlers < high)
        handlers = handlers->__pad[0];
}

/* ---- C11 ------------------------------------------------------------------------------------ */

struct start {
    int (*function)(void *);
    void *arg;
};

static void *run_c11(void *memory)
{
    struct start start = *(struct start *)memory;
    free(memory);
    return (void *)(intptr_t)start.function(start.arg);
}

HIDDEN int __wrap_thrd_create(thrd_t *thread, int (*function)(void *), void *arg)
{
    struct start *start = ia2_own_calloc(1, sizeof(*start));
    if (!start)
        return thrd_nomem;
    *start = (struct start){function, arg};
    if (!pthread_create(thread, NULL, run_c11, start))
        return thrd_success;
    free(start);
    return thrd_error;
}

HIDDEN __attribute__((noreturn)) void __wrap_thrd_exit(int result)
{
    __wrap_pthread_exit((void *)(intptr_t)result);
}
