#include "may_cross.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/intern.h"
#include "tree/ast_query.h"

void may_cross_note(struct may_cross_list *may_cross, struct cursor variable, struct cursor cause)
{
    const struct cursor definition = cursor_definition(variable);
    struct may_cross found = {.name = cursor_name(variable)};
    unsigned column;
    cursor_position(cursor_is_null(definition) ? variable : definition, &found.file, &found.line,
                    &column);
    cursor_position(cause, &found.taken_file, &found.taken_line, &column);
    for (size_t i = 0; i < may_cross->count; i++) {
        struct may_cross *const known = &may_cross->list[i];
        if (known->name != found.name || known->line != found.line ||
            strcmp(known->file, found.file))
            continue;
        if (compare_places(found.taken_file, found.taken_line, known->taken_file,
                           known->taken_line) < 0)
            *known = found;
        return;
    }
    *PUSH(may_cross->list, may_cross->count, may_cross->capacity) = found;
}

static int compare(const void *left, const void *right)
{
    const struct may_cross *const a = left, *const b = right;
    const int place = compare_places(a->file, a->line, b->file, b->line);
    return place ? place : strcmp(a->name, b->name);
}

static void explain(const struct may_cross *variable)
{
    fprintf(stderr,
            "%s:%u: note: the address of %s, taken at %s:%u, may cross the boundary\n"
            "  if a violation names it: add \"%s\" to variables under [shared] in the policy\n",
            variable->file, variable->line, variable->name, variable->taken_file,
            variable->taken_line, variable->name);
}

void sort_may_cross(struct program *program)
{
    const struct may_cross_list *const found = program->may_cross;
    if (found->count)
        qsort(found->list, found->count, sizeof(*found->list), compare);
    for (size_t i = 0; program->options->explain && i < found->count; i++)
        explain(&found->list[i]);
}
