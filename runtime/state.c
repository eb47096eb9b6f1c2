#define _GNU_SOURCE
#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/die.h"
#include "init.h"
#include "system_calls.h"

/* A place in this DSO's own image, so that gates find it at a constant (the memfd is mapped over
 * it). */
struct ia2_state ia2_state __attribute__((aligned(4096)));
__thread uint32_t ia2_slot;
__thread uint32_t ia2_virtual_pkru = IA2_PKRU_0;
__thread uint32_t ia2_jumping;

/* A page of its own, read-only but while the descriptor is set: who could change it would choose
 * what is written. */
static struct {
    int fd, child; /* child: while a fork is under way, the file of the child to be */
    char pad[IA2_PAGE - 2 * sizeof(int)];
} state_file __attribute__((aligned(4096))) = {.fd = -1, .child = -1};

static void map_state(int fd)
{
    if (ia2_sys_map_fixed(&ia2_state, sizeof(ia2_state), PROT_READ, MAP_SHARED, fd))
        ia2_die("cannot map the runtime's state");
}

static int new_state_file(void)
{
    int fd = memfd_create("ia2-state", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || ftruncate(fd, sizeof(ia2_state)))
        ia2_die("cannot create the runtime's state (memfd_create: %s)", strerrorname_np(errno));
    /* Out of the way of programs that close or count the low descriptors. */
    int high = fcntl(fd, F_DUPFD_CLOEXEC, 900);
    if (high >= 0) {
        close(fd);
        fd = high;
    }
    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    return fd;
}

static void set_state_file(int fd, int child)
{
    mprotect(&state_file, sizeof(state_file), PROT_READ | PROT_WRITE);
    state_file.fd = fd;
    state_file.child = child;
    mprotect(&state_file, sizeof(state_file), PROT_READ);
}

/* ---- fork ----------------------------------------------------------------------------------- */

/* The child gets a state of its own: parent and child each go on with their own threads and heaps.
 * It must be that of the moment of the fork, so it is copied before, and writers wait from then on:
 * a thread that went on would have its storage under keys of which the child's copy knows nothing.
 * A thread waits for nothing of its own: it may fork in a handler that has interrupted its own
 * writing. And nobody waits forever: a handler that has interrupted a writer may have jumped out.
 * All of these are hints, which every compartment can write. */
static pthread_mutex_t fork_lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic int forking, writers;
static __thread int forks, writing; /* what of them is this thread's */
#define PATIENCE 10 /* seconds */

/* Yields. 0 if \a since, in seconds and 0 at first, is too long ago. */
static int may_wait(time_t *since)
{
    struct timespec now;
    sched_yield();
    clock_gettime(CLOCK_MONOTONIC, &now);
    *since = *since ? *since : now.tv_sec;
    return now.tv_sec - *since < PATIENCE;
}

static void start_writing(void)
{
    writing++;
    writers++;
    for (time_t since = 0; forking && !forks;) {
        writers--;
        int waits = may_wait(&since);
        writers++;
        if (!waits)
            return;
    }
}

static void end_writing(void)
{
    writers--;
    writing--;
}

static void fork_prepare(void)
{
    writers -= writing;
    pthread_mutex_lock(&fork_lock);
    forking = forks = 1;
    for (time_t since = 0; writers > 0 && may_wait(&since);)
        ;
    int fd = new_state_file();
    /* Only what is in use: the file is sparse. */
    off_t at = 0;
    char page[IA2_PAGE];
    while ((at = lseek(state_file.fd, at, SEEK_DATA)) >= 0) {
        at &= ~(off_t)(IA2_PAGE - 1);
        if (pread(state_file.fd, page, sizeof(page), at) != sizeof(page) ||
            pwrite(fd, page, sizeof(page), at) != sizeof(page))
            ia2_die("fork: cannot copy the runtime's state");
        at += IA2_PAGE;
    }
    set_state_file(state_file.fd, fd);
}

static void fork_parent(void)
{
    close(state_file.child);
    set_state_file(state_file.fd, -1);
    writers += writing;
    forking = forks = 0;
    pthread_mutex_unlock(&fork_lock);
}

static void fork_child(void)
{
    int old = state_file.fd, own = state_file.child;
    map_state(own);
    set_state_file(own, -1);
    close(old);
    writers = writing;
    forking = forks = 0;
    pthread_mutex_init(&fork_lock, NULL);
    if (ia2_slot)
        IA2_STATE_SET(ia2_state.thread[ia2_slot & IA2_SLOT_MASK].tid, (uint64_t)getpid());
    ia2_threads_forked();
}

__attribute__((constructor(101))) void ia2_state_open(void)
{
    if (state_file.fd >= 0)
        return;
    int fd = new_state_file();
    map_state(fd);
    set_state_file(fd, -1);
    pthread_atfork(fork_prepare, fork_parent, fork_child);
}

void ia2_state_write(const void *field, const void *value, size_t size)
{
    size_t at = (size_t)((const char *)field - (const char *)&ia2_state);
    if (at > sizeof(ia2_state) || size > sizeof(ia2_state) - at)
        ia2_die("write outside of the runtime's state");
    start_writing();
    ssize_t written = pwrite(state_file.fd, value, size, (off_t)at);
    end_writing();
    if (written != (ssize_t)size)
        ia2_die("cannot write the runtime's state (%s); was its file descriptor closed?",
                strerrorname_np(errno));
}

uint64_t ia2_fs_base(void)
{
    if (!ia2_state.fsgsbase)
        return (uint64_t)__builtin_thread_pointer();
    uint64_t base;
    __asm__ volatile("rdfsbase %0" : "=r"(base));
    return base;
}

const struct ia2_thread_record *ia2_this_thread(void)
{
    const struct ia2_thread_record *record = &ia2_state.thread[ia2_slot & IA2_SLOT_MASK];
    return record->fsbase == ia2_fs_base() ? record : NULL;
}

uint32_t ia2_read_pkru(void)
{
    if (!ia2_state.pkeys)
        return ia2_virtual_pkru;
    uint32_t pkru, zero;
    __asm__ volatile(".byte 0x0f, 0x01, 0xee" : "=a"(pkru), "=d"(zero) : "c"(0));
    return pkru;
}

int ia2_compartment_of_pkru(uint32_t pkru)
{
    if (pkru == IA2_PKRU_0)
        return 0;
    for (uint32_t i = 1; i <= ia2_state.count; i++)
        if (ia2_state.module[i].descriptor && ia2_state.module[i].descriptor->pkru[i] == pkru)
            return (int)i;
    return -1;
}

int ia2_current_compartment(void)
{
    return ia2_compartment_of_pkru(ia2_read_pkru());
}
