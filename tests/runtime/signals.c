/* signals CASE: handlers run in the compartment that installed them, whatever they interrupt. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include "ia2.h"
#include "signals.h"

/* share shared */
struct shared shared IA2_SHARED_DATA = {0};
/* gate app_back args_int=1 ret_int=1 type=0x21 export=0 */
IA2_DECLARE_GATE(app_back);

int app_back(int n);
static int own, depth_seen, sum;
static siginfo_t last;

static void handler(int number)
{
    own++;
    shared.wrong += ia2_get_compartment() != PKEY;
    shared.count[number]++;
}

static void calling_handler(int number)
{
    handler(number);
    sum += lib_add(number, 1);
    sum += lib_back(IA2_FN(app_back), 2);
}

static void raising_handler(int number)
{
    handler(number);
    int before = shared.count[SIGUSR2];
    lib_raise(SIGUSR2);
    depth_seen = shared.count[SIGUSR2] - before;
}

static void siginfo_handler(int number, siginfo_t *info, void *context)
{
    handler(number);
    last = *info;
    CHECK(context);
}

int app_back(int n)
{
    own++;
    return n + 1;
}

static void install(int number, void (*function)(int), int flags)
{
    struct sigaction act = {.sa_handler = function, .sa_flags = flags};
    sigemptyset(&act.sa_mask);
    CHECK(!sigaction(number, &act, NULL));
}

/* Signals at every instruction of a call, sooner or later. */
static void storm(int by_library, void (*function)(int))
{
    struct itimerval often = {{0, 300}, {0, 300}}, never = {{0, 0}, {0, 0}};
    if (by_library)
        CHECK(!lib_install(SIGALRM, SA_RESTART));
    else
        install(SIGALRM, function, SA_RESTART);
    time_t end = time(NULL) + 3;
    CHECK(!setitimer(ITIMER_REAL, &often, NULL));
    long calls = 0;
    while (time(NULL) < end && shared.count[SIGALRM] < 20000)
        for (int i = 0; i < 100; i++) {
            CHECK(lib_add(i, 1) == i + 1);
            CHECK(lib_back(IA2_FN(app_back), i) == i + 2);
            calls++;
        }
    CHECK(!setitimer(ITIMER_REAL, &never, NULL));
    CHECK(shared.count[SIGALRM] > 50);
    CHECK(!shared.wrong);
    fprintf(stderr, "%ld calls, %d signals\n", calls, shared.count[SIGALRM]);
}

static void *churned(void *arg)
{
    return (void *)(long)lib_add((int)(long)arg, 1);
}

/* A signal may come while a thread is being made or taken down. */
static void churn(void)
{
    struct itimerval often = {{0, 300}, {0, 300}}, never = {{0, 0}, {0, 0}};
    install(SIGALRM, calling_handler, SA_RESTART);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    CHECK(!setitimer(ITIMER_REAL, &often, NULL));
    time_t end = time(NULL) + 3;
    /* New threads take the signals: the main thread blocks them once they run. */
    for (long i = 0; time(NULL) < end; i++) {
        pthread_t thread;
        CHECK(!pthread_create(&thread, NULL, churned, (void *)i));
        CHECK(!pthread_sigmask(SIG_BLOCK, &set, NULL));
        void *value;
        CHECK(!pthread_join(thread, &value) && (long)value == i + 1);
        CHECK(!pthread_sigmask(SIG_UNBLOCK, &set, NULL));
    }
    CHECK(!setitimer(ITIMER_REAL, &never, NULL));
    CHECK(!shared.wrong);
}

static void old_values(void)
{
    struct sigaction act = {.sa_handler = handler, .sa_flags = SA_RESTART | SA_NODEFER}, old;
    sigemptyset(&act.sa_mask);
    sigaddset(&act.sa_mask, SIGUSR2);
    CHECK(!sigaction(SIGUSR1, &act, &old) && old.sa_handler == SIG_DFL);
    CHECK(!sigaction(SIGUSR1, NULL, &old) && old.sa_handler == handler);
    CHECK((old.sa_flags & ~0x04000000) == (SA_RESTART | SA_NODEFER)); /* SA_RESTORER is glibc's */
    CHECK(sigismember(&old.sa_mask, SIGUSR2) && !sigismember(&old.sa_mask, SIGINT));
    CHECK(signal(SIGUSR1, SIG_IGN) == handler);
    CHECK(signal(SIGUSR1, SIG_DFL) == SIG_IGN);
    CHECK(!sigaction(SIGSEGV, NULL, &old) && old.sa_handler == SIG_DFL);
    CHECK(sigaction(SIGKILL, &act, NULL) == -1 && errno == EINVAL);
    CHECK(sigaction(999, &act, NULL) == -1 && errno == EINVAL);
    /* What it gave back can be put back. */
    CHECK(!sigaction(SIGUSR1, &act, NULL) && !sigaction(SIGUSR1, NULL, &old) && !sigaction(SIGUSR1, &old, NULL));
    CHECK(!raise(SIGUSR1) && shared.count[SIGUSR1] == 1 && !shared.wrong);
}

static void masks(void)
{
    struct sigaction act = {.sa_handler = raising_handler};
    sigemptyset(&act.sa_mask);
    sigaddset(&act.sa_mask, SIGUSR2);
    install(SIGUSR2, handler, 0);
    CHECK(!sigaction(SIGUSR1, &act, NULL) && !lib_raise(SIGUSR1));
    CHECK(depth_seen == 0 && shared.count[SIGUSR2] == 1); /* blocked until the first was done */
    install(SIGUSR1, raising_handler, 0);
    CHECK(!lib_raise(SIGUSR1) && depth_seen == 1 && shared.count[SIGUSR2] == 2);
    CHECK(!lib_install(SIGUSR2, 0)); /* the inner handler is the library's, which is suspended below */
    CHECK(!lib_raise(SIGUSR1) && depth_seen == 1 && shared.count[SIGUSR2] == 3 && !shared.wrong);
    sigset_t now;
    CHECK(!pthread_sigmask(SIG_SETMASK, NULL, &now) && !sigismember(&now, SIGUSR1) && !sigismember(&now, SIGUSR2));
}

static void information(void)
{
    struct sigaction act = {.sa_sigaction = siginfo_handler, .sa_flags = SA_SIGINFO};
    union sigval value = {.sival_int = 1234};
    sigemptyset(&act.sa_mask);
    CHECK(!sigaction(SIGRTMIN, &act, NULL) && !sigqueue(getpid(), SIGRTMIN, value));
    CHECK(last.si_value.sival_int == 1234 && last.si_pid == getpid() && last.si_code == SI_QUEUE);
}

static void reset(void)
{
    install(SIGUSR1, handler, SA_RESETHAND);
    struct sigaction old;
    CHECK(!lib_raise(SIGUSR1) && shared.count[SIGUSR1] == 1);
    CHECK(!sigaction(SIGUSR1, NULL, &old) && old.sa_handler == SIG_DFL);
    puts("once");
    fflush(stdout);
    lib_raise(SIGUSR1);
    puts("twice");
}

static void interrupt(int number)
{
    handler(number);
    shared.stop = 1;
}

static void *spin(void *unused)
{
    while (!shared.stop)
        CHECK(lib_add(3, 4) == 7);
    return unused;
}

static void between_threads(void)
{
    pthread_t thread;
    install(SIGUSR1, calling_handler, 0);
    CHECK(!pthread_create(&thread, NULL, spin, NULL));
    for (int i = 0; i < 300; i++) {
        CHECK(!pthread_kill(thread, SIGUSR1));
        usleep(100);
    }
    shared.stop = 1;
    CHECK(!pthread_join(thread, NULL) && shared.count[SIGUSR1] > 10 && !shared.wrong);
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    if (!strcmp(name, "own"))
        install(SIGUSR1, handler, 0), raise(SIGUSR1);
    else if (!strcmp(name, "while-library-runs"))
        install(SIGUSR1, handler, 0), lib_raise(SIGUSR1);
    else if (!strcmp(name, "handler-calls"))
        install(SIGUSR1, calling_handler, 0), lib_raise(SIGUSR1), raise(SIGUSR1);
    else if (!strcmp(name, "librarys-own"))
        CHECK(!lib_install(SIGUSR1, 0) && !lib_raise(SIGUSR1) && !raise(SIGUSR1));
    else if (!strcmp(name, "storm"))
        storm(0, handler);
    else if (!strcmp(name, "storm-calling"))
        storm(0, calling_handler);
    else if (!strcmp(name, "storm-library"))
        storm(1, NULL);
    else if (!strcmp(name, "churn"))
        churn();
    else if (!strcmp(name, "between-threads"))
        between_threads();
    else if (!strcmp(name, "old-values"))
        old_values();
    else if (!strcmp(name, "masks"))
        masks();
    else if (!strcmp(name, "siginfo"))
        information();
    else if (!strcmp(name, "reset"))
        reset();
    else if (!strcmp(name, "interrupt"))
        install(SIGINT, interrupt, 0), CHECK(lib_wait() == 7);
    else if (!strncmp(name, "attack", 6)) {
        volatile uint64_t block[1000]; /* what a frame laid over this one would change */
        for (int i = 0; i < 1000; i++)
            block[i] = 0x1234;
        CHECK(!lib_attacks(name[6] - '0') && !raise(SIGUSR1) && shared.count[SIGUSR1] == 1 && lib_add(1, 2) == 3);
        for (int i = 0; i < 1000; i++)
            CHECK(block[i] == 0x1234);
        own = 1;
    } else if (!strcmp(name, "null"))
        lib_overwrites(NULL);
    else if (!strcmp(name, "sent-segv"))
        kill(getpid(), SIGSEGV), usleep(100000);
    else if (!strcmp(name, "raised-segv"))
        lib_raise(SIGSEGV);
    else if (!strcmp(name, "abort"))
        lib_raise(SIGABRT);
    else if (!strcmp(name, "own-segv-handler")) /* a handler does not hide a violation */
        install(SIGSEGV, handler, 0), lib_overwrites(&own);
    else
        return 2;
    CHECK(!shared.wrong);
    printf("handled %d\n", own);
    return 0;
}
