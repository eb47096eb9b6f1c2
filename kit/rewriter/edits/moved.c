#include "moved.h"

#include <stdlib.h>
#include <string.h>

#include "argument.h"
#include "cleanup.h"
#include "edits.h"
#include "macro_use.h"
#include "pasted.h"

struct jump {
    struct cursor cursor;
    enum CXCursorKind kind;
    const char *label;
    unsigned begin, end; /* offsets in the file */
};

struct uses {
    const struct moved_local *local;
    const char *construct;
    const char *shared; /* the name of the pointer to its place, after `__ia2_shared_` */
    unsigned begin, end; /* of its declaration; a parameter's goes on to the body */
    unsigned forbidden; /* uses before this come too early */
    bool parameter, made; /* made: a macro declares it */
    struct jump *jumps;
    size_t count, capacity;
};

static const char *shared_name(const struct moved_local *local)
{
    return intern_format("__ia2_shared_%s", local->name);
}

static void rewrite_use(struct uses *uses, struct cursor cursor)
{
    const struct moved_local *const local = uses->local;
    struct span span;
    unsigned begin, end;
    seen_range(cursor, &begin, &end);
    if (uses->parameter && begin < uses->end)
        return; /* in the declaration of another parameter */
    if (begin >= uses->begin && end <= uses->forbidden) {
        refuse_at(cursor, uses->construct,
                  uses->made ? "the macro that declares it uses it, before it has its place on the "
                               "shared stack"
                             : "its own declaration uses it, before it has its place on the shared "
                               "stack",
                  "declare it first and assign to it then");
    } else if (!span_of_name(local->unit, cursor, local->name, &span)) {
        if (pasted_span(local->unit, cursor, local->name, &span))
            pasted_rewrite(local->unit, cursor, local->name,
                           intern_format("(*__ia2_shared_%s)", uses->shared));
        else
            refuse_at(cursor, uses->construct,
                      "its name is put together by a macro here, so there is no text to rewrite",
                      "write the name out, or pass it to the macro as an argument");
    } else if (!(argument_roles(local->unit->program->macros, &span) & ROLE_NAME) ||
               !argument_rewrite(local->unit, &span, ROLE_NAME, local->name,
                                 intern_format("(*__ia2_shared_%s)", uses->shared), cursor)) {
        edit_wrap(local->unit->program->edits, &span, EDIT_NAME, "(*__ia2_shared_",
                  intern_format("%s)", uses->shared + strlen(local->name)), cursor);
    }
}

static enum CXChildVisitResult find_label(struct cursor child, struct cursor parent, void *data)
{
    (void)parent;
    if (cursor_kind(child) == CXCursor_LabelRef)
        *(const char **)data = cursor_name(child);
    return CXChildVisit_Continue;
}

static enum CXChildVisitResult on_use(struct cursor cursor, struct cursor parent, void *data)
{
    struct uses *const uses = data;
    (void)parent;
    if (cursor_kind(cursor) == CXCursor_DeclRefExpr &&
        cursor_equal(cursor_referenced(cursor), uses->local->variable))
        rewrite_use(uses, cursor);
    return CXChildVisit_Recurse;
}

static enum CXChildVisitResult on_statement(struct cursor cursor, struct cursor parent, void *data)
{
    struct uses *const uses = data;
    (void)parent;
    const enum CXCursorKind kind = cursor_kind(cursor);
    if (!is_scope_or_jump(kind))
        return CXChildVisit_Recurse;
    struct jump *const jump = PUSH(uses->jumps, uses->count, uses->capacity);
    jump->cursor = cursor;
    jump->kind = kind;
    seen_range(cursor, &jump->begin, &jump->end);
    if (kind == CXCursor_LabelStmt)
        jump->label = cursor_name(cursor);
    else if (kind == CXCursor_GotoStmt)
        cursor_visit(cursor, find_label, &jump->label);
    return CXChildVisit_Recurse;
}

/* The innermost statement of one of two kinds around an offset; its end, or 0. */
static unsigned innermost(const struct uses *uses, unsigned offset, enum CXCursorKind a,
                          enum CXCursorKind b, unsigned *begin)
{
    unsigned end = 0;
    *begin = 0;
    for (size_t i = 0; i < uses->count; i++) {
        const struct jump *const s = &uses->jumps[i];
        if ((s->kind == a || s->kind == b) && s->begin < offset && offset < s->end &&
            s->begin >= *begin) {
            *begin = s->begin;
            end = s->end;
        }
    }
    return end;
}

/* Whether a jump from outside of [begin, scope_end) leads into it past `end`. C allows that for a
 * plain variable; a pointer to its place would stay unset. */
static bool is_bypassed(const struct uses *uses, unsigned begin, unsigned end, unsigned scope_end)
{
    for (size_t i = 0; i < uses->count; i++) {
        const struct jump *const target = &uses->jumps[i];
        if (target->begin <= end || target->begin >= scope_end)
            continue;
        if (target->kind == CXCursor_CaseStmt || target->kind == CXCursor_DefaultStmt) {
            unsigned switch_begin;
            if (innermost(uses, target->begin, CXCursor_SwitchStmt, CXCursor_SwitchStmt,
                          &switch_begin) &&
                switch_begin < begin)
                return true;
        }
        for (size_t k = 0; target->kind == CXCursor_LabelStmt && k < uses->count; k++) {
            const struct jump *const jump = &uses->jumps[k];
            if (jump->kind == CXCursor_IndirectGotoStmt)
                return true;
            if (jump->kind == CXCursor_GotoStmt && jump->label == target->label &&
                (jump->begin < begin || jump->begin >= scope_end))
                return true;
        }
    }
    return false;
}

/* The innermost block around the variable that no jump enters past its start; NULL if that is not
 * in the text of a file. */
static const struct jump *block_around(const struct uses *uses, struct place *place)
{
    const struct jump *found = NULL;
    for (size_t i = 0; i < uses->count; i++) {
        const struct jump *const block = &uses->jumps[i];
        if (block->kind == CXCursor_CompoundStmt && block->begin < uses->begin &&
            uses->end <= block->end && (!found || block->begin > found->begin) &&
            !is_bypassed(uses, block->begin, block->begin, block->end))
            found = block;
    }
    return found && block_place(uses->local->unit, found->cursor, place) ? found : NULL;
}

/* `_Alignas` of a number that is no less than a pointer's own alignment, which it may not reduce
 * (C11 6.7.5). */
static bool is_wide_alignas(const struct source *source, size_t offset)
{
    return source_is_word(source, offset, "_Alignas") &&
           strtoul(source->text +
                       source_skip_blank(
                           source, source_skip_blank(source, offset + strlen("_Alignas")) + 1),
                   NULL, 0) >= sizeof(void *);
}

/* What the pointer to its place has in its stead: there, an alignment is that of the place
 * (IA2_SHARED_LOCAL). */
struct attributes {
    struct unit *unit;
    const struct cleanup *cleanup; /* NULL: none that can be moved with the local */
};

static enum CXChildVisitResult find_attribute(struct cursor child, struct cursor parent, void *data)
{
    const struct attributes *const attributes = data;
    struct unit *const unit = attributes->unit;
    (void)parent;
    if (!clang_isAttribute(cursor_kind(child)) ||
        (attributes->cleanup && cleanup_is(unit, child, attributes->cleanup)))
        return CXChildVisit_Continue;
    static const char *const kept[] = {"unused", "__unused__", "aligned", "__aligned__", NULL};
    const struct place at = place_of(unit, cursor_location(child));
    const bool stays = at.source && (source_is_any_word(at.source, at.offset, kept) ||
                                     is_wide_alignas(at.source, at.offset));
    return stays ? CXChildVisit_Continue : CXChildVisit_Break;
}

static enum CXChildVisitResult find_alignment(struct cursor child, struct cursor parent, void *data)
{
    (void)parent;
    (void)data;
    return cursor_kind(child) == CXCursor_AlignedAttr ? CXChildVisit_Break : CXChildVisit_Continue;
}

/* `T a[] = ...`: a pointer to an array needs its length. */
static bool complete_array(const struct moved_local *local, const struct span *name,
                           size_t declarator_end)
{
    struct source *const source = name->source;
    size_t open = source_skip_blank(source, name->end);
    while (open < declarator_end && source->text[open] == ')')
        open = source_skip_blank(source, open + 1);
    if (open >= declarator_end || source->text[open] != '[')
        return cursor_type(local->variable).kind == CXType_Elaborated ||
               cursor_type(local->variable).kind == CXType_Typedef;
    if (source->text[source_skip_blank(source, open + 1)] == ']')
        edit_insert(local->unit->program->edits, source, open + 1,
                    intern_format("%lld", type_count(type_canonical(cursor_type(local->variable)))),
                    local->variable);
    return true;
}

/* `= INIT` becomes IA2_SHARED_LOCAL_INIT(name, INIT), brace lists included. */
static bool rewrite_initializer(const struct moved_local *local, struct cursor init,
                                struct source *source, size_t declarator_end)
{
    struct span span;
    const size_t equals = source_skip_blank(source, declarator_end);
    if (source->text[equals] != '=')
        return false;
    const size_t begin = source_skip_blank(source, equals + 1);
    /* It may be a macro's, such as NULL: then the declaration's own text says how far it goes. */
    if (!span_of(local->unit, init, &span) || span.source != source || span.begin != begin)
        span = (struct span){source, begin, source_initializer_end(source, begin), PLACE_FILE};
    if (span.begin >= span.end || !source_is_one_argument(source, span.begin, span.end))
        return false;
    const struct span gap = {source, declarator_end, span.begin, PLACE_FILE};
    edit_wrap(local->unit->program->edits, &gap, EDIT_REPLACE,
              intern_format(" IA2_SHARED_LOCAL_INIT(%s, ", shared_name(local)), "",
              local->variable);
    edit_wrap(local->unit->program->edits, &span, EDIT_INITIALIZER, "", ")", local->variable);
    return true;
}

static bool rewrite_declaration(const struct moved_local *local, const struct cleanup *cleanup)
{
    struct unit *const unit = local->unit;
    const struct cursor variable = local->variable;
    const struct place start = place_of(unit, cursor_begin(variable));
    struct span name;
    if (!span_of_name(unit, variable, local->name, &name) || name.kind != PLACE_FILE ||
        start.kind == PLACE_ARG)
        return false;
    const size_t end = declarator_end(unit, variable, &name);
    const enum CXTypeKind kind = type_canonical(cursor_type(variable)).kind;
    const bool array = kind == CXType_ConstantArray || kind == CXType_VariableArray;
    const struct cursor init = cursor_initializer(variable);
    if (cleanup) {
        size_t begin = start.kind == PLACE_FILE ? start.offset : name.begin;
        begin = cleanup->attribute.begin < begin ? cleanup->attribute.begin : begin;
        if (!cleanup_rewrite(unit->program->edits, cleanup, name.source, begin, end,
                             shared_name(local), variable))
            return false;
    }
    edit_wrap(local->unit->program->edits, &name, EDIT_NAME,
              array ? "(*const __ia2_shared_" : "*const __ia2_shared_", array ? ")" : "", variable);
    if (array && !complete_array(local, &name, end))
        return false;
    if (!cursor_is_null(init))
        return rewrite_initializer(local, init, name.source, end);
    edit_insert(local->unit->program->edits, name.source, end,
                intern_format(" IA2_SHARED_LOCAL(%s)", shared_name(local)), variable);
    return true;
}

/* The `;` that ends a declaration from `offset` on. */
static size_t semicolon_after(const struct source *source, size_t offset)
{
    while (source->text[offset] && source->text[offset] != ';') {
        const size_t after = source_skip_brackets(source, offset);
        offset = after ? after : source_skip_blank(source, source_skip_token(source, offset));
    }
    return offset;
}

/* The pointer to its place, at the start of a block. */
static void declare_pointer(const struct uses *uses, const struct place *block)
{
    const struct moved_local *const local = uses->local;
    const char *const pointer = intern_format("__ia2_shared_%s", uses->shared);
    const char *const type = type_text(type_canonical(cursor_type(local->variable)));
    edit_insert(
        local->unit->program->edits, block->source, block->offset + 1,
        intern_format(" __typeof__(%s) *const %s IA2_SHARED_LOCAL(%s);", type, pointer, pointer),
        local->variable);
}

/* Its place gets the value that its declaration gives it. */
static void copy_value(const struct uses *uses, struct source *source, size_t semicolon)
{
    const struct moved_local *const local = uses->local;
    edit_insert(local->unit->program->edits, source, semicolon + 1,
                intern_format(" __builtin_memcpy((void *)__ia2_shared_%s, (const void *)&%s, "
                              "sizeof(%s));",
                              uses->shared, local->name, local->name),
                local->variable);
}

/* A declaration that a jump bypasses stays as it is, and gives its value to the place on the shared
 * stack, which a block around it has from its start on. */
static bool rewrite_bypassed(struct uses *uses)
{
    const struct moved_local *const local = uses->local;
    struct place block;
    struct span name;
    if (!block_around(uses, &block) ||
        !span_of_name(local->unit, local->variable, local->name, &name) ||
        name.kind != PLACE_FILE || name.source != block.source ||
        !has_name_everywhere(cursor_type(local->variable)))
        return false;
    const size_t end = source_declarator_end(name.source, name.begin, name.end);
    const size_t semicolon = semicolon_after(name.source, end);
    uses->shared = intern_format("%s_%u", local->name, local->line);
    uses->forbidden = (unsigned)semicolon;
    declare_pointer(uses, &block);
    if (cursor_is_null(cursor_initializer(local->variable)))
        edit_insert(local->unit->program->edits, name.source, end, " __attribute__((unused))",
                    local->variable);
    else
        copy_value(uses, name.source, semicolon);
    return true;
}

/* Whether a macro declares it: its name or its type's first word is a macro's. */
static bool is_made(const struct moved_local *local)
{
    struct span name;
    return !span_of_name(local->unit, local->variable, local->name, &name) ||
           name.kind != PLACE_FILE ||
           place_of(local->unit, cursor_begin(local->variable)).kind == PLACE_ARG;
}

/* A local of the same name that moves too, in whose scope the variable is: until the variable is
 * declared, the name is that local's. */
static enum CXChildVisitResult find_outer(struct cursor cursor, struct cursor parent, void *data)
{
    const struct uses *const uses = data;
    const struct moved_local *const local = uses->local;
    unsigned begin, end, block;
    (void)parent;
    if (cursor_name(cursor) != local->name || cursor_equal(cursor, local->variable) ||
        !map_get(&local->unit->program->locals->moved, cursor_key(cursor)))
        return CXChildVisit_Recurse;
    seen_range(cursor, &begin, &end);
    const bool outer = cursor_kind(cursor) == CXCursor_ParmDecl ||
                       (begin < uses->begin && innermost(uses, begin, CXCursor_CompoundStmt,
                                                         CXCursor_ForStmt, &block) > uses->begin);
    return outer ? CXChildVisit_Break : CXChildVisit_Recurse;
}

/* What a macro declares stays as it is too. The pointer has no line in its name, because the macro
 * may use the variable, and that is the same text everywhere. */
static bool rewrite_made(struct uses *uses)
{
    const struct moved_local *const local = uses->local;
    const struct place seen = place_in_file(local->unit, cursor_location(local->variable));
    const bool value = !cursor_is_null(cursor_initializer(local->variable));
    struct place block;
    unsigned loop, around;
    innermost(uses, uses->begin, CXCursor_CompoundStmt, CXCursor_CompoundStmt, &around);
    if (!block_around(uses, &block) || seen.source != block.source || !seen.source ||
        innermost(uses, uses->begin, CXCursor_ForStmt, CXCursor_ForStmt, &loop) > around ||
        type_canonical(cursor_type(local->variable)).kind == CXType_VariableArray ||
        !has_name_everywhere(cursor_type(local->variable)))
        return false;
    if (cursor_visit(local->function, find_outer, uses))
        uses->shared = intern_format("%s_%u", local->name, local->line);
    const size_t semicolon = semicolon_after(seen.source, seen.offset);
    uses->made = true;
    uses->forbidden = value ? (unsigned)semicolon : uses->begin;
    declare_pointer(uses, &block);
    if (value)
        copy_value(uses, seen.source, semicolon);
    return true;
}

/* A parameter is copied to the shared stack first in the body. */
static void rewrite_parameter(struct uses *uses)
{
    const struct moved_local *const local = uses->local;
    struct place body;
    if (!body_place(local->unit, local->function, &body)) {
        refuse_at(local->variable, uses->construct,
                  "the function's body is made by a macro, so there is no text to rewrite",
                  "write the function out");
        return;
    }
    uses->end = (unsigned)body.offset;
    edit_insert(local->unit->program->edits, body.source, body.offset + 1,
                intern_format(" __typeof__(%s) *const %s IA2_SHARED_LOCAL_INIT(%s, %s);",
                              local->name, shared_name(local), shared_name(local), local->name),
                local->variable);
    uses->forbidden = uses->end;
    cursor_visit(local->function, on_use, uses);
}

/* An initializer with `#if` in it, which cannot be a macro's argument. */
static bool has_directives(const struct moved_local *local)
{
    const struct place start = place_of(local->unit, cursor_begin(local->variable));
    struct span name;
    if (!span_of_name(local->unit, local->variable, local->name, &name) ||
        start.kind != PLACE_FILE || start.source != name.source)
        return false;
    const size_t equals =
        source_skip_blank(name.source, source_declarator_end(name.source, start.offset, name.end));
    const size_t begin = source_skip_blank(name.source, equals + 1),
                 end = source_initializer_end(name.source, begin);
    return name.source->text[equals] == '=' && begin < end &&
           !source_is_one_argument(name.source, begin, end) &&
           source_is_one_expression(name.source, begin, end);
}

void moved_rewrite(const struct moved_local *local)
{
    struct uses uses = {.local = local,
                        .shared = local->name,
                        .parameter = cursor_kind(local->variable) == CXCursor_ParmDecl};
    uses.construct = intern_format("%s %s, whose address crosses the boundary",
                                   uses.parameter ? "parameter" : "local variable", local->name);
    seen_range(local->variable, &uses.begin, &uses.end);
    if (uses.parameter) {
        rewrite_parameter(&uses);
        return;
    }
    struct cleanup cleanup;
    struct attributes attributes = {
        local->unit, cleanup_of(local->unit, local->variable, &cleanup) ? &cleanup : NULL};
    if (cursor_visit(local->variable, find_attribute, &attributes)) {
        refuse_at(local->variable, uses.construct,
                  "it has an attribute, which the shared stack cannot give it",
                  "remove the attribute, or allocate the object with shared_malloc");
        return;
    }
    unsigned scope;
    uses.forbidden = uses.end;
    cursor_visit(local->function, on_statement, &uses);
    const unsigned scope_end =
        innermost(&uses, uses.begin, CXCursor_CompoundStmt, CXCursor_ForStmt, &scope);
    const bool bypassed = is_bypassed(&uses, uses.begin, uses.end, scope_end);
    const bool made = is_made(local), pieces = bypassed || made || has_directives(local);
    if (pieces && (attributes.cleanup || cursor_visit(local->variable, find_alignment, NULL)))
        refuse_at(local->variable, uses.construct,
                  "it has an attribute, and its declaration has directives in it, or a jump (goto "
                  "or case) bypasses it",
                  "declare it before the jump, and without directives");
    else if (made && !rewrite_made(&uses))
        refuse_at(
            local->variable, uses.construct,
            "a macro declares it, and at the start of a block around it there is no place for it",
            "declare it by itself, as TYPE NAME = INITIALIZER;");
    else if (!made && bypassed && !rewrite_bypassed(&uses))
        refuse_at(local->variable, uses.construct,
                  "a jump into its scope (goto or case) bypasses its declaration",
                  "declare it before the jump, at the top of the function");
    else if (!made && !bypassed &&
             !(pieces ? rewrite_bypassed(&uses) : rewrite_declaration(local, attributes.cleanup)))
        refuse_at(local->variable, uses.construct,
                  "its declaration is partly made by a macro, or too unusual to rewrite",
                  "declare it by itself, as TYPE NAME = INITIALIZER;");
    else
        cursor_visit(local->function, on_use, &uses);
    free(uses.jumps);
}
