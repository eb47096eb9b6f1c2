/* class: memory
 * source: the threat model's "what is readable by all"
 * tries: to find a copy of the secret in libc's heap and data, the initial stack and shared mappings
 * must: find none
 * expect: stopped */
#include "attack.h"

/* The whole secret, which is written nowhere here. */
static int is_secret(const char *p)
{
    return !memcmp(p, "SEKRIT-", 7) && p[10] == '-' && p[11] == '7' && p[12] == '7' &&
           p[7] == (victim_key == 1 ? 'a' : 'l');
}

static void search(const char *low, const char *high)
{
    for (const char *page = low; page + 4096 <= high; page += 4096)
        for (int i = readable(page) ? 0 : 4096; i + 16 < 4096; i++)
            if (is_secret(page + i))
                leak(page + i);
}

ATTACK
{
    char line[512], mode[8];
    unsigned long low, high;
    victim_call(PRINT, 1, 0);
    victim_call(SPIN_WITH_TIMER, 10000, 0);
    FILE *maps = fopen("/proc/self/maps", "r");
    static struct {
        unsigned long low, high;
    } found[400];
    int n = 0;
    while (n < 400 && fgets(line, sizeof line, maps))
        if (sscanf(line, "%lx-%lx %7s", &low, &high, mode) == 3 && mode[1] == 'w' &&
            high - low < 16 << 20) {
            found[n].low = low;
            found[n++].high = high;
        }
    for (int i = 0; i < n; i++)
        search((char *)found[i].low, (char *)found[i].high);
}
