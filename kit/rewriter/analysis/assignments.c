#include "assignments.h"

#include <string.h>
#include "base/intern.h"

struct search {
    const char *name;
    bool elements; /* of what has the name */
    found_assignment *found;
    void *context;
    bool any;
};

/* `x` of `x[i][j]` and `*x`; the null cursor for what is no element. */
static struct cursor holder_of_element(struct cursor target)
{
    struct cursor holder = no_cursor();
    for (target = strip_implicit(target);; target = holder) {
        const enum CXCursorKind kind = cursor_kind(target);
        if (kind != CXCursor_ArraySubscriptExpr &&
            (kind != CXCursor_UnaryOperator ||
             cursor_unary_operator(target) != CXUnaryOperator_Deref))
            return holder;
        holder = strip_implicit(first_child(target));
    }
}

static bool is_meant(const struct search *search, struct cursor target)
{
    if (search->elements)
        target = cursor_kind(target) == CXCursor_VarDecl ? no_cursor() : holder_of_element(target);
    if (cursor_is_null(target))
        return false;
    const enum CXCursorKind kind = cursor_kind(target);
    return (kind == CXCursor_DeclRefExpr || kind == CXCursor_MemberRefExpr ||
            kind == CXCursor_VarDecl) &&
           cursor_name(target) == search->name;
}

static enum CXChildVisitResult on_assignment(struct cursor cursor, struct cursor parent, void *data)
{
    struct search *const search = data;
    const enum CXCursorKind kind = cursor_kind(cursor);
    struct cursor target = no_cursor(), value = no_cursor();
    (void)parent;
    if (kind == CXCursor_BinaryOperator &&
        cursor_binary_operator(cursor) == CXBinaryOperator_Assign) {
        target = strip_implicit(first_child(cursor));
        value = last_expression(cursor);
    } else if (kind == CXCursor_VarDecl) {
        target = cursor;
        value = cursor_initializer(cursor);
    }
    if (!cursor_is_null(value) && is_meant(search, target)) {
        search->any = true;
        search->found(search->context, target, value);
    }
    return CXChildVisit_Recurse;
}

bool assignments_visit(const struct function *function, const char *name, found_assignment *found,
                       void *context)
{
    const size_t length = strlen(name);
    const bool elements = length > 2 && !strcmp(name + length - 2, "[]");
    struct search search = {elements ? intern_n(name, length - 2) : name, elements, found, context,
                            false};
    cursor_visit(function->cursor, on_assignment, &search);
    return search.any;
}
