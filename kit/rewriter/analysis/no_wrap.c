#include "no_wrap.h"

#include <string.h>

static bool is_mark(const struct annotation *annotation)
{
    return !strcmp(annotation->text, "ia2_skip_wrap");
}

static size_t drop_calls(struct call *calls, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (!calls[i].import || !calls[i].import->ungated)
            calls[kept++] = calls[i];
    return kept;
}

void no_wrap_find(struct program *program)
{
    bool any = false;
    for (size_t u = 0; u < program->unit_count; u++) {
        const struct unit *const unit = &program->units[u];
        for (size_t a = 0; a < unit->annotation_count; a++) {
            const struct annotation *const annotation = &unit->annotations[a];
            const char *const name = cursor_name(annotation->function);
            if (!is_mark(annotation) || cursor_linkage(annotation->function) == CXLinkage_Internal)
                continue;
            for (size_t i = 0; i < program->plan.import_count; i++) {
                struct import *const import = &program->plan.imports[i];
                if (import->symbol == name && !import->data &&
                    (import->callers | 1u << import->owner) & 1u << unit->plan->compartment)
                    import->ungated = any = true;
            }
        }
    }
    for (size_t u = 0; any && u < program->unit_count; u++) {
        struct unit *const unit = &program->units[u];
        unit->call_count = drop_calls(unit->calls, unit->call_count);
        unit->own_call_count = drop_calls(unit->own_calls, unit->own_call_count);
    }
}

bool no_wrap_has(const struct program *program, const struct unit *unit, struct cursor function)
{
    const char *const name = cursor_name(function);
    const struct import *const import = plan_import(&program->plan, name);
    if (cursor_linkage(function) != CXLinkage_Internal && import && import->ungated)
        return true;
    for (size_t a = 0; a < unit->annotation_count; a++)
        if (is_mark(&unit->annotations[a]) && cursor_name(unit->annotations[a].function) == name)
            return true;
    return false;
}
