#define _GNU_SOURCE
#include "state/state.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/die.h"
#include "state/writers.h"

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
    if (mmap(&ia2_state, sizeof(ia2_state), PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)
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

void ia2_state_copy(void)
{
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

void ia2_state_drop_copy(void)
{
    close(state_file.child);
    set_state_file(state_file.fd, -1);
}

void ia2_state_take_copy(void)
{
    int old = state_file.fd, own = state_file.child;
    map_state(own);
    set_state_file(own, -1);
    close(old);
}

__attribute__((constructor(101))) void ia2_state_open(void)
{
    if (state_file.fd >= 0)
        return;
    int fd = new_state_file();
    map_state(fd);
    set_state_file(fd, -1);
}

void ia2_state_write(const void *field, const void *value, size_t size)
{
    size_t at = (size_t)((const char *)field - (const char *)&ia2_state);
    if (at > sizeof(ia2_state) || size > sizeof(ia2_state) - at)
        ia2_die("write outside of the runtime's state");
    ia2_writing_begin();
    ssize_t written = pwrite(state_file.fd, value, size, (off_t)at);
    ia2_writing_end();
    if (written != (ssize_t)size)
        ia2_die("cannot write the runtime's state (%s); was its file descriptor closed?",
                strerrorname_np(errno));
}
