/* heap CASE: the heap of each compartment, the shared heap, and who may free what. */
#include <pthread.h>
#include "heap_family.h"

static char *early;

__attribute__((constructor)) static void before_main(void)
{
    early = malloc(3 << 20);
    memset(early, 3, 3 << 20);
}

static void *deeper(size_t size)
{
    return malloc(size);
}

static void *in_shared(size_t size, int how)
{
    IA2_ALLOCATE_IN(0);
    void *p = NULL;
    switch (how) {
    case 0: return deeper(size);
    case 1: return calloc(1, size);
    case 2: CHECK(!posix_memalign(&p, 256, size) && (uintptr_t)p % 256 == 0); return p;
    case 3: return realloc(NULL, size);
    case 4: return strdup("shared");
    default: return aligned_alloc(64, 64);
    }
}

static void *in_library(size_t size, int how)
{
    IA2_ALLOCATE_IN(2);
    void *p = NULL;
    switch (how) {
    case 0: return deeper(size);
    case 1: return calloc(1, size);
    default: CHECK(!posix_memalign(&p, 256, size) && (uintptr_t)p % 256 == 0); return p;
    }
}

static void *nested(void)
{
    IA2_ALLOCATE_IN(2);
    {
        IA2_ALLOCATE_IN(1);
        void *p = malloc(10);
        CHECK(owner_of(p) == OWN);
        free(p);
        free(in_shared(10, 0));
    }
    return malloc(10);
}

static void scopes(void)
{
    for (int how = 0; how <= 5; how++) {
        unsigned char *p = in_shared(100, how), *q = malloc(100);
        CHECK(IS_SHARED(p) && owner_of(q) == OWN);
        p[0] = 7;
        CHECK(lib_sum(p, 1) == 7);
        if (how & 1)
            free(p);
        else
            lib_free(p);
        free(q);
    }
    for (int how = 0; how <= 2; how++) {
        unsigned char *p = in_library(5000, how);
        CHECK(owner_of(p) == 2 && lib_sum(p, 5000) == 0);
        free(p);
        p = in_library(5000, how);
        lib_free(p);
    }
    for (int i = 0; i < 1000; i++) { /* the library's record of what it lent grows and is searched */
        void *blocks[50];
        for (int k = 0; k < 50; k++)
            blocks[k] = in_library((size_t)(16 + k * 100), 0);
        for (int k = 0; k < 50; k++)
            free(blocks[(k * 7) % 50]);
    }
    void *p = nested();
    CHECK(owner_of(p) == 2);
    free(p);
}

static void shared(void)
{
    unsigned char *p = shared_malloc(1000), *q = lib_shared(100000);
    CHECK(IS_SHARED(p) && all_are(q, 100000, 2) && malloc_usable_size(q) >= 100000);
    p = lib_realloc(p, 200000);
    CHECK(IS_SHARED(p));
    memset(p, 9, 200000);
    q = shared_realloc(q, 200001);
    CHECK(all_are(q, 100000, 2));
    free(q);
    lib_free(p);
    p = shared_calloc(1000, 33);
    CHECK(all_are(p, 33000, 0) && IS_SHARED(p));
    lib_free(p);
    shared_free(NULL);
    CHECK(!shared_calloc(SIZE_MAX / 2, 3));
    for (int i = 0; i < 300; i++)
        shared_free(shared_malloc((size_t)i * 1000));
}

static void *hammer(void *seed)
{
    unsigned r = (unsigned)(long)seed;
    unsigned char *own[64] = {0}, *both[64] = {0};
    for (int i = 0; i < 3000; i++) {
        r = r * 1103515245 + 12345;
        unsigned k = (r >> 16) % 64, size = (r >> 8) % 20000 + 1;
        if (own[k])
            CHECK(own[k][0] == k);
        free(own[k]);
        own[k] = malloc(size);
        memset(own[k], (int)k, size);
        if (i % 8 == 0) {
            if (both[k])
                lib_free(both[k]);
            both[k] = shared_malloc(size);
            memset(both[k], (int)k, size);
            CHECK(lib_sum(both[k], size) == (int)(k * size));
        }
    }
    for (int k = 0; k < 64; k++)
        free(own[k]), free(both[k]);
    unsigned char *left = malloc(100);
    memset(left, 8, 100);
    return left;
}

static void threads(void)
{
    pthread_t t[4];
    for (long i = 0; i < 4; i++)
        CHECK(!pthread_create(&t[i], NULL, hammer, (void *)(i + 1)));
    for (int i = 0; i < 4; i++) {
        void *p; /* outlives its thread */
        CHECK(!pthread_join(t[i], &p) && all_are(p, 100, 8));
        free(p);
    }
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    char *p = malloc(100), local;
    if (!strcmp(name, "family"))
        family(), from_libc(), CHECK(lib_family() == 5);
    else if (!strcmp(name, "scopes"))
        scopes();
    else if (!strcmp(name, "shared"))
        shared();
    else if (!strcmp(name, "threads"))
        threads();
    else if (!strcmp(name, "early"))
        CHECK(owner_of(early) == OWN && all_are((unsigned char *)early, 3 << 20, 3)), free(early), free(malloc(3 << 20));
    else if (!strcmp(name, "early-is-closed"))
        lib_sum((unsigned char *)early, 10);
    else if (!strcmp(name, "foreign-free"))
        lib_free(p);
    else if (!strcmp(name, "foreign-free-of-the-library"))
        free(lib_malloc(10));
    else if (!strcmp(name, "foreign-realloc"))
        lib_realloc(p, 200);
    else if (!strcmp(name, "lent-twice"))
        p = in_library(10, 0), free(p), free(p);
    else if (!strcmp(name, "lent-to-another"))
        third_frees(in_library(10, 0));
    else if (!strcmp(name, "not-a-client"))
        third_allocates_in_library();
    else if (!strcmp(name, "freed-by-owner-then-client"))
        p = in_library(10, 0), lib_free(p), free(p);
    else if (!strcmp(name, "inside-lent"))
        free((char *)in_library(100, 0) + 16);
    else if (!strcmp(name, "shared-free-of-private"))
        shared_free(p);
    else if (!strcmp(name, "shared-twice"))
        p = shared_malloc(10), free(p), free(p);
    else if (!strcmp(name, "inside-shared"))
        free((char *)shared_malloc(100) + 16);
    else if (!strcmp(name, "stack"))
        lib_free(&local);
    else
        return 2;
    puts("done");
    return 0;
}
