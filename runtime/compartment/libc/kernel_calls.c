/* In permissive programs: libc functions that hand the caller's pointers to the kernel. The kernel
 * does not fault, it refuses (EFAULT), and stdio makes of that a short read; so what it would
 * refuse is found out before, recorded and allowed. Also signal masks: the kernel ends a process
 * that faults with SIGSEGV blocked, so what lets violations through cannot be blocked. */
#define _GNU_SOURCE
#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "compartment/compartment.h"
#include "permissive/recorded.h"
#include "permissive/violation_log.h"

#define HIDDEN __attribute__((visibility("hidden")))

static inline void give_back(const uint32_t *pkru)
{
    ia2_permissive_take_back(*pkru);
}

/* For the rest of the block. The first one that opens everything ends last, so the order among
 * several does not matter. */
#define LEND_AS(name, function, address, size, write) \
    __attribute__((cleanup(give_back), unused)) uint32_t name = \
        ia2_permissive_lend(function, address, size, write, __builtin_return_address(0))
#define LEND(function, address, size, write) LEND_AS(before, function, address, size, write)

/* RESULT FUNCTION(PARAMETERS) with ARGUMENTS: [address, address + size) is read or written. */
#define WRAP(result, function, parameters, arguments, address, size, write) \
    result __real_##function parameters; \
    HIDDEN result __wrap_##function parameters; \
    HIDDEN result __wrap_##function parameters \
    { \
        LEND(#function, address, size, write); \
        return __real_##function arguments; \
    }
#define WRAP_PATH(result, function, parameters, arguments, path) \
    WRAP(result, function, parameters, arguments, path, 1, 0)

WRAP(ssize_t, read, (int fd, void *p, size_t n), (fd, p, n), p, n, 1)
WRAP(ssize_t, write, (int fd, const void *p, size_t n), (fd, p, n), p, n, 0)
WRAP(ssize_t, pread, (int fd, void *p, size_t n, off_t at), (fd, p, n, at), p, n, 1)
WRAP(ssize_t, pwrite, (int fd, const void *p, size_t n, off_t at), (fd, p, n, at), p, n, 0)
WRAP(ssize_t, pread64, (int fd, void *p, size_t n, off_t at), (fd, p, n, at), p, n, 1)
WRAP(ssize_t, pwrite64, (int fd, const void *p, size_t n, off_t at), (fd, p, n, at), p, n, 0)
WRAP(ssize_t, __read_chk, (int fd, void *p, size_t n, size_t room), (fd, p, n, room), p, n, 1)
WRAP(ssize_t, __pread_chk, (int fd, void *p, size_t n, off_t at, size_t room), (fd, p, n, at, room),
     p, n, 1)
WRAP(ssize_t, recv, (int fd, void *p, size_t n, int flags), (fd, p, n, flags), p, n, 1)
WRAP(ssize_t, send, (int fd, const void *p, size_t n, int flags), (fd, p, n, flags), p, n, 0)
WRAP(ssize_t, recvfrom, (int fd, void *p, size_t n, int flags, struct sockaddr *a, socklen_t *l),
     (fd, p, n, flags, a, l), p, n, 1)
WRAP(ssize_t, sendto,
     (int fd, const void *p, size_t n, int flags, const struct sockaddr *a, socklen_t l),
     (fd, p, n, flags, a, l), p, n, 0)
WRAP(ssize_t, getrandom, (void *p, size_t n, unsigned flags), (p, n, flags), p, n, 1)
WRAP(size_t, fread, (void *p, size_t size, size_t n, FILE *f), (p, size, n, f), p, size *n, 1)
WRAP(size_t, fwrite, (const void *p, size_t size, size_t n, FILE *f), (p, size, n, f), p, size *n,
     0)
WRAP(size_t, fread_unlocked, (void *p, size_t size, size_t n, FILE *f), (p, size, n, f), p, size *n,
     1)
WRAP(size_t, fwrite_unlocked, (const void *p, size_t size, size_t n, FILE *f), (p, size, n, f), p,
     size *n, 0)
WRAP(size_t, __fread_chk, (void *p, size_t room, size_t size, size_t n, FILE *f),
     (p, room, size, n, f), p, size *n, 1)
WRAP(int, poll, (struct pollfd * p, nfds_t n, int timeout), (p, n, timeout), p, n * sizeof(*p), 1)
WRAP_PATH(FILE *, fopen, (const char *path, const char *mode), (path, mode), path)
WRAP_PATH(FILE *, fopen64, (const char *path, const char *mode), (path, mode), path)
WRAP_PATH(DIR *, opendir, (const char *path), (path), path)
WRAP_PATH(int, access, (const char *path, int mode), (path, mode), path)
WRAP_PATH(int, unlink, (const char *path), (path), path)
WRAP_PATH(int, rmdir, (const char *path), (path), path)
WRAP_PATH(int, remove, (const char *path), (path), path)
WRAP_PATH(int, mkdir, (const char *path, mode_t mode), (path, mode), path)
WRAP_PATH(int, chmod, (const char *path, mode_t mode), (path, mode), path)
WRAP_PATH(int, chdir, (const char *path), (path), path)
WRAP_PATH(int, __open_2, (const char *path, int flags), (path, flags), path)
WRAP_PATH(int, __open64_2, (const char *path, int flags), (path, flags), path)

/* Two pointers. */
#define WRAP_STAT(function) \
    int __real_##function(const char *, struct stat *); \
    HIDDEN int __wrap_##function(const char *path, struct stat *to); \
    HIDDEN int __wrap_##function(const char *path, struct stat *to) \
    { \
        LEND(#function, path, 1, 0); \
        LEND_AS(before_to, #function, to, sizeof(*to), 1); \
        return __real_##function(path, to); \
    }
WRAP_STAT(stat)
WRAP_STAT(lstat)
WRAP_STAT(stat64)
WRAP_STAT(lstat64)
WRAP(int, fstat, (int fd, struct stat *to), (fd, to), to, sizeof(*to), 1)
WRAP(int, fstat64, (int fd, struct stat *to), (fd, to), to, sizeof(*to), 1)

int __real_rename(const char *, const char *);
HIDDEN int __wrap_rename(const char *from, const char *to);
HIDDEN int __wrap_rename(const char *from, const char *to)
{
    LEND("rename", from, 1, 0);
    LEND_AS(before_to, "rename", to, 1, 0);
    return __real_rename(from, to);
}

#define WRAP_OPEN(function) \
    int __real_##function(const char *, int, mode_t); \
    HIDDEN int __wrap_##function(const char *path, int flags, mode_t mode); \
    HIDDEN int __wrap_##function(const char *path, int flags, \
                                 mode_t mode) /* without a mode libc looks at none either */ \
    { \
        LEND(#function, path, 1, 0); \
        return __real_##function(path, flags, mode); \
    }
WRAP_OPEN(open)
WRAP_OPEN(open64)

/* The first foreign element stands for all. */
#define WRAP_VECTOR(function, write) \
    ssize_t __real_##function(int, const struct iovec *, int); \
    HIDDEN ssize_t __wrap_##function(int fd, const struct iovec *vector, int n); \
    HIDDEN ssize_t __wrap_##function(int fd, const struct iovec *vector, int n) \
    { \
        LEND(#function, vector, n > 0, 0); \
        for (int i = 0; i < n; i++) \
            ia2_permissive_lend(#function, vector[i].iov_base, vector[i].iov_len, write, \
                                __builtin_return_address(0)); \
        return __real_##function(fd, vector, n); \
    }
WRAP_VECTOR(readv, 1)
WRAP_VECTOR(writev, 0)

/* ---- the end that runs no destructors ------------------------------------------------------- */

#define WRAP_EXIT(function) \
    __attribute__((noreturn)) void __real_##function(int); \
    HIDDEN __attribute__((noreturn)) void __wrap_##function(int status); \
    HIDDEN void __wrap_##function(int status) \
    { \
        ia2_permissive_exit(); \
        __real_##function(status); \
    }
WRAP_EXIT(_exit)
WRAP_EXIT(_Exit)
