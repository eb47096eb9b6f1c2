/* The call gates: which functions get one. */
#ifndef IA2_GATES_H
#define IA2_GATES_H

#include "abi/sysv_abi.h"
#include "analyze.h"

struct gate {
    const char *symbol, *function, *target, *file, *signature, *abi;
    const char *family; /* symbol of the gate that the function's address is; that of a variadic one
                           has others behind it */
    unsigned owner, callers, line;
    uint32_t type;
    bool exported, ungated; /* ungated: no gate, a jump to the function */
    struct shape shape;
    struct unit
        *unit; /* that has `cursor`: the function's definition, or a declaration if it is not C */
    struct cursor cursor;
};

struct gates {
    struct gate *list; /* sorted by sort_gates */
    size_t count, capacity;
    struct map index; /* interned "owner symbol" -> position + 1, until they are sorted */
    struct map definitions; /* interned "compartment name" -> struct definition */
};

/* Makes program->gates: gates for the functions the plan imports: signatures come from definitions
 * and prototypes. */
void gates_for_imports(struct program *program);

/* Adds a gate for each function that dlsym finds in a plugin. */
void gates_for_entries(struct program *program);

/* Whether some compartment defines a function of that name. After gates_for_imports. */
bool gates_defines(const struct program *program, const char *function);

/* The gate of a function whose value escapes from `unit`; `cause` is where its address is taken.
 * `calls`: what a variadic one is called with, else NULL; it has a gate for each, and
 * ia2_check_target goes from the first to the others. `given`: others may get the value, and call
 * it; else the program only compares with it. NULL if refused. Valid until the next gate is made.
 */
const struct gate *gate_for_value(struct program *program, struct unit *unit,
                                  struct cursor function, const struct variadic_lists *calls,
                                  bool given, struct cursor cause);

/* The gate of a variadic function for one list of arguments, with which `unit` calls it at `cause`.
 * NULL if refused; valid as above. */
const struct gate *gate_for_arguments(struct unit *unit, const struct import *import,
                                      struct cursor function, const struct signature *call,
                                      struct cursor cause);

/* Whether it is declared weak and no compartment defines it: its address is null. After
 * gates_for_imports. */
bool gates_is_absent(struct unit *unit, struct cursor function);

/* Whether it is a function of libc (or another system library): no compartment has it. After
 * gates_for_imports. */
bool gates_is_libc(const struct program *program, struct cursor function);

/* Sorts by owner, family and symbol; to be called once, before the gates are read. */
void sort_gates(struct program *program);
#endif
