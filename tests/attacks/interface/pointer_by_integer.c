/* class: interface
 * source: C's ways to make a function pointer
 * tries: to have the victim call a pointer that came as an integer
 * must: check the pointer at the call, or refuse the code
 * expect: stopped */
#include "attack.h"

ATTACK
{
    victim_integer((word)payload);
}
