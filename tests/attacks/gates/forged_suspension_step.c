/* class: gates
 * source: TF and a forged word of the attacker's own stack
 * tries: to say that the attacker is suspended, then to jump with TF set to a WRPKRU with EAX = 0:
 *   the trap comes before the comparison, and the handler of the attacker runs on with all keys
 * must: never run a handler, or go on after it, with a PKRU that is no compartment's
 * expect: stopped */
#include "attack.h"

ATTACK
{
    on_signal(SIGTRAP, redirect);
    *suspended_word(own_key) = ((word)__builtin_frame_address(0) - 65536) & -64ul;
    word at = wrpkru_of(victim_key, 0);
    set_flags(TRAP_FLAG);
    jump_with(&(struct registers){0}, at);
}
