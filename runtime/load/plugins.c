#define _GNU_SOURCE
#include "load/plugins.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/die.h"
#include "base/format.h"
#include "memory/mappings.h"
#include "base/lock.h"
#include "exit/destructor_map.h"
#include "exit/fini_array.h"
#include "exit/registering.h"
#include "exit/trace.h"
#include "load/code_pages.h"
#include "load/jump_slots.h"
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

/* The folder of libia2.so with a slash, read-only once it is known: what ld.so knows about
 * libraries, everybody can write. */
static char folder[PATH_MAX] __attribute__((aligned(IA2_PAGE)));
_Static_assert(sizeof(folder) % IA2_PAGE == 0, "has pages of its own");

static void find_folder(void)
{
    Dl_info info;
    if (!dladdr((void *)find_folder, &info) || !realpath(info.dli_fname, folder))
        ia2_die("cannot find the folder of libia2.so, where plugins are (%s)",
                strerrorname_np(errno));
    strrchr(folder, '/')[1] = 0;
    if (mprotect(folder, sizeof(folder), PROT_READ))
        ia2_die("cannot keep the folder of plugins (%s)", strerrorname_np(errno));
}

int ia2_plugin_path(const char *name, char *path, size_t size)
{
    const struct ia2_plugin *plugin = name && plugin_keys() ? plugin_meant(name) : NULL;
    if (!plugin)
        return 0;
    /* Even if it is missing: never the one that the project built, which would have the caller's
     * rights. */
    size_t length = strlen(folder), more = strlen(plugin->file) + 1;
    if (length + more > size)
        ia2_die("dlopen: the path of %s is too long", plugin->file);
    memcpy(path, folder, length);
    memcpy(path + length, plugin->file, more);
    return 1;
}

struct taking {
    const char *path; /* of the file that was asked for, in memory that nobody writes */
    const struct ia2_plugin *plugin;
    struct ia2_plugin_file file;
    uint32_t id; /* the compartment that came; 0: it was there, or none */
};

/* In the monitor, which asks the kernel itself. */
static int is_one_file(const char *name, const char *other)
{
    struct stat status[2];
    return !ia2_sys(SYS_newfstatat, AT_FDCWD, (long)name, (long)&status[0], 0, 0) &&
           !ia2_sys(SYS_newfstatat, AT_FDCWD, (long)other, (long)&status[1], 0, 0) &&
           status[0].st_dev == status[1].st_dev && status[0].st_ino == status[1].st_ino;
}

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
    if (!taking || !is_one_file(info->dlpi_name, taking->path))
        ia2_die("%s is a compartment, but was not loaded as one: dlopen it by its name, and only "
                "it, with nothing that needs it",
                info->dlpi_name);
    ia2_module_admit(info, descriptor, plugin_keys());
    ia2_module_check_policy(descriptor);
    struct ia2_module module;
    ia2_module_find(info, descriptor, &module);
    ia2_exit_gate_module(info, &module, descriptor->fini_entries);
    int r = ia2_mapping_open_plugin(module.text);
    if (r)
        ia2_die("cannot let the code of %s run (%s)", info->dlpi_name, strerrorname_np(-r));
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

/* Libraries that no compartment names. */
long ia2_guests_sealed(long unused1, long unused2, long unused3, long unused4, int caller)
{
    (void)unused1, (void)unused2, (void)unused3, (void)unused4, (void)caller;
    struct ia2_code_pages pages;
    ia2_code_pages_begin(&pages);
    ia2_jump_slots_seal(&pages);
    ia2_code_pages_end(&pages);
    return 0;
}

static void seal_guests(void)
{
    ia2_monitor(IA2_DO_GUESTS_SEAL, 0, 0, 0, 0);
}

void ia2_plugins_find(void)
{
    const struct ia2_compartment_descriptor *first = ia2_state.module[1].descriptor;
    char path[PATH_MAX];
    if (!first->plugin_keys)
        return;
    find_folder();
    for (const struct ia2_plugin *plugin = first->plugins; plugin < first->plugins_end; plugin++)
        if (ia2_format(path, sizeof(path), "%s%s", folder, plugin->file) < sizeof(path))
            ia2_code_file_add_plugin(path);
}

void ia2_plugins_start(void)
{
    if (plugin_keys())
        ia2_plugins_check();
}

void ia2_plugins_check(void)
{
    if (ia2_state.ready) {
        dl_iterate_phdr(take_in, NULL);
        dl_iterate_phdr(refuse_plain, NULL);
        seal_guests();
    }
    ia2_permissive_objects();
}

long ia2_plugin_taken(long path, long size, long unused1, long unused2, int caller)
{
    (void)unused1, (void)unused2;
    char copy[PATH_MAX];
    struct taking taking = {.path = copy};
    if (size < 1 || (size_t)size > sizeof(copy) || caller > 0)
        return 0;
    ia2_monitor_copy_in(caller, copy, (const void *)path, (size_t)size);
    copy[size - 1] = 0;
    dl_iterate_phdr(take_in, &taking);
    return taking.id;
}

/* The path of the plugin that a name means. Nobody can write it. */
static char *keep_path(const char *name)
{
    char *path = mmap(NULL, PATH_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (path == MAP_FAILED)
        ia2_die("dlopen: no memory for a path");
    if (!ia2_plugin_path(name, path, PATH_MAX))
        ia2_die("dlopen: no plugin");
    if (mprotect(path, PATH_MAX, PROT_READ))
        ia2_die("dlopen: cannot keep a path (%s)", strerrorname_np(errno));
    return path;
}

static int is_compartment(uintptr_t base)
{
    for (uint32_t id = 1; id <= ia2_state.count; id++)
        if (ia2_state.module[id].descriptor && ia2_state.module[id].base == base)
            return 1;
    return 0;
}

static void refuse_wrong(const struct taking *taking, const char *wrong)
{
    if (wrong)
        ia2_die("dlopen: %s is not the plugin that it should be: %s", taking->path, wrong);
}

void *ia2_key0_dlopen(const char *name, int flags)
{
    struct taking taking = {.path = keep_path(name)};
    taking.plugin = plugin_called(taking.path);
    if (!taking.plugin)
        ia2_die("dlopen: no plugin");
    uint32_t key = (uint32_t)taking.plugin->key;
    refuse_wrong(&taking, ia2_plugin_file_open(taking.path, key, &taking.file));
    ia2_lock(&lock);
    struct link_map *handle = dlopen(taking.path, (flags & ~RTLD_LAZY) | RTLD_NOW);
    ia2_permissive_objects();
    if (handle && !is_compartment(handle->l_addr))
        refuse_wrong(&taking, ia2_plugin_file_mapped_wrong(&taking.file, key, handle->l_ld));
    if (handle)
        taking.id = (uint32_t)ia2_monitor(IA2_DO_PLUGIN_TAKE, (long)taking.path,
                                          (long)strlen(taking.path) + 1, 0, 0);
    seal_guests(); /* that the plugin needs */
    if (taking.id)
        ia2_state.module[taking.id].descriptor->construct();
    ia2_unlock(&lock);
    ia2_plugin_file_close(&taking.file);
    munmap((char *)taking.path, PATH_MAX);
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

/* ld.so could not: it is not the monitor. */
static void unmap(const struct ia2_module *module)
{
    uintptr_t end = module->text.end;
    for (int i = 0; i < IA2_DATA_RANGES; i++)
        if (module->data[i].end > end)
            end = module->data[i].end;
    if (module->shared.end > end)
        end = module->shared.end;
    if (!ia2_sys_unmap((void *)module->base, end - module->base))
        ia2_mapping_remove(module->base, end - module->base);
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
            ia2_sys_action(number, &dfl, NULL);
            ia2_state.signal[number] = (struct ia2_signal){.owner = 0};
        }
    ia2_heap_ranges_let_go((int)id);
    if (ia2_state.contained)
        unmap(&gone);
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
