#define _GNU_SOURCE
#include "load/guests.h"

#include <ctype.h>
#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/die.h"
#include "base/log.h"
#include "state/compartment_name.h"
#include "state/state.h"

/* Where ld.so of amd64 looks without being told; the first are Debian's own. */
static const char *const folders[] = {"/usr/lib/x86_64-linux-gnu",
                                      "/lib/x86_64-linux-gnu",
                                      "/usr/lib64",
                                      "/lib64",
                                      "/usr/lib",
                                      "/lib"};
enum { FOLDERS = sizeof(folders) / sizeof(*folders) };

static int is_system_library(const char *path)
{
    const char *slash = strrchr(path, '/');
    for (size_t i = 0; slash && i < FOLDERS; i++)
        if ((size_t)(slash - path) == strlen(folders[i]) &&
            !strncmp(path, folders[i], strlen(folders[i])))
            return 1;
    return 0;
}

const char *ia2_guest_refuse(int key, const char *name, char *path, size_t size)
{
    if (strchr(name, '/')) {
        char real[PATH_MAX];
        if (!realpath(name, real))
            return name; /* dlopen says why */
        if (!is_system_library(real))
            ia2_die("dlopen: %s is no compartment of the policy, which has guests = false in "
                    "[compartment.%s]: give it a compartment with plugin = \"%s\", or remove that "
                    "line",
                    real, ia2_compartment_name(key), strrchr(real, '/') + 1);
        return strlen(real) < size ? strcpy(path, real) : name;
    }
    for (size_t i = 0; i < FOLDERS; i++)
        if ((size_t)snprintf(path, size, "%s/%s", folders[i], name) < size && !access(path, F_OK))
            return path;
    /* Run paths and LD_LIBRARY_PATH lead elsewhere. */
    ia2_say("warning: dlopen: %s is looked for in the system's folders only: the policy has guests "
            "= false in [compartment.%s]",
            name, ia2_compartment_name(key));
    if ((size_t)snprintf(path, size, "%s/%s", folders[0], name) >= size)
        ia2_die("dlopen: the name %s is too long", name);
    return path;
}

/* The hashes of the files that were told of. Nothing depends on them but what is said. */
enum { TOLD = 64 };
static uint64_t told[TOLD];
static unsigned told_count;

static int is_first(const char *path)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (const char *at = path; *at; at++)
        hash = (hash ^ (unsigned char)*at) * 0x100000001b3;
    for (unsigned i = 0; i < told_count && i < TOLD; i++)
        if (told[i] == hash)
            return 0;
    if (told_count >= TOLD)
        return 0;
    told[told_count++] = hash;
    return 1;
}

/* A name for a compartment: that of the file, as far as C has it. */
static void identifier(const char *file, char *name, size_t size)
{
    size_t n = 0;
    if (isdigit((unsigned char)*file))
        name[n++] = '_';
    for (; *file && *file != '.' && n + 1 < size; file++)
        name[n++] = isalnum((unsigned char)*file) ? *file : '_';
    name[n] = 0;
}

void ia2_guest_came(int key, void *handle)
{
    struct link_map *map = NULL;
    char real[PATH_MAX], name[64];
    if (dlinfo(handle, RTLD_DI_LINKMAP, &map) || !map || !realpath(map->l_name, real) ||
        is_system_library(real) || !is_first(real))
        return;
    const char *loader = ia2_compartment_name(key), *file = strrchr(real, '/') + 1;
    ia2_say("warning: %s is no compartment of the policy: it runs with the rights of compartment "
            "%s",
            real, loader);
    if (ia2_state.count + 1 < IA2_MAX_COMPARTMENTS) {
        identifier(file, name, sizeof(name));
        ia2_say("  to give it a compartment of its own, add to the policy:");
        ia2_say("    [compartment.%s]", name);
        ia2_say("    pkey = %u", ia2_state.count + 1);
        ia2_say("    sources = [\"...\"]          # its sources");
        ia2_say("    plugin = \"%s\"", file);
        ia2_say("    entries = [\"...\"]          # what dlsym looks up in it");
    }
    ia2_say("  to refuse it, add guests = false to [compartment.%s]", loader);
}
