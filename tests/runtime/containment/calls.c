/* calls CASE: system calls of a program whose library may have the kernel do nothing. */
#include <errno.h>
#include <fcntl.h>
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "ia2.h"
#include "check.h"
#include "calls_test.h"

/* ---- what the library may not --------------------------------------------------------------- */

static void library_opens(void)
{
    CHECK(lib_open("/etc/passwd", O_RDONLY) == EPERM);
}

static void library_creates(void)
{
    CHECK(lib_open("made-by-library", O_CREAT | O_WRONLY) == EPERM);
    CHECK(access("made-by-library", F_OK));
}

static void library_forks(void)
{
    CHECK(lib_fork() == EPERM);
}

static void library_kills(void)
{
    CHECK(lib_kill(SIGTERM) == EPERM);
}

static void library_connects(void)
{
    CHECK(lib_socket() == EPERM);
}

static void library_unmaps(void)
{
    char *own = malloc(100), *mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(own, 1, 100);
    *mapped = 2;
    CHECK(lib_unmap((void *)((unsigned long)own & -4096ul), 4096) == EPERM);
    CHECK(lib_unmap(mapped, 4096) == EPERM);
    CHECK(lib_unmap((void *)((unsigned long)library_unmaps & -4096ul), 4096) == EPERM);
    CHECK(*own == 1 && *mapped == 2);
}

/* By number, as code does that no wrapper stands before. */
static void nobody_may(void)
{
    static const long numbers[] = {SYS_ptrace, SYS_process_vm_readv, SYS_io_uring_setup,
                                   SYS_userfaultfd, SYS_seccomp, SYS_pkey_alloc, SYS_unshare,
                                   SYS_execve};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        CHECK(syscall(numbers[i], 0, 0, 0, 0, 0, 0) == -1 && errno == EPERM);
        CHECK(lib_raw(numbers[i], 0, 0, 0, 0) == -EPERM);
    }
    CHECK(lib_raw(1000, 0, 0, 0, 0) == -ENOSYS);
}

/* ---- what it may ------------------------------------------------------------------------------ */

static void library_computes(void)
{
    CHECK(lib_allocate() == 0);
    CHECK(lib_share() == 0);
    CHECK(lib_thread() == 0);
}

/* ---- the program, of which the policy says nothing -------------------------------------------- */

static void write_file(const char *path, int flags, const char *text)
{
    int fd = open(path, O_WRONLY | flags, 0640);
    CHECK(fd >= 0);
    CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    CHECK(close(fd) == 0);
}

static void files(void)
{
    char text[64] = "";
    struct stat status;
    umask(0);
    write_file("file", O_CREAT | O_EXCL, "one two three");
    CHECK(stat("file", &status) == 0 && (status.st_mode & 0777) == 0640);
    CHECK(open("file", O_CREAT | O_EXCL | O_WRONLY, 0600) == -1 && errno == EEXIST);
    write_file("file", O_APPEND, " four");
    write_file("file", 0, "ONE");
    CHECK(truncate("file", 7) == 0);
    FILE *stream = fopen("file", "r");
    CHECK(stream && fgets(text, sizeof(text), stream) && !strcmp(text, "ONE two"));
    fclose(stream);
    write_file("file", O_CREAT | O_TRUNC, "x");
    CHECK(stat("file", &status) == 0 && status.st_size == 1);
    CHECK(symlink("file", "link") == 0);
    CHECK(open("link", O_RDONLY | O_NOFOLLOW) == -1 && errno == ELOOP);
    CHECK(open("file", O_RDONLY | O_DIRECTORY) == -1 && errno == ENOTDIR);
    CHECK(open("missing", O_RDONLY) == -1 && errno == ENOENT);
    CHECK(open((char *)1, O_RDONLY) == -1 && errno == EFAULT);
    int fd = open("link", O_RDWR | O_CLOEXEC);
    CHECK(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC && (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR);
    CHECK(dup2(fd, 50) == 50 && close(50) == 0 && close(fd) == 0);
    CHECK(rename("file", "other") == 0 && unlink("other") == 0 && unlink("link") == 0);
}

static void process_files(void)
{
    CHECK(open("/proc/self/mem", O_RDONLY) == -1 && errno == EPERM);
    CHECK(open("/proc/thread-self/mem", O_RDWR) == -1 && errno == EPERM);
    CHECK(open("/proc/self/task/../mem", O_RDONLY) == -1 && errno == EPERM);
    CHECK(open("/proc/self/syscall", O_RDONLY) == -1 && errno == EPERM);
    int folder = open("/proc/self", O_RDONLY | O_DIRECTORY);
    CHECK(folder >= 0 && openat(folder, "mem", O_RDONLY) == -1 && errno == EPERM);
    CHECK(symlink("/proc/self/mem", "memory") == 0);
    CHECK(open("memory", O_RDONLY) == -1 && errno == EPERM);
    CHECK(unlink("memory") == 0);
    int path = open("/proc/self/mem", O_PATH);
    char name[40];
    snprintf(name, sizeof(name), "/proc/self/fd/%d", path);
    CHECK(path < 0 || (open(name, O_RDONLY) == -1 && errno == EPERM));
    if (!access("/dev/mem", F_OK))
        CHECK(open("/dev/mem", O_RDONLY) == -1 && errno == EPERM);
    FILE *maps = fopen("/proc/self/maps", "r");
    CHECK(maps && fgets(name, sizeof(name), maps));
    fclose(maps);
}

static void code_files(void)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
    CHECK(n > 0);
    path[n] = 0;
    CHECK(open(path, O_RDONLY) >= 0);
    CHECK(open(path, O_WRONLY) == -1 && (errno == EPERM || errno == ETXTBSY));
    strcpy(strrchr(path, '/'), "/libia2.so");
    CHECK(open(path, O_RDWR) == -1 && errno == EPERM);
    CHECK(truncate(path, 0) == -1 && errno == EPERM);
}

static void memory(void)
{
    char *p = mmap(NULL, 8 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(p != MAP_FAILED);
    p[5000] = 5;
    CHECK(mprotect(p, 4096, PROT_READ) == 0);
    CHECK(mprotect(p, 4096, PROT_READ | PROT_EXEC) == -1 && errno == EPERM);
    CHECK(madvise(p + 4096, 4096, MADV_DONTNEED) == 0 && p[5000] == 0);
    CHECK(mprotect(p, 4096, PROT_READ | PROT_WRITE) == 0);
    p = mremap(p, 8 * 4096, 16 * 4096, MREMAP_MAYMOVE);
    CHECK(p != MAP_FAILED);
    CHECK(mmap(p, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p);
    CHECK(munmap(p, 16 * 4096) == 0);
    CHECK(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
          errno == EPERM);
    int fd = open("/etc/passwd", O_RDONLY);
    char *file = mmap(NULL, 10, PROT_READ, MAP_PRIVATE, fd, 0);
    CHECK(file != MAP_FAILED && munmap(file, 10) == 0);
    CHECK(mmap(NULL, 10, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EPERM);
}

static volatile sig_atomic_t caught;

static void handler(int number)
{
    int fd = open("/etc/passwd", O_RDONLY); /* is trapped inside of the handler */
    caught = fd >= 0 ? number : -1;
    close(fd);
}

static void *works(void *unused)
{
    (void)unused;
    CHECK(open("/etc/passwd", O_RDONLY) >= 0);
    return NULL;
}

static void signals(void)
{
    sigset_t all;
    pthread_t thread;
    signal(SIGUSR1, handler);
    CHECK(raise(SIGUSR1) == 0 && caught == SIGUSR1);
    sigfillset(&all);
    CHECK(pthread_sigmask(SIG_BLOCK, &all, NULL) == 0);
    CHECK(open("/etc/passwd", O_RDONLY) >= 0); /* SIGSYS is never blocked */
    CHECK(pthread_create(&thread, NULL, works, NULL) == 0 && pthread_join(thread, NULL) == 0);
    CHECK(sigprocmask(SIG_SETMASK, &all, NULL) == 0);
    CHECK(open("/etc/passwd", O_RDONLY) >= 0);
}

static void processes(void)
{
    int status;
    pid_t child = fork();
    if (!child) {
        CHECK(open("/etc/passwd", O_RDONLY) >= 0 && lib_open("/etc/passwd", O_RDONLY) == EPERM);
        _exit(3);
    }
    CHECK(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 3);
    CHECK(WEXITSTATUS(system("true")) == 127); /* no other program is executed */
}

static void libraries(void)
{
    void *math = dlopen("libm.so.6", RTLD_NOW);
    CHECK(math);
    double (*root)(double) = (double (*)(double))dlsym(math, "sqrt");
    CHECK(root && root(81) == 9);
    CHECK(dlclose(math) == 0);
}

static void forged(void)
{
    siginfo_t info = {.si_signo = SIGSYS, .si_code = 1};
    CHECK(syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGSYS, &info) == -1 && errno == EPERM);
    struct sigaction act = {.sa_handler = handler};
    CHECK(sigaction(SIGSYS, &act, NULL) == -1 && errno == EINVAL);
}

static void forged_return(void)
{
    syscall(SYS_rt_sigreturn);
}

static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {
    {"library-opens", library_opens}, {"library-creates", library_creates},
    {"library-forks", library_forks},
    {"library-kills", library_kills}, {"library-connects", library_connects},
    {"library-unmaps", library_unmaps}, {"nobody-may", nobody_may},
    {"library-computes", library_computes}, {"files", files},
    {"process-files", process_files}, {"code-files", code_files},
    {"memory", memory}, {"signals", signals},
    {"processes", processes}, {"libraries", libraries},
    {"forged", forged}, {"sigreturn", forged_return},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc == 2 && i < sizeof(cases) / sizeof(cases[0]); i++)
        if (!strcmp(cases[i].name, argv[1])) {
            cases[i].run();
            puts("done");
            return 0;
        }
    return 2;
}
