/* Says of the first thread, of another one and of a forked child whether the kernel has a
 * restartable sequence registered for it. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "rseq_lib.h"

static void say(const char *who)
{
    struct rseq *area = (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
    /* What is registered can be taken back; the kernel refuses to take back what is not. */
    long r = syscall(SYS_rseq, area, 32, RSEQ_FLAG_UNREGISTER, RSEQ_SIG);
    printf("%s: %s, cpu_id %s, sched_getcpu %s\n", who,
           r && errno == EINVAL ? "not registered" : "registered",
           (int)area->cpu_id < 0 ? "negative" : "set", sched_getcpu() >= 0 ? "works" : "fails");
}

static void *run(void *who)
{
    say(who);
    return NULL;
}

int main(void)
{
    pthread_t thread;
    setvbuf(stdout, NULL, _IOLBF, 0);
    say("first");
    if (pthread_create(&thread, NULL, run, "second") || pthread_join(thread, NULL) || touch())
        return 1;
    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        say("child");
        return 0;
    }
    return waitpid(child, NULL, 0) != child;
}
