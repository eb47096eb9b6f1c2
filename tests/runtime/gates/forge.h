#ifndef FORGE_H
#define FORGE_H
#include <cpuid.h>
#include <sys/auxv.h>
#define PKRU_1 0x65555550u
#define PKRU_2 0x65555544u
int harmless_1(int), harmless_2(int), only_nobody_1(void), only_nobody_2(void);
void make_key_1(void), make_key_2(void);
int attack_every_site_1(int victim, int quick), attack_every_site_2(int victim, int quick), sites_with_library_suspended(int quick);
int attack_by_1(int victim, const char *name), attack_by_2(int victim, const char *name);
extern const char __wrap_only_nobody_1[], __wrap_only_nobody_2[];

/* A thread that runs in the program, compartment 1, and sleeps. */
extern struct other_thread {
    void *fs;
    unsigned slot;
} other_thread;

static inline const void *only_nobody_of(int key)
{
    return key == 1 ? __wrap_only_nobody_1 : __wrap_only_nobody_2;
}

static inline int harmless(int key, int x)
{
    return key == 1 ? harmless_1(x) : harmless_2(x);
}

static inline void make_key(int key)
{
    if (key == 1)
        make_key_1();
    else
        make_key_2();
}

static inline int has_fsgsbase(void)
{
    return (getauxval(AT_HWCAP2) & 2) != 0; /* HWCAP2_FSGSBASE */
}
#endif
