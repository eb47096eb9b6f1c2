#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "ia2.h"
#include "check.h"
#include "process_test.h"

/* gate lib_add args_int=2 ret_int=1 */
/* gate lib_thread ret_int=1 */
/* gate lib_exit args_int=1 */
/* gate lib_atexit */
/* gate lib_touch */
/* gate lib_fork ret_int=1 */

static int constructed, destroyed;
static char *kept;
static __thread int mine = 6;

__attribute__((constructor)) static void construct(void)
{
    constructed = 1;
    kept = strdup("library");
}

__attribute__((destructor)) static void destruct(void)
{
    destroyed += constructed;
    printf("library destroyed %d %s\n", destroyed, kept);
}

__attribute__((destructor)) static void destruct_later(void)
{
    destroyed++;
}

int lib_add(int a, int b)
{
    char *p = malloc(5000);
    memset(p, a, 5000);
    free(p);
    return a + b;
}

static void *body(void *arg)
{
    CHECK(mine == 6 && ia2_get_compartment() == PKEY);
    return (char *)arg + mine++;
}

int lib_thread(void)
{
    pthread_t thread;
    void *value;
    int r = pthread_create(&thread, NULL, body, (void *)4L);
    CHECK(!r && !pthread_join(thread, &value));
    return (int)(long)value;
}

static void bye(void)
{
    CHECK(ia2_get_compartment() == PKEY);
    printf("library says bye %s\n", kept);
}

void lib_atexit(void)
{
    atexit(bye);
}

void lib_exit(int status)
{
    exit(status);
}

/* Some of every kind of memory, so that a map of the process has it. */
void lib_touch(void)
{
    char *heap = malloc(3 << 20), *own = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    volatile char block[100000];
    memset(heap, 1, 3 << 20);
    memset(own, 1, 1 << 16);
    for (unsigned i = 0; i < sizeof(block); i++)
        block[i] = (char)i;
    memset(shared_malloc(1 << 20), 1, 1 << 20);
    mine++;
}

int lib_fork(void)
{
    int status;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        exit(lib_add(20, 2));
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    return status;
}
