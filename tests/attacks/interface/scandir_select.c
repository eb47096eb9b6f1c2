/* class: interface
 * source: scandir(3): a filter that the victim forwards to libc
 * tries: to have the payload called by libc in the victim
 * must: check the pointer as at an indirect call
 * expect: stopped */
#include "attack.h"

ATTACK
{
    victim_scandir((int (*)(const struct dirent *))(word)payload);
}
