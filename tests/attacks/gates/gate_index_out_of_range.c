/* class: gates
 * source: a gate's stub names its function by an index in a register
 * tries: to jump past the stub's load of the index with one beyond the table, and a huge one
 * must: end the process
 * expect: stopped */
#include "attack.h"

static void with_index(word index, word skip)
{
    /* A stub: load the index into R11, then jump to the body. */
    const char *stub = descriptor_of(victim_key)->stubs;
    struct registers forged = {.r11 = index, .rdi = (word)payload, .rsi = (word)payload};
    jump_with(&forged, (word)stub + skip);
}

ATTACK
{
    static const word indexes[] = {0x7fffff, 0xffffffff, 1ul << 58, 4096};
    for (unsigned i = 0; i < sizeof indexes / sizeof *indexes; i++)
        for (word skip = 5; skip <= 7; skip++) {
            int child = SYS(SYS_fork), status;
            if (!child)
                with_index(indexes[i], skip);
            SYS(SYS_wait4, child, &status, 0);
        }
}
