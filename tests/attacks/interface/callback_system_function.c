/* class: interface
 * source: return-to-libc
 * tries: to give functions of libc, system and setcontext, as callbacks
 * must: end the process at the call
 * expect: stopped */
#include "attack.h"

ATTACK
{
    strcpy(shared_at(0x3000), "echo EFFECT: a command of the attacker runs");
    victim_back((callback *)exported("system"), (word)shared_at(0x3000));
}
