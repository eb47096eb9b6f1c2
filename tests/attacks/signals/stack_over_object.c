/* class: signals
 * source: sigaltstack(2)
 * tries: to have the kernel write a frame over the victim's object, with the runtime's own interface
 * must: not use that stack
 * expect: stopped */
#include "attack.h"

ATTACK
{
    stack_t stack = {(char *)victim_object - 4096, 0, 8192};
    sigaltstack(&stack, NULL);
    SYS(SYS_sigaltstack, &stack, 0);
    on_signal(SIGUSR1, quiet_handler);
    raise(SIGUSR1);
}
