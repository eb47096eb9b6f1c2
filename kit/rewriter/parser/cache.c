#include "cache.h"

#include <clang-c/Index.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/files.h"
#include "search.h"

static const char suffix[] = ".tree";

/* Libclang is large, and replaced as a whole. */
static void add_library(struct text *text)
{
    Dl_info info;
    struct stat status;
    CXString version = clang_getClangVersion();
    text_puts(text, clang_getCString(version));
    clang_disposeString(version);
    if (dladdr((void *)(uintptr_t)clang_createIndex, &info) && info.dli_fname &&
        !stat(info.dli_fname, &status))
        text_printf(text, "\n%s %lld %lld.%09ld\n", info.dli_fname, (long long)status.st_size,
                    (long long)status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

void cache_open(struct cache *cache, const char *directory)
{
    static const char *const variables[] = {"CPATH", "C_INCLUDE_PATH", "CCC_OVERRIDE_OPTIONS",
                                            "GCC_EXEC_PREFIX", "COMPILER_PATH"};
    cache->directory = directory;
    if (!directory)
        return;
    if (mkdir(directory, 0777) && errno != EEXIST)
        diag_fatal("%s: cannot make the directory: %s", directory, strerror(errno));
    struct text text = {0};
    size_t size = 0;
    char *const program = read_whole("/proc/self/exe", &size);
    text_printf(&text, "%016" PRIx64 " %s\n", program ? hash_bytes(program, size) : 0,
                source_roots());
    free(program);
    add_library(&text);
    for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++)
        text_printf(&text, "%s\n", getenv(variables[i]) ? getenv(variables[i]) : "");
    cache->identity = hash_bytes(text.data, text.length);
    free(text.data);
}

struct cache_key cache_key(const struct cache *cache, const struct plan_unit *unit,
                           const struct command *command, const char *const *arguments,
                           size_t count)
{
    struct text text = {0};
    text_printf(&text, "%016" PRIx64 "\n%s\n%s\n", cache->identity, unit->file, command->directory);
    for (size_t i = 0; i < count; i++)
        text_add(&text, arguments[i], strlen(arguments[i]) + 1);
    struct cache_key key = {.name = hash_bytes(text.data, text.length)};
    text_puts(&text, "check");
    key.check = hash_bytes(text.data, text.length);
    free(text.data);
    return key;
}

static const char *path_of(const struct cache *cache, struct cache_key key)
{
    return intern_format("%s/%016" PRIx64 "%s", cache->directory, key.name, suffix);
}

static const char *changed_file(const struct tree *tree, const struct command *command)
{
    for (uint32_t i = 1; i < tree_count(tree, TREE_FILES); i++) {
        const struct tree_file *const file = &tree->files[i];
        /* Not as a file that the unit reads: perhaps it does not any more. */
        const struct source *const source =
            source_get(compdb_path(command, tree_name(tree, file->name)));
        if (!source)
            return intern_format("%s is gone", tree_name(tree, file->name));
        if (source->size != file->size || source->hash != file->hash ||
            source->path != tree_name(tree, file->resolved))
            return intern_format("%s has changed", source->shown);
    }
    return NULL;
}

static const char *changed_search(const struct tree *tree)
{
    for (size_t i = 0; i < tree_count(tree, TREE_PROBES); i++) {
        const struct tree_probe *const tree_probe = &tree->probes[i];
        const struct search_probe probe = {tree_name(tree, tree_probe->directory),
                                           tree_name(tree, tree_probe->name)};
        if (search_is_present(&probe) != (bool)tree_probe->present)
            return intern_format("%s/%s %s", probe.directory, probe.name,
                                 tree_probe->present ? "is gone" : "is new");
    }
    return NULL;
}

/* Why a tree is not true any more; NULL if it is. */
static const char *untrue(const struct tree *tree, const struct command *command,
                          const struct map *planned)
{
    for (size_t i = 0; i < planned->capacity; i++)
        if (planned->slots[i].key && tree_lacks(tree, planned->slots[i].key))
            return "the boundary has a function of a system header that it had not";
    const char *const file = changed_file(tree, command);
    return file ? file : changed_search(tree);
}

const struct tree *cache_read(const struct cache *cache, struct cache_key key,
                              const struct command *command, const struct map *planned,
                              const char **reason)
{
    size_t size = 0;
    *reason = "nothing is kept";
    if (!cache->directory)
        return NULL;
    *reason = "it is new, or its command is";
    char *const block = read_whole(path_of(cache, key), &size);
    if (!block)
        return NULL;
    const struct tree *const tree = tree_open((struct tree_header *)(void *)block, size);
    *reason = !tree || tree->header->key != key.check ? "what was kept of it is damaged"
                                                      : untrue(tree, command, planned);
    if (!*reason)
        return tree;
    tree_close(tree);
    return NULL;
}

void cache_write(const struct cache *cache, struct cache_key key, const struct tree_header *block)
{
    if (cache->directory)
        write_whole(path_of(cache, key), block, block->size);
}

static bool ends(const char *text, const char *end)
{
    const size_t length = strlen(text), end_length = strlen(end);
    return length > end_length && !strcmp(text + length - end_length, end);
}

void cache_sweep(const struct cache *cache, const struct cache_key *keys, size_t count)
{
    struct map wanted = {0};
    DIR *const dir = opendir(cache->directory);
    for (size_t i = 0; dir && i < count; i++)
        map_add(&wanted, key_of(path_of(cache, keys[i])));
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        const char *const path = intern_format("%s/%s", cache->directory, entry->d_name);
        struct stat status;
        const bool abandoned = ends(entry->d_name, ".tmp") && strstr(entry->d_name, suffix) &&
                               !stat(path, &status) && status.st_mtim.tv_sec + 3600 < time(NULL);
        if (abandoned || (ends(entry->d_name, suffix) && !map_get(&wanted, key_of(path))))
            unlink(path);
    }
    if (dir)
        closedir(dir);
    map_free(&wanted);
}
