#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/conversions.h"
#include "analysis/escape.h"
#include "analysis/gates.h"
#include "analysis/ia2_macros.h"
#include "analysis/no_wrap.h"
#include "base/diag.h"
#include "edits/edits.h"
#include "edits/locals.h"
#include "edits/may_cross.h"
#include "edits/pasted.h"
#include "edits/rewrite.h"
#include "edits/unseen.h"
#include "input/branches.h"
#include "input/macros.h"
#include "output/assembly.h"
#include "output/boundary.h"
#include "output/conditions.h"
#include "output/destructors.h"
#include "parser/cache.h"
#include "parser/parse.h"

static const char usage[] =
    "usage: ia2-rewriter --policy PLAN_JSON --root-directory DIR --output-directory DIR "
    "--output-prefix PREFIX\n"
    "                    -p COMPILE_COMMANDS [--extra-arg ARG]... [--cache-directory DIR] "
    "[--explain] [--permissive]\n"
    "                    [SOURCE...]\n"
    "\n"
    "Rewrites the C sources of a program for its compartments.\n"
    "\n"
    "  --policy FILE           plan.json, made from compartments.toml and the build graph\n"
    "  --root-directory DIR    root of the program's sources\n"
    "  --output-directory DIR  where the mirror of the sources goes\n"
    "  --output-prefix PREFIX  put before boundary.json, destructors.json and callgates/NAME.S\n"
    "  -p PATH                 compile_commands.json, or its directory\n"
    "  --extra-arg ARG         one more argument for parsing each source\n"
    "  --cache-directory DIR   where what was read of each source is kept for the next run; made "
    "if it is not there\n"
    "  --explain               say on standard error which sources were parsed, and why, and which "
    "variables may cross\n"
    "  --permissive            the program is linked to go on after violations: its sources may "
    "say so\n"
    "  SOURCE...               sources to rewrite; all of the plan's by default\n";

struct options {
    const char *plan, *root, *output, *prefix, *commands, *cache;
    const char **extra;
    size_t extra_count, extra_capacity;
    char **sources;
    int source_count;
    bool permissive, explain;
};

static void read_options(struct options *options, int argc, char **argv)
{
    static const struct option names[] = {{"policy", required_argument, NULL, 'P'},
                                          {"root-directory", required_argument, NULL, 'r'},
                                          {"output-directory", required_argument, NULL, 'o'},
                                          {"output-prefix", required_argument, NULL, 'x'},
                                          {"extra-arg", required_argument, NULL, 'e'},
                                          {"help", no_argument, NULL, 'h'},
                                          {"permissive", no_argument, NULL, 'm'},
                                          {"cache-directory", required_argument, NULL, 'c'},
                                          {"explain", no_argument, NULL, 'E'},
                                          {NULL, 0, NULL, 0}};
    for (int c; (c = getopt_long(argc, argv, "p:h", names, NULL)) != -1;) {
        switch (c) {
        case 'P':
            options->plan = optarg;
            break;
        case 'r':
            options->root = optarg;
            break;
        case 'o':
            options->output = optarg;
            break;
        case 'x':
            options->prefix = optarg;
            break;
        case 'p':
            options->commands = optarg;
            break;
        case 'e':
            *PUSH(options->extra, options->extra_count, options->extra_capacity) = optarg;
            break;
        case 'c':
            options->cache = optarg;
            break;
        case 'E':
            options->explain = true;
            break;
        case 'm':
            options->permissive = true;
            break;
        case 'h':
            fputs(usage, stdout);
            exit(0);
        default:
            fputs(usage, stderr);
            exit(2);
        }
    }
    options->sources = argv + optind;
    options->source_count = argc - optind;
    if (!options->plan || !options->root || !options->output || !options->prefix ||
        !options->commands) {
        fputs("ia2-rewriter: error: --policy, --root-directory, --output-directory, "
              "--output-prefix and -p are needed\n",
              stderr);
        fputs(usage, stderr);
        exit(2);
    }
}

static void select_units(const struct options *options, struct plan *plan)
{
    for (size_t u = 0; u < plan->unit_count; u++)
        plan->units[u].selected = !options->source_count;
    for (int i = 0; i < options->source_count; i++) {
        char *const path = realpath(options->sources[i], NULL);
        bool found = false;
        for (size_t u = 0; path && u < plan->unit_count; u++) {
            char *const file = realpath(plan->units[u].file, NULL);
            if (file && !strcmp(file, path))
                plan->units[u].selected = found = true;
            free(file);
        }
        if (!found)
            diag_fatal("%s: not a source of the program", options->sources[i]);
        free(path);
    }
}

static void make_units(struct program *program)
{
    struct plan *const plan = program->plan;
    program->units = must_alloc(plan->unit_count * sizeof(*program->units));
    for (size_t u = 0; u < plan->unit_count; u++) {
        if (!plan->units[u].selected)
            continue;
        if (plan->units[u].command >= program->compdb->count)
            diag_fatal("unit %u: the compile database has no entry %u", plan->units[u].id,
                       plan->units[u].command);
        struct unit *const unit = &program->units[program->unit_count++];
        unit->plan = &plan->units[u];
        unit->command = &program->compdb->commands[plan->units[u].command];
    }
}

static void explain(const struct program *program)
{
    for (size_t u = 0; u < program->unit_count; u++)
        fprintf(stderr, "%s: %s%s\n", program->units[u].plan->file,
                program->units[u].parsed ? "parsed: " : "not parsed again",
                program->units[u].parsed ? program->units[u].parsed : "");
}

static void explain_may_cross(void)
{
    for (size_t i = 0; i < may_cross_count; i++)
        fprintf(stderr,
                "%s:%u: note: the address of %s, taken at %s:%u, may cross the boundary\n"
                "  if a violation names it: add \"%s\" to variables under [shared] in the policy\n",
                may_cross[i].file, may_cross[i].line, may_cross[i].name, may_cross[i].taken_file,
                may_cross[i].taken_line, may_cross[i].name);
}

static void stop_if_refused(void)
{
    if (diag_count()) {
        diag_print();
        exit(1);
    }
}

static void write_outputs(const struct options *options, const struct program *program,
                          const struct mirror *mirror)
{
    char *const boundary = boundary_text(program, mirror), *const exits =
                                                               destructors_text(program->plan);
    const char *const directory = intern_format("%scallgates", options->prefix);
    struct map wanted = {0};
    mirror_write(mirror, options->output);
    for (unsigned i = 0; i < program->plan->compartment_count; i++) {
        const struct compartment *const it = &program->plan->compartments[i];
        size_t length;
        char *const text = assembly_text(program->plan, it, &length);
        const char *const path = intern_format("%s/%s.S", directory, it->name);
        mirror_write_file(path, text, length);
        map_add(&wanted, key_of(path));
        free(text);
    }
    mirror_remove_gates(directory, &wanted);
    map_free(&wanted);
    mirror_write_file(intern_format("%sboundary.json", options->prefix), boundary,
                      strlen(boundary));
    free(boundary);
    mirror_write_file(intern_format("%sdestructors.json", options->prefix), exits, strlen(exits));
    free(exits);
}

int main(int argc, char **argv)
{
    /* Static: what they hold is in use until the process ends, and a checker of leaks sees that. */
    static struct options options;
    static struct plan plan;
    static struct compdb compdb;
    static struct program program = {.plan = &plan, .compdb = &compdb};
    static struct mirror mirror;
    static struct cache cache;

    read_options(&options, argc, argv);
    plan_read(&plan, options.plan);
    compdb_read(&compdb, options.commands);
    source_set_roots(options.root, plan.build_dir);
    mirror_check(options.output);
    select_units(&options, &plan);
    make_units(&program);

    cache_open(&cache, options.cache);
    parse_units(&program, &cache, options.extra, options.extra_count);
    if (options.explain)
        explain(&program);
    stop_if_refused();
    guide_check(&program, options.permissive);
    no_wrap_find(&program);
    macros_scan(program.sources, program.source_count);
    escape_compute(&program);
    conversions_escape(&program);
    locals_find(&program);
    escape_settle(&program);
    gates_for_imports(&program);
    gates_for_entries(&program);
    rewrite_pointers(&program);
    rewrite_allocations(&program);
    rewrite_shared_variables(&program);
    locals_rewrite(&program);
    pasted_declare(&program);
    branches_find(program.sources, program.source_count);
    unseen_guard(&program);
    destructors_find(&program);
    conditions_rewrite(&program);
    edit_settle();
    gates_settle();
    stop_if_refused();
    may_cross_settle();
    if (options.explain)
        explain_may_cross();

    mirror_collect(&program, &mirror);
    write_outputs(&options, &program, &mirror);
    return 0;
}
