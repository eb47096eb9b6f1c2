#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "ia2.h"
#include "threads_test.h"

/* gate lib_add args_int=2 ret_int=1 */
/* gate lib_counts ret_int=1 */
/* gate lib_exits args_int=1 */
/* gate lib_key */
/* gate lib_remembers args_int=1 */
/* gate lib_destroyed ret_int=1 */
/* gate lib_starts args_int=1 ret_int=1 */
/* gate lib_secret */
/* gate lib_finds ret_int=1 */
/* gate lib_storage ret_int=1 */

static __thread int counter = 40;
static __thread char zeroed[STORAGE];
static pthread_key_t key;
static int destroyed, starts;

int lib_add(int a, int b)
{
    char *p = malloc(1000);
    memset(p, a, 1000);
    int r = a + b + (p[999] != (char)a);
    free(p);
    return r;
}

/* What a thread sees first: its own, as the image has it. */
int lib_counts(void)
{
    for (unsigned i = 0; i < sizeof(zeroed); i++)
        if (zeroed[i])
            return -1;
    memset(zeroed, 1, sizeof(zeroed));
    int r = ++counter;
    return r;
}

const char *lib_storage(void)
{
    memset(zeroed, 0x5e, STORAGE);
    return zeroed;
}

void lib_exits(void *value)
{
    pthread_exit(value);
}

/* Sets another value in the first round, to be called once more. */
static void destructor(void *value)
{
    if (ia2_get_compartment() != PKEY)
        abort();
    int *p = value;
    if (__atomic_add_fetch(&destroyed, *p, __ATOMIC_RELAXED) && *p == 1) {
        int *again = malloc(sizeof(*again));
        *again = 100;
        pthread_setspecific(key, again);
    }
    free(p);
}

void lib_key(void)
{
    if (pthread_key_create(&key, destructor))
        abort();
}

void lib_remembers(int n)
{
    int *p = malloc(sizeof(*p));
    *p = n;
    if (pthread_getspecific(key) || pthread_setspecific(key, p) || pthread_getspecific(key) != p)
        abort();
}

int lib_destroyed(void)
{
    return destroyed;
}

static void *body(void *arg)
{
    if (ia2_get_compartment() != PKEY)
        abort();
    starts += lib_counts() == 41;
    return (char *)arg + 1;
}

int lib_starts(int n)
{
    for (int i = 0; i < n; i++) {
        pthread_t thread;
        void *value;
        if (pthread_create(&thread, NULL, body, (void *)(long)i) || pthread_join(thread, &value) || (long)value != i + 1)
            abort();
    }
    return starts;
}

#define SECRET 0x5e
void lib_secret(void)
{
    volatile char block[60000];
    for (unsigned i = 0; i < sizeof(block); i++)
        block[i] = SECRET;
}

int lib_finds(void)
{
    volatile char block[60000];
    int found = 0;
    __asm__ volatile("" : : "r"(block) : "memory");
    for (unsigned i = 0; i < sizeof(block); i++)
        found += block[i] == SECRET;
    return found;
}
