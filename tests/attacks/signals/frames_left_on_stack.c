/* class: signals
 * source: the kernel's frame stays on the signal stack
 * tries: to find the victim's registers on the signal stack after a handler of the victim's ran
 * must: find nothing of the victim's
 * expect: stopped */
#include "attack.h"

ATTACK
{
    victim_call(SPIN_WITH_TIMER, 20000000, 0);
    char line[512], mode[8];
    unsigned long low, high;
    static struct {
        unsigned long low, high;
    } found[400];
    int n = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (n < 400 && fgets(line, sizeof line, maps))
        if (sscanf(line, "%lx-%lx %7s", &low, &high, mode) == 3 && mode[1] == 'w' &&
            high - low < 16 << 20) {
            found[n].low = low;
            found[n++].high = high;
        }
    for (int i = 0; i < n; i++)
        for (char *page = (char *)found[i].low; page < (char *)found[i].high; page += 4096)
            for (int o = readable(page) ? 0 : 4096; o + 16 <= 4096; o += 8)
                if (!memcmp(page + o, "SEKRIT", 6) && page[o + 7] == (victim_key == 1 ? 'a' : 'l')) {
                    char bytes[16] = "";
                    memcpy(bytes, page + o, 8);
                    leak(bytes);
                    return;
                }
}
