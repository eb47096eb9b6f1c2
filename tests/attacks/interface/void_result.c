/* class: interface
 * source: a `void *` that crosses and becomes a function pointer
 * tries: to have the victim call what another compartment's function returned as `void *`, with a
 *   pointer to the secret; it reads it with the victim's rights
 * must: check the pointer at the call, or refuse the code
 * expect: stopped */
#include "attack.h"

ATTACK
{
    victim_void_result();
}
