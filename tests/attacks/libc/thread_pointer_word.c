/* class: libc
 * source: the words at %fs:0 and %fs:8, by which a thread-local variable is found
 * tries: to have the victim find its thread-local variables in shared memory
 * must: have no effect on other compartments
 * expect: succeeds until libc's data are private */
#include "attack.h"

ATTACK
{
    word *self = __builtin_thread_pointer(), kept[2] = {self[0], self[1]};
    word *vector = (word *)shared_at(0x4000), *old = (word *)self[1];
    vector[0] = vector[1] = 60; /* how many entries there are, and how new it is */
    vector += 2;
    vector[0] = old[0];
    for (int i = 1; i < 60; i++)
        vector[2 * i] = (word)shared_at(0x8000);
    long before = victim_call(TLS_SECRET_AT, 0, 0);
    self[0] = (word)shared_at(0x8000);
    self[1] = (word)vector;
    long after = victim_call(TLS_SECRET_AT, 0, 0);
    self[0] = kept[0];
    self[1] = kept[1];
    if (before != after)
        effect("the victim finds its thread-local variables where the attacker says");
}
