/* Texts of the runtime's formatter: each must be what libc's snprintf makes of the same arguments. */
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/format.h"

#pragma GCC diagnostic ignored "-Wformat-truncation"

static int same;
static char expected[256], found[256];

#define SAME_IN(size, ...) \
    do { \
        memset(expected, '~', sizeof(expected)); \
        memset(found, '~', sizeof(found)); \
        int length = snprintf(expected, size, __VA_ARGS__); \
        size_t other = ia2_format(found, size, __VA_ARGS__); \
        if ((size_t)length != other || memcmp(expected, found, sizeof(found))) { \
            fprintf(stderr, "expected \"%.40s\" (%d), found \"%.40s\" (%zu)\n", expected, length, \
                    found, other); \
            same = 0; \
        } \
    } while (0)
#define SAME(...) SAME_IN(sizeof(found), __VA_ARGS__)

static void no_conversions(void)
{
    SAME("%s", "");
    SAME("plain text, %% and more%%");
    SAME("%5s|%-5s|%2s|%c|%3c|%-3c|", "ab", "ab", "abc", 'x', 'y', 'z');
}

static void integers(void)
{
    const int ints[] = {0, 1, -1, 42, -4711, INT_MAX, INT_MIN};
    const long longs[] = {0, 1, -1, 1234567890123l, LONG_MAX, LONG_MIN};
    for (size_t i = 0; i < sizeof(ints) / sizeof(*ints); i++) {
        SAME("%d %u %x %#x", ints[i], (unsigned)ints[i], (unsigned)ints[i], (unsigned)ints[i]);
        SAME("[%12d] [%-12d] [%012d] [%+d] [% d]", ints[i], ints[i], ints[i], ints[i], ints[i]);
        SAME("[%1d] [%#010x] [%-#14x] [%#14x]", ints[i], (unsigned)ints[i], (unsigned)ints[i],
             (unsigned)ints[i]);
    }
    for (size_t i = 0; i < sizeof(longs) / sizeof(*longs); i++) {
        SAME("%ld %lu %lx %#lx", longs[i], (unsigned long)longs[i], (unsigned long)longs[i],
             (unsigned long)longs[i]);
        SAME("%zd %zu %zx %#zx", (ssize_t)longs[i], (size_t)longs[i], (size_t)longs[i],
             (size_t)longs[i]);
        SAME("[%30ld] [%-30lu] [%030zx] [%#030lx]", longs[i], (unsigned long)longs[i],
             (size_t)longs[i], (unsigned long)longs[i]);
    }
}

static void pointers(void)
{
    SAME("%p %p %20p|%-20p|", (void *)0, (void *)found, (void *)found, (void *)found);
    SAME("%p", (void *)UINTPTR_MAX);
    SAME("%8p|%-8p|", (void *)0, (void *)0);
}

static void cut(void)
{
    SAME_IN(0, "a text of %d letters", 20);
    SAME_IN(1, "a text of %d letters", 20);
    SAME_IN(11, "a text of %d letters", 20);
    SAME_IN(12, "a text of %d letters", 20);
    SAME_IN(20, "a text of %d letters", 20);
    SAME_IN(21, "a text of %d letters", 20);
    SAME_IN(6, "%s", "exact");
    SAME_IN(5, "%100s", "x");
}

static void random_texts(void)
{
    const char *formats[] = {"%d",  "%7d",   "%-7d", "%+07d", "% 5d",  "%u",   "%9u",
                             "%x",  "%#x",   "%08x", "%#08x", "%-#9x", "%+-5d", "%02x"};
    srand(4711);
    for (int i = 0; i < 100000; i++) {
        unsigned number = (unsigned)rand() * 2654435761u >> rand() % 32;
        const char *format = formats[(unsigned)rand() % (sizeof(formats) / sizeof(*formats))];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        SAME(format, number);
#pragma GCC diagnostic pop
    }
}

/* libc says "(null)"; a compiler would not let a test ask it. */
static void no_string(void)
{
    const char *volatile none = NULL;
    same = ia2_format(found, sizeof(found), "[%s] [%8s]", none, none) == 19 &&
           !strcmp(found, "[(null)] [  (null)]");
}

#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
/* Also a conversion that libc was taught. */
static void unknown_conversions_stay(void)
{
    ia2_format(found, sizeof(found), "%d and %f, %d", 1, 2.5, 3);
    same = !strcmp(found, "1 and %f, %d");
    ia2_format(found, sizeof(found), "%d%", 1);
    same = same && !strcmp(found, "1%");
    ia2_format(found, sizeof(found), "%.3s", "abcdef");
    same = same && !strcmp(found, "%.3s");
}

#define BEHAVIOUR(name) {#name, name}
static const struct {
    const char *name;
    void (*run)(void);
} behaviours[] = {
    BEHAVIOUR(no_conversions), BEHAVIOUR(integers),  BEHAVIOUR(pointers), BEHAVIOUR(cut),
    BEHAVIOUR(random_texts),   BEHAVIOUR(no_string), BEHAVIOUR(unknown_conversions_stay),
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc == 2 && i < sizeof(behaviours) / sizeof(*behaviours); i++)
        if (!strcmp(argv[1], behaviours[i].name)) {
            same = 1;
            behaviours[i].run();
            return !same;
        }
    return 2;
}
