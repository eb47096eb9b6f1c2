/* longjmp, as long as it stays among frames that this compartment has called itself. A jump over a call that came in through a gate
 * would leave the caller waiting for a return that never comes, and would take the next one for it. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdint.h>
#include <unwind.h>

#include "compartment.h"

#define HIDDEN __attribute__((visibility("hidden")))
#define JMPBUF_RSP 6 /* glibc, sysdeps/x86_64/jmpbuf-offsets.h */

extern const char __ia2_body[], __ia2_body_end[] HIDDEN;

/* glibc keeps it mangled (sysdeps/unix/sysv/linux/x86_64/pointer_guard.h). */
static uintptr_t target_of(const struct __jmp_buf_tag *place)
{
    uintptr_t sp = (uintptr_t)place->__jmpbuf[JMPBUF_RSP];
    __asm__("ror $17, %0\n\txor %%fs:0x30, %0" : "+r"(sp) : : "cc");
    return sp;
}

struct walk {
    uintptr_t target;
    int reached;
};

static _Unwind_Reason_Code step(struct _Unwind_Context *frame, void *data)
{
    struct walk *walk = data;
    walk->reached = _Unwind_GetCFA(frame) > walk->target;
    return walk->reached ? _URC_NORMAL_STOP : _URC_NO_REASON;
}

/* Whether a call through a gate is in progress between here and the frame at `target`. Its return address is on the stack then; a
 * stale one may be too, so what has such a word is unwound (the gates have no unwind information and end that). */
static int skips_gate(uintptr_t target)
{
    const uintptr_t *at = __builtin_frame_address(0);
    size_t size = (size_t)(__ia2_body_end - __ia2_body);
    while ((uintptr_t)at < target && *at - (uintptr_t)__ia2_body >= size)
        at++;
    if ((uintptr_t)at >= target)
        return 0;
    struct walk walk = {target, 0};
    _Unwind_Backtrace(step, &walk);
    return !walk.reached;
}

static int within(uintptr_t sp, uintptr_t high, uintptr_t size)
{
    return sp < high && sp >= high - size;
}

static void check(const struct __jmp_buf_tag *place)
{
    const struct ia2_thread_record *record = ia2_state.ready ? ia2_this_thread() : NULL;
    if (!record)
        return;
    uintptr_t target = target_of(place), here = (uintptr_t)__builtin_frame_address(0);
    uintptr_t top = record->top[ia2_this_compartment.id], below = top - record->zone_size;
    for (uint32_t key = 1; key <= ia2_state.count; key++)
        if (key != ia2_this_compartment.id && within(target, record->top[key], record->zone_size))
            ia2_die("compartment %s: longjmp to a frame of compartment %u; return an error through the calls instead",
                    ia2_this_compartment.name, key);
    if (within(target, top, record->zone_size) && within(here, below, IA2_SIGNAL_GUARD + IA2_SIGNAL_ZONE))
        ia2_die("compartment %s: longjmp out of a signal handler is not supported; let the handler set a flag",
                ia2_this_compartment.name);
    if (within(target, top, record->zone_size) && within(here, top, record->zone_size) && skips_gate(target))
        ia2_die("compartment %s: longjmp across a call from another compartment, which would wait for its return for ever; "
                "return an error from the callback instead", ia2_this_compartment.name);
}

#define JUMP(name) \
    void __real_##name(struct __jmp_buf_tag *place, int value) __attribute__((noreturn)); \
    HIDDEN __attribute__((noreturn)) void __wrap_##name(struct __jmp_buf_tag *place, int value) \
    { \
        check(place); \
        __real_##name(place, value); \
    }
JUMP(longjmp)
JUMP(_longjmp)
JUMP(siglongjmp)
JUMP(__longjmp_chk)
