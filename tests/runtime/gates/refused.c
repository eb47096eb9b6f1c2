/* refused HANDLER: calls a pointer that is no gate, with a handler for SIGABRT that goes on. */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include "ia2.h"
#include "refused.h"

static sigjmp_buf place;

static void go_on(int number)
{
    if (number == SIGABRT)
        siglongjmp(place, 1);
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = go_on, .sa_flags = SA_NODEFER};
    sigset_t abort_signal;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 1 && !strcmp(argv[1], "handled") && sigaction(SIGABRT, &action, NULL))
        return 2;
    if (argc > 1 && !strcmp(argv[1], "ignored") && signal(SIGABRT, SIG_IGN) == SIG_ERR)
        return 2;
    sigemptyset(&abort_signal);
    sigaddset(&abort_signal, SIGABRT);
    if (argc > 1 && !strcmp(argv[1], "blocked") && sigprocmask(SIG_BLOCK, &abort_signal, NULL))
        return 2;
    if (touch())
        return 3;
    if (!sigsetjmp(place, 1))
        ia2_check_target((const void *)&place, 1);
    puts("goes on");
    return 0;
}
