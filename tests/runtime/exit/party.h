/* What each compartment of the matrix does: registers everything that libc can run at the end, and leaves in a given way. The
 * including file defines WHO, a word. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>
#include "ia2.h"
#include "ways.h"
#ifdef PLAIN
#define ia2_safe_exit exit
#else
#include "ia2_destructors.h"
#endif

#define STRING_(x) #x
#define STRING(x) STRING_(x)

int __cxa_atexit(void (*)(void *), void *, void *);
int __cxa_thread_atexit_impl(void (*)(void *), void *, void *);
extern void *__dso_handle __attribute__((visibility("hidden")));

/* Only its owner can read it. */
static char own[16] = STRING(WHO);
static int leaving; /* how */
static pthread_key_t key;

static void say(const char *what)
{
    char line[64];
    int n = snprintf(line, sizeof(line), "%s %s %d\n", own, what, ia2_get_compartment() == PKEY);
    if (write(1, line, (size_t)n) != n)
        _exit(99);
}

static void late(void)
{
    say("registered while leaving");
}

static void exits_again(void)
{
    say("exits again");
    exit(21);
}

static void by_atexit(void)
{
    say("atexit");
    if (leaving == REGISTERS)
        atexit(late);
}

static void by_atexit_2(void)
{
    say("second atexit");
}

static void by_on_exit(int status, void *arg)
{
    char text[32];
    snprintf(text, sizeof(text), "on_exit %d %s", status, (char *)arg);
    say(text);
}

static void by_cxa(void *arg)
{
    say(arg);
}

static void by_quick(void)
{
    say("at_quick_exit");
}

static void by_quick_2(void)
{
    say("second at_quick_exit");
}

static void by_thread(void *arg)
{
    say(arg);
}

static void by_key(void *arg)
{
    say(arg);
}

static void on_signal(int number)
{
    (void)number;
    say("handles");
    if (leaving == CAUGHT || leaving == TIMER)
        exit(17);
    if (leaving == CAUGHT_QUICK)
        quick_exit(18);
    if (leaving == CAUGHT_IMMEDIATE)
        _exit(19);
}

__attribute__((constructor)) static void construct(void)
{
    atexit(by_atexit_2);
    if (PKEY == 1 && getenv("LEAVE_EARLY"))
        exit(27);
}

/* DT_FINI of the library (-Wl,-fini). */
void library_fini(void);
void library_fini(void)
{
    say("DT_FINI");
}

__attribute__((destructor(101))) static void destroy_last(void)
{
    say("destructor 101");
    if (leaving == DESTRUCTOR_REGISTERS)
        atexit(late);
}

__attribute__((destructor(300))) static void destroy_late(void)
{
    say("destructor 300");
    if (leaving == DESTRUCTOR_SIGNALLED) {
        signal(SIGTERM, on_signal);
        raise(SIGTERM);
    }
}

__attribute__((destructor)) static void destroy(void)
{
    say("destructor");
    if (leaving == DESTRUCTOR_EXITS)
        exit(22);
}

__attribute__((destructor)) static void destroy_2(void)
{
    say("second destructor");
}

/* Everything that can be registered, in two rounds so that compartments interleave. */
static void set_up(int round)
{
    if (round == 0) {
        pthread_key_create(&key, by_key);
        atexit(by_atexit);
        on_exit(by_on_exit, own);
        at_quick_exit(by_quick);
    } else {
        __cxa_atexit(by_cxa, own, &__dso_handle);
        at_quick_exit(by_quick_2);
        atexit(by_atexit_2);
        __cxa_atexit(by_cxa, own, NULL);
    }
}

/* What belongs to the calling thread. */
static void set_up_thread(void)
{
    pthread_setspecific(key, own);
    __cxa_thread_atexit_impl(by_thread, own, &__dso_handle);
}

static void leave(int way)
{
    leaving = way;
    printf("buffered by %s\n", own);
    struct itimerval soon = {.it_value = {.tv_usec = 20000}};
    switch (way) {
    case RETURN: return;
    case EXIT: exit(3);
    case REGISTERS: exit(23);
    case DESTRUCTOR_REGISTERS: exit(24);
    case DESTRUCTOR_SIGNALLED: exit(25);
    case DESTRUCTOR_EXITS: exit(26);
    case IMMEDIATE: _exit(4);
    case IMMEDIATE_C: _Exit(5);
    case QUICK: quick_exit(6);
    case SAFE: ia2_safe_exit(8);
    case THREAD: pthread_exit(NULL);
    case ABORT: abort();
    case KILLED: raise(SIGTERM); return;
    case EXITS_AGAIN:
        atexit(exits_again);
        exit(9);
    case CAUGHT: case CAUGHT_QUICK: case CAUGHT_IMMEDIATE:
        signal(SIGTERM, on_signal);
        raise(SIGTERM);
        return;
    case TIMER:
        signal(SIGALRM, on_signal);
        setitimer(ITIMER_REAL, &soon, NULL);
        return;
    }
}
