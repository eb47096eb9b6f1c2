/* class: system_calls
 * source: PKU Pitfalls, section 4.3; a filter on paths has to know all names
 * tries: to reach the same file by the process's and the thread's number, and by openat from /proc/self
 * must: not be opened
 * expect: stopped */
#include "attack.h"

static void read_from(int file)
{
    char bytes[16];
    if (SYS(SYS_pread64, file, bytes, 16, victim_secret) == 16)
        leak(bytes);
}

ATTACK
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task/%d/mem", getpid(), gettid());
    read_from(SYS(SYS_open, path, O_RDONLY));
    read_from(SYS(SYS_open, "/proc/thread-self/mem", O_RDONLY));
    read_from(SYS(SYS_openat, SYS(SYS_open, "/proc/self", O_DIRECTORY), "mem", O_RDONLY));
    SYS(SYS_symlink, "/proc/self/mem", "mem-link");
    read_from(SYS(SYS_open, "mem-link", O_RDONLY));
}
