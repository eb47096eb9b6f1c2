/* class: system_calls
 * source: core(5)
 * tries: to have a child dump core and to read the secret in the file
 * must: not have the victim's memory in a core file that the attacker caused. (The kernel reads with
 *   the PKRU of who dies)
 * expect: stopped */
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
    int filter = SYS(SYS_open, "/proc/self/coredump_filter", O_WRONLY);
    SYS(SYS_write, filter, "0x1", 3); /* private memory without a file */
    child = SYS(SYS_fork);
    if (!child)
        SYS(SYS_kill, SYS(SYS_getpid), SIGQUIT);
    SYS(SYS_wait4, child, &status, 0);
    snprintf(name, sizeof name, "/tmp/core.%d", child);
    int file = SYS(SYS_open, name, O_RDONLY);
    for (long at = 0; (at = SYS(SYS_lseek, file, at, 3 /* SEEK_DATA */)) >= 0; at += sizeof bytes) {
        long n = SYS(SYS_pread64, file, bytes, sizeof bytes, at);
        for (long i = 0; i + 16 < n; i++)
            if (!memcmp(bytes + i, "SEKRIT-", 7) && bytes[i + 10] == '-' &&
                bytes[i + 7] == (victim_key == 1 ? 'a' : 'l')) {
                leak(bytes + i);
                SYS(SYS_unlink, name);
                return;
            }
        if (n < (long)sizeof bytes)
            break;
    }
    SYS(SYS_unlink, name);
}
