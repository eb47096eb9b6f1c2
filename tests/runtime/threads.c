/* threads CASE [N]: threads of both compartments, each with its own storage and stacks. */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include "ia2.h"
#include "check.h"
#include "threads_test.h"

static __thread int counter = 7;
static __thread int zeroed;
static int own_destroyed;
static pthread_key_t own_key;
static sem_t done;

static pthread_t start(const pthread_attr_t *attr, void *(*body)(void *), void *arg)
{
    pthread_t thread;
    int r = pthread_create(&thread, attr, body, arg);
    if (r)
        fprintf(stderr, "pthread_create: %s\n", strerror(r));
    CHECK(!r);
    return thread;
}

static void *join(pthread_t thread)
{
    void *value;
    CHECK(!pthread_join(thread, &value));
    return value;
}

static void *adds(void *arg)
{
    CHECK(++counter == 8 && ++zeroed == 1 && lib_counts() == 41);
    return (void *)(long)lib_add((int)(long)arg, 5);
}

static void many(int n)
{
    pthread_t *threads = malloc((size_t)n * sizeof(*threads));
    for (int i = 0; i < n; i++)
        threads[i] = start(NULL, adds, (void *)(long)i);
    for (int i = 0; i < n; i++)
        CHECK((long)join(threads[i]) == i + 5);
    free(threads);
}

static void *waits(void *barrier)
{
    pthread_barrier_wait(barrier);
    return adds((void *)1L);
}

static void at_once(int n)
{
    static pthread_barrier_t barrier;
    pthread_t threads[256];
    CHECK(n <= 256 && !pthread_barrier_init(&barrier, NULL, (unsigned)n));
    for (int i = 0; i < n; i++)
        threads[i] = start(NULL, waits, &barrier);
    for (int i = 0; i < n; i++)
        CHECK((long)join(threads[i]) == 6);
}

static __attribute__((noinline)) int deep(int kilobytes)
{
    volatile char block[1024];
    block[0] = 1;
    int r = kilobytes > 1 ? deep(kilobytes - 1) : 0;
    return r + block[0];
}

static void *goes_deep(void *kilobytes)
{
    CHECK(lib_add(1, 1) == 2);
    return (void *)(long)deep((int)(long)kilobytes);
}

static void sized(void)
{
    static const size_t sizes[] = {64 << 10, 256 << 10, 8 << 20, 64 << 20};
    pthread_attr_t attr;
    for (unsigned i = 0; i < 4; i++) {
        size_t size;
        CHECK(!pthread_attr_init(&attr) && !pthread_attr_setstacksize(&attr, sizes[i]));
        CHECK(!pthread_attr_getstacksize(&attr, &size) && size == sizes[i]);
        long want = (long)(sizes[i] >> 10) * 7 / 10; /* each call takes more than the block */
        CHECK((long)join(start(&attr, goes_deep, (void *)want)) == want);
        CHECK(!pthread_attr_destroy(&attr));
    }
}

static void *posts(void *unused)
{
    CHECK(lib_add(2, 2) == 4);
    sem_post(&done);
    return unused;
}

static void detached(int n)
{
    pthread_attr_t attr;
    CHECK(!sem_init(&done, 0, 0) && !pthread_attr_init(&attr) && !pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED));
    for (int i = 0; i < n; i++)
        start(&attr, posts, NULL);
    for (int i = 0; i < n; i++)
        CHECK(!sem_wait(&done));
}

static void *exits(void *from_library)
{
    if (from_library)
        lib_exits((void *)77L);
    pthread_exit((void *)78L);
}

static void own_destructor(void *value)
{
    CHECK(ia2_get_compartment() == PKEY);
    own_destroyed += *(int *)value;
    CHECK(lib_add(*(int *)value, 1) == *(int *)value + 1);
    free(value);
}

static void *remembers(void *exit_early)
{
    int *p = malloc(sizeof(*p));
    *p = 3;
    CHECK(!pthread_getspecific(own_key) && !pthread_setspecific(own_key, p) && pthread_getspecific(own_key) == p);
    lib_remembers(1);
    if (exit_early)
        lib_exits(NULL);
    return NULL;
}

static void specific(void)
{
    CHECK(!pthread_key_create(&own_key, own_destructor));
    lib_key();
    join(start(NULL, remembers, NULL));
    CHECK(own_destroyed == 3 && lib_destroyed() == 101);
    join(start(NULL, remembers, (void *)1L));
    CHECK(own_destroyed == 6 && lib_destroyed() == 202);
    /* A key that is made again has no value from its life before. */
    pthread_key_t key, again;
    CHECK(!pthread_key_create(&key, NULL) && !pthread_setspecific(key, &key) && !pthread_key_delete(key));
    CHECK(pthread_getspecific(key) == NULL && pthread_setspecific(key, &key) == EINVAL);
    CHECK(!pthread_key_create(&again, NULL) && pthread_getspecific(again) == NULL);
}

static void cleanup(void *flag)
{
    *(int *)flag += 1;
}

static void *exits_through_cleanup(void *flag)
{
    pthread_cleanup_push(cleanup, flag);
    pthread_cleanup_push(cleanup, flag);
    pthread_exit((void *)5L);
    pthread_cleanup_pop(0);
    pthread_cleanup_pop(0);
    return NULL;
}

static void *last(void *unused)
{
    usleep(50000);
    CHECK(lib_add(1, 2) == 3);
    return unused;
}

static void bye(void)
{
    CHECK(lib_add(1, 2) == 3);
    puts("bye");
}

static void *leaves_secret(void *unused)
{
    lib_secret();
    return unused;
}

static __attribute__((noinline)) int finds(void)
{
    volatile char block[60000];
    int found = 0, in_a_row = 0;
    __asm__ volatile("" : : "r"(block) : "memory");
    for (unsigned i = 0; i < sizeof(block); i++) {
        in_a_row = block[i] == 0x5e ? in_a_row + 1 : 0;
        found += in_a_row == 8; /* one such byte is in many an address */
    }
    return found;
}

static void *looks(void *unused)
{
    (void)unused;
    return (void *)(long)finds();
}

/* The memory of one thread's library stack becomes another's program stack: what was there must be gone. */
static void reuse(void)
{
    for (unsigned size = 1u << 20; size >= 64 << 10; size -= 64 << 10) {
        pthread_attr_t attr;
        pthread_attr_init(&attr);
        CHECK(!pthread_attr_setstacksize(&attr, 1 << 20));
        join(start(&attr, leaves_secret, NULL));
        CHECK(!pthread_attr_setstacksize(&attr, size));
        CHECK((long)join(start(&attr, looks, NULL)) == 0);
    }
}

static __thread char large[10 * STORAGE];

static void *fills_storage(void *own)
{
    memset(large, 0x5e, sizeof(large));
    return own ? large : (char *)lib_storage();
}

/* When a thread has ended its thread-local storage is everybody's, empty: small storage and large. */
static void storage(void)
{
    for (int own = 0; own < 2; own++) {
        const char *block = join(start(NULL, fills_storage, own ? large : NULL));
        for (unsigned i = 0; i < (own ? sizeof(large) : STORAGE); i++)
            CHECK(!block[i]);
    }
}

static int c11(void *arg)
{
    CHECK(lib_add(1, 2) == 3 && ia2_get_compartment() == PKEY);
    if (arg)
        thrd_exit(12);
    return 11;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    int n = argc > 2 ? atoi(argv[2]) : 64, flag = 0, result;
    thrd_t thread;
    if (!strcmp(name, "many"))
        many(n);
    else if (!strcmp(name, "at-once"))
        at_once(n);
    else if (!strcmp(name, "churn"))
        for (int i = 0; i < n; i++)
            CHECK((long)join(start(NULL, adds, (void *)(long)i)) == i + 5);
    else if (!strcmp(name, "sized"))
        sized();
    else if (!strcmp(name, "overflow"))
        join(start(NULL, goes_deep, (void *)10000L));
    else if (!strcmp(name, "detached"))
        detached(n);
    else if (!strcmp(name, "exit"))
        CHECK((long)join(start(NULL, exits, NULL)) == 78 && (long)join(start(NULL, exits, (void *)1L)) == 77);
    else if (!strcmp(name, "specific"))
        specific();
    else if (!strcmp(name, "library-starts"))
        CHECK(lib_starts(n) == n);
    else if (!strcmp(name, "cleanup"))
        CHECK((long)join(start(NULL, exits_through_cleanup, &flag)) == 5 && flag == 2);
    else if (!strcmp(name, "main-exits")) {
        atexit(bye);
        start(NULL, last, NULL);
        if (n != 64)
            lib_exits(NULL);
        pthread_exit(NULL);
    } else if (!strcmp(name, "reuse"))
        reuse();
    else if (!strcmp(name, "storage"))
        storage();
    else if (!strcmp(name, "c11"))
        CHECK(thrd_create(&thread, c11, NULL) == thrd_success && thrd_join(thread, &result) == thrd_success && result == 11 &&
              thrd_create(&thread, c11, &flag) == thrd_success && thrd_join(thread, &result) == thrd_success && result == 12);
    else
        return 2;
    puts("done");
    return 0;
}
