/* class: system_calls
 * source: futex(2) with FUTEX_WAKE_OP, which changes a word
 * tries: to have the kernel add to the victim's object
 * must: fail with EFAULT
 * expect: stopped */
#include "attack.h"
#include <linux/futex.h>

ATTACK
{
    static int own_word;
    SYS(SYS_futex, &own_word, FUTEX_WAKE_OP, 1, 1, victim_object,
        FUTEX_OP(FUTEX_OP_ADD, 1, FUTEX_OP_CMP_EQ, 0));
    SYS(SYS_futex, victim_object, FUTEX_LOCK_PI, 0, 0, 0, 0);
}
