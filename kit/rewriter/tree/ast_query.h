/* What the stages ask of the tree's cursors, types and locations. */
#ifndef IA2_AST_QUERY_H
#define IA2_AST_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "input/source.h"
#include "tree.h"

struct unit;

/* Where a token's text is. */
struct place {
    struct source *source; /* NULL: nowhere, for example pasted by ## */
    size_t offset;
    enum place_kind {
        PLACE_FILE, /* not in a macro */
        PLACE_ARG, /* in an argument of a macro, where the macro is used */
        PLACE_BODY /* in a #define */
    } kind;
};

struct place place_of(struct unit *unit, struct location location);

/* Where the reader sees the token: the use of the macro if it comes from one's body. */
struct place place_in_file(struct unit *unit, struct location location);

/* The offsets between which a reader of the file sees a statement or an expression. */
void seen_range(struct cursor cursor, unsigned *begin, unsigned *end);

/* Refuses the construct at a cursor, at the place where a reader of the source sees it. */
void refuse_at(struct cursor cursor, const char *construct, const char *reason, const char *remedy);
void cursor_position(struct cursor cursor, const char **file, unsigned *line, unsigned *column);

bool written_in_system_header(struct cursor cursor); /* its text is in one, as a macro */

/* The first child, and the last one that is an expression; the null cursor if there is none. */
struct cursor first_child(struct cursor cursor);
struct cursor last_expression(struct cursor cursor);

/* The operands of an atomic operation (`__atomic_store_n`, `__sync_lock_test_and_set`,
 * `atomic_store` and their like), of which the first is the address of its object. Returns how
 * many; 0 for any other expression. `operands` may be NULL. */
enum { ATOMIC_OPERANDS = 8 };
unsigned atomic_operands(struct cursor expression, struct cursor operands[ATOMIC_OPERANDS]);

/* Whether an operand is a value for the object: it has its type. Others are memory orders, and
 * where a value is. */
bool is_atomic_value(struct cursor operand, struct cursor first);

/* `x` of `&x`, through casts; else the null cursor. */
struct cursor operand_of_address(struct cursor expression);

/* Without parentheses, implicit conversions (and casts). */
struct cursor strip_implicit(struct cursor expression);
struct cursor strip_casts(struct cursor expression);

/* Without implicit conversions, and what else libclang has no name for. */
struct cursor as_written(struct cursor expression);

bool is_null_constant(struct cursor expression);

/* Whether a variable is declared with IA2_SHARED_DATA. */
bool is_marked_shared(struct cursor variable);
bool is_automatic(struct cursor variable); /* a local that is not static, or a parameter */
bool is_integer_constant(struct cursor expression); /* a null constant is one */
bool is_object_address(struct cursor expression); /* `&x` */

/* Where a parameter stands among those of its function; NO_POSITION, at which no call has an
 * argument, if it is none of them. */
#define NO_POSITION (~0u)
unsigned parameter_position(struct cursor parameter);

/* The type of an expression. libclang reports a parameter declared as array or function as that,
 * not as the pointer it is. */
struct type expression_type(struct cursor expression);

struct type callee_type(struct cursor callee); /* of the function that it is, or points to */

/* Where a block, or a function's body, begins: its `{`. False if a macro makes it. */
bool block_place(struct unit *unit, struct cursor block, struct place *place);
bool body_place(struct unit *unit, struct cursor function, struct place *place);

/* The function a designator or direct callee names, through parentheses, `*` and `&`; else the null
 * cursor. */
struct cursor named_function(struct cursor expression);

/* What a call of dlsym looks up, through casts: the text of a literal, "" if that is not known;
 * NULL for anything else. Interned. */
const char *looked_up(struct cursor expression);

/* The variable that the lvalue is, or is a part of: `x`, `x.member`, `x[i]` of an array; else the
 * null cursor. */
struct cursor base_variable(struct cursor lvalue);

/* Canonical spelling without qualifiers, the same in each unit. Interned. */
const char *type_spelling(struct unit *unit, struct type type);

/* type_spelling if it is a pointer to a function, atomic or not, else NULL. */
const char *function_pointer_spelling(struct unit *unit, struct type type);

bool is_function(struct type type);
struct type without_atomic(struct type type); /* canonical */
bool is_array(struct type type);
bool is_constant(struct type type); /* const, or an array of const; not volatile, which GCC keeps in
                                       writable memory */
bool is_volatile_constant(struct type type);
bool is_va_list_parameter(struct type type);

/* Whether the type can be named before the declaration that it is the type of. */
bool has_name_everywhere(struct type type);

#endif
