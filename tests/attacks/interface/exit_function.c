/* class: interface
 * source: atexit(3): a function that the victim forwards
 * tries: to have the payload run in the victim at exit
 * must: check the pointer as at an indirect call
 * expect: stopped */
#include "attack.h"

ATTACK
{
    victim_at_exit((void (*)(void))(word)payload);
}
