/* Locks of the runtime in one order or another, as a debug build checks them. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "base/lock.h"

static struct ia2_lock plugins = IA2_RECURSIVE_LOCK(IA2_RANK_PLUGINS),
                       types = IA2_LOCK(IA2_RANK_TYPES), others_types = IA2_LOCK(IA2_RANK_TYPES),
                       storage = IA2_LOCK(IA2_RANK_STORAGE),
                       second_storage = IA2_LOCK(IA2_RANK_STORAGE);

int main(int argc, char **argv)
{
    const char *name = argc == 2 ? argv[1] : "";
    if (!strcmp(name, "in-order")) {
        ia2_lock(&plugins);
        ia2_lock(&plugins); /* recursive */
        ia2_lock(&storage);
        ia2_unlock(&storage);
        ia2_unlock(&plugins);
        ia2_lock(&storage);
        ia2_unlock(&storage);
        ia2_unlock(&plugins);
        ia2_lock(&types); /* of two compartments, as a fork takes them */
        ia2_lock(&others_types);
        ia2_unlock(&types);
        ia2_unlock(&others_types);
    } else if (!strcmp(name, "wrong-order")) {
        ia2_lock(&storage);
        ia2_lock(&plugins);
    } else if (!strcmp(name, "equal-rank")) {
        ia2_lock(&storage);
        ia2_lock(&second_storage);
    } else if (!strcmp(name, "not-held")) {
        ia2_unlock(&storage);
    } else {
        return 2;
    }
    puts("done");
    return 0;
}
