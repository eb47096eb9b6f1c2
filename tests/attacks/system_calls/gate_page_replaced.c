/* class: system_calls
 * source: mmap(2) with MAP_FIXED
 * tries: to map other code over the gate by which the victim is entered or returned to
 * must: not change mappings of code
 * expect: stopped */
#include "attack.h"

static void to_payload(char *at)
{
    word target = (word)payload;
    memcpy(at, "\x48\xb8", 2);
    memcpy(at + 2, &target, 8);
    memcpy(at + 10, "\xff\xe0", 2);
}

ATTACK
{
    /* Behind the WRPKRU that gives the victim its rights, and what checks it. */
    word switches[2] = {wrpkru_between(own_key, victim_key, 0),
                        wrpkru_between(victim_key, own_key, 1)};
    for (int i = 0; i < 2; i++) {
        word page = switches[i] & -4096ul;
        static char kept[8192];
        memcpy(kept, (void *)page, 8192);
        if (FAILED(SYS(SYS_mmap, page, 8192, 7, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)))
            return;
        memcpy((void *)page, kept, 8192);
        to_payload((char *)switches[i] + 8);
    }
    victim_call(ADD, 1, 1);
}
