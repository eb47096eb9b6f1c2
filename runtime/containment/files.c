/* Opening a file.
 *
 * A file of procfs shows the memory and the registers of the process (mem, syscall, stack ...), and
 * a file that is mapped as code must not be written. What a path leads to may change at any time.
 * So the file is first held by a descriptor that can neither be read nor written (O_PATH), then
 * looked at, and then opened through that descriptor. The descriptor has a number that only the
 * monitor can close (filter.h), so it stays the same file. */
#define _GNU_SOURCE
#include "containment/files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "base/format.h"
#include "containment/as_caller.h"
#include "containment/allowed.h"
#include "containment/arguments.h"
#include "containment/filter.h"
#include "memory/mappings.h"
#include "state/monitor.h"
#include "state/state.h"
#include "state/system_calls.h"

#define PROC_MAGIC 0x9fa0 /* linux/magic.h */

struct wish {
    uint64_t folder, path; /* as the caller gave them */
    uint64_t flags, mode;
};

static int is_for_writing(const struct wish *wish)
{
    return (wish->flags & O_ACCMODE) != O_RDONLY || wish->flags & O_TRUNC;
}

/* Opens the path with these flags, as the caller. */
static long open_as(const struct ia2_call *call, const struct wish *wish, uint64_t flags)
{
    return ia2_call_as(
        &(struct ia2_caller_call){.number = SYS_openat,
                                  .argument = {wish->folder, wish->path, flags, wish->mode, 0},
                                  .pkru = call->pkru});
}

/* Devices by which a process reads or writes memory, its own too, whatever its rights
 * (Documentation/admin-guide/devices.txt). */
static int reads_memory(dev_t device)
{
    static const struct {
        unsigned major, minor;
    } known[] = {
        {1, 1}, /* mem */
        {1, 2}, /* kmem */
        {1, 4}, /* port */
        {10, 126}, /* userfaultfd */
        {10, 196}, /* vfio */
        {10, 232}, /* kvm */
        {10, 238}, /* vhost-net */
        {10, 241}, /* vhost-vsock */
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (major(device) == known[i].major && minor(device) == known[i].minor)
            return 1;
    return major(device) == 226; /* graphics: buffers in user memory */
}

/* NULL, or why nobody may open it. */
static const char *wrong(int fd, const struct wish *wish)
{
    struct stat status;
    struct statfs system;
    if (fstat(fd, &status) || fstatfs(fd, &system))
        return "it cannot be looked at";
    if (system.f_type == PROC_MAGIC && S_ISREG(status.st_mode)) {
        if (!(status.st_mode & S_IROTH))
            return "the file shows what the process has in memory and registers";
        if (is_for_writing(wish))
            return "files of /proc are not written";
    }
    if (S_ISCHR(status.st_mode) && reads_memory(status.st_rdev))
        return "the device reads memory without asking for rights";
    if (is_for_writing(wish) && ia2_code_file(status.st_dev, status.st_ino))
        return "the file is mapped as code of this process";
    return NULL;
}

/* Opens what `held` is, as the caller wanted. */
static long open_held(int held, const struct wish *wish)
{
    char path[40];
    uint64_t flags = wish->flags & ~(uint64_t)(O_CREAT | O_EXCL | O_NOFOLLOW | O_DIRECTORY);
    ia2_format(path, sizeof(path), "/proc/self/fd/%d", held);
    return ia2_sys(SYS_openat, AT_FDCWD, (long)path, (long)flags, 0, 0);
}

/* Replaces one entry of the list of held descriptors by another; 0 stands for none. */
static int replace_held(int32_t old, int32_t new)
{
    for (size_t i = 0; i < sizeof(ia2_state.held) / sizeof(ia2_state.held[0]); i++) {
        int32_t found = old;
        if (__atomic_compare_exchange_n(&ia2_state.held[i], &found, new, 0, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST))
            return 1;
    }
    return 0;
}

static long open_checked(const struct ia2_call *call, const struct wish *wish)
{
    uint64_t keeps = wish->flags & (O_NOFOLLOW | O_DIRECTORY);
    long at = open_as(call, wish, O_PATH | O_CLOEXEC | keeps);
    if (at < 0)
        return at;
    long held = ia2_sys(SYS_fcntl, at, F_DUPFD_CLOEXEC, IA2_FIRST_HELD, 0, 0);
    ia2_sys(SYS_close, at, 0, 0, 0, 0);
    if (held < 0)
        return held == -EINVAL ? -EMFILE : held;
    if (!replace_held(0, (int)held)) {
        ia2_sys(SYS_close, held, 0, 0, 0, 0);
        return -EMFILE;
    }
    /* O_PATH opens a link itself if it may not be followed; others do not. */
    struct stat status;
    long r;
    const char *why = wrong((int)held, wish);
    if (why)
        r = ia2_denied(call, IA2_CALL_FILES, why);
    else if (!fstat((int)held, &status) && S_ISLNK(status.st_mode))
        r = -ELOOP;
    else
        r = open_held((int)held, wish);
    replace_held((int)held, 0);
    ia2_sys(SYS_close, held, 0, 0, 0, 0);
    return r;
}

static long open_wish(const struct ia2_call *call, const struct wish *wish)
{
    enum ia2_call_class class =
        is_for_writing(wish) || wish->flags & O_CREAT ? IA2_CALL_FILES : IA2_CALL_FILES_READ;
    if (!ia2_call_may(call->who, class))
        return ia2_denied(call, class, NULL);
    if (wish->flags & O_PATH || (wish->flags & O_TMPFILE) == O_TMPFILE)
        return open_as(call, wish, wish->flags);
    /* A file that this call makes is a new one. */
    for (int tries = 0; tries < 8; tries++) {
        if (wish->flags & O_CREAT) {
            long made = open_as(call, wish, wish->flags | O_EXCL);
            if (made != -EEXIST || wish->flags & O_EXCL)
                return made;
        }
        long r = open_checked(call, wish);
        if (r != -ENOENT || !(wish->flags & O_CREAT))
            return r;
    }
    return -ENOENT;
}

/* truncate(2) by ftruncate(2), so that the file is looked at. */
static long truncate_file(const struct ia2_call *call)
{
    struct wish wish = {(uint64_t)AT_FDCWD, call->argument[0], O_WRONLY | O_CLOEXEC, 0};
    long fd = open_wish(call, &wish);
    if (fd < 0)
        return fd;
    long r = ia2_sys(SYS_ftruncate, fd, (long)call->argument[1], 0, 0, 0);
    ia2_sys(SYS_close, fd, 0, 0, 0, 0);
    return r;
}

long ia2_file_open(const struct ia2_call *call)
{
    const uint64_t *a = call->argument;
    struct wish wish = {(uint64_t)AT_FDCWD, a[0], (uint32_t)a[1], a[2]};
    struct open_how how = {0};
    switch (call->number) {
    case SYS_creat:
        wish.flags = O_CREAT | O_WRONLY | O_TRUNC;
        wish.mode = a[1];
        break;
    case SYS_openat:
        wish = (struct wish){a[0], a[1], (uint32_t)a[2], a[3]};
        break;
    case SYS_openat2:
        if (a[3] < sizeof(how))
            return -EINVAL;
        if (a[3] > sizeof(how))
            return -E2BIG;
        if (ia2_argument_copy(call, &how, a[2], sizeof(how)))
            return -EFAULT;
        if (how.resolve)
            return -ENOSYS; /* callers know kernels without it */
        wish = (struct wish){a[0], a[1], how.flags, how.mode};
        break;
    case SYS_truncate:
        return truncate_file(call);
    default:
        break;
    }
    if (!(wish.flags & (O_CREAT | O_TMPFILE)))
        wish.mode = 0;
    return open_wish(call, &wish);
}

static int is_held(uint64_t first, uint64_t last)
{
    for (size_t i = 0; i < sizeof(ia2_state.held) / sizeof(ia2_state.held[0]); i++)
        if (ia2_state.held[i] && (uint64_t)ia2_state.held[i] >= first &&
            (uint64_t)ia2_state.held[i] <= last)
            return 1;
    return 0;
}

long ia2_file_close(const struct ia2_call *call)
{
    const uint64_t *a = call->argument;
    uint64_t first = (uint32_t)a[0], last = first;
    if (call->number == SYS_dup2 || call->number == SYS_dup3)
        first = last = (uint32_t)a[1];
    if (call->number == SYS_close_range)
        last = (uint32_t)a[1];
    if (is_held(first, last))
        return call->number == SYS_close ? -EBADF : -EBUSY;
    return ia2_sys(call->number, (long)a[0], (long)a[1], (long)a[2], 0, 0);
}
