#include "parse.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache.h"
#include "base/diag.h"
#include "base/intern.h"
#include "base/workers.h"
#include "record.h"

struct job {
    struct program *program;
    struct cache cache;
    const char *resources;
    struct map planned; /* set of the hashes of names */
    struct cache_key *keys; /* of the plan's units */
};

/* The directory of clang's own headers (stddef.h ...). libclang finds it only when it lies where
 * upstream puts it relative to the library, which is not so in Debian. */
static const char *resource_directory(void)
{
    CXString version = clang_getClangVersion();
    const char *digits = strpbrk(clang_getCString(version), "0123456789");
    const int major = digits ? atoi(digits) : 19;
    clang_disposeString(version);
    const char *library = "";
    Dl_info info;
    if (dladdr((void *)(uintptr_t)clang_createIndex, &info) && info.dli_fname)
        library = info.dli_fname;
    const char *const slash = strrchr(library, '/');
    const char *const beside = slash ? intern_n(library, (size_t)(slash - library)) : ".";
    const char *const candidates[] = {intern_format("%s/clang/%d", beside, major),
                                      intern_format("%s/../lib/clang/%d", beside, major),
                                      intern_format("%s/clang/%d", IA2_LLVM_LIBDIR, major),
                                      intern_format("/usr/lib/llvm-%d/lib/clang/%d", major, major),
                                      intern_format("/usr/lib/clang/%d", major)};
    for (size_t i = 0; i < sizeof(candidates) / sizeof(*candidates); i++)
        if (!access(intern_format("%s/include/stddef.h", candidates[i]), R_OK))
            return candidates[i];
    diag_fatal(
        "clang's own headers (stddef.h ...) are not installed: install libclang-common-%d-dev",
        major);
}

/* gcc's options that clang does not know do not change the syntax tree. */
static bool is_unknown_option(CXDiagnostic diagnostic)
{
    CXFile file;
    clang_getFileLocation(clang_getDiagnosticLocation(diagnostic), &file, NULL, NULL, NULL);
    if (file)
        return false;
    CXString text = clang_getDiagnosticSpelling(diagnostic);
    const char *const message = clang_getCString(text);
    const bool result =
        strstr(message, "unknown argument") || strstr(message, "unsupported option") ||
        strstr(message, "unsupported argument") || strstr(message, "argument unused");
    clang_disposeString(text);
    return result;
}

static const struct source *source_of(const struct unit *unit, CXFile file)
{
    CXString name = clang_getFileName(file);
    const char *const path = clang_getCString(name);
    const struct source *const source = path ? source_get(compdb_path(unit->command, path)) : NULL;
    clang_disposeString(name);
    return source;
}

/* Whether there are any. */
static bool report_errors(const struct unit *unit, CXTranslationUnit tu)
{
    const unsigned count = clang_getNumDiagnostics(tu);
    bool any = false;
    for (unsigned i = 0; i < count; i++) {
        CXDiagnostic diagnostic = clang_getDiagnostic(tu, i);
        if (clang_getDiagnosticSeverity(diagnostic) >= CXDiagnostic_Error &&
            !is_unknown_option(diagnostic)) {
            any = true;
            CXFile file;
            unsigned line = 0, column = 0;
            clang_getFileLocation(clang_getDiagnosticLocation(diagnostic), &file, &line, &column,
                                  NULL);
            const struct source *const source = file ? source_of(unit, file) : NULL;
            CXString text = clang_getDiagnosticSpelling(diagnostic);
            diag_refuse(
                source ? source->shown : unit->plan->file, line, column, "clang cannot parse this",
                clang_getCString(text),
                "make the unit parse with clang 19 too, or pass what it needs by --extra-arg");
            clang_disposeString(text);
        }
        clang_disposeDiagnostic(diagnostic);
    }
    return any;
}

/* What libclang gets for a command; the caller's to free. */
static const char **arguments_of(const struct job *job, const struct command *command,
                                 size_t *count)
{
    const struct options *const options = job->program->options;
    size_t capacity = 0, own;
    const char **const parsed = compdb_parse_arguments(command, &own);
    const char **arguments = NULL;
    *count = 0;
    for (size_t i = 0; i < own; i++)
        *PUSH(arguments, *count, capacity) = parsed[i];
    *PUSH(arguments, *count, capacity) = "-w";
    *PUSH(arguments, *count, capacity) = "-resource-dir";
    *PUSH(arguments, *count, capacity) = job->resources;
    *PUSH(arguments, *count, capacity) = "-working-directory";
    *PUSH(arguments, *count, capacity) = command->directory;
    for (size_t i = 0; i < options->extra_count; i++)
        *PUSH(arguments, *count, capacity) = options->extra[i];
    free(parsed);
    return arguments;
}

static enum CXErrorCode parse(const struct unit *unit, const struct record_request *request,
                              CXIndex index, struct CXUnsavedFile *instead, CXTranslationUnit *tu)
{
    return clang_parseTranslationUnit2(index, unit->plan->file, request->arguments,
                                       (int)request->argument_count, instead, instead != NULL,
                                       CXTranslationUnit_None, tu);
}

/* Whether the range is one of the file's, with the offset in it. */
static bool is_around(const struct unit *unit, CXSourceRange range, const struct source *source,
                      size_t offset)
{
    CXFile file;
    unsigned begin, end;
    clang_getFileLocation(clang_getRangeStart(range), &file, NULL, NULL, &begin);
    clang_getFileLocation(clang_getRangeEnd(range), NULL, NULL, NULL, &end);
    return begin <= offset && offset < end && file && source_of(unit, file) == source;
}

bool parse_skips(struct unit *unit, const struct source *source, size_t offset)
{
    const struct job job = {.program = unit->program, .resources = resource_directory()};
    size_t count;
    const char **const arguments = arguments_of(&job, unit->command, &count);
    const CXIndex index = clang_createIndex(0, 0);
    CXTranslationUnit tu;
    bool found = false;
    /* Only a record of what the preprocessor did has the ranges. */
    if (!clang_parseTranslationUnit2(index, unit->plan->file, arguments, (int)count, NULL, 0,
                                     CXTranslationUnit_DetailedPreprocessingRecord |
                                         CXTranslationUnit_SkipFunctionBodies,
                                     &tu)) {
        CXSourceRangeList *const skipped = clang_getAllSkippedRanges(tu);
        for (unsigned i = 0; skipped && i < skipped->count && !found; i++)
            found = is_around(unit, skipped->ranges[i], source, offset);
        clang_disposeSourceRangeList(skipped);
        clang_disposeTranslationUnit(tu);
    }
    clang_disposeIndex(index);
    free(arguments);
    return found;
}

static enum CXChildVisitResult find_array(CXCursor cursor, CXCursor parent, CXClientData data)
{
    (void)parent;
    const CXType type = clang_getCanonicalType(clang_getCursorType(cursor));
    CXString name = clang_getCursorSpelling(cursor);
    if (clang_getCursorKind(cursor) == CXCursor_VarDecl && type.kind == CXType_ConstantArray &&
        !strcmp(clang_getCString(name), "ia2_vector_bytes"))
        *(unsigned *)data = (unsigned)clang_getArraySize(type);
    clang_disposeString(name);
    return CXChildVisit_Continue;
}

/* Size of the largest vector register that the unit is compiled for: 16, 32 or 64. */
static unsigned vector_bytes(const struct unit *unit, const struct record_request *request)
{
    static const char probe[] = "#ifdef __AVX512F__\n#define N 64\n#elif defined __AVX__\n#define "
                                "N 32\n#else\n#define N 16\n#endif\n"
                                "extern char ia2_vector_bytes[N];\n";
    struct CXUnsavedFile instead = {unit->plan->file, probe, sizeof(probe) - 1};
    const CXIndex index = clang_createIndex(0, 0);
    CXTranslationUnit tu;
    unsigned bytes = 16;
    if (!parse(unit, request, index, &instead, &tu)) {
        clang_visitChildren(clang_getTranslationUnitCursor(tu), find_array, &bytes);
        clang_disposeTranslationUnit(tu);
    }
    clang_disposeIndex(index);
    return bytes;
}

static void take_tree(struct unit *unit, const struct tree *tree)
{
    unit->tree = tree;
    unit->sources = must_alloc(tree_count(tree, TREE_FILES) * sizeof(*unit->sources));
    size_t count;
    const struct tree_inclusion *const all = tree_inclusions(tree, &count);
    for (size_t i = 0; i < count; i++) {
        struct source *const source = unit_source(unit, all[i].file);
        if (source && !unit_reads(unit, source))
            *PUSH(unit->includes, unit->include_count, unit->include_capacity) = source;
    }
}

static const struct tree *parse_unit(const struct job *job, struct unit *unit, CXIndex index,
                                     struct cache_key key, struct record_request *request)
{
    CXTranslationUnit tu;
    const enum CXErrorCode error = parse(unit, request, index, NULL, &tu);
    if (error) {
        diag_refuse(
            unit->plan->file, 0, 0, "clang cannot parse this", "libclang gives no reason",
            "check that the file exists and that its command in the compile database is right");
        return NULL;
    }
    request->keep &= !report_errors(unit, tu);
    struct tree_header *const block = record_unit(unit, tu, request);
    clang_disposeTranslationUnit(tu);
    if (request->keep)
        cache_write(&job->cache, key, block);
    const struct tree *const tree = tree_open(block, block->size);
    if (!tree)
        diag_fatal("%s: internal error: its syntax tree is damaged", unit->plan->file);
    return tree;
}

static void read_unit(void *context, size_t number, void **index)
{
    struct job *const job = context;
    struct unit *const unit = &job->program->units[number];
    struct record_request request = {
        .planned = &job->planned, .keep = job->cache.directory, .vector_bytes = vector_bytes};
    const char **const arguments = arguments_of(job, unit->command, &request.argument_count);
    const struct cache_key key =
        cache_key(&job->cache, unit->plan, unit->command, arguments, request.argument_count);
    job->keys[unit->plan->id] = key;
    const struct tree *tree =
        cache_read(&job->cache, key, unit->command, &job->planned, &unit->parsed);
    if (!tree) {
        if (!*index)
            *index = clang_createIndex(0, 0);
        request.arguments = arguments;
        request.key = key.check;
        tree = parse_unit(job, unit, *index, key, &request);
    }
    free(arguments);
    if (!tree)
        return;
    take_tree(unit, tree);
    unit->main_file = source_get(unit->plan->file);
}

/* Those of units that were not selected, and so not read, are kept too. */
static void sweep(struct job *job)
{
    const struct program *const program = job->program;
    for (size_t i = 0; i < program->plan.unit_count; i++) {
        const struct plan_unit *const unit = &program->plan.units[i];
        if (unit->selected || unit->command >= program->compdb.count)
            continue;
        size_t count;
        const struct command *const command = &program->compdb.commands[unit->command];
        const char **const arguments = arguments_of(job, command, &count);
        job->keys[i] = cache_key(&job->cache, unit, command, arguments, count);
        free(arguments);
    }
    cache_sweep(&job->cache, job->keys, program->plan.unit_count);
}

static void explain(const struct program *program)
{
    for (size_t u = 0; u < program->unit_count; u++)
        fprintf(stderr, "%s: %s%s\n", program->units[u].plan->file,
                program->units[u].parsed ? "parsed: " : "not parsed again",
                program->units[u].parsed ? program->units[u].parsed : "");
}

void parse_units(struct program *program)
{
    const struct plan *const plan = &program->plan;
    struct job job = {.program = program,
                      .resources = resource_directory(),
                      .keys = must_alloc(plan->unit_count * sizeof(*job.keys))};
    cache_open(&job.cache, program->options->cache);
    for (size_t i = 0; i < plan->import_count; i++)
        map_add(&job.planned, tree_name_hash(plan->imports[i].symbol));
    for (size_t i = 0; i < plan->entry_count; i++)
        map_add(&job.planned, tree_name_hash(plan->entries[i].symbol));
    work_on_all(program->unit_count, read_unit, clang_disposeIndex, &job);
    program_collect_sources(program);
    if (job.cache.directory)
        sweep(&job);
    map_free(&job.planned);
    free(job.keys);
    if (program->options->explain)
        explain(program);
}
