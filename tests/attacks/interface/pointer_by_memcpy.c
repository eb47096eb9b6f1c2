/* class: interface
 * source: C's ways to make a function pointer
 * tries: to have the victim call a pointer that it copies from shared memory
 * must: check the pointer at the call, or refuse the code
 * expect: stopped */
#include "attack.h"

ATTACK
{
    *(word *)shared_at(0x6000) = (word)payload;
    victim_copied((word)shared_at(0x6000));
}
