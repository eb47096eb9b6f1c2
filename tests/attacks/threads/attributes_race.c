/* class: threads
 * source: what the runtime decides on lies on a stack under key 0
 * tries: to have a second thread change the pthread_attr_t by which a new thread gets its memory, so
 *   that the attacker's key is put on pages of the victim's below
 * must: decide on nothing that others write; put keys on no memory that was not shown to be the
 *   thread's
 * expect: stopped */
#include "attack.h"
#include <time.h>

#define BUFFER 0x700000000000l
#define BUFFER_SIZE (4l << 20)
#define OWN_SIZE (1l << 20)
#define ZONES (4096 + IA2_SIGNAL_ZONE)

static word top, base, zone;
static volatile int won, running, armed;
static volatile char *attributes; /* on the shared stack of the thread that creates others */
static word wanted_stack;

static void *probe(void *unused)
{
    const struct ia2_thread_record *record = own_record();
    base = record->fsbase;
    top = record->top[own_key];
    zone = record->zone_size;
    word below = top - zone - ZONES;
    if (below > BUFFER && below < BUFFER + BUFFER_SIZE) {
        *(volatile long *)below = 0x41414141;
        won = 1;
        for (;;)
            pause();
    }
    return unused;
}

/* struct pthread_attr of glibc: flags at 8, stack address at 24, its size at 32. */
static void *change(void *unused)
{
    for (running = 1;;) {
        volatile word *size = (volatile word *)(attributes + 32);
        if (armed && *size > 600000 && *size < 4000000) {
            *(volatile word *)(attributes + 24) = wanted_stack;
            *(volatile uint32_t *)(attributes + 8) |= 8;
        }
    }
    return unused;
}

/* Whether a page of the victim's buffer has another key than the victim's. */
static int other_keys(void)
{
    char line[512];
    unsigned long low = 0, first, last;
    int key, found = 0;
    FILE *maps = fopen("/proc/self/smaps", "r");
    while (!found && fgets(line, sizeof line, maps)) {
        if (sscanf(line, "%lx-%lx ", &first, &last) == 2)
            low = first;
        if (low >= BUFFER && low < BUFFER + BUFFER_SIZE && sscanf(line, "ProtectionKey: %d", &key) == 1)
            found = key != victim_key;
    }
    fclose(maps);
    return found;
}

ATTACK
{
    pthread_t made;
    pthread_attr_t small;
    if (victim_call(MAP_AT, BUFFER_SIZE, BUFFER) != BUFFER)
        cannot("the victim's buffer is not where it should be");
    long own_memory = SYS(SYS_mmap, BUFFER + BUFFER_SIZE, OWN_SIZE, 3,
                          MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (FAILED(own_memory))
        cannot("no memory above the victim's buffer");
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 16384);
    pthread_create(&made, &small, probe, NULL);
    pthread_join(made, NULL);
    wanted_stack = own_memory + 0x80000;
    attributes = (char *)((own_record()->shared_high - 56) & -16ul);
    thread(change, NULL);
    while (!running)
        sched_yield();
    armed = 1;
    for (int i = 0; i < 60 && !won; i++) {
        if (pthread_create(&made, &small, probe, NULL))
            break;
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += 1; /* a thread on a stack that was given away may never end */
        int lost = won || pthread_timedjoin_np(made, NULL, &until);
        if (other_keys()) {
            effect("pages of the victim's have another key");
            SYS(SYS_exit_group, 0);
        }
        if (lost)
            break;
    }
    armed = 0;
    victim_call(MAPPED_CHANGED, BUFFER, BUFFER_SIZE);
}
