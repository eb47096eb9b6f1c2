/* setjmp and longjmp. A jump to an older frame of this compartment may skip frames of others: their
 * calls are taken back one by one (ia2_gate_unwind.S). Where a jump goes is this compartment's
 * alone to say, so a buffer that others can write is only a name here: what it would hold is kept
 * in a record of this compartment's. */
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>

#include "state/addresses.h"
#include "base/die.h"
#include "compartment/copied_arguments.h"
#include "compartment/heap/heap.h"
#include "compartment/heap/own_heap.h"
#include "compartment/jumps.h"
#include "compartment/libc/thread_exit.h"
#include "memory/heap_ranges.h"
#include "memory/shared_stack.h"
#include "memory/stacks.h"
#include "compartment/compartment.h"
#include "state/rights.h"

#define HIDDEN __attribute__((visibility("hidden")))
#define JMPBUF_RSP 6 /* glibc, sysdeps/x86_64/jmpbuf-offsets.h */
#define NAME ia2_this_compartment.name

/* What the kit adds to a buffer, in the part of the signal mask that is for signals the kernel does
 * not have; not where glibc keeps a shadow stack pointer (jmp_buf-ssp.h: byte 88). The buffers of
 * pthread_cleanup_push, which are shorter, have room for it. */
struct stamp {
    uint64_t jmpbuf[10];
    void *shared_level;
    uint64_t shadow_stack;
    uint64_t thread; /* XORed with STAMPED */
};
#define STAMPED 0x3a70b1e5c2d94f68ul
_Static_assert(offsetof(struct stamp, shared_level) >=
                   offsetof(struct __jmp_buf_tag, __saved_mask) + _NSIG / 8,
               "kernel's mask");
_Static_assert(sizeof(struct stamp) <= sizeof(__pthread_unwind_buf_t), "shortest buffer");

struct jump_record {
    struct jump_record *next;
    const void *buffer;
    struct __jmp_buf_tag place;
};
static __thread struct jump_record *records;

static __thread struct {
    struct __jmp_buf_tag place;
    uintptr_t target;
    int value, under_way;
    uint32_t mxcsr;
    uint16_t x87_control;
} pending;

void __real_longjmp(struct __jmp_buf_tag *place, int value) __attribute__((noreturn));

/* ---- where things are ----------------------------------------------------------------------- */

static struct ia2_range own_stack(const struct ia2_thread_record *record)
{
    return ia2_stack_of(record, (int)ia2_this_compartment.id);
}

/* glibc keeps it mangled (sysdeps/unix/sysv/linux/x86_64/pointer_guard.h). */
static uintptr_t target_of(const struct __jmp_buf_tag *place)
{
    uintptr_t sp = (uintptr_t)place->__jmpbuf[JMPBUF_RSP];
    __asm__("ror $17, %0\n\txor %%fs:0x30, %0" : "+r"(sp) : : "cc");
    return sp;
}

/* The call in progress, as the word says that belongs to it (state/zone.h): the highest address of
 * its frames, which is also the lowest of the call before it. */
static uintptr_t begin_of(uint64_t running)
{
    return ~running;
}

static uint64_t word_at(uintptr_t address)
{
    return *(const volatile uint64_t *)address;
}

static uint64_t call_in_progress(const struct ia2_range *stack)
{
    uint64_t running = word_at(stack->end + (uintptr_t)(intptr_t)IA2_SUSPENDED_SP);
    if (!(running >> 63))
        ia2_die("compartment %s: longjmp while the compartment does not run", NAME);
    return running;
}

/* Whether `target`, on the stack, is in a frame of the call that begins at `begin` and has come
 * down to `low`. Either may be elsewhere: on a stack that the program made itself (makecontext). */
static int is_frame_of(const struct ia2_range *stack, uintptr_t target, uintptr_t low,
                       uintptr_t begin)
{
    return ia2_is_in(stack, begin) && target <= begin && (!ia2_is_in(stack, low) || target >= low);
}

/* Whether `target` is in a frame of this compartment that an older call of it has left to make
 * another one. */
static int is_waiting(const struct ia2_range *stack, uintptr_t target)
{
    uintptr_t begin = begin_of(call_in_progress(stack)),
              first = stack->end + (uintptr_t)(intptr_t)IA2_FIRST_FRAME;
    while (begin && begin != first) {
        uintptr_t frame = begin;
        begin = begin_of(word_at(frame + offsetof(struct ia2_gate_frame, running)));
        if (is_frame_of(stack, target, frame + offsetof(struct ia2_gate_frame, arguments), begin))
            return 1;
    }
    return 0;
}

static int has_stamp(const struct ia2_range *range, uintptr_t address)
{
    return ia2_is_in(range, address) && range->end - address >= sizeof(struct stamp);
}

/* Whether only this compartment can write there. "No" is always a safe answer. */
static int is_own(const struct ia2_thread_record *record, const void *buffer)
{
    const struct ia2_module *module = &ia2_state.module[ia2_this_compartment.id];
    uintptr_t at = (uintptr_t)buffer;
    const struct ia2_range stack = own_stack(record),
                           tls = ia2_tls_of(record, (int)ia2_this_compartment.id);
    for (size_t i = 0; i < sizeof(module->data) / sizeof(module->data[0]); i++)
        if (has_stamp(&module->data[i], at))
            return 1;
    return has_stamp(&stack, at) || has_stamp(&tls, at) ||
           (ia2_heap_owner(buffer) == (int)ia2_this_compartment.id &&
            ia2_heap_owner((const char *)buffer + sizeof(struct stamp) - 1) ==
                (int)ia2_this_compartment.id);
}

/* ---- setjmp --------------------------------------------------------------------------------- */

static struct __jmp_buf_tag *find(const void *buffer)
{
    for (struct jump_record *at = records; at; at = at->next)
        if (at->buffer == buffer)
            return &at->place;
    return NULL;
}

/* Frees what belongs to frames that have returned. */
static void prune(const struct ia2_range *stack, uintptr_t sp)
{
    for (struct jump_record **at = &records; *at;) {
        struct jump_record *it = *at;
        uintptr_t target = target_of(&it->place);
        if (!ia2_is_in(stack, sp) || !ia2_is_in(stack, target) || target >= sp) {
            at = &it->next;
            continue;
        }
        *at = it->next;
        ia2_own_free(it);
    }
}

static struct __jmp_buf_tag *record_of(const struct ia2_thread_record *record, const void *buffer,
                                       uintptr_t sp)
{
    const struct ia2_range stack = own_stack(record);
    prune(&stack, sp);
    struct __jmp_buf_tag *place = find(buffer);
    if (place)
        return place;
    struct jump_record *made = ia2_own_calloc(1, sizeof(*made));
    if (!made)
        ia2_die("compartment %s: setjmp: no memory", NAME);
    made->next = records;
    made->buffer = buffer;
    records = made;
    return &made->place;
}

void ia2_jump_records_end(void)
{
    while (records) {
        struct jump_record *it = records;
        records = it->next;
        ia2_own_free(it);
    }
}

/* Where a setjmp that was called with the stack pointer at `sp` shall write instead of `buffer`. */
HIDDEN struct __jmp_buf_tag *ia2_jump_place(struct __jmp_buf_tag *buffer, uintptr_t sp)
{
    const struct ia2_thread_record *record = ia2_state.ready ? ia2_this_thread() : NULL;
    struct __jmp_buf_tag *place =
        !record || is_own(record, buffer) ? buffer : record_of(record, buffer, sp);
    struct stamp *stamp = (struct stamp *)(void *)place;
    __asm__("" : "+r"(stamp)); /* the same bytes under two types, one of which libc writes */
    stamp->shared_level = ia2_shared_level();
    stamp->thread = ia2_fs_base() ^ STAMPED;
    return place;
}

/* setjmp returns to the frame it was called from, so nothing may be left on the stack when libc's
 * is entered. */
#define SETJMP(name) \
    __asm__(".pushsection .text\n\t.hidden __wrap_" #name "\n\t.globl __wrap_" #name \
            "\n\t.type __wrap_" #name ", @function\n" \
            "__wrap_" #name ":\n\t" \
            ".cfi_startproc\n\t" \
            "push %rsi\n\t.cfi_adjust_cfa_offset 8\n\t" \
            "lea 16(%rsp), %rsi\n\t" \
            "call ia2_jump_place\n\t" \
            "mov %rax, %rdi\n\t" \
            "pop %rsi\n\t.cfi_adjust_cfa_offset -8\n\t" \
            "jmp __real_" #name "@PLT\n\t" \
            ".cfi_endproc\n\t.size __wrap_" #name ", . - __wrap_" #name "\n\t.popsection")
SETJMP(setjmp);
SETJMP(_setjmp);
SETJMP(__sigsetjmp);

/* ---- longjmp -------------------------------------------------------------------------------- */

/* Scopes whose frames the jump skips. Frames on other stacks (makecontext) do not end with them. */
static void leave_scopes(const struct ia2_range *stack, const struct __jmp_buf_tag *place,
                         uintptr_t target)
{
    ia2_allocations_cut(stack->start, target);
    ia2_copies_cut(stack->start, target);
    ia2_thread_cleanup_cut(stack->start, target);
    ia2_shared_cut(((const struct stamp *)(const void *)place)->shared_level);
}

/* A gate calls its function with nothing but the two return addresses below the first frame
 * (ia2_gate_function.S). */
static int is_called_by_gate(const struct ia2_range *stack, uintptr_t cfa)
{
    return cfa == (begin_of(call_in_progress(stack)) & -16ul) - 16;
}

static const struct __jmp_buf_tag *place_of(const struct ia2_thread_record *record,
                                            const struct __jmp_buf_tag *buffer, uintptr_t cfa)
{
    const struct ia2_range stack = own_stack(record);
    const struct __jmp_buf_tag *place = find(buffer);
    if (place && !is_own(record, buffer))
        return place;
    if (!is_own(record, buffer))
        ia2_die("compartment %s: longjmp: other compartments can write the jump buffer at %p, and "
                "this one did not set it on this thread",
                NAME, (const void *)buffer);
    /* Who may call longjmp itself through a pointer could give it any of this compartment's memory.
     */
    if (is_called_by_gate(&stack, cfa))
        ia2_die("compartment %s: longjmp, called by another compartment, with a jump buffer of "
                "this one's own; give it a function of this "
                "compartment that jumps, or keep the buffer where both can reach it",
                NAME);
    return buffer;
}

static void refuse_foreign(const struct ia2_thread_record *record, uintptr_t target)
{
    for (uint32_t key = 1; key <= ia2_state.count; key++) {
        const struct ia2_range stack = ia2_stack_of(record, (int)key);
        if (key != ia2_this_compartment.id && ia2_is_in(&stack, target))
            ia2_die("compartment %s: longjmp to a frame of compartment %u; return an error through "
                    "the calls instead",
                    NAME, key);
    }
}

/* Over calls that came in through gates. */
static __attribute__((noreturn)) void unwind(const struct __jmp_buf_tag *place, uintptr_t target,
                                             int value)
{
    sigset_t all, mask;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &mask);
    pending.place = *place;
    /* What it is now, then: each step runs with all signals blocked. */
    if (!pending.place.__mask_was_saved)
        memcpy(&pending.place.__saved_mask, &mask, _NSIG / 8);
    pending.place.__mask_was_saved = 1;
    pending.target = target;
    pending.value = value;
    __asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(pending.mxcsr), "=m"(pending.x87_control));
    pending.under_way = 1;
    __ia2_unwind(ia2_this_compartment.id);
}

/* Leaves the scopes of a jump from the function with the stack pointer `here`, or makes it and does
 * not return. */
static void check(const struct __jmp_buf_tag *place, const struct ia2_thread_record *record,
                  uintptr_t here, int value)
{
    const struct ia2_range stack = own_stack(record);
    uintptr_t target = target_of(place);
    if (!ia2_is_in(&stack, target))
        refuse_foreign(record, target);
    if (((const struct stamp *)(const void *)place)->thread != (record->fsbase ^ STAMPED))
        ia2_die("compartment %s: longjmp with a jump buffer that setjmp has not set on this thread",
                NAME);
    /* To and from a stack of the program's own (makecontext) is a switch, which ends no call. */
    uintptr_t begin = begin_of(call_in_progress(&stack));
    if (!ia2_is_in(&stack, target) || (ia2_is_in(&stack, here) && !ia2_is_in(&stack, begin)))
        return;
    if (!is_frame_of(&stack, target, here, begin)) {
        if (!is_waiting(&stack, target))
            ia2_die("compartment %s: longjmp to a function that has returned", NAME);
        unwind(place, target, value);
    }
    if (ia2_is_in(&stack, here))
        leave_scopes(&stack, place, target);
}

uint32_t ia2_compartment_unwound(uint32_t key, uintptr_t frame, uintptr_t interrupted)
{
    const struct ia2_thread_record *record = ia2_this_thread();
    if (!record)
        ia2_die("compartment %s: a jump on a thread that the runtime did not start", NAME);
    const struct ia2_range stack = own_stack(record);
    uintptr_t begin = begin_of(call_in_progress(&stack));
    if (key == ia2_this_compartment.id) {
        if (!pending.under_way)
            ia2_die("compartment %s: a jump in its name that it does not make", NAME);
        uintptr_t low = ia2_is_in(&stack, interrupted)
                            ? interrupted
                            : frame + offsetof(struct ia2_gate_frame, arguments);
        if (ia2_is_in(&stack, begin) && pending.target <= begin) {
            if (!is_frame_of(&stack, pending.target, low, begin))
                ia2_die("compartment %s: longjmp to a function that has returned", NAME);
            pending.under_way = 0;
            leave_scopes(&stack, &pending.place, pending.target);
            struct __jmp_buf_tag place =
                pending.place; /* a signal may come, and jump, as soon as the mask is restored */
            __asm__ volatile("fninit\n\tldmxcsr %0\n\tfldcw %1"
                             :
                             : "m"(pending.mxcsr), "m"(pending.x87_control));
            __real_longjmp(&place, pending.value);
        }
    }
    if (ia2_is_in(&stack, begin)) {
        ia2_allocations_cut(stack.start, begin);
        ia2_copies_cut(stack.start, begin);
        ia2_thread_cleanup_cut(stack.start, begin);
    }
    return key;
}

#define JUMP(name) \
    void __real_##name(struct __jmp_buf_tag *place, int value) __attribute__((noreturn)); \
    HIDDEN __attribute__((noreturn)) void __wrap_##name(struct __jmp_buf_tag *buffer, int value) \
    { \
        const struct ia2_thread_record *record = ia2_state.ready ? ia2_this_thread() : NULL; \
        uintptr_t here = (uintptr_t)__builtin_dwarf_cfa(); \
        const struct __jmp_buf_tag *place = record ? place_of(record, buffer, here) : buffer; \
        if (record) \
            check(place, record, here, value); \
        __real_##name((struct __jmp_buf_tag *)place, value); \
    }
JUMP(longjmp)
JUMP(_longjmp)
JUMP(siglongjmp)
JUMP(__longjmp_chk)
