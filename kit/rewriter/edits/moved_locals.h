/* What moves to the thread's shared stack, because its address crosses the boundary. */
#ifndef IA2_MOVED_LOCALS_H
#define IA2_MOVED_LOCALS_H

#include "base/intern.h"
#include "tree/program.h"

struct moved_local {
    struct unit *unit;
    struct cursor variable, function;
    const char *name, *type, *file;
    unsigned line;
};

/* A compound literal in a function. */
struct moved_literal {
    struct unit *unit;
    struct cursor literal, function;
};

struct locals {
    struct moved_local *list; /* in order of file and line */
    size_t count, capacity;
    struct moved_literal *literals;
    size_t literal_count, literal_capacity;
    struct map moved; /* set of declarations, and compound literals */
    /* Per compartment: set of the pointee types of what it calls through the boundary. */
    struct map crossing_pointees[MAX_KEY + 1];
    struct map rewritten_literals; /* set of places */
};

#endif
