/* class: libc
 * source: the word at %fs:0, from which compilers compute the address of a thread-local variable
 * tries: to have the victim find its thread-local variables in shared memory
 * must: have no effect on other compartments
 * expect: succeeds until libc's data are private */
#include "attack.h"

ATTACK
{
    word *self = __builtin_thread_pointer(), kept = *self;
    long before = victim_call(TLS_SECRET_AT, 0, 0);
    *self = (word)shared_at(0x8000);
    long after = victim_call(TLS_SECRET_AT, 0, 0);
    *self = kept;
    if (before != after)
        effect("the victim finds its thread-local variables where the attacker says");
}
