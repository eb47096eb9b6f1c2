/* class: gates
 * source: the threat model's "seeming to be another caller"
 * tries: the library asks this compartment while it checks a password; this compartment jumps to the
 *   end of the gate between program and library and returns "yes" to the program in its name
 * must: end the process: a compartment returns only to who called it
 * attackers: 3
 * expect: succeeds until the monitor */
#include "attack.h"

static long return_to_program(long guess)
{
    struct registers forged = {.rax = pkru_of(1), .r8 = 1 /* the result */};
    jump_with(&forged, wrpkru_between(1, 2, 1));
    return guess;
}

ATTACK
{
    hook = return_to_program;
    victim_admit(1);
}
