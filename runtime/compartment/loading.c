/* dlopen and dlclose. A DSO that is a compartment of its own is loaded by nobody: its constructors and destructors are not this
 * compartment's. Any other is this compartment's guest, as in any program. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <limits.h>
#include <string.h>

#include "../late.h"
#include "compartment.h"
#include "ia2.h"

#define HIDDEN __attribute__((visibility("hidden")))

void *__real_dlopen(const char *name, int flags);
int __real_dlclose(void *handle);

static int is_here(void)
{
    return ia2_state.ready && ia2_current_compartment() == (int)ia2_this_compartment.id;
}

HIDDEN void *__wrap_dlopen(const char *name, int flags)
{
    char path[PATH_MAX];
    if (!is_here() || !ia2_late_path(name, path, sizeof(path))) {
        void *handle = __real_dlopen(name, flags);
        ia2_late_check();
        return handle;
    }
    /* Nobody can read this stack. */
    char *shared = ia2_shared_push(strlen(path) + 1, 1);
    strcpy(shared, path);
    void *handle = __ia2_nobody_dlopen(shared, flags);
    ia2_shared_pop(&shared);
    return handle;
}

/* By nobody too: what is unloaded may be a compartment, now or because nothing needs it any more. */
HIDDEN int __wrap_dlclose(void *handle)
{
    return is_here() && ia2_state.module[1].descriptor->late ? __ia2_nobody_dlclose(handle) : __real_dlclose(handle);
}
