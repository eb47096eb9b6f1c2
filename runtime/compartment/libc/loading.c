/* dlopen and dlclose. A DSO that is a compartment of its own is loaded with the
 * rights of key 0, and runs its constructors and destructors itself. Any other is this
 * compartment's guest, as in any program. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "state/addresses.h"
#include "base/die.h"
#include "compartment/libc/loading.h"
#include "load/guests.h"
#include "load/plugins.h"
#include "compartment/compartment.h"
#include "ia2.h"
#include "state/rights.h"

#define HIDDEN __attribute__((visibility("hidden")))

void *__real_dlopen(const char *name, int flags);
void *__real_dlmopen(Lmid_t space, const char *name, int flags);
int __real_dlclose(void *handle);

static int is_here(void)
{
    return ia2_state.ready && ia2_current_compartment() == (int)ia2_this_compartment.id;
}

/* A guest is bound at once: what ld.so binds later, it writes where everybody could. A library that
 * lacks a function that nobody calls is loaded as the program asks for it. */
static void *load_guest(const char *name, int flags)
{
    void *handle = flags & RTLD_LAZY ? __real_dlopen(name, (flags & ~RTLD_LAZY) | RTLD_NOW) : NULL;
    return handle ? handle : __real_dlopen(name, flags);
}

__attribute__((weak)) int ia2_refuses_guests(void)
{
    return 0;
}

/* Whether what dlopen gives is new to the process, so that the loader's rights go to new code. */
static int is_loaded(const char *name)
{
    void *handle = __real_dlopen(name, RTLD_LAZY | RTLD_NOLOAD);
    if (handle)
        __real_dlclose(handle);
    return handle != NULL;
}

static void *open_guest(const char *name, int flags)
{
    char path[PATH_MAX];
    const int key = (int)ia2_this_compartment.id, is_new = name && is_here() && !is_loaded(name);
    if (is_new && ia2_refuses_guests() && !(flags & RTLD_NOLOAD))
        name = ia2_guest_refuse(key, name, path, sizeof(path));
    void *handle = load_guest(name, flags);
    ia2_plugins_check();
    if (handle && is_new)
        ia2_guest_came(key, handle);
    return handle;
}

HIDDEN void *__wrap_dlopen(const char *name, int flags)
{
    char path[PATH_MAX];
    if (!is_here() || !ia2_plugin_path(name, path, sizeof(path)))
        return open_guest(name, flags);
    /* Nobody can read this stack. */
    char *shared = ia2_shared_push(strlen(path) + 1, 1);
    strcpy(shared, path);
    void *handle = __ia2_key0_dlopen(shared, flags);
    ia2_shared_pop(&shared);
    return handle;
}

/* A second copy of a compartment would have its key and none of its gates. */
HIDDEN void *__wrap_dlmopen(Lmid_t space, const char *name, int flags)
{
    char path[PATH_MAX];
    if (is_here() && ia2_plugin_path(name, path, sizeof(path)))
        ia2_die("dlmopen: %s is a compartment; it comes with dlopen only", name);
    if (name && is_here() && ia2_refuses_guests())
        name = ia2_guest_refuse((int)ia2_this_compartment.id, name, path, sizeof(path));
    void *handle = __real_dlmopen(space, name, flags);
    ia2_plugins_check();
    if (handle && name && is_here())
        ia2_guest_came((int)ia2_this_compartment.id, handle);
    return handle;
}

/* With key 0 too: what is unloaded may be a compartment, now or because nothing needs it any more.
 */
HIDDEN int __wrap_dlclose(void *handle)
{
    return is_here() && ia2_state.module[1].descriptor->plugin_keys ? __ia2_key0_dlclose(handle)
                                                                    : __real_dlclose(handle);
}

static int started; /* the constructors */

int ia2_is_arriving(void)
{
    return ia2_this_compartment.plugin_keys >> ia2_this_compartment.id & 1 && !started;
}

/* Once: whoever gives up his own rights may call this with key 0. */
void ia2_compartment_construct(void)
{
    const struct ia2_module *own = &ia2_state.module[ia2_this_compartment.id];
    if (started++)
        ia2_die("compartment %s: its constructors are called twice", ia2_this_compartment.name);
    for (size_t i = 0; i < own->constructor_count; i++)
        own->constructors[i]((int)ia2_state.argc, ia2_state.argv, ia2_state.envp);
}
