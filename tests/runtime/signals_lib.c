#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "ia2.h"
#include "signals.h"
#include "state/state.h"

/* gate lib_attacks args_int=1 ret_int=1 */
/* gate lib_add args_int=2 ret_int=1 */
/* gate lib_raise args_int=1 ret_int=1 */
/* gate lib_back args_int=2 ret_int=1 */
/* gate lib_install args_int=2 ret_int=1 */
/* gate lib_wait ret_int=1 */
/* gate lib_overwrites args_int=1 ret_int=1 */

static int own;

int lib_add(int a, int b)
{
    char block[200];
    memset(block, a, sizeof(block));
    own += block[7] == (char)a;
    return a + b;
}

int lib_raise(int number)
{
    return raise(number);
}

int lib_back(int (*back)(int), int n)
{
    return IA2_CALL(back, TYPE_BACK)(n) + 1;
}

static void handler(int number)
{
    own++;
    shared.wrong += ia2_get_compartment() != PKEY;
    shared.count[number]++;
}

int lib_install(int number, int flags)
{
    struct sigaction act = {.sa_handler = handler, .sa_flags = flags};
    sigemptyset(&act.sa_mask);
    return sigaction(number, &act, NULL);
}

int lib_wait(void)
{
    puts("waiting");
    fflush(stdout);
    while (!shared.stop)
        usleep(1000);
    return 7;
}

int lib_overwrites(int *p)
{
    return ++*p;
}

static int how;

/* Has interrupted the program, and plays with what the runtime says to it: how 1 calls it as if it ran, 2 delivers a
 * signal to it, 3 has its stack cut. */
static void attacker(int number)
{
    const struct ia2_compartment_descriptor *victim = ia2_state.module[1].descriptor;
    shared.count[number]++;
    if (how == 1)
        victim->thread_end(0);
    if (how == 2)
        victim->signal(number, NULL, NULL, 0);
    if (how == 3)
        victim->unwound();
}

int lib_attacks(int new_how)
{
    struct sigaction act = {.sa_handler = attacker};
    how = new_how;
    sigemptyset(&act.sa_mask);
    return sigaction(SIGUSR1, &act, NULL);
}
