/* class: libc
 * source: __cxa_atexit, __cxa_at_quick_exit and __cxa_thread_atexit_impl of libc, found by dlsym
 * tries: to register the payload past the kit's own atexit
 * must: run it without the victim's rights
 * expect: stopped */
#include "attack.h"
#include <dlfcn.h>

ATTACK
{
    void *libc = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
    static const char *const names[] = {"__cxa_atexit", "__cxa_at_quick_exit", "on_exit",
                                        "__cxa_thread_atexit_impl"};
    for (unsigned i = 0; libc && i < sizeof names / sizeof *names; i++) {
        int (*add)(void *, void *, void *) = dlsym(libc, names[i]);
        if (add)
            add(payload, payload, NULL);
    }
}
