/* class: system_calls
 * source: personality(2) with READ_IMPLIES_EXEC
 * tries: to get executable memory by asking for readable memory
 * must: not set the personality
 * expect: stopped */
#include "attack.h"

ATTACK
{
    if (FAILED(SYS(SYS_personality, 0x0400000)))
        return;
    char *page = pages(4096, PROT_READ | PROT_WRITE);
    memcpy(page, open_all_keys, OPEN_ALL_KEYS_SIZE);
    run_code(page);
}
