/* class: system_calls
 * source: setrlimit(2) with RLIMIT_AS: what a protection fails on may go on unprotected
 * tries: to have the victim's new memory without a key, since the kernel has no memory for it
 * must: end the process, or give the victim no memory
 * expect: stopped */
#include "attack.h"
#include <sys/resource.h>

static void *nothing(void *unused)
{
    return unused;
}

ATTACK
{
    struct rlimit little = {4096, 4096};
    pthread_t made;
    SYS(SYS_setrlimit, RLIMIT_AS, &little);
    pthread_create(&made, NULL, nothing, NULL);
    long page = victim_call(MAP, 0, 0);
    if (page != -1 && page)
        leak((char *)page);
}
