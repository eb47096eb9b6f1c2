/* The heap ranges of the runtime, apart from the rest of it: one behaviour for each argument. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory/heap_ranges.h"
#include "state/monitor.h"
#include "state/state.h"

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            exit(1); \
        } \
    } while (0)

#define PLUGIN 3

static const struct ia2_compartment_descriptor first = {.id = 1, .plugin_keys = 1u << PLUGIN};

static long dispatch(int operation, long a, long b, long c, long d, int caller)
{
    CHECK(caller == IA2_KEY_MONITOR);
    return operation == IA2_DO_HEAP_RANGE_MAP ? ia2_heap_range_mapped(a, b, c, d, caller)
                                              : ia2_heap_range_unmapped(a, b, c, d, caller);
}

/* As in the monitor after start-up: keys are in force (virtual ones), and compartments 1 to 3 are
 * there. */
static void start(void)
{
    ia2_state.dispatch = dispatch;
    for (int key = 1; key <= PLUGIN; key++)
        ia2_state.module[key].descriptor = &first;
    ia2_state.ready = 1;
    ia2_virtual_pkru = IA2_PKRU_MONITOR;
}

static char *map(size_t size, int owner)
{
    char *range = ia2_heap_range_map(size, 0, owner);
    CHECK(range);
    return range;
}

static void owned_from_first_to_last_byte(void)
{
    char *range = map(3 * IA2_GRANULE, 2);
    CHECK((uintptr_t)range % IA2_GRANULE == 0);
    CHECK(ia2_heap_owner(range) == 2 && ia2_heap_owner(range + 3 * IA2_GRANULE - 1) == 2);
    CHECK(ia2_heap_owner(range - 1) != 2 && ia2_heap_owner(range + 3 * IA2_GRANULE) != 2);
    memset(range, 1, 3 * IA2_GRANULE);
}

static void part_of_a_granule_is_owned_whole(void)
{
    char *range = map(4096, 1);
    CHECK(ia2_heap_owner(range + IA2_GRANULE - 1) == 1);
}

static void rest_of_a_granule_faults(void)
{
    char *range = map(4096, 1);
    range[0] = 1;
    range[4096] = 1;
}

static void shared_range_names_who_made_it(void)
{
    CHECK(ia2_heap_owner(map(IA2_GRANULE, 2 | IA2_OWNER_SHARED)) == (2 | IA2_OWNER_SHARED));
}

static void alignment_above_a_granule(void)
{
    char *range = ia2_heap_range_map(IA2_GRANULE, 16 * IA2_GRANULE, 1);
    CHECK(range && (uintptr_t)range % (16 * IA2_GRANULE) == 0);
}

static void size_that_overflows_is_refused(void)
{
    errno = 0;
    CHECK(!ia2_heap_range_map(SIZE_MAX, 0, 1) && errno == ENOMEM);
}

static void size_that_nobody_has_is_refused(void)
{
    errno = 0;
    CHECK(!ia2_heap_range_map((size_t)1 << 60, 0, 1) && errno == ENOMEM);
}

static void any_address_may_be_asked_for(void)
{
    int local;
    CHECK(ia2_heap_owner(NULL) == IA2_OWNER_NONE && ia2_heap_owner(&local) == IA2_OWNER_NONE);
    CHECK(ia2_heap_owner((void *)UINTPTR_MAX) == IA2_OWNER_NONE);
    CHECK(ia2_heap_owner((void *)((uintptr_t)1 << 47)) == IA2_OWNER_NONE);
}

static void range_given_back_is_nobodys(void)
{
    char *range = map(2 * IA2_GRANULE, 2);
    CHECK(!ia2_heap_range_unmap(range, 2 * IA2_GRANULE));
    CHECK(ia2_heap_owner(range) == IA2_OWNER_NONE);
}

static void range_given_back_faults(void)
{
    volatile char *range = map(IA2_GRANULE, 2);
    range[0] = 1;
    CHECK(!ia2_heap_range_unmap((void *)range, IA2_GRANULE));
    range[0] = 1;
}

static void part_given_back_stays_owned_and_is_empty(void)
{
    char *range = map(IA2_GRANULE, 2);
    range[4096] = 1;
    CHECK(!ia2_heap_range_unmap(range + 4096, 4096));
    CHECK(ia2_heap_owner(range + 4096) == 2 && range[4096] == 0);
}

static void unloaded_plugin_keeps_its_ranges_as_gone(void)
{
    char *own = map(IA2_GRANULE, PLUGIN), *shared = map(IA2_GRANULE, PLUGIN | IA2_OWNER_SHARED),
         *others = map(IA2_GRANULE, 2);
    own[0] = 7;
    ia2_heap_ranges_let_go(PLUGIN);
    CHECK(ia2_heap_owner(own) == (PLUGIN | IA2_OWNER_GONE) && own[0] == 7);
    CHECK(ia2_heap_owner(shared) == (PLUGIN | IA2_OWNER_SHARED | IA2_OWNER_GONE));
    CHECK(ia2_heap_owner(others) == 2);
}

/* Constructors map before there are compartments. */
static void many_early_ranges(int count)
{
    ia2_state.ready = 0;
    for (int i = 0; i < count; i++)
        map(IA2_GRANULE, 2);
    ia2_heap_ranges_set_keys();
}

static void early_ranges_are_taken_over(void)
{
    many_early_ranges(128);
    many_early_ranges(1); /* and the list is empty again */
}

static void too_many_early_ranges_are_refused(void)
{
    many_early_ranges(129);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } tests[] = {
#define TEST(name) {#name, name}
        TEST(owned_from_first_to_last_byte),
        TEST(part_of_a_granule_is_owned_whole),
        TEST(rest_of_a_granule_faults),
        TEST(shared_range_names_who_made_it),
        TEST(alignment_above_a_granule),
        TEST(size_that_overflows_is_refused),
        TEST(size_that_nobody_has_is_refused),
        TEST(any_address_may_be_asked_for),
        TEST(range_given_back_is_nobodys),
        TEST(range_given_back_faults),
        TEST(part_given_back_stays_owned_and_is_empty),
        TEST(unloaded_plugin_keeps_its_ranges_as_gone),
        TEST(early_ranges_are_taken_over),
        TEST(too_many_early_ranges_are_refused),
    };
    for (size_t i = 0; argc == 2 && i < sizeof(tests) / sizeof(tests[0]); i++)
        if (!strcmp(argv[1], tests[i].name)) {
            start();
            tests[i].run();
            puts("done");
            return 0;
        }
    fprintf(stderr, "no such test\n");
    return 2;
}
