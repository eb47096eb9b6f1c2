#define _GNU_SOURCE
#include "load/sites.h"

#include <cpuid.h>
#include <errno.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "base/die.h"
#include "state/state.h"
#include "state/system_calls.h"

#ifndef HWCAP2_FSGSBASE
#define HWCAP2_FSGSBASE (1 << 1) /* Linux 5.9, asm/hwcap2.h */
#endif

int ia2_cpu_has_pkeys(void)
{
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (c & bit_OSPKE);
}

static uint64_t enabled_state(void)
{
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
        return 0;
    __asm__("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
    return a;
}

static int has_avx(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_AVX) && (enabled_state() & 6) == 6;
}

static int has_avx512(void)
{
    unsigned a, b, c, d;
    return has_avx() && (enabled_state() & 0xe6) == 0xe6 &&
           __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_AVX512F) && (b & bit_AVX512VL) &&
           (b & bit_AVX512BW);
}

static void patch_virtual_pkru(uint8_t *at, uint8_t opcode)
{
    int32_t offset = (int32_t)((char *)&ia2_virtual_pkru - (char *)__builtin_thread_pointer());
    const uint8_t move[4] = {0x64, opcode, 0x04, 0x25}; /* mov %fs:disp32, %eax and back */
    memcpy(at, move, sizeof(move));
    memcpy(at + sizeof(move), &offset, sizeof(offset));
}

static void patch_jump_over(uint8_t *at, size_t length)
{
    int32_t distance = (int32_t)length - 5;
    at[0] = 0xe9;
    memcpy(at + 1, &distance, sizeof(distance));
}

/* Asked once for all sites: CPUID is slow in virtual machines. */
struct cpu {
    int avx, avx512, fsgsbase;
};

/* \a moved: how far from its place the code is written. */
static void patch_site(const struct ia2_site *site, ptrdiff_t moved, const struct cpu *cpu)
{
    uint8_t *at = (uint8_t *)site + site->offset + moved;
    if (site->length < 8)
        return; /* the runtime's own, which does not come there without keys */
    switch (site->kind) {
    case IA2_SITE_RDPKRU:
        if (!ia2_state.pkeys)
            patch_virtual_pkru(at, 0x8b);
        break;
    case IA2_SITE_WRPKRU:
        if (!ia2_state.pkeys)
            patch_virtual_pkru(at, 0x89);
        break;
    case IA2_SITE_AVX512:
        if (!cpu->avx512)
            patch_jump_over(at, site->length);
        break;
    case IA2_SITE_AVX:
        if (!cpu->avx)
            patch_jump_over(at, site->length);
        break;
    case IA2_SITE_RDFSBASE:
        if (!cpu->fsgsbase) {
            static const uint8_t read_self[9] = {0x64, 0x48, 0x8b, 0x04, 0x25,
                                                 0,    0,    0,    0}; /* mov %fs:0, %rax */
            memcpy(at, read_self, sizeof(read_self));
        }
        break;
    default:
        ia2_die("unknown site kind %d: the compartment was made for another runtime", site->kind);
    }
}

/* The pages that hold the sites. */
static struct ia2_range pages_of(const struct ia2_site *from, const struct ia2_site *to)
{
    uintptr_t low = UINTPTR_MAX, high = 0;
    for (const struct ia2_site *s = from; s < to; s++) {
        uintptr_t at = (uintptr_t)s + (uintptr_t)(intptr_t)s->offset;
        low = at < low ? at : low;
        high = at + s->length > high ? at + s->length : high;
    }
    return high ? (struct ia2_range){low & -IA2_PAGE, (high + IA2_PAGE - 1) & -IA2_PAGE}
                : (struct ia2_range){0, 0};
}

static struct cpu ask(void)
{
    return (struct cpu){has_avx(), has_avx512(), ia2_state.fsgsbase != 0};
}

static int is_as_assembled(const struct cpu *cpu)
{
    return ia2_state.pkeys && cpu->avx512 && cpu->fsgsbase;
}

void ia2_sites_patch_one(const struct ia2_compartment_descriptor *d)
{
    struct ia2_range pages = pages_of(d->sites, d->sites_end);
    struct cpu cpu = ask();
    size_t size = pages.end - pages.start;
    if (!size || is_as_assembled(&cpu))
        return;
    int r = ia2_sys_change((void *)pages.start, size, PROT_READ | PROT_WRITE);
    if (r)
        ia2_die("cannot patch the gates of %s for this CPU (%s)", d->name, strerrorname_np(-r));
    for (const struct ia2_site *s = d->sites; s < d->sites_end; s++)
        patch_site(s, 0, &cpu);
    r = ia2_sys_change((void *)pages.start, size, PROT_READ | PROT_EXEC);
    if (r)
        ia2_die("cannot close the gates of %s again (%s)", d->name, strerrorname_np(-r));
}

/* This library's own. */
extern const struct ia2_site __start_ia2_sites[],
    __stop_ia2_sites[] __attribute__((visibility("hidden")));

/* What does this lies on the same pages, so a copy of them takes their place. */
static void patch_own(void)
{
    struct ia2_range pages = pages_of(__start_ia2_sites, __stop_ia2_sites);
    struct cpu cpu = ask();
    size_t size = pages.end - pages.start;
    if (!size || is_as_assembled(&cpu))
        return;
    char *copy = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (copy == MAP_FAILED)
        ia2_die("cannot patch the runtime for this CPU (%s)", strerrorname_np(errno));
    memcpy(copy, (void *)pages.start, size);
    for (const struct ia2_site *s = __start_ia2_sites; s < __stop_ia2_sites; s++)
        patch_site(s, copy - (char *)pages.start, &cpu);
    if (mprotect(copy, size, PROT_READ | PROT_EXEC) ||
        mremap(copy, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, pages.start) == MAP_FAILED)
        ia2_die("cannot patch the runtime for this CPU (%s)", strerrorname_np(errno));
}

void ia2_sites_patch(void)
{
    ia2_state.fsgsbase = (getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE) != 0;
    patch_own();
    for (uint32_t i = 1; i <= ia2_state.count; i++)
        if (ia2_state.module[i].descriptor)
            ia2_sites_patch_one(ia2_state.module[i].descriptor);
}
