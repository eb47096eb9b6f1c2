/* class: interface
 * source: pthread_once(3): a function that the victim forwards to libc
 * tries: to have the payload called by libc in the victim
 * must: check the pointer as at an indirect call
 * expect: stopped */
#include "attack.h"

ATTACK
{
    victim_once((void (*)(void))(word)payload);
}
