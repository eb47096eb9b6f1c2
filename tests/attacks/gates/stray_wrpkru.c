/* class: gates
 * source: ERIM (Vahldiek-Oberwagner et al. 2019), section 3.3
 * tries: to find WRPKRU in executable memory outside of the gates, of libc and of ld.so, and to jump
 *   there with EAX = 0
 * must: find none that goes on with the value
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

static void try_at(const unsigned char *at)
{
    int status, child = SYS(SYS_fork);
    if (!child) {
        asm volatile("call *%0" ::"r"(at), "a"(0), "c"(0), "d"(0) : "memory");
        own();
        SYS(SYS_exit_group, 0);
    }
    SYS(SYS_wait4, child, &status, 0);
}

static void search(const char *low, const char *high)
{
    const char *at = low;
    while ((at = memmem(at, high - at, "\x0f\x01\xef", 3))) {
        if (!is_gates((word)at))
            try_at((const unsigned char *)at);
        at++;
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
            search((char *)low, (char *)high);
}
