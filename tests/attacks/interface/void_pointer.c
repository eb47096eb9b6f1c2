/* class: interface
 * source: a `void *` that crosses and becomes a function pointer
 * tries: to have the victim call a `void *` argument
 * must: check the pointer at the call, or refuse the code
 * expect: stopped */
#include "attack.h"

ATTACK
{
    victim_void_pointer(payload);
}
