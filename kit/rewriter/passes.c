#include "passes.h"

#include <stdio.h>
#include <stdlib.h>

#include "analysis/analyze.h"
#include "analysis/conversions.h"
#include "analysis/escape.h"
#include "analysis/flow.h"
#include "analysis/gates.h"
#include "analysis/ia2_macros.h"
#include "analysis/made_pointers.h"
#include "analysis/no_wrap.h"
#include "base/diag.h"
#include "edits/allocations.h"
#include "edits/edits.h"
#include "edits/locals.h"
#include "edits/may_cross.h"
#include "edits/pasted.h"
#include "edits/rewrite.h"
#include "edits/unseen.h"
#include "edits/variadic.h"
#include "input/branches.h"
#include "input/macros.h"
#include "output/conditions.h"
#include "output/destructors.h"
#include "output/mirror.h"
#include "output/outputs.h"
#include "parser/parse.h"

static void read_inputs(struct program *program)
{
    const struct options *const options = program->options;
    plan_read(&program->plan, options->plan);
    compdb_read(&program->compdb, options->commands);
    source_set_roots(options->root, program->plan.build_dir);
    mirror_check(options->output);
    program_make_units(program);
}

static void scan_macros(struct program *program)
{
    program->macros = macros_scan(program->sources, program->source_count);
}

static void find_branches(struct program *program)
{
    program->branches = branches_find(program->sources, program->source_count, program->macros);
}

static void guard_unseen_calls(struct program *program)
{
    unseen_guard(program);
}

static void write_outputs(struct program *program)
{
    outputs_write(program);
}

/* What a pass reads is made by passes before it; what it makes, it makes or adds to. */
static const struct pass {
    const char *name, *reads, *makes;
    void (*run)(struct program *program);
    bool checked; /* what was refused until then ends the run after this pass */
} passes[] = {
    {"read inputs", "options", "plan, commands, units", read_inputs, false},
    {"parse", "options, plan, commands, units", "trees, sources", parse_units, true},
    {"analyze", "plan, trees", "facts", analyze_units, false},
    {"find what has no gate", "plan, facts", "plan, facts", no_wrap_find, false},
    {"scan macros", "sources", "macros", scan_macros, false},
    {"index values", "facts", "flow", flow_index_values, false},
    {"find escaping types", "plan, trees, facts", "escaping types", escape_compute, false},
    {"add made types", "plan, facts, flow, escaping types", "escaping types", made_escape, false},
    {"add converted types", "trees, facts, escaping types", "escaping types", conversions_escape,
     false},
    {"find locals", "plan, trees, facts, macros, escaping types, flow",
     "escaping types, locals, may cross", locals_find, false},
    {"sort escaping types", "escaping types", "escaping types", sort_escaping_types, false},
    {"group conversions", "facts, escaping types", "conversions", conversions_group, false},
    {"make gates of imports", "plan, facts", "gates", gates_for_imports, false},
    {"make gates of entries", "plan, facts, gates", "gates", gates_for_entries, false},
    {"list arguments", "facts, escaping types", "argument lists", variadic_scan, false},
    {"begin edits", "trees, sources", "edits", edits_begin, false},
    {"rewrite pointers",
     "plan, trees, sources, facts, macros, escaping types, flow, conversions, gates, argument "
     "lists, edits",
     "gates, macros, edits, pasted names", rewrite_pointers, false},
    {"rewrite allocations", "plan, trees, sources, facts, edits", "plan, edits",
     rewrite_allocations, false},
    {"share variables", "plan, trees, sources, facts, edits", "edits", rewrite_shared_variables,
     false},
    {"rewrite locals", "trees, sources, facts, macros, locals, edits, pasted names",
     "locals, macros, edits, pasted names", locals_rewrite, false},
    {"declare pasted names", "trees, sources, macros, edits, pasted names", "macros, edits",
     pasted_declare, false},
    {"find branches", "sources, macros", "branches", find_branches, false},
    {"check IA2's macros", "options, plan, sources, facts, branches", "", ia2_macros_check, false},
    {"guard unseen calls", "trees, sources, branches", "edits", guard_unseen_calls, false},
    {"find destructors", "plan, facts, edits", "destructors, edits", destructors_find, false},
    {"check conditions", "plan, facts, gates, edits", "gates, edits", conditions_rewrite, false},
    {"merge edits", "sources, edits", "edits", merge_edits, false},
    {"sort gates", "gates", "gates", sort_gates, true},
    {"sort what may cross", "options, may cross", "may cross", sort_may_cross, false},
    {"collect the mirror", "plan, sources, edits", "mirror", mirror_collect, false},
    {"write", "options, plan, escaping types, locals, may cross, gates, destructors, edits, mirror",
     "files", write_outputs, false},
};

void passes_run(struct program *program)
{
    for (size_t i = 0; i < sizeof(passes) / sizeof(*passes); i++) {
        passes[i].run(program);
        if (passes[i].checked && diag_count()) {
            diag_print();
            exit(1);
        }
    }
}

void passes_print(void)
{
    for (size_t i = 0; i < sizeof(passes) / sizeof(*passes); i++)
        printf("%s\t%s\t%s\n", passes[i].name, passes[i].reads, passes[i].makes);
}
