/* The library: each function returns 0, or the errno of what it tried. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include "ia2.h"
#include "calls_test.h"

/* gate lib_open args_int=2 ret_int=1 */
int lib_open(const char *path, int flags)
{
    int fd = open(path, flags, 0600);
    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

/* gate lib_fork ret_int=1 */
int lib_fork(void)
{
    pid_t child = fork();
    if (!child)
        _exit(0);
    return child < 0 ? errno : 0;
}

/* gate lib_kill args_int=1 ret_int=1 */
int lib_kill(int number)
{
    return kill(getpid(), number) ? errno : 0;
}

/* gate lib_socket ret_int=1 */
int lib_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, 0) < 0 ? errno : 0;
}

/* gate lib_unmap args_int=2 ret_int=1 */
int lib_unmap(void *start, unsigned long size)
{
    return munmap(start, size) ? errno : 0;
}

/* Small and large blocks: the heap grows and shrinks. */
/* gate lib_allocate ret_int=1 */
int lib_allocate(void)
{
    for (int i = 0; i < 50; i++) {
        size_t size = 1000ul << i % 14;
        char *p = malloc(size);
        if (!p)
            return ENOMEM;
        memset(p, i, size);
        p = realloc(p, 2 * size);
        if (!p || p[size - 1] != i)
            return EFAULT;
        free(p);
    }
    return 0;
}

/* The same in the memory that all compartments share. */
/* gate lib_share ret_int=1 */
int lib_share(void)
{
    for (int i = 0; i < 28; i++) {
        size_t size = 3000ul << i % 14;
        char *p = shared_malloc(size);
        if (!p)
            return ENOMEM;
        memset(p, i, size);
        shared_free(p);
    }
    return 0;
}

static void *runs(void *arg)
{
    *(int *)arg = lib_allocate();
    return NULL;
}

/* gate lib_thread ret_int=1 */
int lib_thread(void)
{
    pthread_t thread;
    int result = -1;
    int r = pthread_create(&thread, NULL, runs, &result);
    if (!r)
        r = pthread_join(thread, NULL);
    return r ? r : result;
}

/* gate lib_raw args_int=5 ret_int=1 */
long lib_raw(long number, long a, long b, long c, long d)
{
    return syscall(number, a, b, c, d, 0, 0) < 0 ? -errno : 0;
}
