/* malloc and family of the compartment that includes this. */
#include <dirent.h>
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "ia2.h"
#include "check.h"
#include "heap_test.h"
#ifndef PLAIN
#include "state/state.h"

static int owner_of(const void *p)
{
    return ia2_state.owner[(uintptr_t)p >> IA2_GRANULE_SHIFT];
}
#define OWN PKEY
#define IS_SHARED(p) (owner_of(p) & IA2_OWNER_SHARED)
#else
#define owner_of(p) ((void)(p), 0)
#define OWN 0
#define IS_SHARED(p) 1
#endif

static int all_are(const unsigned char *p, size_t size, int value)
{
    for (size_t i = 0; i < size; i++)
        if (p[i] != value)
            return 0;
    return 1;
}

static void family(void)
{
    static const size_t sizes[] = {0, 1, 16, 100, 4096, 20000, 1 << 20, 50 << 20};
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        unsigned char *p = malloc(sizes[i]);
        CHECK(p && owner_of(p) == OWN && (uintptr_t)p % 16 == 0 && malloc_usable_size(p) >= sizes[i]);
        memset(p, 0xa5, sizes[i]);
        p = realloc(p, sizes[i] * 2 + 1);
        CHECK(p && owner_of(p) == OWN && all_are(p, sizes[i], 0xa5));
        p = realloc(p, sizes[i] / 2 + 1);
        CHECK(p && all_are(p, sizes[i] / 2, 0xa5));
        free(p);
        p = calloc(sizes[i] / 4 + 1, 4);
        CHECK(p && owner_of(p) == OWN && all_are(p, sizes[i], 0));
        p = reallocarray(p, 3, sizes[i] + 1);
        CHECK(p);
        free(p);
    }
    for (size_t align = 16; align <= 1 << 21; align *= 2) {
        void *p, *q = aligned_alloc(align, align * 3), *r = memalign(align, 33);
        CHECK(!posix_memalign(&p, align, 77) && owner_of(p) == OWN && owner_of(q) == OWN && owner_of(r) == OWN);
        CHECK((uintptr_t)p % align == 0 && (uintptr_t)q % align == 0 && (uintptr_t)r % align == 0);
        free(p), free(q), free(r);
    }
    void *p = valloc(10), *q = pvalloc(10);
    CHECK((uintptr_t)p % 4096 == 0 && (uintptr_t)q % 4096 == 0);
    free(p), free(q), free(NULL);
    volatile size_t huge = SIZE_MAX / 2;
    errno = 0;
    CHECK(!calloc(huge, 3) && errno == ENOMEM);
    errno = 0;
    CHECK(!malloc(huge) && errno == ENOMEM);
    CHECK(!reallocarray(NULL, huge, 3));
    CHECK(posix_memalign(&p, 3, 8) == EINVAL);
}

/* What libc allocates: with its own malloc, or, where the caller must free it, often with the caller's. */
static void from_libc(void)
{
    char *path = realpath("/proc/self/..", NULL), *where = getcwd(NULL, 0), *buffer = NULL, *line = NULL, *text, *word;
    size_t size = 0;
    CHECK(path && !strcmp(path, "/proc") && where);
    path = realloc(path, 1000);
    CHECK(path && !strcmp(path, "/proc"));
    free(path), free(where);
    FILE *stream = open_memstream(&buffer, &size);
    CHECK(stream && fprintf(stream, "one\ntwo two\n\nno end") > 0 && !fclose(stream) && size == 19);
    stream = fmemopen(buffer, size, "r");
    CHECK(stream);
    size = 0;
    CHECK(getline(&line, &size, stream) == 4 && !strcmp(line, "one\n") && owner_of(line) == OWN);
    line = realloc(line, 3);
    size = 3;
    CHECK(getdelim(&line, &size, 'w', stream) == 2 && getline(&line, &size, stream) == 6 && !strcmp(line, "o two\n") && size >= 7);
    CHECK(getline(&line, &size, stream) == 1 && getline(&line, &size, stream) == 6 && !strcmp(line, "no end"));
    CHECK(getline(&line, &size, stream) == -1 && feof(stream) && owner_of(line) == OWN);
    fclose(stream);
    free(line), free(buffer);
    text = strdup("some text");
    word = strndup(text, 4);
    CHECK(!strcmp(word, "some") && owner_of(text) == OWN && owner_of(word) == OWN);
    free(text), free(word);
    CHECK(asprintf(&text, "%d and %s", 42, "more") == 11 && !strcmp(text, "42 and more") && owner_of(text) == OWN);
    free(text);
    DIR *dir = opendir("/proc/self");
    CHECK(dir && readdir(dir) && !closedir(dir));
    struct dirent **names;
    int n = scandir("/proc/self/task", &names, NULL, alphasort);
    CHECK(n >= 3);
    while (n)
        free(names[--n]);
    free(names);
}
