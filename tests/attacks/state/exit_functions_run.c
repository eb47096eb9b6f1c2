/* class: state
 * source: what the runtime exports to its compartments
 * tries: to run or register exit functions in the victim's name with functions of its own
 * must: refuse
 * expect: stopped */
#include "attack.h"

ATTACK
{
    static const char *const names[] = {"ia2_exit_register", "ia2_exit_invoke", "ia2_run_destructor",
                                        "ia2_exit_run_array", "ia2_exit_run_fini"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        int status, child = fork();
        if (!child) {
            void *f = exported(names[i]);
            asm volatile("call *%0" ::"r"(f), "D"(payload), "S"(payload), "d"((long)victim_key),
                         "c"((long)victim_key)
                         : "rax", "r8", "r9", "r10", "r11", "memory");
            SYS(SYS_exit_group, 0);
        }
        waitpid(child, &status, 0);
    }
}
