/* run_child FILE COMMAND...: runs COMMAND and writes "wall user+sys maxrss" (seconds, seconds, KiB)
 * to FILE.
 *
 * A process of its own because ru_maxrss survives exec: a child of Python has at least Python's
 * peak. */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec * 1e-6;
}

int main(int argc, char **argv)
{
    pid_t child;
    int status;
    struct rusage used;
    if (argc < 3)
        return 2;
    double began = now();
    int failed = posix_spawnp(&child, argv[2], NULL, NULL, argv + 2, environ);
    if (failed) {
        fprintf(stderr, "%s: %s\n", argv[2], strerror(failed));
        return 127;
    }
    while (wait4(child, &status, 0, &used) < 0)
        if (errno != EINTR)
            return 2;
    double wall = now() - began;
    FILE *report = fopen(argv[1], "w");
    if (!report)
        return 2;
    fprintf(report, "%.6f %.6f %ld\n", wall, seconds(used.ru_utime) + seconds(used.ru_stime),
            used.ru_maxrss);
    if (fclose(report))
        return 2;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
