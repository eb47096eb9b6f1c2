/* process CASE: forks and ends of a process with two compartments. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "ia2.h"
#include "check.h"
#include "process_test.h"
#include "memory/stacks.h"
#include "state/state.h"

static int constructed, destroyed;
static char *kept;
static __thread int mine = 8;

__attribute__((constructor)) static void construct(void)
{
    constructed = 1;
    kept = strdup("program");
}

__attribute__((destructor)) static void destruct(void)
{
    destroyed += constructed;
    printf("program destroyed %d %s\n", destroyed, kept);
    CHECK(lib_add(1, 2) == 3); /* the library is still there */
}

static void bye(void)
{
    CHECK(ia2_get_compartment() == PKEY && lib_add(3, 4) == 7);
    printf("program says bye %s\n", kept);
}

static void *works(void *arg)
{
    CHECK(mine == 8);
    return (void *)(long)(lib_add((int)(long)arg, 1) + mine++);
}

static void uses_everything(void)
{
    pthread_t t[4];
    CHECK(lib_add(2, 3) == 5 && lib_thread() == 10);
    free(malloc(1 << 20));
    for (long i = 0; i < 4; i++)
        CHECK(!pthread_create(&t[i], NULL, works, (void *)i));
    for (long i = 0; i < 4; i++) {
        void *value;
        CHECK(!pthread_join(t[i], &value) && (long)value == i + 9);
    }
    kept[0] = 'P';
    kept[0] = 'p';
}

/* The child of a process has what its parent had, but for the threads. */
static void forks(int status)
{
    fflush(stdout);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        uses_everything();
        pid_t grandchild = fork();
        if (grandchild == 0) {
            uses_everything();
            _exit(status + 1);
        }
        int got;
        CHECK(waitpid(grandchild, &got, 0) == grandchild && WIFEXITED(got) && WEXITSTATUS(got) == status + 1);
        if (status == 9) {
            /* the child of a worker: exit runs what is to be run at exit */
            exit(status);
        }
        _exit(status);
    }
    int got;
    uses_everything();
    CHECK(waitpid(child, &got, 0) == child && WIFEXITED(got) && WEXITSTATUS(got) == status);
}

static volatile int stop;
static void *busy(void *unused)
{
    while (!stop) {
        CHECK(lib_add(1, 1) == 2);
        free(malloc(3000));
    }
    return unused;
}

/* Forks while other threads are in either compartment, hold its locks, start and end. */
static void fork_among_threads(void)
{
    pthread_t t[4];
    for (int i = 0; i < 4; i++)
        CHECK(!pthread_create(&t[i], NULL, busy, NULL));
    for (int i = 0; i < 5; i++)
        forks(i);
    stop = 1;
    for (int i = 0; i < 4; i++)
        CHECK(!pthread_join(t[i], NULL));
}

static void *starts_threads(void *unused)
{
    while (!stop) {
        pthread_t t;
        CHECK(!pthread_create(&t, NULL, works, (void *)1L) && !pthread_join(t, NULL));
    }
    return unused;
}

/* A fork that takes long, with threads that start meanwhile: libc gives their storage to threads of the child. */
static void slow_fork(void)
{
    size_t size = 400ul << 20;
    char *memory = malloc(size);
    for (size_t i = 0; i < size; i += 4096)
        memory[i] = 1;
    pthread_t t[2];
    for (int i = 0; i < 2; i++)
        CHECK(!pthread_create(&t[i], NULL, starts_threads, NULL));
    for (int i = 0; i < 12; i++) {
        int status;
        pid_t child = fork();
        if (child == 0) {
            uses_everything();
            _exit(0);
        }
        CHECK(waitpid(child, &status, 0) == child && status == 0);
    }
    stop = 1;
    for (int i = 0; i < 2; i++)
        CHECK(!pthread_join(t[i], NULL));
}

static void *forks_in_thread(void *unused)
{
    forks(9);
    CHECK(lib_fork() == 22 << 8);
    return unused;
}

static void *exits(void *from_library)
{
    if (from_library)
        lib_exit(6);
    exit(5);
}

static int prepared, in_parent, in_child;
static void prepare(void) { prepared += lib_add(0, 1); }
static void parent(void) { in_parent += lib_add(0, 1); }
static void child(void) { in_child += lib_add(0, 1); }

static void atfork(void)
{
    CHECK(!pthread_atfork(prepare, parent, child));
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(prepared == 1 && in_parent == 0 && in_child == 1 ? 0 : 1);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0 && prepared == 1 && in_parent == 1 && in_child == 0);
    /* in the library: the program's handlers run in the program */
    CHECK(lib_fork() == 22 << 8 && prepared == 2 && in_parent == 2);
}

static void *naps(void *unused)
{
    works((void *)1L);
    for (;;)
        pause();
    return unused;
}

static void ends(const char *name)
{
    pthread_t thread;
    atexit(bye);
    lib_atexit();
    atexit(bye);
    if (strstr(name, "busy"))
        for (int i = 0; i < 3; i++)
            CHECK(!pthread_create(&thread, NULL, i ? naps : busy, NULL));
    if (!strncmp(name, "exit-library", 12))
        lib_exit(4);
    if (!strncmp(name, "exit-worker", 11) && pthread_create(&thread, NULL, exits, strstr(name, "library") ? &thread : NULL))
        abort();
    if (!strncmp(name, "exit-worker", 11))
        for (;;)
            pause();
    if (!strncmp(name, "exit-program", 12))
        exit(3);
}

static int spawn(void)
{
    FILE *f = popen("echo spawned", "r");
    char line[20];
    CHECK(f && fgets(line, sizeof(line), f) && !strcmp(line, "spawned\n") && pclose(f) == 0);
    return system("exit 3") == 3 << 8;
}

/* What the runtime says it has where, for test_memory_map.py. */
static void print_map(void)
{
    for (unsigned key = 1; key <= ia2_state.count; key++) {
        const struct ia2_module *m = &ia2_state.module[key];
        for (int i = 0; i < 4; i++)
            if (m->data[i].start < m->data[i].end)
                printf("%u globals %lx %lx\n", key, m->data[i].start, m->data[i].end);
        printf("0 shared-data %lx %lx\n", m->shared.start, m->shared.end);
    }
    for (unsigned slot = 0; slot < IA2_SLOT_COUNT; slot++) {
        const struct ia2_thread_record *r = &ia2_state.thread[slot];
        if (r->state != IA2_SLOT_LIVE)
            continue;
        uint64_t storage = r->fsbase;
        for (unsigned key = 1; key <= ia2_state.count; key++) {
            const struct ia2_module *m = &ia2_state.module[key];
            uint64_t guard = r->top[key] - r->zone_size - IA2_SIGNAL_GUARD, tls = r->fsbase + (uint64_t)m->tls_offset;
            storage = tls < storage ? tls : storage;
            printf("%u stack %lx %lx\n", key, r->top[key] - r->zone_size, r->top[key]);
            printf("%u signal-zone %lx %lx\n", key, guard - IA2_SIGNAL_ZONE, guard);
            printf("%u thread-locals %lx %lx\n", key, tls, tls + m->tls_size);
        }
        printf("0 shared-stack %lx %lx\n", r->shared_low, r->shared_high);
        printf("0 signal-stack %lx %lx\n", r->shared_high, r->first_low);
        if (slot > 1) /* with the thread's descriptor and what compartments have on it */
            printf("0 first-stack %lx %lx\n", r->first_low, r->region_high);
        else /* beside the first thread's storage is what ld.so allocates for itself */
            printf("0 libc-thread %lx %lx\n", storage - 4 * 4096, (r->fsbase & -4096ul) + 8 * 4096);
    }
    printf("%u state %lx %lx\n", IA2_KEY_STATE, (uint64_t)&ia2_state, (uint64_t)(&ia2_state + 1));
    printf("%u stacks %lx %lx\n", IA2_KEY_MONITOR, ia2_state.monitor_stacks,
           ia2_state.monitor_stacks + IA2_SLOT_COUNT * IA2_MONITOR_STACK);
    for (unsigned long granule = 0; granule < IA2_GRANULES; granule++)
        if (ia2_state.owner[granule])
            printf("%d heap %lx %lx\n", ia2_state.owner[granule] & IA2_OWNER_SHARED ? 0 : ia2_state.owner[granule],
                   granule << IA2_GRANULE_SHIFT, (granule + 1) << IA2_GRANULE_SHIFT);
}

static void naps_with_everything(void)
{
    pthread_t thread;
    for (int i = 0; i < 2; i++)
        CHECK(!pthread_create(&thread, NULL, naps, NULL));
    lib_touch();
    memset(malloc(2 << 20), 1, 2 << 20);
    usleep(200000);
    print_map();
    puts("ready");
    fflush(stdout);
    for (;;)
        pause();
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    pthread_t thread;
    if (!strcmp(name, "fork"))
        forks(1), CHECK(lib_fork() == 22 << 8);
    else if (!strcmp(name, "fork-in-thread"))
        CHECK(!pthread_create(&thread, NULL, forks_in_thread, NULL) && !pthread_join(thread, NULL));
    else if (!strcmp(name, "fork-among-threads"))
        fork_among_threads();
    else if (!strcmp(name, "slow-fork"))
        slow_fork();
    else if (!strcmp(name, "atfork"))
        atfork();
    else if (!strcmp(name, "spawn"))
        CHECK(spawn());
    else if (!strcmp(name, "map"))
        naps_with_everything();
    else if (!strcmp(name, "nothing"))
        uses_everything();
    else if (!strcmp(name, "_exit"))
        _exit(8);
    else if (!strncmp(name, "exit", 4) || !strncmp(name, "return", 6))
        ends(name);
    else
        return 2;
    puts("done");
    return strncmp(name, "return", 6) ? 0 : 7;
}
