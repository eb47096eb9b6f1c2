/* faults MODE: exit functions and destructors that fault, among others that do not. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <pthread.h>
#include "ia2.h"
#include "faults.h"

static const char *mode = "";
static char own[] = "own";
static volatile int zero;

static int is(const char *wanted)
{
    return !strcmp(mode, wanted);
}

static void first(void)
{
    printf("first %s\n", own);
}

static void last(void)
{
    printf("last %s %d\n", own, library_add(1, 2));
}

#pragma GCC diagnostic ignored "-Winfinite-recursion"
static __attribute__((noinline)) int deep(volatile char *above)
{
    volatile char here[4096];
    here[0] = above ? above[0] : 1;
    return deep(here) + here[0]; /* no tail call */
}

static void faulty(void)
{
    printf("faulty\n");
    if (is("null"))
        *(volatile int *)(long)zero = 1;
    else if (is("foreign"))
        *library_own() = 1;
    else if (is("division"))
        printf("%d\n", 100 / zero);
    else if (is("illegal"))
        __builtin_trap();
    else if (is("deep"))
        deep(NULL);
    else if (is("nested"))
        library_fault();
    else if (is("called-back"))
        library_call(IA2_FN(called_back));
    else if (is("abort"))
        abort();
    else if (is("many") || is("handled"))
        *(volatile int *)(long)zero = 1;
    printf("not reached\n");
}

/* gate called_back callers=0x4 type=0x55b3aeee */
void called_back(void)
{
    printf("called back\n");
    *(volatile int *)(long)zero = 1;
}

static void on_segv(int number)
{
    (void)number;
    printf("handled\n");
    fflush(stdout);
    _exit(33);
}

__attribute__((destructor)) static void destroy(void)
{
    printf("destructor %s\n", own);
}

__attribute__((destructor)) static void destroy_faulty(void)
{
    if (is("destructor"))
        *(volatile int *)(long)zero = 1;
}

static void by_thread(void *unused)
{
    (void)unused;
    *(volatile int *)(long)zero = 1;
}

int __cxa_thread_atexit_impl(void (*)(void *), void *, void *);
static void *thread(void *unused)
{
    __cxa_thread_atexit_impl(by_thread, NULL, NULL);
    return unused;
}

int main(int argc, char **argv)
{
    mode = argc > 1 ? argv[1] : "";
    setvbuf(stdout, NULL, _IOLBF, 0);
    atexit(last);
    if (is("library"))
        library_register();
    else if (is("unknown"))
        atexit((void (*)(void))library_raw());
    else if (is("thread")) {
        pthread_t t;
        pthread_create(&t, NULL, thread, NULL);
        pthread_join(t, NULL);
    } else if (!is("destructor") && !is("nothing"))
        for (int i = 0; i < (is("many") ? 5 : 1); i++)
            atexit(faulty);
    if (is("handled"))
        signal(SIGSEGV, on_segv);
    atexit(first);
    library_leave(6);
    return 1;
}
