/* class: gates
 * source: Intel SDM, AC and alignment checks
 * tries: to have the victim run with AC set, so that an unaligned access raises SIGBUS
 * must: clear AC when a compartment is entered
 * expect: stopped */
#include "attack.h"

ATTACK
{
    set_flags(ALIGNMENT_FLAG);
    word flags = victim_call(FLAGS, 0, 0);
    clear_flags(ALIGNMENT_FLAG);
    if (flags & ALIGNMENT_FLAG)
        effect("the victim runs with AC set");
}
