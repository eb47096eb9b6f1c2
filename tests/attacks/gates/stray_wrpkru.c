/* class: gates
 * source: ERIM (Vahldiek-Oberwagner et al. 2019), section 3.3
 * tries: to find the bytes of a WRPKRU or XRSTOR that is in no gate and not in libc or ld.so, in all
 *   executable memory, and to jump there with all keys open
 * must: find none
 * expect: stopped */
#include "attack.h"

static int is_gates(word at)
{
    for (int key = 1; key <= 3; key++) {
        word site;
        for (int n = 0; (site = wrpkru_of(key, n)); n++)
            if (site == at)
                return 1;
    }
    return 0;
}

static void search(word low, word high)
{
    for (word at = low; at + 5 < high; at++) {
        const unsigned char *p = (const unsigned char *)at;
        int wrpkru = p[0] == 0x0f && p[1] == 0x01 && p[2] == 0xef && !is_gates(at);
        int xrstor = p[0] == 0x0f && p[1] == 0xae && (p[2] & 0x38) == 0x28 && p[2] < 0xc0;
        if (wrpkru || xrstor)
            effect("there are bytes that set PKRU outside of the gates");
    }
}

ATTACK
{
    char line[512], mode[8];
    unsigned long low, high;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, maps))
        if (sscanf(line, "%lx-%lx %7s", &low, &high, mode) == 3 && mode[2] == 'x' &&
            mode[0] == 'r' && !strstr(line, "libc.so") && !strstr(line, "ld-linux") &&
            !strstr(line, "[v"))
            search(low, high);
}
