#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "ia2.h"
#include "signals.h"

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
