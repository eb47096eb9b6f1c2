/* class: system_calls
 * source: unshare(2), mount(2)
 * tries: to have the victim open other files by the same names
 * must: fail
 * expect: stopped */
#include "attack.h"
#include <sys/mount.h>
#include <sys/stat.h>

ATTACK
{
    struct stat before, after;
    stat("/tmp", &before);
    SYS(SYS_unshare, CLONE_NEWNS);
    SYS(SYS_mount, "none", "/tmp", "tmpfs", 0, 0);
    stat("/tmp", &after);
    if (before.st_dev != after.st_dev)
        effect("the victim's paths lead to other files");
}
