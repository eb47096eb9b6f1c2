#include "edits.h"

#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/intern.h"

struct edit {
    struct source *source;
    size_t begin, end;
    enum edit_kind kind;
    bool veto;
    const char *prefix, *suffix;
    struct slot *slots;
    size_t slot_count;
    struct cursor cause;
};

struct tail {
    const char *line;
    unsigned unit;
};

/* What a file gets besides edits of its text. */
struct frame {
    const char **heads;
    struct tail *tails;
    unsigned *units; /* that read it */
    size_t head_count, head_capacity, tail_count, tail_capacity, unit_count, unit_capacity;
    size_t first, last; /* its edits, after settling */
    bool touched;
};

struct edits {
    struct edit *list;
    size_t count, capacity;
    struct map frames; /* of files */
    struct map names; /* set of the places that edit_at_name is about */
};

static struct frame *frame_of(struct edits *edits, const struct source *source)
{
    struct frame *frame = map_get(&edits->frames, key_of(source));
    if (!frame) {
        frame = must_alloc(sizeof(*frame));
        map_put(&edits->frames, key_of(source), frame);
    }
    return frame;
}

void edits_begin(struct program *program)
{
    struct edits *const edits = program->edits = must_alloc(sizeof(*edits));
    for (size_t u = 0; u < program->unit_count; u++) {
        const struct unit *const unit = &program->units[u];
        for (size_t i = 0; i < unit->include_count; i++) {
            struct frame *const frame = frame_of(edits, unit->includes[i]);
            *PUSH(frame->units, frame->unit_count, frame->unit_capacity) = unit->plan->id;
        }
    }
}

static struct edit *add(struct edits *edits, struct source *source, size_t begin, size_t end,
                        enum edit_kind kind, struct cursor cause)
{
    struct edit *const edit = PUSH(edits->list, edits->count, edits->capacity);
    *edit = (struct edit){.source = source,
                          .begin = begin,
                          .end = end,
                          .kind = kind,
                          .prefix = "",
                          .suffix = "",
                          .cause = cause};
    return edit;
}

void edit_wrap(struct edits *edits, const struct span *span, enum edit_kind kind,
               const char *prefix, const char *suffix, struct cursor cause)
{
    if (!span->source->rel_count) {
        refuse_at(cause, "rewriting a file outside of the project",
                  intern_format("%s is under neither the source root nor the build directory",
                                span->source->path),
                  "give a root directory that contains the file");
        return;
    }
    struct edit *const edit = add(edits, span->source, span->begin, span->end, kind, cause);
    edit->prefix = intern(prefix);
    edit->suffix = intern(suffix);
    frame_of(edits, span->source)->touched = true;
    if (kind == EDIT_NAME || kind == EDIT_REPLACE ||
        (kind == EDIT_CALL && span->kind == PLACE_BODY))
        map_add(&edits->names, span_key(span));
}

bool edit_at_name(const struct edits *edits, const struct source *source, size_t offset)
{
    return map_get(&edits->names, text_key(source, offset)) != NULL;
}

void edit_insert(struct edits *edits, struct source *source, size_t offset, const char *text,
                 struct cursor cause)
{
    const struct span span = {source, offset, offset, PLACE_FILE};
    edit_wrap(edits, &span, EDIT_INSERT, text, "", cause);
}

void edit_template(struct edits *edits, const struct span *span, const struct slot *slots,
                   size_t count, struct cursor cause)
{
    const size_t before = edits->count;
    edit_wrap(edits, span, EDIT_TEMPLATE, "({ ", "; })", cause);
    if (edits->count == before)
        return;
    struct edit *const edit = &edits->list[before];
    edit->slots = must_alloc(count * sizeof(*slots));
    edit->slot_count = count;
    memcpy(edit->slots, slots, count * sizeof(*slots));
}

void edit_veto(struct edits *edits, const struct span *span, enum edit_kind kind,
               struct cursor cause)
{
    add(edits, span->source, span->begin, span->end, kind, cause)->veto = true;
}

void edit_declare(struct edits *edits, struct source *source, const char *line)
{
    struct frame *const frame = frame_of(edits, source);
    const char *const interned = intern(line);
    for (size_t i = 0; i < frame->head_count; i++)
        if (frame->heads[i] == interned)
            return;
    *PUSH(frame->heads, frame->head_count, frame->head_capacity) = interned;
    frame->touched = true;
}

void edit_declare_gate(struct edits *edits, struct source *source, const char *function, bool own)
{
    struct frame *const frame = frame_of(edits, source);
    const char *const hidden = intern_format("IA2_DECLARE_GATE(%s);", function);
    const char *const exported = intern_format("extern const char __wrap_%s[];", function);
    for (size_t i = 0; i < frame->head_count; i++) {
        if (frame->heads[i] == exported)
            return;
        if (frame->heads[i] == hidden) {
            frame->heads[i] = own ? hidden : exported;
            return;
        }
    }
    edit_declare(edits, source, own ? hidden : exported);
}

void edit_append(struct edits *edits, struct source *source, const char *line, unsigned unit)
{
    struct frame *const frame = frame_of(edits, source);
    const char *const interned = intern(line);
    for (size_t i = 0; i < frame->tail_count; i++)
        if (frame->tails[i].line == interned && frame->tails[i].unit == unit)
            return;
    *PUSH(frame->tails, frame->tail_count, frame->tail_capacity) = (struct tail){interned, unit};
    frame->touched = true;
}

/* By place; wider before narrower, so that a list of edits is a walk through their tree. */
static int compare(const void *left, const void *right)
{
    const struct edit *const a = left, *const b = right;
    if (a->source != b->source)
        return strcmp(a->source->path, b->source->path);
    if (a->begin != b->begin)
        return a->begin < b->begin ? -1 : 1;
    const bool a_empty = a->begin == a->end, b_empty = b->begin == b->end;
    if (a_empty != b_empty)
        return a_empty ? -1 : 1;
    if (a->end != b->end)
        return a->end > b->end ? -1 : 1;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->veto != b->veto)
        return a->veto ? 1 : -1;
    const int prefix = strcmp(a->prefix, b->prefix);
    return prefix ? prefix : strcmp(a->suffix, b->suffix);
}

static bool same_slots(const struct edit *a, const struct edit *b)
{
    if (a->slot_count != b->slot_count)
        return false;
    for (size_t i = 0; i < a->slot_count; i++)
        if (a->slots[i].begin != b->slots[i].begin ||
            strcmp(a->slots[i].before, b->slots[i].before))
            return false;
    return true;
}

static void refuse_conflict(const struct edit *edit, const struct edit *other)
{
    const char *file;
    unsigned line, column, other_line, other_column;
    cursor_position(other->cause, &file, &other_line, &other_column);
    source_position(edit->source, edit->begin, &line, &column);
    diag_refuse(
        edit->source->shown, line, column, "text that is compiled more than once",
        intern_format("it must be rewritten for one of its uses and %s for another (%s:%u:%u)",
                      other->veto ? "left alone" : "rewritten differently", file, other_line,
                      other_column),
        "give the two uses separate source text: expand the macro by hand, or split the shared "
        "file");
}

static void merge_equal(struct edits *edits)
{
    size_t kept = 0;
    for (size_t i = 0; i < edits->count; i++) {
        struct edit *const last = kept ? &edits->list[kept - 1] : NULL;
        const struct edit *const edit = &edits->list[i];
        if (last && last->source == edit->source && last->begin == edit->begin &&
            last->end == edit->end && last->kind == edit->kind &&
            (edit->kind != EDIT_INSERT || last->prefix == edit->prefix)) {
            if (edit->veto || last->prefix != edit->prefix || last->suffix != edit->suffix ||
                !same_slots(last, edit))
                refuse_conflict(last, edit);
        } else if (!edit->veto) {
            edits->list[kept++] = *edit;
        }
    }
    edits->count = kept;
}

static void check_overlaps(const struct edits *edits)
{
    const struct edit *const list = edits->list;
    for (size_t i = 0; i < edits->count; i++)
        for (size_t k = i + 1;
             k < edits->count && list[k].source == list[i].source && list[k].begin < list[i].end;
             k++)
            if (list[k].end > list[i].end ||
                (list[k].begin == list[i].begin && list[i].kind == EDIT_REPLACE))
                refuse_conflict(&list[i], &list[k]);
}

void merge_edits(struct program *program)
{
    struct edits *const edits = program->edits;
    if (edits->count)
        qsort(edits->list, edits->count, sizeof(*edits->list), compare);
    merge_equal(edits);
    check_overlaps(edits);
    for (size_t i = 0; i < edits->count; i++) {
        struct frame *const frame = frame_of(edits, edits->list[i].source);
        if (!i || edits->list[i - 1].source != edits->list[i].source)
            frame->first = i;
        frame->last = i + 1;
    }
}

bool edit_touches(const struct edits *edits, const struct source *source)
{
    const struct frame *const frame = map_get(&edits->frames, key_of(source));
    return frame && frame->touched;
}

/* Renders [begin, end) of a file, whose edits are [first, last). */
static void render(struct text *out, const struct edits *edits, const struct source *source,
                   size_t begin, size_t end, size_t first, size_t last);

static void render_template(struct text *out, const struct edits *edits, const struct edit *edit,
                            size_t first, size_t last)
{
    size_t at = edit->begin, next = first;
    struct text body = {0};
    for (size_t s = 0; s < edit->slot_count; s++) {
        const struct slot *const slot = &edit->slots[s];
        size_t from = next;
        while (from < last && edits->list[from].begin < slot->begin)
            from++;
        render(&body, edits, edit->source, at, slot->begin, next, from);
        next = from;
        while (next < last && edits->list[next].begin < slot->end)
            next++;
        text_puts(out, slot->before);
        render(out, edits, edit->source, slot->begin, slot->end, from, next);
        text_puts(out, slot->after);
        text_puts(&body, slot->instead);
        at = slot->end;
    }
    render(&body, edits, edit->source, at, edit->end, next, last);
    text_add(out, body.data, body.length);
    free(body.data);
}

static void render(struct text *out, const struct edits *edits, const struct source *source,
                   size_t begin, size_t end, size_t first, size_t last)
{
    size_t at = begin;
    while (first < last) {
        const struct edit *const edit = &edits->list[first];
        size_t next = first + 1;
        while (next < last && edits->list[next].begin < edit->end)
            next++;
        text_add(out, source->text + at, edit->begin - at);
        text_puts(out, edit->prefix);
        if (edit->kind == EDIT_TEMPLATE)
            render_template(out, edits, edit, first + 1, next);
        else if (edit->kind != EDIT_REPLACE)
            render(out, edits, source, edit->begin, edit->end, first + 1, next);
        text_puts(out, edit->suffix);
        at = edit->end;
        first = next;
    }
    text_add(out, source->text + at, end - at);
}

static int compare_lines(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static int compare_tails(const void *left, const void *right)
{
    const struct tail *const a = left, *const b = right;
    const int line = strcmp(a->line, b->line);
    return line ? line : (a->unit > b->unit) - (a->unit < b->unit);
}

static void render_tails(struct text *out, struct frame *frame)
{
    qsort(frame->tails, frame->tail_count, sizeof(*frame->tails), compare_tails);
    for (size_t i = 0, next; i < frame->tail_count; i = next) {
        for (next = i; next < frame->tail_count && frame->tails[next].line == frame->tails[i].line;
             next++)
            ;
        const bool conditional = next - i != frame->unit_count;
        for (size_t k = i; conditional && k < next; k++)
            text_printf(out, "%sIA2_UNIT == %u", k == i ? "#if " : " || ", frame->tails[k].unit);
        text_printf(out, "%s%s\n%s", conditional ? "\n" : "", frame->tails[i].line,
                    conditional ? "#endif\n" : "");
    }
}

char *edit_render(const struct edits *edits, const struct source *source, size_t *length)
{
    struct frame *const frame = map_get(&edits->frames, key_of(source));
    struct text out = {0};
    text_puts(&out, "#include <ia2.h>\n");
    if (frame->head_count)
        qsort(frame->heads, frame->head_count, sizeof(*frame->heads), compare_lines);
    for (size_t i = 0; i < frame->head_count; i++)
        text_printf(&out, "%s\n", frame->heads[i]);
    text_puts(&out, "#line 1\n");
    render(&out, edits, source, 0, source->size, frame->first, frame->last);
    if (frame->tail_count) {
        if (source->size && source->text[source->size - 1] != '\n')
            text_puts(&out, "\n");
        render_tails(&out, frame);
    }
    *length = out.length;
    return out.data;
}
