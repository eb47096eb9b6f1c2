#include "parse.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "diag.h"

#define MAX_WORKERS 16

struct job {
    struct program *program;
    const char *const *extra;
    size_t extra_count;
    const char *resources;
    atomic_size_t next;
};
static struct job job;

/* The directory of clang's own headers (stddef.h ...). libclang finds it only when it lies where upstream puts it
 * relative to the library, which is not so in Debian. */
static const char *resource_directory(void) {
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
    const char *const candidates[] = {
        intern_format("%s/clang/%d", beside, major), intern_format("%s/../lib/clang/%d", beside, major),
        intern_format("%s/clang/%d", IA2_LLVM_LIBDIR, major), intern_format("/usr/lib/llvm-%d/lib/clang/%d", major, major),
        intern_format("/usr/lib/clang/%d", major) };
    for (size_t i = 0; i < sizeof(candidates) / sizeof(*candidates); i++)
        if (!access(intern_format("%s/include/stddef.h", candidates[i]), R_OK))
            return candidates[i];
    diag_fatal("clang's own headers (stddef.h ...) are not installed: install libclang-common-%d-dev", major);
}

static void add_include(CXFile file, CXSourceLocation *stack, unsigned depth, CXClientData data) {
    (void)stack;
    (void)depth;
    struct unit *const unit = data;
    struct source *const source = unit_source(unit, file);
    if (source && !unit_reads(unit, source))
        *PUSH(unit->includes, unit->include_count, unit->include_capacity) = source;
}

/* gcc's options that clang does not know do not change the syntax tree. */
static bool is_unknown_option(CXDiagnostic diagnostic) {
    CXFile file;
    clang_getFileLocation(clang_getDiagnosticLocation(diagnostic), &file, NULL, NULL, NULL);
    if (file)
        return false;
    CXString text = clang_getDiagnosticSpelling(diagnostic);
    const char *const message = clang_getCString(text);
    const bool result = strstr(message, "unknown argument") || strstr(message, "unsupported option") ||
                        strstr(message, "unsupported argument") || strstr(message, "argument unused");
    clang_disposeString(text);
    return result;
}

static void report_errors(struct unit *unit) {
    const unsigned count = clang_getNumDiagnostics(unit->tu);
    for (unsigned i = 0; i < count; i++) {
        CXDiagnostic diagnostic = clang_getDiagnostic(unit->tu, i);
        if (clang_getDiagnosticSeverity(diagnostic) >= CXDiagnostic_Error && !is_unknown_option(diagnostic)) {
            CXFile file;
            unsigned line = 0, column = 0;
            clang_getFileLocation(clang_getDiagnosticLocation(diagnostic), &file, &line, &column, NULL);
            struct source *const source = file ? unit_source(unit, file) : NULL;
            CXString text = clang_getDiagnosticSpelling(diagnostic);
            diag_refuse(source ? source->shown : unit->plan->file, line, column, "clang cannot parse this",
                        clang_getCString(text),
                        "make the unit parse with clang 19 too, or pass what it needs by --extra-arg");
            clang_disposeString(text);
        }
        clang_disposeDiagnostic(diagnostic);
    }
}

static enum CXErrorCode parse(struct unit *unit, CXIndex index, struct CXUnsavedFile *instead,
                              CXTranslationUnit *tu) {
    size_t count = 0, capacity = 0, own;
    const char **const parsed = compdb_parse_arguments(unit->command, &own);
    const char **arguments = NULL;
    for (size_t i = 0; i < own; i++)
        *PUSH(arguments, count, capacity) = parsed[i];
    *PUSH(arguments, count, capacity) = "-w";
    *PUSH(arguments, count, capacity) = "-resource-dir";
    *PUSH(arguments, count, capacity) = job.resources;
    *PUSH(arguments, count, capacity) = "-working-directory";
    *PUSH(arguments, count, capacity) = unit->command->directory;
    for (size_t i = 0; i < job.extra_count; i++)
        *PUSH(arguments, count, capacity) = job.extra[i];
    const enum CXErrorCode error = clang_parseTranslationUnit2(index, unit->plan->file, arguments, (int)count, instead,
                                                               instead != NULL, CXTranslationUnit_None, tu);
    free(arguments);
    free(parsed);
    return error;
}

static enum CXChildVisitResult find_array(CXCursor cursor, CXCursor parent, CXClientData data) {
    (void)parent;
    const CXType type = clang_getCanonicalType(clang_getCursorType(cursor));
    if (clang_getCursorKind(cursor) == CXCursor_VarDecl && type.kind == CXType_ConstantArray &&
        !strcmp(cursor_name(cursor), "ia2_vector_bytes"))
        *(unsigned *)data = (unsigned)clang_getArraySize(type);
    return CXChildVisit_Continue;
}

unsigned parse_vector_bytes(struct unit *unit) {
    static const char probe[] = "#ifdef __AVX512F__\n#define N 64\n#elif defined __AVX__\n#define N 32\n#else\n#define N 16\n#endif\n"
                                "extern char ia2_vector_bytes[N];\n";
    if (unit->vector_bytes)
        return unit->vector_bytes;
    struct CXUnsavedFile instead = { unit->plan->file, probe, sizeof(probe) - 1 };
    const CXIndex index = clang_createIndex(0, 0);
    CXTranslationUnit tu;
    unit->vector_bytes = 16;
    if (!parse(unit, index, &instead, &tu)) {
        clang_visitChildren(clang_getTranslationUnitCursor(tu), find_array, &unit->vector_bytes);
        clang_disposeTranslationUnit(tu);
    }
    clang_disposeIndex(index);
    return unit->vector_bytes;
}

static void parse_unit(struct unit *unit, CXIndex index) {
    const enum CXErrorCode error = parse(unit, index, NULL, &unit->tu);
    if (error) {
        diag_refuse(unit->plan->file, 0, 0, "clang cannot parse this", "libclang gives no reason",
                    "check that the file exists and that its command in the compile database is right");
        return;
    }
    report_errors(unit);
    clang_getInclusions(unit->tu, add_include, unit);
    unit->main_file = source_get(unit->plan->file);
    if (unit->main_file)
        analyze_unit(unit, job.program->plan);
}

static void *work(void *unused) {
    (void)unused;
    CXIndex index = NULL;   /* lives as long as its units: to the end */
    for (size_t i; (i = atomic_fetch_add(&job.next, 1)) < job.program->unit_count;) {
        if (!index)
            index = clang_createIndex(0, 0);
        parse_unit(&job.program->units[i], index);
    }
    return NULL;
}

void parse_units(struct program *program, const char *const *extra, size_t extra_count) {
    job.program = program;
    job.extra = extra;
    job.extra_count = extra_count;
    job.resources = resource_directory();
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t workers = processors < 1 ? 1 : processors > MAX_WORKERS ? MAX_WORKERS : (size_t)processors;
    if (workers > program->unit_count)
        workers = program->unit_count;
    pthread_t threads[MAX_WORKERS];
    for (size_t i = 0; i < workers; i++)
        if (pthread_create(&threads[i], NULL, work, NULL))
            diag_fatal("cannot start a thread");
    for (size_t i = 0; i < workers; i++)
        pthread_join(threads[i], NULL);
}
