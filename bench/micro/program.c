/* Prints what small things cost, "NAME VALUE" per line: calls in TSC cycles, the rest in
 * microseconds.
 *
 * Built twice from this source, plain and compartmentalized. Each value is the smallest of many
 * batches: what is above it is other work of the machine. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "library.h"

enum {
    CALLS = 20000,
    BATCHES = 300,
    THREADS = 100,
    THREAD_BATCHES = 20,
    BLOCKS = 20000,
    BLOCK_BATCHES = 40
};

static int program_leaf(int value)
{
    return value;
}

static double direct_calls(void)
{
    unsigned cpu;
    unsigned long long start = __rdtscp(&cpu);
    for (int i = 0; i < CALLS; i++)
        library_leaf(i);
    return (double)(__rdtscp(&cpu) - start) / CALLS;
}

static double indirect_calls(void)
{
    operation called = library_operation();
    unsigned cpu;
    unsigned long long start = __rdtscp(&cpu);
    for (int i = 0; i < CALLS; i++)
        called(i);
    return (double)(__rdtscp(&cpu) - start) / CALLS;
}

static double callbacks(void)
{
    return library_calls(program_leaf, CALLS);
}

static double same_owner_calls(void)
{
    return library_calls(library_operation(), CALLS);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static void *nothing(void *argument)
{
    return argument;
}

static double threads(void)
{
    double start = now();
    for (int i = 0; i < THREADS; i++) {
        pthread_t thread;
        int failed = pthread_create(&thread, NULL, nothing, NULL);
        if (!failed)
            failed = pthread_join(thread, NULL);
        if (failed) {
            fprintf(stderr, "thread: %s\n", strerror(failed));
            exit(1);
        }
    }
    return (now() - start) / THREADS;
}

static double blocks(size_t size)
{
    /* Some blocks live, as in a real program; each is written, as a block is allocated to be. */
    static char *live[16];
    double start = now();
    for (int i = 0; i < BLOCKS; i++) {
        char **block = &live[i % 16];
        free(*block);
        *block = malloc(size);
        if (!*block)
            exit(1);
        **(volatile char **)block = 1;
    }
    double took = (now() - start) / BLOCKS;
    for (int i = 0; i < 16; i++) {
        free(live[i]);
        live[i] = NULL;
    }
    return took;
}

static double small_blocks(void)
{
    return blocks(48);
}

static double page_blocks(void)
{
    return blocks(4000);
}

static double large_blocks(void)
{
    return blocks(200000);
}

static void measure(const char *name, double (*once)(void), int batches)
{
    double best = 1e18;
    for (int i = 0; i < batches; i++) {
        double took = once();
        best = took < best ? took : best;
    }
    printf("%s %.4f\n", name, best);
}

/* On a CPU without protection keys the gates' WRPKRU and RDPKRU have become moves to and from a
 * thread-local. This takes the moves out of the library's gates as well: what is left is what a
 * gate costs apart from those instructions. Afterwards the program is good for calling library_leaf
 * and nothing else. \return 0 if there is nothing to take out. */
static int drop_virtual_pkru(void)
{
    static const uint8_t load[4] = {0x64, 0x8b, 0x04, 0x25}, store[4] = {0x64, 0x89, 0x04, 0x25};
    static const uint8_t nop[8] = {0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0};
    uint8_t *stub = (uint8_t *)library_operation();
    int32_t distance;
    if (stub[0] != 0x41 || stub[1] != 0xbb || stub[6] != 0xe9)
        return 0; /* mov $index, %r11d; jmp body */
    memcpy(&distance, stub + 7, sizeof(distance));
    uint8_t *body = stub + 11 + distance;
    uint8_t *page = (uint8_t *)((uintptr_t)body & ~4095ul);
    int found = 0;
    if (mprotect(page, 8192, PROT_READ | PROT_WRITE | PROT_EXEC)) {
        fprintf(stderr, "mprotect: %s\n", strerror(errno));
        exit(1);
    }
    /* The body ends before the next RDPKRU. */
    for (uint8_t *at = body; at < page + 8192 - 8; at++) {
        int32_t offset;
        uint32_t pkru;
        memcpy(&offset, at + 4, sizeof(offset));
        if (!memcmp(at, store, sizeof(store))) {
            memcpy(at, nop, sizeof(nop));
        } else if (!memcmp(at, load, sizeof(load))) {
            if (found++)
                break;
            __asm__("movl %%fs:(%1), %0" : "=r"(pkru) : "r"((long)offset));
            at[0] = 0xb8; /* mov $pkru, %eax */
            memcpy(at + 1, &pkru, sizeof(pkru));
            memcpy(at + 5, (uint8_t[]){0x0f, 0x1f, 0}, 3);
        }
    }
    return found;
}

int main(void)
{
    measure("direct", direct_calls, BATCHES);
    measure("indirect", indirect_calls, BATCHES);
    measure("callback", callbacks, BATCHES);
    measure("same-owner", same_owner_calls, BATCHES);
    measure("thread", threads, THREAD_BATCHES);
    measure("malloc-48", small_blocks, BLOCK_BATCHES);
    measure("malloc-4000", page_blocks, BLOCK_BATCHES);
    measure("malloc-200000", large_blocks, BLOCK_BATCHES);
    if (drop_virtual_pkru())
        measure("direct-no-pkru", direct_calls, BATCHES);
    fflush(stdout);
    _exit(0);
}
