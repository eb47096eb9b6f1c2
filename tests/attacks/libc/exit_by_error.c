/* class: libc
 * source: error(3) and err(3) call libc's exit, with the rights of who called them
 * tries: to have the payload, registered past the kit's own atexit, run when the victim ends that way
 * must: run it without the victim's rights
 * expect: stopped */
#include "attack.h"
#include <dlfcn.h>

ATTACK
{
    void *libc = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
    int (*add)(void *, void *, void *) = libc ? dlsym(libc, "__cxa_atexit") : NULL;
    if (!add)
        cannot("libc has no such function");
    add(payload, NULL, NULL);
    victim_call(END_BY_ERROR, 0, 0);
}
