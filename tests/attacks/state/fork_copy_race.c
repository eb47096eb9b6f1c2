/* class: state
 * source: the child's state is copied through the forking thread's stack
 * tries: to have a second thread change the copy on its way, so that a handler is the victim's
 * must: have the kernel or the monitor copy
 * expect: stopped */
#include "attack.h"

static char *volatile stack;
static word handler;
static volatile int running;

static void *change(void *unused)
{
    for (running = 1;;)
        for (word *at = (word *)((word)(stack - 12000) & -8ul); (char *)at < stack; at++)
            if (*at == handler && *(uint32_t *)(at + 1) == (uint32_t)own_key) {
                *at = (word)payload;
                *(uint32_t *)(at + 1) = victim_key;
            }
    return unused;
}

ATTACK
{
    int status;
    on_signal(SIGUSR2, quiet_handler);
    handler = (word)state()->signal[SIGUSR2].handler;
    stack = __builtin_frame_address(0);
    thread(change, NULL);
    while (!running)
        sched_yield();
    for (int i = 0; i < 400; i++) {
        int child = fork();
        if (!child) {
            if (state()->signal[SIGUSR2].owner == (uint32_t)victim_key)
                raise(SIGUSR2);
            SYS(SYS_exit_group, 3);
        }
        waitpid(child, &status, 0);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
            break;
    }
    SYS(SYS_exit_group, 0);
}
