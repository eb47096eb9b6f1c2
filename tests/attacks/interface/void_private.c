/* class: interface
 * source: a `void *` that crosses and becomes a function pointer
 * tries: to have the victim call a `void *` argument through a type that nothing else makes. The library
 *   has no dlsym
 * must: check the pointer at the call
 * expect: stopped */
#include "attack.h"

ATTACK
{
    victim_void_private(payload);
}
