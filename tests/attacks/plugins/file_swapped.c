/* class: plugins
 * source: the runtime looks at the file by its name, and ld.so opens that name again
 * tries: to put another file in the place of the plugin's while the runtime looks at it; that file
 *   has an instruction for which it would be refused
 * must: load the file that was looked at, or end the process
 * attackers: 2
 * expect: stopped */
#include "attack.h"
#include <sys/inotify.h>

static volatile int armed;

static void put(const char *file)
{
    link(file, "next");
    SYS(SYS_rename, "next", "blur.ia2.so");
}

static void *swap(void *watch)
{
    char event[1024];
    while (SYS(SYS_read, (long)watch, event, sizeof event) > 0)
        if (armed) {
            put("unsafe.ia2.so");
            armed = 0;
        }
    return NULL;
}

ATTACK
{
    if (victim_load_plugin() != 7)
        cannot("the plugin does not load");
    long watch = inotify_init1(0);
    if (watch < 0 || inotify_add_watch(watch, "blur.ia2.so", IN_OPEN) < 0)
        cannot("no watch");
    link("blur.ia2.so", "good.ia2.so");
    thread(swap, (void *)watch);
    for (int i = 0; i < 30; i++) { /* ld.so may be faster */
        armed = 1;
        victim_load_plugin();
        for (int waited = 0; armed; waited++)
            if (waited > 1000)
                cannot("nobody opened the file");
            else
                usleep(1000);
        put("good.ia2.so");
    }
}
