/* class: gates
 * source: ERIM (Vahldiek-Oberwagner et al. 2019), section 3.3
 * tries: to jump to each WRPKRU of each compartment's gates with EAX = 0, which would open all keys
 * must: end the process at the comparison behind each WRPKRU
 * expect: stopped */
#include "attack.h"

ATTACK
{
    for (int key = 1; key <= 3; key++) {
        word at;
        for (int n = 0; (at = wrpkru_of(key, n)); n++) {
            int child = SYS(SYS_fork), status;
            if (!child)
                jump_with(&(struct registers){0}, at);
            SYS(SYS_wait4, child, &status, 0);
            if (!WIFSIGNALED(status))
                effect("a jump to a WRPKRU came back");
        }
    }
}
