/* First process of the PKU VM: runs one command of the host's in a writable overlay of the host's
 * root.
 *
 * It reads /job (made by vm.py: NUL-terminated records, the first byte says what each is), loads
 * the kernel modules, mounts the host's root over 9p with a tmpfs over it, starts the command, and
 * carries its streams over four virtio ports. The command gets pipes, not the ports themselves: a
 * port can be opened only once, so `echo >/dev/stderr` would fail on it.
 *
 * Control port, guest to host, one line each: "kernel TEXT" (a complaint of the kernel), "error
 * TEXT" (the VM could not be set up), "exit N" (last line: the command's status, 128+N for signal
 * N). Host to guest: one byte per signal to deliver to the command's process group; or a zero byte
 * and the length of stdin, eight bytes, once that is known. (Closing the port instead would lose
 * what QEMU has not read by then.) */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_ITEMS = 4096 };

struct list {
    char *item[MAX_ITEMS + 1];
    size_t n;
};

static struct {
    struct list arg, env, module, share, keep;
    const char *cwd;
    bool one_output; /* the command's stderr is its stdout */
} job;

static int control = -1;

static void control_line(const char *const fmt, ...)
{
    char line[1024];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(line, sizeof line - 1, fmt, ap);
    va_end(ap);
    if (n > (int)sizeof line - 2)
        n = sizeof line - 2;
    for (int i = 0; i < n; i++)
        if (line[i] == '\n')
            line[i] = ' ';
    line[n++] = '\n';
    for (int done = 0; done < n;) {
        const ssize_t w = write(control < 0 ? 2 : control, line + done, n - done);
        if (w <= 0)
            break;
        done += w;
    }
}

static void stop(void)
{
    sync();
    reboot(RB_POWER_OFF);
    for (;;)
        pause();
}

/* The VM is of no use without what failed, so it ends here. */
static void fail(const char *const what, const char *const name)
{
    control_line("error %s %s: %s", what, name, strerror(errno));
    stop();
}

static void add(struct list *const l, char *const item)
{
    if (l->n == MAX_ITEMS) {
        errno = E2BIG;
        fail("too many records in", "/job");
    }
    l->item[l->n++] = item;
}

static void read_job(void)
{
    struct stat st;
    const int fd = open("/job", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        fail("cannot read", "/job");
    char *const text = calloc(1, st.st_size + 1);
    if (!text || read(fd, text, st.st_size) != st.st_size)
        fail("cannot read", "/job");
    close(fd);
    for (char *p = text; p < text + st.st_size; p += strlen(p) + 1) {
        switch (*p) {
        case 'a':
            add(&job.arg, p + 1);
            break;
        case 'e':
            add(&job.env, p + 1);
            break;
        case 'm':
            add(&job.module, p + 1);
            break;
        case 's':
            add(&job.share, p + 1);
            break;
        case 'k':
            add(&job.keep, p + 1);
            break;
        case 'd':
            job.cwd = p + 1;
            break;
        case 'o':
            job.one_output = true;
            break;
        default:
            errno = EINVAL;
            fail("unknown record in", "/job");
        }
    }
}

static void load_modules(void)
{
    for (size_t i = 0; i < job.module.n; i++) {
        const int fd = open(job.module.item[i], O_RDONLY | O_CLOEXEC);
        if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST))
            fail("cannot load module", job.module.item[i]);
        close(fd);
    }
}

/* The ports appear some time after the driver is loaded. */
static int open_port(const int number)
{
    char path[32];
    snprintf(path, sizeof path, "/dev/vport0p%d", number);
    for (int i = 0; i < 5000; i++) {
        const int fd = open(path, O_RDWR | O_CLOEXEC);
        if (fd >= 0)
            return fd;
        usleep(2000);
    }
    fail("no port", path);
    return -1;
}

/* A port reads as ended until the kernel has heard that the host is connected, so the host sends
 * one byte ahead of the command's stdin. */
static void await_host(const int port)
{
    char byte;
    while (read(port, &byte, 1) != 1)
        usleep(1000);
}

static void make_parents(char *const path)
{
    for (char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
        *p = 0;
        mkdir(path, 0777);
        *p = '/';
    }
}

/* /tmp is a tmpfs, where system calls see the plain behaviour of a local file system; what the
 * caller needs of the host's /tmp is bound back into it. */
static void mount_tmp(void)
{
    int kept[MAX_ITEMS];
    for (size_t i = 0; i < job.keep.n; i++)
        kept[i] = open(job.keep.item[i], O_PATH | O_CLOEXEC);
    if (mount("tmpfs", "/tmp", "tmpfs", 0, "mode=1777") < 0)
        fail("cannot mount", "/tmp");
    for (size_t i = 0; i < job.keep.n; i++) {
        char *const path = job.keep.item[i], from[64];
        struct stat st;
        if (kept[i] < 0 || fstat(kept[i], &st) < 0)
            continue;
        make_parents(path);
        if (S_ISDIR(st.st_mode))
            mkdir(path, 0777);
        else
            close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        snprintf(from, sizeof from, "/proc/self/fd/%d", kept[i]);
        if (mount(from, path, NULL, MS_BIND, NULL) < 0)
            fail("cannot bind", path);
        close(kept[i]);
    }
}

static void mount_root(void)
{
    mkdir("/lower", 0755);
    mkdir("/upper", 0755);
    mkdir("/root", 0755);
    if (mount("root", "/lower", "9p", MS_RDONLY,
              "trans=virtio,version=9p2000.L,msize=512000,cache=loose") < 0)
        fail("cannot mount over 9p", "/");
    if (mount("tmpfs", "/upper", "tmpfs", 0, "mode=755") < 0)
        fail("cannot mount", "/upper");
    mkdir("/upper/top", 0755);
    mkdir("/upper/work", 0755);
    if (mount("overlay", "/root", "overlay", 0,
              "lowerdir=/lower,upperdir=/upper/top,workdir=/upper/work") < 0)
        fail("cannot mount the overlay on", "/root");
    static const char *const moved[] = {"proc", "sys", "dev"};
    for (size_t i = 0; i < sizeof moved / sizeof *moved; i++) {
        char from[16], to[32];
        snprintf(from, sizeof from, "/%s", moved[i]);
        snprintf(to, sizeof to, "/root/%s", moved[i]);
        mkdir(to, 0755);
        if (mount(from, to, NULL, MS_MOVE, NULL) < 0)
            fail("cannot move to", to);
    }
    if (chdir("/root") < 0 || chroot(".") < 0 || chdir("/") < 0)
        fail("cannot enter", "/root");
    mkdir("/dev/shm", 01777);
    mkdir("/dev/pts", 0755);
    if (mount("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") < 0)
        fail("cannot mount", "/dev/shm");
    mount("devpts", "/dev/pts", "devpts", 0, "ptmxmode=0666");
    if (symlink("/proc/self/fd", "/dev/fd") < 0 || symlink("/proc/self/fd/0", "/dev/stdin") < 0 ||
        symlink("/proc/self/fd/1", "/dev/stdout") < 0 ||
        symlink("/proc/self/fd/2", "/dev/stderr") < 0)
        fail("cannot link in", "/dev");
    mount_tmp();
}

static void mount_shares(void)
{
    for (size_t i = 0; i < job.share.n; i++) {
        char tag[16], *const path = job.share.item[i];
        snprintf(tag, sizeof tag, "share%zu", i);
        make_parents(path);
        mkdir(path, 0777);
        if (mount(tag, path, "9p", 0, "trans=virtio,version=9p2000.L,msize=512000,cache=mmap") < 0)
            fail("cannot mount over 9p", path);
    }
}

static void loopback_up(void)
{
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq ifr = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    if (fd >= 0) {
        ioctl(fd, SIOCSIFFLAGS, &ifr);
        close(fd);
    }
}

static _Noreturn void run_command(const int in, const int out, const int err)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setsid();
    dup2(in, 0);
    dup2(out, 1);
    dup2(err, 2);
    umask(022);
    /* As a login on the host has it; the kernel starts its first process with a hard limit of 4096.
     */
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){1024, 524288});
    if (chdir(job.cwd) < 0) {
        dprintf(2, "run-in-vm: cannot enter %s: %s\n", job.cwd, strerror(errno));
        _exit(125);
    }
    execvpe(job.arg.item[0], job.arg.item, job.env.item);
    dprintf(2, "run-in-vm: cannot run %s: %s\n", job.arg.item[0], strerror(errno));
    _exit(errno == ENOENT ? 127 : 126);
}

/* One direction of a stream. */
struct stream {
    int from, to;
    size_t begin, end;
    uint64_t carried; /* bytes written so far */
    char data[65536];
};

static void end_stream(struct stream *const s)
{
    if (s->from >= 0)
        close(s->from);
    if (s->to >= 0)
        close(s->to);
    s->from = s->to = -1;
}

/* false: nothing moved. */
static bool move(struct stream *const s, const bool readable)
{
    if (s->from < 0)
        return false;
    if (s->begin == s->end) {
        if (!readable)
            return false;
        const ssize_t n = read(s->from, s->data, sizeof s->data);
        if (n <= 0) {
            if (n == 0 || (errno != EAGAIN && errno != EINTR))
                end_stream(s);
            return false;
        }
        s->begin = 0;
        s->end = n;
    }
    const ssize_t n = write(s->to, s->data + s->begin, s->end - s->begin);
    if (n < 0 && errno != EAGAIN && errno != EINTR)
        end_stream(s);
    if (n > 0) {
        s->begin += n;
        s->carried += n;
    }
    return n > 0;
}

static struct stream stream[3]; /* the command's 0, 1, 2 */
static uint64_t stdin_length = UINT64_MAX;

/* What the host sent on the control port; a message may come in pieces. */
static void obey(const pid_t child)
{
    static unsigned char message[1 + sizeof stdin_length];
    static size_t have;
    unsigned char bytes[64];
    const ssize_t n = read(control, bytes, sizeof bytes);
    for (ssize_t i = 0; i < n; i++) {
        message[have++] = bytes[i];
        if (message[0] != 0) {
            kill(-child, message[0]);
            have = 0;
        } else if (have == sizeof message) {
            memcpy(&stdin_length, message + 1, sizeof stdin_length);
            have = 0;
        }
    }
}

/* Carries the streams and signals until the command ends; returns its wait status. */
static int carry(const pid_t child, const int signals)
{
    for (;;) {
        struct pollfd p[6] = {{.fd = signals, .events = POLLIN}, {.fd = control, .events = POLLIN}};
        for (int i = 0; i < 3; i++) {
            const bool pending = stream[i].begin != stream[i].end;
            p[2 + i].fd = pending ? stream[i].to : stream[i].from;
            p[2 + i].events = pending ? POLLOUT : POLLIN;
        }
        /* So that a command that closed its stdin is noticed although nothing is pending. */
        p[5] = (struct pollfd){.fd = stream[0].to, .events = 0};
        if (poll(p, 6, -1) < 0 && errno != EINTR)
            fail("cannot wait for", "the command");
        for (int i = 0; i < 3; i++)
            if (p[2 + i].revents)
                move(&stream[i], true);
        if (p[5].revents & POLLERR)
            end_stream(&stream[0]);
        if (p[1].revents & POLLIN)
            obey(child);
        if (stream[0].carried == stdin_length)
            end_stream(&stream[0]);
        if (p[0].revents & POLLIN) {
            struct signalfd_siginfo info;
            if (read(signals, &info, sizeof info) < 0 && errno != EAGAIN)
                fail("cannot read", "signals");
            int status, result = -1;
            for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
                if (pid == child)
                    result = status;
            if (result != -1)
                return result;
        }
    }
}

/* Warnings, oopses and the like since the command began; what a user program's own fault logs has a
 * lower priority and is not one. */
static void report_kernel(const int kmsg)
{
    static const char *const bad[] = {
        "WARNING:",       "BUG:",         "Oops",   "general protection",
        "Out of memory:", "kernel panic", "UBSAN:", "invalid opcode:"};
    char record[8192];
    ssize_t n;
    while ((n = read(kmsg, record, sizeof record - 1)) > 0 || (n < 0 && errno == EPIPE)) {
        if (n < 0)
            continue;
        record[n] = 0;
        char *text = strchr(record, ';');
        if (!text || (atoi(record) & 7) > 4)
            continue;
        text[1 + strcspn(text + 1, "\n")] = 0;
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
            if (strstr(text + 1, bad[i])) {
                control_line("kernel %s", text + 1);
                break;
            }
    }
}

int main(void)
{
    mkdir("/proc", 0755);
    mkdir("/sys", 0755);
    mkdir("/dev", 0755);
    mount("devtmpfs", "/dev", "devtmpfs", MS_NOSUID, "mode=755");
    mount("proc", "/proc", "proc", 0, NULL);
    mount("sysfs", "/sys", "sysfs", 0, NULL);
    const int console = open("/dev/console", O_RDWR);
    if (console >= 0)
        for (int i = 0; i < 3; i++)
            dup2(console, i);
    read_job();
    load_modules();
    control = open_port(4);
    int port[3];
    for (int i = 0; i < 3; i++)
        port[i] = open_port(1 + i);
    await_host(port[0]);
    mount_root();
    mount_shares();
    loopback_up();
    const int kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    lseek(kmsg, 0, SEEK_END);

    sigset_t child_ended;
    sigemptyset(&child_ended);
    sigaddset(&child_ended, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child_ended, NULL);
    signal(SIGPIPE, SIG_IGN);
    const int signals = signalfd(-1, &child_ended, SFD_CLOEXEC | SFD_NONBLOCK);
    int pipes[3][2];
    for (int i = 0; i < 3; i++) {
        if (pipe2(pipes[i], O_CLOEXEC) < 0)
            fail("cannot make", "a pipe");
        stream[i].from = i ? pipes[i][0] : port[0];
        stream[i].to = i ? port[i] : pipes[0][1];
        fcntl(i ? pipes[i][0] : pipes[0][1], F_SETFL, O_NONBLOCK);
    }
    control_line("start");
    const pid_t child = fork();
    if (child < 0)
        fail("cannot start", job.arg.item[0]);
    if (child == 0) {
        signal(SIGPIPE, SIG_DFL);
        run_command(pipes[0][0], pipes[1][1], pipes[job.one_output ? 1 : 2][1]);
    }
    close(pipes[0][0]);
    close(pipes[1][1]);
    close(pipes[2][1]);
    const int status = carry(child, signals);
    kill(-1, SIGKILL);
    for (int i = 1; i < 3; i++)
        while (stream[i].from >= 0 && move(&stream[i], true))
            ;
    report_kernel(kmsg);
    sync();
    for (size_t i = job.share.n; i-- > 0;)
        umount2(job.share.item[i], MNT_DETACH);
    control_line("exit %d", WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
    stop();
}
