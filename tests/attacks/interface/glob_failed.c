/* class: interface
 * source: glob(3): an error callback that the victim forwards to libc
 * tries: to have the payload called by libc in the victim
 * must: check the pointer as at an indirect call
 * expect: stopped */
#include "attack.h"

ATTACK
{
    victim_glob((int (*)(const char *, int))(word)payload);
}
