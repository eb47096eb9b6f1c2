#include "program.h"

#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/intern.h"

static void select_units(const struct options *options, struct plan *plan)
{
    for (size_t u = 0; u < plan->unit_count; u++)
        plan->units[u].selected = !options->source_count;
    for (int i = 0; i < options->source_count; i++) {
        char *const path = realpath(options->sources[i], NULL);
        bool found = false;
        for (size_t u = 0; path && u < plan->unit_count; u++) {
            char *const file = realpath(plan->units[u].file, NULL);
            if (file && !strcmp(file, path))
                plan->units[u].selected = found = true;
            free(file);
        }
        if (!found)
            diag_fatal("%s: not a source of the program", options->sources[i]);
        free(path);
    }
}

void program_make_units(struct program *program)
{
    const struct plan *const plan = &program->plan;
    select_units(program->options, &program->plan);
    program->units = must_alloc(plan->unit_count * sizeof(*program->units));
    for (size_t u = 0; u < plan->unit_count; u++) {
        if (!plan->units[u].selected)
            continue;
        if (plan->units[u].command >= program->compdb.count)
            diag_fatal("unit %u: the compile database has no entry %u", plan->units[u].id,
                       plan->units[u].command);
        struct unit *const unit = &program->units[program->unit_count++];
        unit->program = program;
        unit->plan = &plan->units[u];
        unit->command = &program->compdb.commands[plan->units[u].command];
    }
}

void program_collect_sources(struct program *program)
{
    struct map seen = {0};
    for (size_t u = 0; u < program->unit_count; u++)
        for (size_t i = 0; i < program->units[u].include_count; i++) {
            struct source *const source = program->units[u].includes[i];
            if (source->rel_count && map_add(&seen, key_of(source)))
                *PUSH(program->sources, program->source_count, program->source_capacity) = source;
        }
    map_free(&seen);
}
