#include "boundary.h"

#include <jansson.h>

#include "analysis/escape.h"
#include "analysis/gates.h"
#include "base/diag.h"
#include "edits/edits.h"
#include "edits/moved_locals.h"
#include "edits/may_cross.h"
#include "mirror.h"
#include "tree/ast_query.h"

static json_t *callers_of(const struct plan *plan, unsigned mask)
{
    json_t *const list = json_array();
    for (unsigned key = 1; key <= plan->compartment_count; key++)
        if (mask & 1u << key)
            json_array_append_new(list, json_integer(key));
    return list;
}

static json_t *gate_list(const struct program *program)
{
    json_t *const list = json_array();
    for (size_t i = 0; i < program->gates->count; i++) {
        const struct gate *const g = &program->gates->list[i];
        json_t *const entry = json_pack(
            "{s:s, s:s, s:s, s:i, s:o, s:b, s:s, s:i, s:s, s:s, s:I, s:i, s:i, s:i, s:i, s:i, s:i}",
            "symbol", g->symbol, "function", g->function, "target", g->target, "owner",
            (int)g->owner, "callers", callers_of(&program->plan, g->callers), "export",
            (int)g->exported, "file", g->file, "line", (int)g->line, "signature", g->signature,
            "abi", g->abi, "type", (json_int_t)g->type, "args_int", (int)g->shape.args_int,
            "args_sse", (int)g->shape.args_sse, "ret_int", (int)g->shape.ret_int, "ret_sse",
            (int)g->shape.ret_sse, "stack_words", (int)g->shape.stack_words, "sret_bytes",
            (int)g->shape.sret_bytes);
        if (g->ungated)
            json_object_set_new(entry, "ungated", json_true());
        if (g->shape.variadic)
            json_object_set_new(entry, "variadic", json_true());
        if (g->shape.align)
            json_object_set_new(entry, "align", json_integer((json_int_t)g->shape.align));
        if (g->shape.ymm | g->shape.zmm | g->shape.ret_ymm | g->shape.ret_zmm)
            json_object_set_new(entry, "vectors",
                                json_pack("[i, i, i, i]", (int)g->shape.ymm, (int)g->shape.zmm,
                                          (int)g->shape.ret_ymm, (int)g->shape.ret_zmm));
        json_array_append_new(list, entry);
    }
    return list;
}

/* A function in a header moves its locals in every unit that has it; it is listed once. */
static json_t *local_list(const struct locals *locals)
{
    json_t *const list = json_array();
    for (size_t i = 0; i < locals->count; i++) {
        const struct moved_local *const local = &locals->list[i], *const last =
                                                                      i ? local - 1 : NULL;
        if (last && last->file == local->file && last->line == local->line &&
            last->name == local->name)
            continue;
        json_array_append_new(list,
                              json_pack("{s:s, s:i, s:s, s:s, s:s}", "file", local->file, "line",
                                        (int)local->line, "function", cursor_name(local->function),
                                        "name", local->name, "type", local->type));
    }
    return list;
}

static json_t *may_cross_list(const struct may_cross_list *may_cross)
{
    json_t *const list = json_array();
    for (size_t i = 0; i < may_cross->count; i++) {
        const struct may_cross *const variable = &may_cross->list[i];
        json_array_append_new(list, json_pack("{s:s, s:s, s:i, s:s, s:i}", "name", variable->name,
                                              "file", variable->file, "line", (int)variable->line,
                                              "taken_file", variable->taken_file, "taken_line",
                                              (int)variable->taken_line));
    }
    return list;
}

char *boundary_text(const struct program *program)
{
    const struct mirror *const mirror = program->mirror;
    json_t *const types = json_array(), *const recompile = json_array(),
                  *const rewritten = json_array();
    json_t *const files = json_array();
    for (size_t i = 0; i < program->escape->count; i++)
        json_array_append_new(types, json_string(program->escape->list[i]));
    for (size_t i = 0; i < mirror->recompile_count; i++)
        json_array_append_new(recompile, json_integer(mirror->recompile[i]));
    for (size_t i = 0; i < mirror->file_count; i++) {
        json_array_append_new(files, json_string(mirror->files[i].rel));
        if (edit_touches(program->edits, mirror->files[i].source))
            json_array_append_new(rewritten, json_string(mirror->files[i].rel));
    }
    json_t *const root =
        json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "version", 1, "gates",
                  gate_list(program), "escaping_types", types, "shared_locals",
                  local_list(program->locals), "may_cross", may_cross_list(program->may_cross),
                  "recompile", recompile, "rewritten", rewritten, "files", files);
    char *const text = root ? json_dumps(root, JSON_INDENT(1)) : NULL;
    if (!text)
        diag_fatal("cannot write boundary.json: a name or a path is not UTF-8");
    json_decref(root);
    return text;
}
