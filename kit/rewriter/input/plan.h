/* plan.json: policy and build graph brought together by the engine. */
#ifndef IA2_PLAN_H
#define IA2_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/intern.h"

#define MAX_KEY 12
/* compartment.system_calls where the policy says nothing. */
#define ALL_SYSTEM_CALLS 0x7fffffffu

struct compartment {
    const char *name, *file;
    unsigned key;
    uint32_t pkru;
    uint32_t
        system_calls; /* mask of what it may have the kernel do; see the runtime's descriptor.h */
    unsigned reads; /* mask of keys this compartment may read */
    const char *plugin; /* the file name it has in the project's build, if it comes with dlopen;
                           else NULL */
    unsigned heap_clients; /* mask of keys that [allocations] lets allocate in its heap */
};

struct plan_unit {
    unsigned id, command, compartment;
    const char *file;
    bool pic;
    bool force_recompile; /* whatever is in it */
    bool selected; /* named on the command line, or nothing was named */
};

struct import {
    const char *symbol;
    unsigned owner, callers; /* callers: mask of keys */
    bool data;
    bool ungated; /* declared between IA2_BEGIN_NO_WRAP and IA2_END_NO_WRAP: it runs with its
                     caller's rights */
};

/* What dlsym finds in a plugin. */
struct plan_entry {
    const char *symbol;
    unsigned owner;
    bool data;
};

struct plan_destructor {
    const char *symbol;
    unsigned compartment;
    int unit, priority; /* -1: none */
    bool visible; /* other objects of the link can name it */
};

/* Where what a function allocates shall live; `variable`: only what it assigns to a variable or
 * member of this name, else NULL. */
struct allocation {
    const char *entry, *function, *variable;
    unsigned key;
};

struct parameter_copy {
    const char *record, *field, *parameter;
    enum copy_direction { COPY_NONE, COPY_IN, COPY_OUT, COPY_INOUT } direction;
    bool used;
};

/* All strings are interned. */
struct plan {
    const char *source_root, *build_dir, *policy_file;
    struct compartment compartments[MAX_KEY];
    unsigned compartment_count;
    struct plan_unit *units;
    struct import *imports;
    struct plan_entry *entries;
    struct allocation *allocations;
    struct parameter_copy *parameters;
    struct plan_destructor *destructors;
    const char **shared_variables;
    size_t unit_count, import_count, allocation_count, parameter_count, shared_variable_count,
        destructor_count, entry_count;
    struct map import_index; /* symbol -> struct import */
    void *policy_lines; /* json_t */
    struct map other_programs; /* set of the policy's entries that another program has */
};

/* Reads and checks a plan; anything wrong in it is fatal. */
void plan_read(struct plan *plan, const char *path);

const struct import *plan_import(const struct plan *plan, const char *symbol);
bool plan_has_data_entry(const struct plan *plan);
bool plan_is_entry(const struct plan *plan, const char *symbol);
bool plan_is_shared(const struct plan *plan, const char *variable);

/* Every compartment but `key`, as a mask. */
unsigned plan_others(const struct plan *plan, unsigned key);

/* Whether every other compartment has a read grant on `key`. */
bool plan_readable_by_all(const struct plan *plan, unsigned key);

/* Whether another program of the build has what `entry` names, so that it need not be in this one.
 */
bool plan_is_for_other_program(const struct plan *plan, const char *entry);

/* A refusal at the policy line of `entry` (for example "allocations.f"). */
void plan_refuse(const struct plan *plan, const char *entry, const char *construct,
                 const char *reason, const char *remedy);

#endif
