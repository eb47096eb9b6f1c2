/* class: interface
 * source: makecontext(3): a function that the victim forwards to libc
 * tries: to have the payload run in the victim on a context of its own
 * must: check the pointer as at an indirect call
 * expect: stopped */
#include "attack.h"

ATTACK
{
    victim_context((void (*)(void))(word)payload);
}
