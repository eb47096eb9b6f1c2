#include "search.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/intern.h"

/* What the text of a file asks for. */
struct include_requests {
    struct include_request {
        const char *name;
        bool quoted;
    } *list;
    size_t count, capacity;
    bool computed; /* an #include line takes its name from a macro */
    bool unknown; /* so does something else */
};

static struct map requests_of, present; /* by source; by probe */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool overtaken;
static struct timespec started;

__attribute__((constructor)) static void note_start(void)
{
    clock_gettime(CLOCK_REALTIME_COARSE, &started); /* the clock of files' times */
}

/* `"name"` or `<name>` at an offset. */
static bool add_request(struct include_requests *requests, const struct source *source, size_t at)
{
    const char open = source->text[at], close = open == '<' ? '>' : '"';
    const char *const name = source->text + at + 1;
    const size_t length =
        open == '<' || open == '"' ? strcspn(name, open == '<' ? ">\n" : "\"\n") : 0;
    if (!length || name[length] != close)
        return false;
    *PUSH(requests->list, requests->count, requests->capacity) =
        (struct include_request){intern_n(name, length), open == '"'};
    return true;
}

/* `at`: after the `#` of what may be a directive, in a comment or a string too, which does no harm.
 */
static void read_directive(struct include_requests *requests, const struct source *source,
                           size_t at)
{
    at = source_skip_blank(source, at);
    if (source_is_word(source, at, "embed")) {
        requests->unknown = true;
    } else if (source_is_word(source, at, "include") ||
               source_is_word(source, at, "include_next") || source_is_word(source, at, "import")) {
        at = source_skip_blank(source, at + source_identifier(source, at));
        if (!add_request(requests, source, at) && source_identifier(source, at))
            requests->computed = true;
    }
}

static void read_condition(struct include_requests *requests, const struct source *source,
                           size_t at)
{
    const size_t length = source_identifier(source, at),
                 open = source_skip_blank(source, at + length);
    size_t macro;
    if (source->text[open] != '(' || (source_in_define(source, at, &macro) && macro == at + length))
        return;
    const bool has_include = source_is_word(source, at, "__has_include") ||
                             source_is_word(source, at, "__has_include_next");
    if (source_is_word(source, at, "__has_embed") ||
        (has_include && !add_request(requests, source, source_skip_blank(source, open + 1))))
        requests->unknown = true;
}

static struct include_requests *read_requests(const struct source *source)
{
    struct include_requests *const requests = must_alloc(sizeof(*requests));
    const char *const text = source->text, *const end = text + source->size;
    for (const char *at = text; (at = memchr(at, '#', (size_t)(end - at))); at++)
        read_directive(requests, source, (size_t)(at - text) + 1);
    for (const char *at = text; (at = strstr(at, "%:")); at += 2) /* other spellings of `#` */
        read_directive(requests, source, (size_t)(at - text) + 2);
    for (const char *at = text; (at = strstr(at, "\?\?=")); at += 3)
        read_directive(requests, source, (size_t)(at - text) + 3);
    for (const char *at = text; (at = strstr(at, "__has_")); at += 6)
        read_condition(requests, source, (size_t)(at - text));
    return requests;
}

static const struct include_requests *requests_in(const struct source *source)
{
    pthread_mutex_lock(&lock);
    struct include_requests *requests = map_get(&requests_of, key_of(source));
    if (!requests)
        map_put(&requests_of, key_of(source), requests = read_requests(source));
    pthread_mutex_unlock(&lock);
    return requests;
}

/* ---- where it is looked for ----------------------------------------------------------------- */

struct directories {
    const char **list;
    size_t count, capacity;
};

static bool starts(const char *text, const char *prefix)
{
    return !strncmp(text, prefix, strlen(prefix));
}

/* Arguments that may have part in the search without adding a directory in the way that is known
 * here. */
static bool is_unknown(const char *argument)
{
    static const char *const unknown[] = {"-i",
                                          "-B",
                                          "-F",
                                          "@",
                                          "--",
                                          "-fmodule",
                                          "-fprebuilt",
                                          "-I-",
                                          "-Xclang",
                                          "-cxx",
                                          "-nostdlibinc",
                                          "-target",
                                          "-working-directory="};
    if (starts(argument, "-Wp,") && !starts(argument, "-Wp,-D") && !starts(argument, "-Wp,-U"))
        return true;
    for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown); i++)
        if (starts(argument, unknown[i]))
            return true;
    return false;
}

/* Clang's own directories on Linux, whichever of them there are. */
static const char *const built_in[] = {"/usr/local/include",
                                       "/usr/include/x86_64-linux-gnu",
                                       "/usr/include/i386-linux-gnu",
                                       "/usr/x86_64-linux-gnu/include",
                                       "/include",
                                       "/usr/include"};

/* The value of the argument at `*i` if it is `option`, also if the value is the next argument, to
 * which `*i` goes on; else NULL. */
static const char *value_of(const char *option, const char *const *arguments, size_t count,
                            size_t *i)
{
    const size_t length = strlen(option);
    if (!starts(arguments[*i], option))
        return NULL;
    return arguments[*i][length] ? arguments[*i] + length : *i + 1 < count ? arguments[++*i] : ".";
}

static bool read_arguments(struct directories *directories, struct include_requests *included,
                           const struct command *command, const char *const *arguments,
                           size_t count)
{
    static const char *const adding[] = {"-isystem", "-iquote", "-idirafter", "-I"},
                             *const including[] = {"-include", "-imacros"};
    for (size_t i = 0; i < count; i++) {
        const bool past_driver = i + 3 < count && !strcmp(arguments[i], "-Xclang") &&
                                 !strcmp(arguments[i + 1], "-include") &&
                                 !strcmp(arguments[i + 2], "-Xclang");
        const char *added = NULL, *file = past_driver ? arguments[i += 3] : NULL;
        if (starts(arguments[i], "-include-")) /* a precompiled header */
            return false;
        for (size_t k = 0;
             !added && !file && strcmp(arguments[i], "-I-") && k < sizeof(adding) / sizeof(*adding);
             k++)
            added = value_of(adding[k], arguments, count, &i);
        for (size_t k = 0; !added && !file && k < sizeof(including) / sizeof(*including); k++)
            file = value_of(including[k], arguments, count, &i);
        if (added) {
            *PUSH(directories->list, directories->count, directories->capacity) =
                compdb_path(command, added);
        } else if (file) {
            *PUSH(included->list, included->count, included->capacity) =
                (struct include_request){intern(file), true};
        } else if (!strcmp(arguments[i], "-resource-dir") && i + 1 < count) {
            *PUSH(directories->list, directories->count, directories->capacity) =
                intern_format("%s/include", arguments[++i]);
        } else if (is_unknown(arguments[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < sizeof(built_in) / sizeof(*built_in); i++)
        *PUSH(directories->list, directories->count, directories->capacity) = intern(built_in[i]);
    return true;
}

/* ---- the list ------------------------------------------------------------------------------- */

struct listing {
    struct search *search;
    const struct directories *directories;
    struct map seen; /* names looked for in all directories */
    struct map missing; /* directories */
    const char *no_name;
};

/* `sys/types.h` is looked for in `sys`; where there is none, it is enough that there is none. */
static void add_probe(struct listing *listing, const char *directory, const char *name)
{
    const char *const slash = strrchr(name, '/');
    struct search *const search = listing->search;
    if (slash && *directory) {
        directory = intern_format("%s/%.*s", directory, (int)(slash - name), name);
        name = intern(slash + 1);
    }
    const struct search_probe whole = {directory, listing->no_name};
    const bool is_there = !*directory || search_is_present(&whole);
    if (!is_there && !map_add(&listing->missing, key_of(directory)))
        return;
    *PUSH(search->probes, search->count, search->capacity) =
        is_there ? (struct search_probe){directory, name} : whole;
}

/* `beside`: the directory of the file that asks for it. */
static void list_request(struct listing *listing, const struct include_request *request,
                         const char *beside)
{
    if (request->name[0] == '/')
        add_probe(listing, listing->no_name, request->name);
    else if (request->quoted)
        add_probe(listing, beside, request->name);
    if (request->name[0] == '/' || !map_add(&listing->seen, key_of(request->name)))
        return;
    for (size_t i = 0; i < listing->directories->count; i++)
        add_probe(listing, listing->directories->list[i], request->name);
}

static const char *directory_of(const char *path)
{
    const char *const slash = strrchr(path, '/');
    return intern_n(path, slash ? (size_t)(slash - path) : 0);
}

/* A name from a macro is one by which a file can be reached. */
static void list_names_of(struct listing *listing, const char *path, const char *directory)
{
    const size_t length = strlen(directory);
    if (!strncmp(path, directory, length) && path[length] == '/')
        list_request(listing, &(struct include_request){intern(path + length + 1), true},
                     directory);
}

static bool list(struct listing *listing, const struct include_requests *included,
                 const char *directory, struct source *const *files, const char *const *paths,
                 size_t count)
{
    bool computed = false;
    for (size_t i = 0; i < included->count; i++)
        list_request(listing, &included->list[i], directory);
    for (size_t f = 0; f < count; f++) {
        const struct include_requests *const requests = requests_in(files[f]);
        const char *const beside = directory_of(paths[f]);
        if (requests->unknown)
            return false;
        computed |= requests->computed;
        for (size_t i = 0; i < requests->count; i++)
            list_request(listing, &requests->list[i], beside);
    }
    for (size_t f = 0; computed && f < count; f++) {
        for (size_t i = 0; i < listing->directories->count; i++)
            list_names_of(listing, paths[f], listing->directories->list[i]);
        for (size_t g = 0; g < count; g++)
            if (requests_in(files[g])->computed)
                list_names_of(listing, paths[f], directory_of(paths[g]));
    }
    return true;
}

bool search_of_unit(struct search *search, const struct command *command,
                    const char *const *arguments, size_t argument_count,
                    struct source *const *files, const char *const *paths, size_t file_count)
{
    struct directories directories = {0};
    struct include_requests included = {0};
    struct listing listing = {.search = search, .directories = &directories, .no_name = intern("")};
    const bool known =
        read_arguments(&directories, &included, command, arguments, argument_count) &&
        list(&listing, &included, command->directory, files, paths, file_count);
    map_free(&listing.seen);
    map_free(&listing.missing);
    free(directories.list);
    free(included.list);
    return known;
}

static bool look(const struct search_probe *probe)
{
    struct stat status;
    const char *const path =
        *probe->directory ? intern_format("%s/%s", probe->directory, probe->name) : probe->name;
    if (stat(path, &status))
        return false;
    if (!*probe->name || S_ISDIR(status.st_mode))
        return !*probe->name && S_ISDIR(status.st_mode);
    overtaken |=
        status.st_ctim.tv_sec > started.tv_sec ||
        (status.st_ctim.tv_sec == started.tv_sec && status.st_ctim.tv_nsec >= started.tv_nsec);
    return true;
}

bool search_is_present(const struct search_probe *probe)
{
    static const char yes, no;
    pthread_mutex_lock(&lock);
    struct map *names = map_get(&present, key_of(probe->directory));
    if (!names)
        map_put(&present, key_of(probe->directory), names = must_alloc(sizeof(*names)));
    const char *answer = map_get(names, key_of(probe->name));
    if (!answer)
        map_put(names, key_of(probe->name), (void *)(uintptr_t)(answer = look(probe) ? &yes : &no));
    pthread_mutex_unlock(&lock);
    return answer == &yes;
}

bool search_was_overtaken(void)
{
    pthread_mutex_lock(&lock);
    const bool result = overtaken;
    pthread_mutex_unlock(&lock);
    return result;
}
