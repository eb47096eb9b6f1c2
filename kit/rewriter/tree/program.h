/* The program that is being split: what the run is given, and what its passes make. It owns all of
 * it, to the end of the run. In brackets: the names in the table of passes (passes.c).
 *
 * The result of a pass is NULL until that pass has run. Its type is complete only in the header of
 * the file that makes it, so code below that file can pass it on but not read it. */
#ifndef IA2_PROGRAM_H
#define IA2_PROGRAM_H

#include "base/options.h"
#include "input/compdb.h"
#include "input/plan.h"
#include "unit.h"

struct program {
    const struct options *options; /* [options] */
    struct plan plan; /* [plan] */
    struct compdb compdb; /* [commands] */
    /* [units], those selected, in the order of the plan; their [trees] and [facts] */
    struct unit *units;
    size_t unit_count;
    struct source **sources; /* [sources] of the project, that units read; each once */
    size_t source_count, source_capacity;

    struct macros *macros; /* [macros]: input/macros.h */
    struct branches *branches; /* [branches]: input/branches.h */
    struct escape *escape; /* [escaping types]: analysis/escape.h */
    struct flow_index *flow; /* [flow]: analysis/flow.h */
    struct conversion_groups *conversions; /* [conversions]: analysis/conversions.h */
    struct gates *gates; /* [gates]: analysis/gates.h */
    struct edits *edits; /* [edits]: edits/edits.h */
    struct may_cross_list *may_cross; /* [may cross]: edits/may_cross.h */
    struct locals *locals; /* [locals]: edits/moved_locals.h */
    struct argument_lists *argument_lists; /* [argument lists]: edits/variadic.h */
    struct pasted_names *pasted; /* [pasted names]: edits/pasted.h */
    struct destructors *destructors; /* [destructors]: output/destructors.h */
    struct mirror *mirror; /* [mirror]: output/mirror.h */
};

/* Makes the units that the command line names, or all of the plan's. Fatal if it names something
 * else. */
void program_make_units(struct program *program);

/* Collects the sources, when the units are parsed. */
void program_collect_sources(struct program *program);

#endif
