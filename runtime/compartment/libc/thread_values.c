/* Thread-specific values of this compartment. libc keeps its own in the thread descriptor, under
 * key 0, where every compartment could change the pointers; and it would run the destructors
 * outside of the compartment. Which function a destructor is says its exit record. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <threads.h>

#include "compartment/compartment.h"
#include "base/lock.h"
#include "compartment/heap/jemalloc.h"
#include "compartment/heap/own_heap.h"
#include "compartment/jumps.h"
#include "compartment/libc/thread_exit.h"
#include "exit/value_destructors.h"

#define HIDDEN __attribute__((visibility("hidden")))

/* life is odd while the key exists, and another in each of its lives: a value counts only in the
 * life it was set in. */
static struct {
    int64_t record; /* -1: no destructor */
    unsigned life;
} keys[PTHREAD_KEYS_MAX];
static struct ia2_lock lock = IA2_LOCK(IA2_RANK_VALUES);
static __thread struct value {
    void *value;
    unsigned life;
} *values; /* PTHREAD_KEYS_MAX of them, made at the first set */

HIDDEN int __wrap_pthread_key_create(pthread_key_t *key, void (*destructor)(void *))
{
    int r = EAGAIN;
    int64_t record = -1;
    ia2_lock(&lock);
    for (unsigned i = 0; r && i < PTHREAD_KEYS_MAX; i++)
        if (!(keys[i].life & 1)) {
            if (destructor &&
                (record = ia2_exit_add_key((int)ia2_this_compartment.id, destructor)) < 0)
                break;
            keys[i].life++;
            keys[i].record = record;
            *key = i;
            r = 0;
        }
    ia2_unlock(&lock);
    return r;
}

HIDDEN int __wrap_pthread_key_delete(pthread_key_t key)
{
    int r = EINVAL;
    ia2_lock(&lock);
    if (key < PTHREAD_KEYS_MAX && keys[key].life & 1) {
        keys[key].life++;
        if (keys[key].record >= 0)
            ia2_exit_delete_key(keys[key].record, (int)ia2_this_compartment.id);
        r = 0;
    }
    ia2_unlock(&lock);
    return r;
}

HIDDEN int __wrap_pthread_setspecific(pthread_key_t key, const void *value)
{
    if (key >= PTHREAD_KEYS_MAX || !(keys[key].life & 1))
        return EINVAL;
    if (!values && !value)
        return 0;
    if (!values && !(values = ia2_own_calloc(PTHREAD_KEYS_MAX, sizeof(*values))))
        return ENOMEM;
    values[key] = (struct value){(void *)value, keys[key].life};
    return 0;
}

HIDDEN void *__wrap_pthread_getspecific(pthread_key_t key)
{
    return values && key < PTHREAD_KEYS_MAX && values[key].life == keys[key].life
               ? values[key].value
               : NULL;
}

HIDDEN int __wrap_tss_create(tss_t *key, void (*destructor)(void *))
{
    return __wrap_pthread_key_create(key, destructor) ? thrd_error : thrd_success;
}

HIDDEN void __wrap_tss_delete(tss_t key)
{
    __wrap_pthread_key_delete(key);
}

HIDDEN int __wrap_tss_set(tss_t key, void *value)
{
    return __wrap_pthread_setspecific(key, value) ? thrd_error : thrd_success;
}

HIDDEN void *__wrap_tss_get(tss_t key)
{
    return __wrap_pthread_getspecific(key);
}

static int run_destructors(void)
{
    int ran = 0;
    for (unsigned i = 0; values && i < PTHREAD_KEYS_MAX; i++) {
        void *value = __wrap_pthread_getspecific(i);
        values[i].value = NULL;
        if (value && keys[i].record >= 0)
            ran |= ia2_exit_run_key(keys[i].record, (int)ia2_this_compartment.id, value);
    }
    return ran;
}

int ia2_compartment_thread_end(int round)
{
    ia2_thread_exit_check();
    int ran = run_destructors();
    /* The heap goes last: destructors use it. */
    if (!ran || round == PTHREAD_DESTRUCTOR_ITERATIONS - 1) {
        free(values);
        values = NULL;
        ia2_jump_records_end();
        ran |= ia2_jemalloc_thread_end();
    }
    return ran;
}
