#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "permissive.h"

/* gate lib_sum args_int=2 ret_int=1 */
/* gate lib_set args_int=2 */
/* gate lib_copy args_int=3 */
/* gate lib_fill args_int=3 */
/* gate lib_move args_int=2 */
/* gate lib_read args_int=3 ret_int=1 */
/* gate lib_write args_int=3 ret_int=1 */
/* gate lib_open args_int=1 ret_int=1 */
/* gate lib_stdio args_int=3 ret_int=1 */
/* gate lib_free args_int=1 */
/* gate lib_grow args_int=2 ret_int=1 */
/* gate lib_call args_int=2 ret_int=1 */
/* gate lib_text ret_int=1 */
/* gate lib_mask */
/* gate lib_print args_int=2 */
/* gate lib_length args_int=1 ret_int=1 */

int lib_sum(const int *numbers, size_t n)
{
    int sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += ((const volatile int *)numbers)[i];
    return sum;
}

void lib_set(int *number, int value)
{
    *(volatile int *)number = value;
}

void lib_copy(char *to, const char *from, size_t n)
{
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}

void lib_fill(long *to, long value, size_t n)
{
    __asm__ volatile("rep stosq" : "+D"(to), "+c"(n) : "a"(value) : "memory");
}

void lib_move(char *to, const char *from)
{
    __asm__ volatile("movsb" : "+D"(to), "+S"(from) : : "memory");
}

int lib_read(int fd, char *to, size_t n)
{
    return (int)read(fd, to, n);
}

int lib_write(int fd, const char *from, size_t n)
{
    return (int)write(fd, from, n);
}

int lib_open(const char *path)
{
    return open(path, O_RDONLY);
}

int lib_stdio(const char *path, char *to, size_t n)
{
    FILE *file = fopen(path, "r");
    size_t got = file ? fread(to, 1, n, file) : 0;
    if (file)
        fclose(file);
    return (int)got;
}

void lib_free(void *block)
{
    free(block);
}

char *lib_grow(char *block, size_t size)
{
    return realloc(block, size);
}

int lib_call(int (*function)(int), int value)
{
    return IA2_CALL(function, 0x31)(value);
}

char *lib_text(void)
{
    char *text = malloc(100);
    strcpy(text, "a text of the library");
    return text;
}

void lib_mask(void)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
}

static __attribute__((noinline)) int deep(int n)
{
    volatile char room[256];
    memset((char *)room, n, sizeof(room));
    return (n ? deep(n - 1) : 0) + room[n];
}

/* What deep has left of return addresses lies below, in frames that libc does not fill. */
static __attribute__((noinline)) void print_it(char *to, const char *text)
{
    snprintf(to, 100, "%s %d", text, 5);
}

void lib_print(char *to, const char *text)
{
    char own[100];
    volatile int sink = deep(40);
    (void)sink;
    print_it(own, text);
    strcpy(to, own);
}

/* strlen as libc has it: two aligned vectors at a time, from below the text to behind its end. */
size_t lib_length(const char *text)
{
    const char *at = (const char *)((uintptr_t)text & -32ul);
    unsigned before = (unsigned)(text - at);
    uint64_t skip = -1ul << before;
    for (;; at += 32, skip = -1ul) {
        unsigned first, second;
        __asm__ volatile("pxor %%xmm2, %%xmm2\n\t"
                         "movdqa (%2), %%xmm0\n\t"
                         "movdqa 16(%2), %%xmm1\n\t"
                         "pcmpeqb %%xmm2, %%xmm0\n\t"
                         "pcmpeqb %%xmm2, %%xmm1\n\t"
                         "pmovmskb %%xmm0, %0\n\t"
                         "pmovmskb %%xmm1, %1"
                         : "=&r"(first), "=&r"(second) : "r"(at) : "xmm0", "xmm1", "xmm2");
        uint64_t zeros = ((uint64_t)second << 16 | first) & skip & 0xffffffff;
        if (zeros)
            return (size_t)(at - text) + (size_t)__builtin_ctzl(zeros);
    }
}
