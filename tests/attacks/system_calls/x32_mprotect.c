/* class: system_calls
 * source: the x32 numbers, which a filter on 64-bit numbers may not see
 * tries: to make a page executable by an x32 system call
 * must: not make it. (Debian's kernels have x32 off unless the command line says otherwise)
 * expect: stopped */
#include "attack.h"

ATTACK
{
    char *page = pages(4096, PROT_READ | PROT_WRITE);
    memcpy(page, open_all_keys, OPEN_ALL_KEYS_SIZE);
    if (!FAILED(SYS(0x40000000 + SYS_mprotect, page, 4096, 7)))
        run_code(page);
}
