#include "may_cross.h"

#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/intern.h"

struct may_cross *may_cross;
size_t may_cross_count;
static size_t capacity;

void may_cross_note(struct cursor variable, struct cursor cause)
{
    const struct cursor definition = cursor_definition(variable);
    struct may_cross it = {.name = cursor_name(variable)};
    unsigned column;
    cursor_position(cursor_is_null(definition) ? variable : definition, &it.file, &it.line,
                    &column);
    cursor_position(cause, &it.taken_file, &it.taken_line, &column);
    for (size_t i = 0; i < may_cross_count; i++) {
        struct may_cross *const known = &may_cross[i];
        if (known->name != it.name || known->line != it.line || strcmp(known->file, it.file))
            continue;
        if (compare_places(it.taken_file, it.taken_line, known->taken_file, known->taken_line) < 0)
            *known = it;
        return;
    }
    *PUSH(may_cross, may_cross_count, capacity) = it;
}

static int compare(const void *left, const void *right)
{
    const struct may_cross *const a = left, *const b = right;
    const int place = compare_places(a->file, a->line, b->file, b->line);
    return place ? place : strcmp(a->name, b->name);
}

void may_cross_settle(void)
{
    if (may_cross_count)
        qsort(may_cross, may_cross_count, sizeof(*may_cross), compare);
}
