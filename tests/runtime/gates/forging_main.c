/* forging ATTACKER ATTACK [quick]: ATTACKER is the key of the compartment that attacks the other. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "ia2.h"
#include "state/state.h"
#include "forge.h"

/* share other_thread */
struct other_thread other_thread IA2_SHARED_DATA = {0};

static void *sleeper(void *unused)
{
    other_thread.slot = ia2_slot;
    __atomic_store_n(&other_thread.fs, __builtin_thread_pointer(), __ATOMIC_RELEASE);
    for (;;)
        pause();
    return unused;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    int attacker = atoi(argv[1]);
    const char *name = argv[2];
    pid_t own = getpid();
    int result, quick = argc > 3;
    pthread_t thread;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (strncmp(name, "sites", 5) && pthread_create(&thread, NULL, sleeper, NULL))
        return 3;
    while (strncmp(name, "sites", 5) && !*(void *volatile *)&other_thread.fs)
        usleep(1000);
    if (!strcmp(name, "sites"))
        result = attacker == 1 ? attack_every_site_1(2, quick) : attack_every_site_2(1, quick);
    else if (!strcmp(name, "sites-suspended")) /* the library waits for the program, which attacks it */
        result = sites_with_library_suspended(quick);
    else
        result = attacker == 1 ? attack_by_1(2, name) : attack_by_2(1, name);
    unsigned long flags;
    __asm__ volatile("pushfq; pop %0; cld" : "=r"(flags));
    if (flags & 0x400)
        puts("compromised: the direction flag is set");
    if (getpid() != own)
        _exit(42); /* the attempt was a proper return from the library */
    printf("result %d\n", result);
    return 0;
}
