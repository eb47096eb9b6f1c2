#define _GNU_SOURCE
#include "stacks.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "base/die.h"
#include "ia2.h"
#include "state/rights.h"
#include "state/system_calls.h"

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1u << 31)
#endif
#define SHARED_HEADER 16 /* the previous shared_sp, below each block */

/* Key 0's zone has no memory of its own: nobody runs on the thread's first stack, at the depth
 * where the thread left it. Only the word that holds that depth is needed. */
static __thread uint64_t nobody_zone[2] __attribute__((tls_model("initial-exec")));
static __thread char *shared_sp __attribute__((tls_model("initial-exec")));

uint64_t ia2_nobody_top(void)
{
    return (uint64_t)nobody_zone - (uint64_t)(int64_t)IA2_SUSPENDED_SP;
}

size_t ia2_stacks_size(size_t zone)
{
    return IA2_SIGNAL_STACK + IA2_SHARED_STACK +
           ia2_state.count * (zone + IA2_SIGNAL_GUARD + IA2_SIGNAL_ZONE) + IA2_PAGE;
}

/* A zone ends in a guard page. Between zones there is none: the next one has another key. Nor
 * between the parts under key 0: the shared stack is checked at each push. Each part is set once,
 * to what it shall be: on a stack that libc has kept from another thread it mostly is so already,
 * and the kernel has nothing to do ([m] 0.2 us; to take a guard page away and put it back, 2.5 to
 * 4). */
static int lay_zone(char *low, size_t zone, int inaccessible, int key)
{
    char *guard = low + IA2_SIGNAL_ZONE, *stack = guard + IA2_SIGNAL_GUARD;
    int r = inaccessible ? 0 : ia2_sys_protect(guard, IA2_SIGNAL_GUARD, PROT_NONE, 0);
    if (!r)
        r = ia2_sys_protect(stack, zone, PROT_READ | PROT_WRITE, key);
    return r ? r : ia2_sys_protect(low, IA2_SIGNAL_ZONE, PROT_READ | PROT_WRITE, key);
}

int ia2_stacks_lay(char *high, size_t zone, int inaccessible, struct ia2_thread_record *record)
{
    char *at = high - IA2_SIGNAL_STACK;
    /* Disarmed on delivery (Linux 4.7), so the handler's entry may give the rest of it to nested
     * signals. */
    stack_t signal_stack = {
        .ss_sp = at, .ss_size = IA2_SIGNAL_STACK, .ss_flags = (int)SS_AUTODISARM};
    record->shared_high = (uint64_t)at;
    shared_sp = at;
    at -= IA2_SHARED_STACK;
    record->shared_low = (uint64_t)at;
    int r = inaccessible ? ia2_sys_protect(at, (size_t)(high - at), PROT_READ | PROT_WRITE, 0) : 0;
    if (!r && sigaltstack(&signal_stack, NULL))
        r = -errno;
    record->top[0] = ia2_nobody_top();
    nobody_zone[0] = ~0ul; /* running */
    record->zone_size = zone;
    for (uint32_t key = 1; !r && key <= ia2_state.count; key++) {
        record->top[key] = (uint64_t)at;
        at -= zone + IA2_SIGNAL_GUARD + IA2_SIGNAL_ZONE;
        r = lay_zone(at, zone, inaccessible, (int)key);
    }
    /* Until here others could write it, the words included that gates look at: libc's memory
     * everybody, and on a stack of another layout what was theirs. */
    return r || inaccessible ? r : ia2_sys_empty(at, (size_t)((char *)record->shared_low - at));
}

void ia2_stack_empty(const struct ia2_thread_record *record, uint32_t key)
{
    size_t size = record->zone_size + IA2_SIGNAL_GUARD + IA2_SIGNAL_ZONE;
    ia2_sys_empty((char *)record->top[key] - size, size);
}

static int open_tls(char *start, char *end)
{
    if (start == end)
        return 0;
    return ia2_sys_protect(start, (size_t)(end - start), PROT_READ | PROT_WRITE, 0);
}

int ia2_tls_set_keys(char *fsbase, int open, uint32_t emptied)
{
    char *start = NULL, *end = NULL; /* neighbours, opened together */
    int r = 0;
    for (uint32_t key = 1; !r && key <= ia2_state.count; key++) {
        const struct ia2_module *module = &ia2_state.module[key];
        char *block = fsbase + module->tls_offset;
        if (!module->tls_size)
            continue;
        /* libc keeps the blocks for the next thread; the secrets of this one must not wait there.
         */
        if (open && !(emptied >> key & 1))
            r = ia2_sys_empty(block, module->tls_size);
        if (r)
            break;
        if (!open) {
            r = ia2_sys_protect(block, module->tls_size, PROT_READ | PROT_WRITE, (int)key);
        } else if (block + module->tls_size == start) {
            start = block;
        } else {
            r = open_tls(start, end);
            start = block;
            end = block + module->tls_size;
        }
    }
    return r ? r : open_tls(start, end);
}

/* The second part of the thread's shared stack, for what its own stack would have held
 * (IA2_SHARED_STACK is less: few programs need more, and libc keeps fewer stacks for further
 * threads the larger they are). A block may take twice its size, by header and alignment. */
static int map_more(const struct ia2_thread_record *record)
{
    size_t size = 2 * record->zone_size + IA2_PAGE;
    char *low = record->more_low ? NULL : ia2_sys_reserve(size, IA2_PAGE);
    if (!low || ia2_sys_protect(low, size, PROT_READ | PROT_WRITE, 0))
        return 0;
    IA2_STATE_SET(record->more_low, (uint64_t)low);
    IA2_STATE_SET(record->more_high, (uint64_t)low + size);
    return 1;
}

void ia2_shared_end(void)
{
    const struct ia2_thread_record *record = ia2_this_thread();
    if (record && record->more_low)
        munmap((void *)record->more_low, record->more_high - record->more_low);
}

/* Where a block goes whose header is above \a low; 0: it does not fit. */
static uint64_t fit(uint64_t low, uint64_t sp, size_t size, size_t align)
{
    if (size > sp - low)
        return 0;
    sp = (sp - size) & -(uint64_t)(align < SHARED_HEADER ? SHARED_HEADER : align);
    return sp < low + SHARED_HEADER ? 0 : sp;
}

void *ia2_shared_push(size_t size, size_t align)
{
    const struct ia2_thread_record *record = ia2_this_thread();
    if (!record)
        ia2_die("shared local variable on a thread that the runtime did not start");
    uint64_t level = (uint64_t)shared_sp, sp = 0;
    /* shared_sp can be written by every compartment: what it names is used only inside the shared
     * stack. */
    if (level >= record->shared_low && level <= record->shared_high) {
        sp = fit(record->shared_low, level, size, align);
        if (!sp && (record->more_low || map_more(record)))
            sp = fit(record->more_low, record->more_high, size, align);
    } else if (level >= record->more_low && level <= record->more_high) {
        sp = fit(record->more_low, level, size, align);
    }
    if (!sp)
        ia2_die("shared stack overflow: %zu bytes wanted", size);
    *(uint64_t *)(sp - SHARED_HEADER) = level;
    shared_sp = (char *)sp - SHARED_HEADER;
    return (void *)sp;
}

void ia2_shared_pop(const void *variable)
{
    shared_sp = *(char **)(*(char *const *)variable - SHARED_HEADER);
}

void *ia2_shared_level(void)
{
    return shared_sp;
}

void ia2_shared_cut(void *level)
{
    shared_sp = level;
}
