/* class: state
 * source: what the runtime exports to its compartments
 * tries: to call ia2_state_write, which changes the state, and so to make the payload a signal handler
 *   of the victim's
 * must: not find it, or be refused
 * expect: stopped */
#include "attack.h"

ATTACK
{
    on_signal(SIGUSR2, quiet_handler);
    struct ia2_signal forged = forged_handler();
    void *write_state = exported("ia2_state_write");
    if (!write_state)
        return;
    asm volatile("call *%0" ::"r"(write_state), "D"(&state()->signal[SIGUSR2]), "S"(&forged),
                 "d"(sizeof forged)
                 : "rax", "rcx", "r8", "r9", "r10", "r11", "memory");
    raise(SIGUSR2);
}
