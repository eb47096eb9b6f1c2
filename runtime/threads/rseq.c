/* glibc registers a restartable sequence for each thread (rseq(2), glibc 2.35) in the thread's
 * descriptor, under key 0. When the thread is preempted, the kernel reads the address of a critical
 * section from there, with the rights that the thread has then, and may send the thread to the
 * abort address that stands in it. So whoever writes the descriptor chooses where another
 * compartment goes on, with that compartment's rights. No thread of an enforcing program has a
 * registration. */
#define _GNU_SOURCE
#include "threads/rseq.h"

#include <errno.h>
#include <string.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/die.h"

/* glibc 2.36 registers 32 bytes, later ones what the kernel can use, rounded up. The kernel wants
 * the same number back, and no one says which it was. */
#define SMALLEST 32
#define LARGEST 512

void ia2_rseq_end(void)
{
    struct rseq *area = (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
    if (!__rseq_size || (int)area->cpu_id < 0)
        return;
    long r = -1;
    for (uint32_t size = SMALLEST; r && size <= LARGEST; size += 4)
        r = syscall(SYS_rseq, area, size, RSEQ_FLAG_UNREGISTER, RSEQ_SIG);
    if (r)
        ia2_die("the kernel keeps the restartable sequence of a thread (rseq: %s)",
                strerrorname_np(errno));
    /* pthread_create registers one for a new thread only if the creator has one
     * (nptl/pthread_create.c, ATTR_FLAG_DO_RSEQ); sched_getcpu asks the kernel instead. */
    area->cpu_id = (uint32_t)RSEQ_CPU_ID_REGISTRATION_FAILED;
}
