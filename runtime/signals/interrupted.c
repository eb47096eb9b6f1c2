#define _GNU_SOURCE
#include "signals/interrupted.h"

#include "base/die.h"
#include "state/addresses.h"
#include "state/compartment_name.h"
#include "state/state.h"

#define RED_ZONE 128 /* ABI 3.2.2 */
#define KEY0_ROOM 8192 /* what code with key 0 may need at least */

static uint64_t *depth_of(const struct ia2_thread_record *record, int key)
{
    return (uint64_t *)(record->top[key] + (uint64_t)(int64_t)IA2_SIGNAL_DEPTH);
}

/* The first frame of a depth of interruption in the signal zone. */
static struct ia2_gate_frame *first_frame(const struct ia2_thread_record *record, int key,
                                          uint64_t depth)
{
    return (struct ia2_gate_frame *)(record->top[key] + (uint64_t)(int64_t)IA2_FIRST_FRAME -
                                     IA2_SIGNAL_GUARD - record->zone_size -
                                     ((depth - 1) << IA2_SIGNAL_ZONE_SHIFT));
}

int ia2_suspend(const struct ia2_thread_record *record, int key)
{
    if (!ia2_is_running(record, key))
        return 0;
    uint64_t depth = *depth_of(record, key) + 1, *word = ia2_suspended_word(record, key);
    if (depth < 1 || depth > IA2_SIGNAL_DEPTHS)
        ia2_die("compartment %s: signals interrupt each other too deeply",
                ia2_compartment_name(key));
    struct ia2_gate_frame *frame = first_frame(record, key, depth);
    frame->running = *word;
    *depth_of(record, key) = depth;
    *word = (uint64_t)frame;
    return 1;
}

void ia2_resume(const struct ia2_thread_record *record, int key)
{
    uint64_t depth = *depth_of(record, key), *word = ia2_suspended_word(record, key);
    struct ia2_gate_frame *frame = first_frame(record, key, depth);
    if (depth < 1 || depth > IA2_SIGNAL_DEPTHS || *word != (uint64_t)frame)
        ia2_die("compartment %s: a signal's handler has left its stack in disorder",
                ia2_compartment_name(key));
    *depth_of(record, key) = depth - 1;
    *word = frame->running;
}

void ia2_suspend_key0(const struct ia2_thread_record *record, uint64_t sp)
{
    uint64_t low = record->shared_high, high = low + IA2_KEY0_SIGNAL_STACK,
             at = sp > low && sp <= high ? sp - RED_ZONE : high;
    struct ia2_gate_frame *frame = (struct ia2_gate_frame *)((at - sizeof(*frame)) & -64ul);
    if ((uint64_t)frame < low + KEY0_ROOM)
        ia2_die("signals interrupt each other too deeply");
    frame->running = *ia2_suspended_word(record, 0);
    *ia2_suspended_word(record, 0) = (uint64_t)frame;
}
