/* class: interface
 * source: ftw(3): a callback that the victim forwards to libc
 * tries: to have the payload called by libc in the victim
 * must: check the pointer as at an indirect call
 * expect: stopped */
#include "attack.h"

ATTACK
{
    victim_ftw((int (*)(const char *, const struct stat *, int))(word)payload);
}
