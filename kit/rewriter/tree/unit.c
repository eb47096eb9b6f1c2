#include "unit.h"

struct source *unit_source(struct unit *unit, uint32_t file)
{
    if (!file)
        return NULL;
    if (!unit->sources[file])
        unit->sources[file] =
            source_read(compdb_path(unit->command, tree_file_name(unit->tree, file)));
    return unit->sources[file];
}

bool unit_reads(const struct unit *unit, const struct source *source)
{
    for (size_t i = 0; i < unit->include_count; i++)
        if (unit->includes[i] == source)
            return true;
    return false;
}
