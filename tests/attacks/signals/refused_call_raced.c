/* class: signals
 * source: a refused call sets SIGABRT's default action, and then sends the signal
 * tries: to have a second thread set a handler between the two system calls
 * must: end the process whatever handlers there are
 * expect: stopped */
#include "attack.h"

static void go_on(int number)
{
    static const char text[] = "EFFECT: the process goes on after a call that was refused\n";
    SYS(SYS_write, 1, text, sizeof text - 1);
    for (;;)
        SYS(SYS_pause);
}

static void *set_handler(void *unused)
{
    static const struct kernel_action action = {(word)go_on, RAW_ONSTACK | SA_NODEFER | 0x04000000,
                                                (word)go_on, 0};
    for (;;)
        SYS(SYS_rt_sigaction, SIGABRT, &action, NULL, 8);
    return unused;
}

/* Some refusals are made in assembly, others by ia2_die: this is one of the latter. */
static void be_refused(void)
{
    int (*configure)(void *, void *, int) = exported("ia2_exit_invoke");
    if (configure)
        configure(NULL, NULL, -1);
}

ATTACK
{
    for (int i = 0; i < 60; i++) {
        int status, child = fork();
        if (!child) {
            thread(set_handler, NULL);
            usleep(1000);
            be_refused();
            SYS(SYS_exit_group, 0);
        }
        for (int waited = 0; SYS(SYS_wait4, child, &status, WNOHANG, 0) == 0; waited++) {
            if (waited == 200) { /* it printed that it goes on */
                SYS(SYS_kill, child, SIGKILL);
                return;
            }
            usleep(10000);
        }
        if (WIFEXITED(status) && !WEXITSTATUS(status))
            cannot("nothing was refused");
    }
}
