/* class: signals
 * source: TF (Intel SDM): a trap after each instruction
 * tries: to set TF before a call of the victim and to read registers at each of its instructions
 * must: clear TF when a compartment is entered
 * expect: stopped */
#include "attack.h"

static volatile int found;

static void look(int number, siginfo_t *info, void *raw)
{
    ucontext_t *context = raw;
    if (!found)
        found = leak_frame(context);
    if (found || signals_seen++ > 20000)
        context->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
}

ATTACK
{
    on_signal(SIGTRAP, look);
    set_flags(TRAP_FLAG);
    victim_call(SPIN, 3, 0);
    clear_flags(TRAP_FLAG);
}
