/* A source as one command compiles it: its tree, the files that it reads, and what analysis finds
 * in it. */
#ifndef IA2_UNIT_H
#define IA2_UNIT_H

#include "input/compdb.h"
#include "input/plan.h"
#include "input/source.h"
#include "tree.h"

struct program;

struct unit {
    struct program *program; /* that it is a part of */
    const struct plan_unit *plan;
    const struct command *command;
    const struct tree *tree;
    const char *parsed; /* why the unit was parsed; NULL: its tree is of an earlier run */
    struct source **sources; /* of the tree's files, once they were asked for */
    struct source *main_file;
    struct source **includes; /* files it reads, main file included */
    size_t include_count, include_capacity;
    struct map spellings;

    /* analysis/analyze.h */
    struct designator *designators;
    struct call *calls,
        *own_calls; /* own: direct calls of the variadic functions that others import from here */
    struct conversion *conversions;
    struct address *addresses;
    struct lookup *lookups;
    struct made *made;
    struct unmade *unmade;
    struct handed *handed;
    struct map kept_uses, kept_in, let_out; /* analysis/kept_functions.h */
    struct flow *flows;
    struct any_call *any_calls;
    struct function *functions;
    struct declaration *declarations, *shared_variables;
    struct annotation *annotations;
    struct guide_number *guide_numbers;
    struct cursor *attributed_locals; /* of which a `cleanup` may give the address away */
    struct cursor *registrations; /* calls of ia2_register_compartment */
    const char **references; /* functions that initializers of globals use */
    size_t reference_count, reference_capacity;
    size_t designator_count, designator_capacity, call_count, call_capacity, conversion_count,
        conversion_capacity;
    size_t address_count, address_capacity, function_count, function_capacity, declaration_count,
        declaration_capacity;
    size_t made_count, made_capacity, unmade_count, unmade_capacity;
    size_t handed_count, handed_capacity;
    size_t flow_count, flow_capacity, any_call_count, any_call_capacity;
    size_t shared_variable_count, shared_variable_capacity, own_call_count, own_call_capacity;
    size_t annotation_count, annotation_capacity, guide_number_count, guide_number_capacity;
    size_t registration_count, registration_capacity, lookup_count, lookup_capacity,
        attributed_local_count, attributed_local_capacity;
};

/* A file of the tree; NULL if there is none, or none any more. */
struct source *unit_source(struct unit *unit, uint32_t file);
bool unit_reads(const struct unit *unit, const struct source *source);

#endif
