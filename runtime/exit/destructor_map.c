#define _GNU_SOURCE
#include "exit/destructor_map.h"

#include <errno.h>
#include <link.h>
#include <string.h>

#include "base/die.h"
#include "exit/trace.h"
#include "state/compartment_name.h"
#include "state/note.h"
#include "state/state.h"

#define map ia2_state.map

static uint64_t hash(uint64_t h, const void *data, size_t size)
{
    const unsigned char *at = data;
    for (size_t i = 0; i < size; i++)
        h = (h ^ at[i]) * 0x100000001b3u;
    return h;
}

static uint64_t checksum(void)
{
    uint64_t h = hash(0xcbf29ce484222325u, &map.count, sizeof(map.count));
    h = hash(h, &map.closed, sizeof(map.closed));
    h = hash(h, &map.names_used, sizeof(map.names_used));
    h = hash(h, map.entry, map.count * sizeof(map.entry[0]));
    return hash(h, map.names, map.names_used);
}

/* Whoever can change the map can change everything else of the runtime too; then there is nothing
 * to fall back to. */
static void verify(void)
{
    if (!map.count && !map.checksum)
        return;
    int sound = map.count <= IA2_DESTRUCTORS_MAX && map.names_used <= IA2_DESTRUCTOR_NAMES &&
                map.checksum == checksum();
    for (uint32_t i = 0; sound && i < map.count; i++) {
        uintptr_t at = (uintptr_t)map.entry[i].symbol_name - (uintptr_t)map.names;
        sound = at < map.names_used && memchr(map.names + at, 0, map.names_used - at) &&
                map.entry[i].compartment_id >= 1 &&
                map.entry[i].compartment_id <= IA2_LAST_COMPARTMENT;
    }
    if (!sound)
        ia2_die("the map of destructors was tampered with (bounds or checksum); not going on");
}

const struct ia2_destructor_metadata *ia2_destructor_lookup(const void *fn)
{
    verify();
    for (uint32_t i = 0; i < map.count; i++)
        if (map.entry[i].function == fn)
            return &map.entry[i];
    return NULL;
}

const struct ia2_destructor_metadata *ia2_get_destructor_metadata(size_t *count)
{
    verify();
    if (count)
        *count = map.count;
    return map.entry;
}

static int refuse(int error)
{
    errno = error;
    return -1;
}

/* 0 or an errno; \a added and \a names become the size of the new map. */
static int check_table(const struct ia2_static_destructor_table *table, uint64_t *names)
{
    if (!table || !table->compartment_name || (table->count && !table->entries) ||
        table->compartment_id < 1 || table->compartment_id > IA2_LAST_COMPARTMENT)
        return EINVAL;
    if (table->count > IA2_DESTRUCTORS_MAX - map.count)
        return ENOSPC;
    *names = map.names_used;
    for (size_t i = 0; i < table->count; i++) {
        const struct ia2_static_destructor_entry *entry = &table->entries[i];
        if (!entry->symbol_name || !entry->function_ptr || entry->compartment_id < 1 ||
            entry->compartment_id > IA2_LAST_COMPARTMENT)
            return EINVAL;
        size_t length = strnlen(entry->symbol_name, IA2_DESTRUCTOR_NAME_MAX + 1);
        const struct ia2_destructor_metadata *known =
            ia2_destructor_lookup((const void *)entry->function_ptr);
        if (length > IA2_DESTRUCTOR_NAME_MAX ||
            (known && known->compartment_id != entry->compartment_id))
            return EINVAL;
        *names += length + 1;
    }
    return *names > IA2_DESTRUCTOR_NAMES ? ENOSPC : 0;
}

static int import_table(const struct ia2_static_destructor_table *table)
{
    uint64_t names;
    verify();
    int error = check_table(table, &names);
    if (error)
        return refuse(error);
    ia2_exit_trace("Importing static table for compartment %s (%zu %s)", table->compartment_name,
                   table->count, table->count == 1 ? "entry" : "entries");
    uint32_t count = map.count;
    names = map.names_used;
    for (size_t i = 0; i < table->count; i++) {
        const struct ia2_static_destructor_entry *entry = &table->entries[i];
        if (ia2_destructor_lookup((const void *)entry->function_ptr))
            continue;
        size_t length = strlen(entry->symbol_name) + 1;
        struct ia2_destructor_metadata made = {(const void *)entry->function_ptr, map.names + names,
                                               entry->compartment_id};
        memcpy(map.names + names, entry->symbol_name, length);
        memcpy(&map.entry[count], &made, sizeof(made));
        names += length;
        count++;
        ia2_exit_trace("Registered destructor '%s'", entry->symbol_name);
    }
    map.names_used = names;
    map.count = count;
    map.checksum = checksum();
    return 0;
}

int ia2_import_static_destructor_table(const struct ia2_static_destructor_table *table)
{
    ia2_exit_read_environment();
    return map.closed ? refuse(EPERM) : import_table(table);
}

int ia2_emit_metadata_json(FILE *stream)
{
    verify();
    /* Names are symbols and compartments', which need no escapes. */
    int ok = fprintf(stream, "{\"version\": 1, \"destructors\": [") > 0;
    for (uint32_t i = 0; ok && i < map.count; i++)
        ok = fprintf(stream,
                     "%s\n  {\"symbol\": \"%s\", \"compartment\": \"%s\", \"compartment_id\": %d}",
                     i ? "," : "", map.entry[i].symbol_name,
                     ia2_has_compartment(map.entry[i].compartment_id)
                         ? ia2_compartment_name(map.entry[i].compartment_id)
                         : "",
                     map.entry[i].compartment_id) > 0;
    return ok && fprintf(stream, "\n]}\n") > 0 && !fflush(stream) ? 0 : -1;
}

/* ---- finding the tables --------------------------------------------------------------------- */

static int in_module(const struct dl_phdr_info *info, const void *start, size_t size)
{
    uintptr_t at = (uintptr_t)start;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        uintptr_t low = info->dlpi_addr + ph->p_vaddr;
        if (ph->p_type == PT_LOAD && at >= low && at - low <= ph->p_memsz &&
            size <= ph->p_memsz - (at - low))
            return 1;
    }
    return 0;
}

static void import_note(const struct dl_phdr_info *info, const char *descriptor)
{
    const char *name = info->dlpi_name && *info->dlpi_name ? info->dlpi_name : "the executable";
    int64_t distance;
    memcpy(&distance, descriptor, sizeof(distance));
    const struct ia2_static_destructor_table *table = (const void *)(descriptor + distance);
    if (!in_module(info, table, sizeof(*table)) || table->count > IA2_DESTRUCTORS_MAX ||
        (table->count && !in_module(info, table->entries, table->count * sizeof(*table->entries))))
        ia2_die("%s: its note of destructors leads out of it", name);
    if (import_table(table))
        ia2_die("%s: its table of destructors cannot be used (%s)", name, strerrorname_np(errno));
}

void ia2_destructor_map_add(const struct dl_phdr_info *info)
{
    const char *table = ia2_find_note(info, IA2_NOTE_DESTRUCTORS);
    if (table)
        import_note(info, table);
}

static int find_tables(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)size, (void)unused;
    ia2_destructor_map_add(info);
    return 0;
}

void ia2_destructor_map_remove(int id)
{
    verify();
    uint32_t kept = 0;
    uint64_t names = 0;
    for (uint32_t i = 0; i < map.count; i++)
        if (map.entry[i].compartment_id != id) {
            struct ia2_destructor_metadata entry = map.entry[i];
            memcpy(&map.entry[kept++], &entry, sizeof(entry));
            uint64_t end =
                (uint64_t)(entry.symbol_name - map.names) + strlen(entry.symbol_name) + 1;
            names = end > names ? end : names;
        }
    map.names_used = names;
    map.count = kept;
    map.checksum = checksum();
}

int ia2_destructor_runtime_init(void)
{
    ia2_exit_read_environment();
    if (!map.closed)
        dl_iterate_phdr(find_tables, NULL);
    return 0;
}

void ia2_destructor_map_close(void)
{
    map.closed = 1u;
    map.checksum = checksum();
}
