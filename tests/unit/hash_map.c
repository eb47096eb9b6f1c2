/* The hash map and the interned strings of base/intern.c: `hash_map BEHAVIOUR` ends with 0 if they
 * behave so. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/intern.h"

#define MANY 100000

static int values[MANY];

static int empty_map_has_nothing(void)
{
    const struct map map = {0};
    return map_get(&map, 1) == NULL && map_get(&map, UINT64_MAX) == NULL;
}

static int value_comes_back(void)
{
    struct map map = {0};
    map_put(&map, 7, &values[7]);
    const int holds = map_get(&map, 7) == &values[7] && map_get(&map, 8) == NULL && map.used == 1;
    map_free(&map);
    return holds;
}

static int second_value_replaces_the_first(void)
{
    struct map map = {0};
    map_put(&map, 7, &values[1]);
    map_put(&map, 7, &values[2]);
    const int holds = map_get(&map, 7) == &values[2] && map.used == 1;
    map_free(&map);
    return holds;
}

/* Keys that differ in one bit of any rank, as pointers and hashes do. */
static int every_bit_of_a_key_counts(void)
{
    struct map map = {0};
    int holds = 1;
    for (int bit = 0; bit < 64; bit++)
        map_put(&map, UINT64_C(1) << bit, &values[bit]);
    for (int bit = 0; bit < 64; bit++)
        holds &= map_get(&map, UINT64_C(1) << bit) == &values[bit];
    holds &= map_get(&map, 3) == NULL && map.used == 64;
    map_free(&map);
    return holds;
}

static int all_stay_while_it_grows(void)
{
    struct map map = {0};
    int holds = 1;
    for (size_t i = 0; i < MANY; i++) {
        map_put(&map, 4096 * (i + 1), &values[i]);
        holds &= map_get(&map, 4096) == &values[0];
    }
    for (size_t i = 0; i < MANY; i++)
        holds &= map_get(&map, 4096 * (i + 1)) == &values[i];
    holds &= map.used == MANY && map.capacity >= 2 * MANY && !map_get(&map, 4095);
    map_free(&map);
    return holds;
}

static int set_says_what_is_new(void)
{
    struct map set = {0};
    const int holds = map_add(&set, 5) == 1 && map_add(&set, 5) == 0 && map_add(&set, 6) == 1 &&
                      map_get(&set, 5) != NULL && set.used == 2;
    map_free(&set);
    return holds;
}

static int freed_map_is_empty(void)
{
    struct map map = {0};
    map_put(&map, 1, &values[1]);
    map_free(&map);
    const int holds = map_get(&map, 1) == NULL && map.used == 0;
    map_put(&map, 2, &values[2]);
    const int again = map_get(&map, 2) == &values[2];
    map_free(&map);
    return holds && again;
}

static int equal_strings_are_one(void)
{
    char one[] = "a string", other[] = "a string";
    return intern(one) == intern(other) && intern(one) != one && intern(one) != intern("a strinG") &&
           !strcmp(intern(one), "a string");
}

static int length_bounds_a_string(void)
{
    return intern_n("name(", 4) == intern("name") && intern_n("", 0) == intern("") &&
           intern_format("%s-%d", "name", 4) == intern("name-4");
}

static void *intern_many(void *found)
{
    for (int i = 0; i < 1000; i++)
        ((const char **)found)[i] = intern_format("string %d", i);
    return NULL;
}

static int threads_share_strings(void)
{
    static const char *found[4][1000];
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        if (pthread_create(&threads[i], NULL, intern_many, found[i]))
            return 0;
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    return !memcmp(found[0], found[1], sizeof(found[0])) &&
           !memcmp(found[0], found[2], sizeof(found[0])) &&
           !memcmp(found[0], found[3], sizeof(found[0]));
}

#define BEHAVIOUR(name) {#name, name}
static const struct {
    const char *name;
    int (*holds)(void);
} behaviours[] = {
    BEHAVIOUR(empty_map_has_nothing), BEHAVIOUR(value_comes_back),
    BEHAVIOUR(second_value_replaces_the_first), BEHAVIOUR(every_bit_of_a_key_counts),
    BEHAVIOUR(all_stay_while_it_grows), BEHAVIOUR(set_says_what_is_new),
    BEHAVIOUR(freed_map_is_empty), BEHAVIOUR(equal_strings_are_one),
    BEHAVIOUR(length_bounds_a_string), BEHAVIOUR(threads_share_strings),
};

/* Without an argument: the names of the behaviours. */
int main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof(behaviours) / sizeof(*behaviours); i++)
        if (argc < 2)
            puts(behaviours[i].name);
        else if (!strcmp(argv[1], behaviours[i].name))
            return !behaviours[i].holds();
    return argc < 2 ? 0 : 2;
}
