/* One walk through each unit's syntax tree: the facts that later passes decide on. Which types
 * escape is not known yet, so every candidate is kept. */
#ifndef IA2_ANALYZE_H
#define IA2_ANALYZE_H

#include "tree/ast_query.h"
#include "tree/program.h"

/* A function whose address is taken, or (callee) a direct callee named in a macro. */
struct designator {
    struct cursor reference, function; /* the DeclRefExpr, the FunctionDecl */
    struct cursor whole; /* the reference, or the `&f` around it */
    const char *types[4]; /* function-pointer types it has on the way to where it goes */
    struct type target; /* the last of them */
    const char *libc_function; /* it is an argument of this function of a system header */
    bool libc_returns; /* and that one returns a function pointer, as signal() does */
    bool to_libc_object; /* it is stored in a member of libc's struct, or a local of libc's macro */
    bool compared; /* an operand of == or !=: nobody calls what is only compared */
    bool callee;
    struct cursor called; /* of a callee: its whole expression, `(f)` */
    size_t user; /* position + 1 of the function it is in; 0: an initializer of a global */
};

/* A call through a pointer, or a direct call of a boundary function. */
struct call {
    struct cursor call, callee;
    const char *type; /* function-pointer type; NULL: direct */
    const struct import *import; /* direct */
    struct cursor field; /* the member the pointer is read from, else null */
};

/* A conversion between function-pointer types, from something else to one, or from one to `void *`.
 */
struct conversion {
    struct cursor cursor;
    const char *from,
        *to; /* function-pointer spellings; NULL: not one, as a `to` that is `void *` */
    const char *from_spelling;
    size_t lookup; /* position + 1 in the unit's lookups; 0: not from a `void *` */
    bool constant; /* a designator, a null constant, or a mark such as -1 or `&x`, which the check
                      of a call stops */
};

/* The result of dlsym becomes a pointer, or some `void *` does, which may be that. */
struct lookup {
    const char *symbol; /* as looked_up() says; NULL: no call of dlsym */
    struct type target;
    bool data; /* not a pointer to a function */
};

/* A function pointer, or an object that holds some, is made of a value of another kind. */
struct made {
    enum made_of { OF_POINTER, OF_INTEGER, OF_BYTES, OF_MEMBERS, MADE_OF_KINDS } of;
    struct type type; /* of what is made; OF_MEMBERS: the union */
    struct cursor value; /* what it is made of; OF_MEMBERS: the union that is read */
};

/* A function pointer, or an object that holds some, becomes a value of another kind. */
struct unmade {
    enum made_of into;
    struct type type;
};

/* A function pointer, or a record, goes to code that no unit defines: as an argument of a direct
 * call, or (`function` is the null cursor) into an object of a system header's. */
struct handed {
    struct cursor value, function, call;
    struct type type; /* that the receiver gives it */
    unsigned position; /* of the argument */
};

/* The address of a variable (or a part of it), or of a compound literal, is taken. */
struct address {
    struct cursor cursor, variable;
    const char *pointee; /* type of what the address is of */
};

struct function {
    const char *name;
    struct cursor cursor;
    bool is_static;
    bool dead; /* an inline function of a header, say, that the unit does not use: the compiler
                  drops it */
    bool calls_pointer; /* it has a call by a pointer */
    const char **callees,
        **member_types; /* names called; types of function-pointer members written */
    const char **references; /* names called or otherwise used */
    size_t callee_count, callee_capacity, member_type_count, member_type_capacity, reference_count,
        reference_capacity;
};

/* A value that is stored: `place` as flow.c names it, NULL for memory that a pointer leads to; the
 * type of the object. */
struct flow {
    const void *place;
    struct type type;
    struct cursor value;
};

/* A call: of a function that is not libc's, as flow.c names it, or of whatever a pointer of the
 * type that is spelled so leads to. */
struct any_call {
    const void *function;
    struct cursor cursor;
};

/* A declaration of a boundary function or variable, or the definition of a shared variable. */
struct declaration {
    struct cursor cursor;
    const char *name;
    bool definition;
};

/* What a macro of IA2's guide says of a function: the text of its `annotate` attribute. A
 * definition has also what an earlier declaration of the unit says. Of a signal handler it says it
 * on a variable ia2_guide_handler_NAME. */
struct annotation {
    struct cursor function;
    const char *text;
    bool definition;
};

/* A number that the program says by a macro of the guide: the length of the array `name` that the
 * macro declares. */
struct guide_number {
    struct cursor cursor;
    const char *name;
};

/* Fills the facts of all units, on all processors. */
void analyze_units(struct program *program);

#endif
