#include "assignments.h"

struct search {
    const char *name;
    found_assignment *found;
    void *context;
    bool any;
};

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
        const enum CXCursorKind target_kind = cursor_kind(target);
        if (target_kind != CXCursor_DeclRefExpr && target_kind != CXCursor_MemberRefExpr)
            return CXChildVisit_Recurse;
    } else if (kind == CXCursor_VarDecl) {
        target = cursor;
        value = cursor_initializer(cursor);
    }
    if (!cursor_is_null(target) && !cursor_is_null(value) && cursor_name(target) == search->name) {
        search->any = true;
        search->found(search->context, target, value);
    }
    return CXChildVisit_Recurse;
}

bool assignments_visit(const struct function *function, const char *name, found_assignment *found,
                       void *context)
{
    struct search search = {name, found, context, false};
    cursor_visit(function->cursor, on_assignment, &search);
    return search.any;
}
