#define _GNU_SOURCE
#include "load/plugins.h"

#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/die.h"
#include "base/lock.h"
#include "exit/destructor_map.h"
#include "exit/fini_array.h"
#include "exit/registering.h"
#include "exit/trace.h"
#include "load/module.h"
#include "memory/heap_ranges.h"
#include "memory/thread_storage.h"
#include "permissive/objects.h"
#include "load/plugin_file.h"
#include "load/sites.h"
#include "state/monitor.h"
#include "state/note.h"
#include "state/state.h"
#include "state/system_calls.h"

#define SUFFIX ".ia2.so"

/* Recursive: a constructor may load another one. */
static struct ia2_lock lock = IA2_RECURSIVE_LOCK(IA2_RANK_PLUGINS);
static uint32_t plugin_keys(void)
{
    const struct ia2_compartment_descriptor *first = ia2_state.module[1].descriptor;
    return ia2_state.ready && first ? first->plugin_keys : 0;
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The policy's plugin whose file, in the project's build or beside the program, \a name is called
 * after. */
static const struct ia2_plugin *plugin_called(const char *name)
{
    const struct ia2_compartment_descriptor *first = ia2_state.module[1].descriptor;
    for (const struct ia2_plugin *plugin = first->plugins; plugin < first->plugins_end; plugin++)
        if (!strcmp(plugin->name, last_part(name)) || !strcmp(plugin->file, last_part(name)))
            return plugin;
    return NULL;
}

/* The same, also through links (libx.so -> libx.so.1). */
static const struct ia2_plugin *plugin_meant(const char *name)
{
    char real[PATH_MAX];
    const struct ia2_plugin *plugin = plugin_called(name);
    return plugin || !strchr(name, '/') || !realpath(name, real) ? plugin : plugin_called(real);
}

int ia2_plugin_path(const char *name, char *path, size_t size)
{
    char own[PATH_MAX], wanted[PATH_MAX], real[PATH_MAX];
    Dl_info info;
    if (!name || !plugin_keys() || !dladdr((void *)ia2_plugin_path, &info) ||
        !realpath(info.dli_fname, own))
        return 0;
    char *slash = strrchr(own, '/');
    slash[1] = 0;
    const struct ia2_plugin *plugin = plugin_meant(name);
    if (plugin) { /* even if it is missing: never the one that the project built, which would have
                     the caller's rights */
        if ((size_t)snprintf(path, size, "%s%s", own, plugin->file) >= size)
            ia2_die("dlopen: the path of %s is too long", plugin->file);
        return 1;
    }
    if ((size_t)snprintf(wanted, sizeof(wanted), "%s%s", strchr(name, '/') ? "" : own, name) >=
            sizeof(wanted) ||
        !realpath(wanted, real))
        return 0;
    size_t folder = strlen(own), length = strlen(real);
    if (length >= size || strncmp(real, own, folder) || strchr(real + folder, '/') ||
        length < sizeof(SUFFIX) || strcmp(real + length - strlen(SUFFIX), SUFFIX))
        return 0;
    strcpy(path, real);
    return 1;
}

struct taking {
    char path[PATH_MAX]; /* of the file that was asked for */
    uint32_t id; /* the compartment that came; 0: it was there, or none */
};

static int take_in(struct dl_phdr_info *info, size_t size, void *data)
{
    (void)size;
    struct taking *taking = data;
    const struct ia2_compartment_descriptor *descriptor = ia2_find_descriptor(info);
    if (!descriptor)
        return 0;
    uint32_t id = descriptor->id;
    if (id >= 1 && id <= ia2_state.count && ia2_state.module[id].descriptor == descriptor)
        return 0;
    char real[PATH_MAX];
    if (!taking || !realpath(info->dlpi_name, real) || strcmp(real, taking->path))
        ia2_die("%s is a compartment, but was not loaded as one: dlopen it by its name, and only "
                "it, with nothing that needs it",
                info->dlpi_name);
    ia2_module_admit(info, descriptor, plugin_keys());
    ia2_module_check_policy(descriptor);
    struct ia2_module module;
    ia2_module_find(info, descriptor, &module);
    ia2_exit_gate_module(info, &module, descriptor->fini_entries);
    ia2_sites_patch_one(descriptor);
    ia2_destructor_map_add(info);
    ia2_thread_storage_lock();
    ia2_state.module[id] = module;
    ia2_exit_find_owners((int)id);
    ia2_heap_ranges_set_keys();
    ia2_module_set_keys(&module, id);
    ia2_thread_storage_set_key(&module, (int)id);
    ia2_thread_storage_unlock();
    taking->id = id;
    ia2_exit_trace("Compartment %s came with %s", descriptor->name, info->dlpi_name);
    return 0;
}

/* A constructor before main, or a library outside of all compartments, may have loaded the file
 * that the project built. */
static int refuse_plain(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)size, (void)unused;
    const struct ia2_compartment_descriptor *first = ia2_state.module[1].descriptor;
    for (const struct ia2_plugin *plugin = first->plugins; plugin < first->plugins_end; plugin++)
        if (info->dlpi_name && !strcmp(plugin->name, last_part(info->dlpi_name)) &&
            !ia2_find_descriptor(info))
            ia2_die("%s is a plugin of the policy, but was loaded with the rights of who needed "
                    "it; dlopen it from a compartment, once main "
                    "runs",
                    info->dlpi_name);
    return 0;
}

void ia2_plugins_check(void)
{
    if (ia2_state.ready) {
        dl_iterate_phdr(take_in, NULL);
        dl_iterate_phdr(refuse_plain, NULL);
    }
    ia2_permissive_objects();
}

long ia2_plugin_taken(long path, long size, long unused1, long unused2, int caller)
{
    (void)unused1, (void)unused2;
    struct taking taking = {.id = 0};
    if (size < 1 || (size_t)size > sizeof(taking.path) || caller > 0)
        return 0;
    ia2_monitor_copy_in(caller, taking.path, (const void *)path, (size_t)size);
    taking.path[size - 1] = 0;
    dl_iterate_phdr(take_in, &taking);
    return taking.id;
}

void *ia2_key0_dlopen(const char *path, int flags)
{
    struct taking taking = {.id = 0};
    if (!ia2_plugin_path(path, taking.path, sizeof(taking.path)))
        ia2_die("dlopen: no compartment");
    const struct ia2_plugin *plugin = plugin_called(taking.path);
    const char *wrong =
        access(taking.path, F_OK)
            ? NULL
            : ia2_plugin_file_wrong(taking.path, plugin ? (uint32_t)plugin->key : 0);
    if (wrong)
        ia2_die("dlopen: %s is not the plugin that it should be: %s", taking.path, wrong);
    ia2_lock(&lock);
    void *handle = dlopen(taking.path, (flags & ~RTLD_LAZY) | RTLD_NOW);
    ia2_permissive_objects();
    if (handle)
        taking.id = (uint32_t)ia2_monitor(IA2_DO_PLUGIN_TAKE, (long)taking.path,
                                          (long)strlen(taking.path) + 1, 0, 0);
    if (taking.id)
        ia2_state.module[taking.id].descriptor->construct();
    ia2_unlock(&lock);
    return handle;
}

static int note_loaded(struct dl_phdr_info *info, size_t size, void *mask)
{
    (void)size;
    for (uint32_t id = 1; id <= ia2_state.count; id++)
        if (ia2_state.module[id].descriptor && ia2_state.module[id].base == info->dlpi_addr)
            *(uint32_t *)mask |= 1u << id;
    return 0;
}

/* Its heap stays: others may still have pointers into it, and its addresses must not become
 * somebody else's. */
static void let_go(uint32_t id)
{
    struct ia2_module gone = ia2_state.module[id];
    ia2_thread_storage_lock();
    ia2_state.module[id] = (struct ia2_module){.descriptor = NULL};
    ia2_thread_storage_set_key(&gone, 0);
    ia2_thread_storage_unlock();
    for (int number = 1; number < _NSIG; number++)
        if (ia2_state.signal[number].owner == id) {
            struct sigaction dfl = {.sa_handler = SIG_DFL};
            sigaction(number, &dfl, NULL);
            ia2_state.signal[number] = (struct ia2_signal){.owner = 0};
        }
    ia2_heap_ranges_let_go((int)id);
    ia2_exit_forget((int)id);
    ia2_destructor_map_remove((int)id);
    ia2_exit_trace("Compartment with key %u is gone", id);
}

long ia2_plugins_gone(long unused1, long unused2, long unused3, long unused4, int caller)
{
    (void)unused1, (void)unused2, (void)unused3, (void)unused4;
    uint32_t loaded = 0;
    if (caller > 0)
        return 0;
    dl_iterate_phdr(note_loaded, &loaded);
    for (uint32_t id = 1; id <= ia2_state.count; id++)
        if (ia2_state.module[id].descriptor && !(loaded & 1u << id))
            let_go(id);
    return 0;
}

int ia2_key0_dlclose(void *handle)
{
    ia2_lock(&lock);
    int r = dlclose(handle); /* destructors run through ia2_exit_run_array */
    ia2_monitor(IA2_DO_PLUGIN_LET_GO, 0, 0, 0, 0);
    ia2_unlock(&lock);
    return r;
}
