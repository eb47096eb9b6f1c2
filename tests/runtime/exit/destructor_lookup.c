/* destructor_lookup SEED: looks up pointers of every kind. With "tamper": changes the map and looks one up. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "ia2.h"
#include "ia2_destructors.h"
#include "state/state.h"
#include "dl_debug.h"

/* destructor known */
__attribute__((destructor)) void known(void) {}

static uint64_t state;
static uint64_t random_word(void)
{
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return state;
}

static int is_known(uintptr_t at)
{
    size_t count;
    const struct ia2_destructor_metadata *all = ia2_get_destructor_metadata(&count);
    for (size_t i = 0; i < count; i++)
        if ((uintptr_t)all[i].function == at)
            return 1;
    return 0;
}

static uintptr_t pick(int round)
{
    static char data[64];
    char *unmapped = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(unmapped, 4096);
    switch (round % 8) {
    case 0: return random_word();
    case 1: return (uintptr_t)known;
    case 2: return (uintptr_t)known + random_word() % 64;
    case 3: return (uintptr_t)unmapped + random_word() % 4096;
    case 4: return (uintptr_t)data + random_word() % 64;
    case 5: return (uintptr_t)&ia2_state + random_word() % sizeof(ia2_state);
    case 6: return (uintptr_t)1 << random_word() % 64;
    default: return random_word() & 0x7fffffffffff;
    }
}

static void tamper(const char *how)
{
    struct ia2_destructor_metadata changed = ia2_state.map.entry[0];
    if (!strcmp(how, "owner"))
        changed.compartment_id = 3 - changed.compartment_id;
    else if (!strcmp(how, "function"))
        changed.function = (void *)tamper;
    else if (!strcmp(how, "name"))
        changed.symbol_name = (char *)&changed;
    if (!strcmp(how, "count"))
        ia2_state.map.count = 1u << 30;
    else
        ia2_state.map.entry[0] = changed;
}

int main(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[1], "tamper")) {
        tamper(argv[2]);
        return 0; /* exit looks up each destructor */
    }
    if (argc == 2 && !strcmp(argv[1], "write")) {
        ((volatile struct ia2_state *)&ia2_state)->map.count = 0; /* read-only: faults */
        return 0;
    }
    state = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    int found = 0;
    for (int round = 0; round < 40000; round++) {
        uintptr_t at = pick(round);
        const struct ia2_destructor_metadata *it = ia2_destructor_lookup((void *)at);
        if ((it != NULL) != is_known(at) || (it && (uintptr_t)it->function != at)) {
            printf("wrong at %#lx\n", at);
            return 1;
        }
        found += it != NULL;
    }
    printf("%s\n", found >= 5000 ? "done" : "never found");
    return library_value() != 'l';
}
