/* class: system_calls
 * source: PKU Pitfalls, section 4.2: scans look at one mapping at a time
 * tries: to have one half of a WRPKRU at the end of a page and the other at the start of the next,
 *   which come together only by mremap
 * must: not get the two executable side by side
 * expect: stopped */
#include "attack.h"

ATTACK
{
    char *first = pages(8192, PROT_READ | PROT_WRITE), *second = pages(4096, PROT_READ | PROT_WRITE);
    memcpy(first + 4096 - 7, open_all_keys, 7);
    memcpy(second, open_all_keys + 7, OPEN_ALL_KEYS_SIZE - 7);
    SYS(SYS_mprotect, first, 4096, PROT_READ | PROT_EXEC);
    SYS(SYS_mprotect, second, 4096, PROT_READ | PROT_EXEC);
    if (!FAILED(SYS(SYS_mremap, second, 4096, 4096, 3, first + 4096)))
        run_code(first + 4096 - 7);
}
