/* class: system_calls
 * source: a race between mmap and the key of the new memory
 * tries: to put a shared file where the victim has just mapped memory, before the memory is the
 *   victim's, and to read in the file what the victim writes
 * must: fail: the memory is the victim's as soon as it is mapped
 * expect: stopped */
#include "attack.h"

#define AT 0x200000000000ul
#define SIZE 4096

static int file;
static volatile int running;

static void *swap(void *unused)
{
    for (running = 1;;)
        SYS(SYS_mmap, AT, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0);
    return unused;
}

static void *clear(void *unused)
{
    for (;;)
        SYS(SYS_munmap, AT, SIZE);
    return unused;
}

ATTACK
{
    char bytes[16] = "";
    file = SYS(SYS_memfd_create, "swap", 0);
    SYS(SYS_ftruncate, file, SIZE);
    thread(swap, NULL);
    thread(clear, NULL);
    while (!running)
        sched_yield();
    for (int i = 0; i < 20000; i++) {
        victim_call(MAP_AT, SIZE, AT);
        SYS(SYS_pread64, file, bytes, 16, 0);
        if (!memcmp(bytes, "SEKRIT-", 7)) {
            leak(bytes);
            return;
        }
    }
}
