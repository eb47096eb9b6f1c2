/* permissive WHAT: two compartments touch each other's memory, in every way that a permissive program lets through. What is printed must be what
 * a plain program would print. */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include "permissive.h"

/* share shared */
struct shared shared IA2_SHARED_DATA;

static int numbers[1000];
static char text[100000], copy[100000];
static long words[5000];

static void loop(void)
{
    int sum = 0;
    for (int round = 0; round < 3; round++)
        sum += lib_sum(numbers, 1000);
    printf("sum %d\n", sum);
}

/* Far more than anybody waits for; and others of the pages' neighbours before and after. */
static void hot(void)
{
    static int many[1 << 20];
    long sum = 0;
    for (int round = 0; round < 20; round++)
        sum += lib_sum(many, 1 << 20);
    lib_set(&numbers[1], 5);
    lib_set(&many[1 << 19], 6);
    printf("sum %ld %d %d\n", sum, numbers[1], many[1 << 19]);
}

static void objects(void)
{
    int local[4] = {1, 2, 3, 4};
    static __thread int own[4] = {5, 6, 7, 8};
    int *heap = malloc(4 * sizeof(int));
    memcpy(heap, local, sizeof(local));
    printf("%d %d %d\n", lib_sum(local, 4), lib_sum(own, 4), lib_sum(heap, 4));
    lib_set(&local[1], 9);
    lib_set(&heap[1], 10);
    lib_set(&own[1], 11);
    lib_set(&numbers[1], 12);
    printf("%d %d %d %d\n", local[1], heap[1], own[1], numbers[1]);
    printf("%s\n", lib_text());
    free(heap);
}

static void strings(void)
{
    memset(text, 'a', sizeof(text) - 1);
    lib_copy(copy, text, sizeof(text));
    printf("%zu %d\n", strlen(copy), strcmp(copy, text));
    /* Overlapping: the first byte goes everywhere. */
    text[0] = 'z';
    lib_copy(text + 1, text, 50000);
    printf("%c %c %c\n", text[1], text[50000], text[50001]);
    lib_fill(words, 77, 5000);
    printf("%ld %ld\n", words[0], words[4999]);
}

static void *in_thread(void *at)
{
    for (int i = 0; i < 200; i++)
        lib_set((int *)at, i);
    return NULL;
}

static void threads(void)
{
    pthread_t thread[8];
    for (int i = 0; i < 8; i++)
        pthread_create(&thread[i], NULL, in_thread, &numbers[i]);
    for (int i = 0; i < 8; i++)
        pthread_join(thread[i], NULL);
    int sum = 0;
    for (int i = 0; i < 8; i++)
        sum += numbers[i];
    printf("sum %d\n", sum);
}

static void *masked(void *unused)
{
    sigset_t all;
    (void)unused;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    printf("%d\n", lib_sum(numbers, 10));
    lib_mask();
    printf("%d\n", lib_sum(numbers, 10));
    return NULL;
}

static void masks(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, masked, NULL);
    pthread_join(thread, NULL);
}

static void on_alarm(int number)
{
    (void)number;
    shared.handled++;
    if (lib_sum(numbers, 3) != 3)
        shared.wrong++;
}

/* Signals come between the fault and the end of its step, and their handlers are violations themselves. */
static void storm(void)
{
    struct sigaction act = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    struct itimerval often = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
    sigaction(SIGALRM, &act, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    long sum = 0;
    for (int round = 0; round < 200 || shared.handled < 50; round++)
        sum += lib_sum(numbers, 20) - 190;
    setitimer(ITIMER_REAL, &never, NULL);
    printf("%ld %d %d\n", sum, shared.handled >= 50, shared.wrong);
}

static void on_trap(int number, siginfo_t *info, void *context)
{
    (void)context;
    shared.handled += number == SIGTRAP && info->si_code > 0;
    if (lib_sum(numbers, 3) != 3)
        shared.wrong++;
}

static void on_segv(int number, siginfo_t *info, void *context)
{
    (void)context;
    shared.handled += number == SIGSEGV && info->si_addr == (void *)16;
    if (lib_sum(numbers, 3) != 3)
        shared.wrong++;
    printf("%d %d %d %d\n", shared.handled, shared.wrong, numbers[3], numbers[4]);
    fflush(stdout);
    _exit(0);
}

static void on_first(int number)
{
    struct sigaction now;
    sigaction(number, NULL, &now);
    lib_set(&numbers[3], 7);
    printf("%d %d\n", now.sa_handler == SIG_DFL, numbers[3]);
    fflush(stdout);
    if (shared.handled)
        _exit(0);
}

/* A handler for one fault of the program's own, after any number of violations. */
static void one_shot(int ends)
{
    struct sigaction first = {.sa_handler = on_first, .sa_flags = SA_RESETHAND}, now;
    shared.handled = ends;
    sigaction(SIGSEGV, &first, NULL);
    for (int i = 0; i < 5; i++)
        lib_set(&numbers[3], i);
    sigaction(SIGSEGV, NULL, &now);
    printf("%d %d\n", now.sa_handler == on_first, (now.sa_flags & (int)SA_RESETHAND) != 0);
    fflush(stdout);
    *(volatile int *)16 = 1;
    puts("after");
}

static void reset_handler(void)
{
    one_shot(1);
}

static void second_fault(void)
{
    one_shot(0);
}

/* The program's own traps and faults are still its own. */
static void handlers(void)
{
    struct sigaction trap = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO}, segv = {.sa_sigaction = on_segv, .sa_flags = SA_SIGINFO}, old;
    sigaction(SIGTRAP, &trap, NULL);
    sigaction(SIGSEGV, &segv, NULL);
    lib_set(&numbers[3], 3);
    __asm__ volatile("int3");
    lib_set(&numbers[3], 4);
    sigaction(SIGTRAP, NULL, &old);
    printf("%d\n", old.sa_sigaction == on_trap);
    signal(SIGTRAP, SIG_IGN);
    raise(SIGTRAP);
    lib_set(&numbers[4], 6);
    *(volatile int *)16 = 1;
}

static void kernel(void)
{
    int ends[2];
    static char name[] = "/proc/self/comm";
    if (pipe(ends))
        exit(2);
    strcpy(text, "through a pipe");
    if (lib_write(ends[1], text, 15) != 15)
        exit(3);
    printf("%d %s\n", lib_read(ends[0], copy, 100), copy);
    printf("%d ", lib_open(name) >= 0);
    memset(copy, 0, 100);
    printf("%d %s", lib_stdio(name, copy, 100), copy);
}

static void blocks(void)
{
    char *block = strdup("a block");
    block = lib_grow(block, 1000);
    printf("%s\n", block);
    lib_free(malloc(10));
}

static int no_gate(int value)
{
    return value + numbers[2];
}

static void calls(void)
{
    printf("%d\n", lib_call(no_gate, 40));
}

static void forked(void)
{
    for (int i = 0; i < 3; i++) {
        fflush(stdout);
        if (!fork()) {
            lib_set(&numbers[5], i);
            printf("child %d\n", numbers[5]);
            exit(0);
        }
        wait(NULL);
    }
    lib_set(&numbers[5], 9);
    printf("parent %d\n", numbers[5]);
}

static void null_pointer(void)
{
    lib_set(&numbers[5], 9);
    puts("before");
    fflush(stdout);
    /* Its source is a violation, its target is not there: the step itself faults. */
    lib_move((char *)16, text);
    puts("after");
}

static void trap(void)
{
    lib_set(&numbers[5], 9);
    __asm__ volatile("int3");
    puts("after");
}

static void aborts(void)
{
    lib_set(&numbers[5], 9);
    abort();
}

static void quick_exits(void)
{
    lib_set(&numbers[5], 9);
    quick_exit(0);
}

static void kills(void)
{
    lib_set(&numbers[5], 9);
    raise(SIGKILL);
}

static void printed(void)
{
    lib_print(copy, "a text of the program");
    puts(copy);
    lib_print(copy, strcpy(text, "another"));
    puts(copy);
}

static __attribute__((noinline)) char *make_text(void)
{
    char *made = malloc(48);
    memset(made, 't', 47);
    made[47] = 0;
    return made;
}

static __attribute__((noinline)) char *make_neighbour(void)
{
    char *made = malloc(48);
    memset(made, 'n', 47);
    made[47] = 0;
    return made;
}

/* Texts with a neighbour on each side, at all distances from a multiple of 32. */
static void vectors(void)
{
    char *made[24];
    for (int i = 0; i < 24; i++)
        made[i] = i % 2 ? make_text() : make_neighbour();
    size_t length = 0;
    for (int i = 1; i < 24; i += 2)
        length += lib_length(made[i]);
    printf("%zu\n", length);
}

/* What is read of a neighbour is the neighbour's. */
static void neighbours(void)
{
    char *one = make_text(), *other = make_neighbour();
    printf("%zu %zu\n", lib_length(one), lib_length(other));
    printf("%d\n", lib_sum((int *)(void *)one, 10) == lib_sum((int *)(void *)other, 10));
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } all[] = {{"loop", loop}, {"objects", objects}, {"strings", strings}, {"threads", threads}, {"masks", masks}, {"storm", storm},
               {"handlers", handlers}, {"kernel", kernel}, {"blocks", blocks}, {"calls", calls}, {"forked", forked},
               {"null", null_pointer}, {"trap", trap}, {"aborts", aborts},
               {"quick-exit", quick_exits}, {"kill", kills}, {"reset", reset_handler}, {"second", second_fault}, {"hot", hot}, {"printed", printed}, {"vectors", vectors}, {"neighbours", neighbours}};
    for (int i = 0; i < 1000; i++)
        numbers[i] = i;
    for (size_t i = 0; argc == 2 && i < sizeof(all) / sizeof(all[0]); i++)
        if (!strcmp(argv[1], all[i].name)) {
            all[i].run();
            return 0;
        }
    return 2;
}
