#include "literals.h"

#include <stdlib.h>

#include "analysis/analyze.h"
#include "base/intern.h"
#include "edits.h"

struct block {
    struct cursor cursor;
    enum CXCursorKind kind;
    unsigned begin, end;
};

struct blocks {
    struct block *list;
    size_t count, capacity;
    bool labels;
};

static enum CXChildVisitResult on_cursor(struct cursor cursor, struct cursor parent, void *data)
{
    struct blocks *const blocks = data;
    const enum CXCursorKind kind = cursor_kind(cursor);
    (void)parent;
    if (kind == CXCursor_LabelStmt)
        blocks->labels = true;
    if (kind == CXCursor_CompoundStmt || kind == CXCursor_CaseStmt ||
        kind == CXCursor_DefaultStmt || kind == CXCursor_SwitchStmt) {
        struct block *const block = PUSH(blocks->list, blocks->count, blocks->capacity);
        block->cursor = cursor;
        block->kind = kind;
        seen_range(cursor, &block->begin, &block->end);
    }
    return CXChildVisit_Recurse;
}

static bool has_switch(const struct blocks *blocks, const struct block *outer, unsigned offset)
{
    for (size_t i = 0; i < blocks->count; i++)
        if (blocks->list[i].kind == CXCursor_SwitchStmt && blocks->list[i].begin > outer->begin &&
            blocks->list[i].begin < offset && offset < blocks->list[i].end)
            return true;
    return false;
}

/* Whether a `case` leads into the block past its start. */
static bool is_bypassed(const struct blocks *blocks, const struct block *block)
{
    for (size_t i = 0; i < blocks->count; i++) {
        const struct block *const label = &blocks->list[i];
        if ((label->kind == CXCursor_CaseStmt || label->kind == CXCursor_DefaultStmt) &&
            label->begin > block->begin && label->begin < block->end &&
            !has_switch(blocks, block, label->begin))
            return true;
    }
    return false;
}

/* The innermost block around the literal whose start every way to the literal passes. A function
 * with labels has only its body: then the literal stays until the function returns. */
static bool find_block(const struct moved_literal *literal, struct place *place)
{
    struct blocks blocks = {0};
    unsigned begin, end;
    bool found = false;
    cursor_visit(literal->function, on_cursor, &blocks);
    seen_range(literal->literal, &begin, &end);
    for (size_t i = blocks.count; i-- > 0 && !found;) { /* inner ones come later */
        const struct block *const block = &blocks.list[i];
        if (block->kind != CXCursor_CompoundStmt || blocks.labels || begin < block->begin ||
            end > block->end || is_bypassed(&blocks, block))
            continue;
        found = block_place(literal->unit, block->cursor, place);
    }
    free(blocks.list);
    return found || body_place(literal->unit, literal->function, place);
}

/* `(TYPE) { ... }`, in the body of a macro too, for which libclang does not say where it ends. */
static bool span_of_literal(const struct moved_literal *literal, struct span *span)
{
    if (span_of(literal->unit, literal->literal, span))
        return true;
    const struct place begin = place_of(literal->unit, cursor_begin(literal->literal));
    if (!begin.source || begin.kind != PLACE_BODY)
        return false;
    const size_t brace = source_skip_brackets(begin.source, begin.offset);
    const size_t end =
        brace ? source_skip_brackets(begin.source, source_skip_blank(begin.source, brace)) : 0;
    *span = (struct span){begin.source, begin.offset, end, PLACE_BODY};
    return end && source_is_one_argument(begin.source, begin.offset, end);
}

void literal_rewrite(const struct moved_literal *literal)
{
    struct program *const program = literal->unit->program;
    struct edits *const edits = program->edits;
    static const char construct[] = "address of a compound literal";
    struct span span;
    struct place block;
    if (!span_of_literal(literal, &span)) {
        refuse_at(literal->literal, construct,
                  "it crosses the boundary, and the literal is partly made by a macro, so there is "
                  "no text to rewrite",
                  "make it a local variable with a name");
    } else if (!find_block(literal, &block)) {
        refuse_at(literal->literal, construct,
                  "it crosses the boundary, and the function's body is made by a macro",
                  "make it a local variable with a name");
    } else {
        map_add(&program->locals->rewritten_literals, span_key(&span));
        edit_wrap(edits, &span, EDIT_CALL, "IA2_SHARED_LITERAL(", ")", literal->literal);
        edit_insert(edits, block.source, block.offset + 1, " IA2_SHARED_SCOPE;", literal->literal);
    }
}

static enum CXChildVisitResult find_same_text(struct cursor cursor, struct cursor parent,
                                              void *data)
{
    struct moved_literal literal = *(struct moved_literal *)data;
    struct span span;
    (void)parent;
    literal.literal = cursor;
    if (cursor_kind(cursor) == CXCursor_CompoundLiteralExpr && span_of_literal(&literal, &span) &&
        map_get(&literal.unit->program->locals->rewritten_literals, span_key(&span)))
        literal_rewrite(&literal);
    return CXChildVisit_Recurse;
}

void literals_rewrite_others(struct unit *unit)
{
    const struct map *const rewritten = &unit->program->locals->rewritten_literals;
    for (size_t f = 0; rewritten->used && f < unit->function_count; f++) {
        struct moved_literal literal = {unit, no_cursor(), unit->functions[f].cursor};
        cursor_visit(literal.function, find_same_text, &literal);
    }
}
