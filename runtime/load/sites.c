#define _GNU_SOURCE
#include "load/sites.h"

#include <cpuid.h>
#include <errno.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "base/die.h"
#include "state/state.h"

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

static void patch_site(const struct ia2_site *site, const struct cpu *cpu)
{
    uint8_t *at = (uint8_t *)site + site->offset;
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

static void patch_module(const char *name, const struct ia2_site *from, const struct ia2_site *to,
                         const struct cpu *cpu)
{
    uintptr_t low = UINTPTR_MAX, high = 0;
    for (const struct ia2_site *s = from; s < to; s++) {
        uintptr_t at = (uintptr_t)s + (uintptr_t)(intptr_t)s->offset;
        low = at < low ? at : low;
        high = at + s->length > high ? at + s->length : high;
    }
    if (!high)
        return;
    low &= -IA2_PAGE;
    high = (high + IA2_PAGE - 1) & -IA2_PAGE;
    if (mprotect((void *)low, high - low, PROT_READ | PROT_WRITE))
        ia2_die("cannot patch the gates of %s for this CPU (%s)", name, strerrorname_np(errno));
    for (const struct ia2_site *s = from; s < to; s++)
        patch_site(s, cpu);
    if (mprotect((void *)low, high - low, PROT_READ | PROT_EXEC))
        ia2_die("cannot close the gates of %s again (%s)", name, strerrorname_np(errno));
}

void ia2_sites_patch_one(const struct ia2_compartment_descriptor *d)
{
    struct cpu cpu = {has_avx(), has_avx512(), ia2_state.fsgsbase != 0};
    if (ia2_state.pkeys && cpu.avx512 && cpu.fsgsbase)
        return; /* as assembled */
    patch_module(d->name, d->sites, d->sites_end, &cpu);
}

void ia2_sites_patch(void)
{
    IA2_STATE_SET(ia2_state.fsgsbase, (uint64_t)((getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE) != 0));
    for (uint32_t i = 1; i <= ia2_state.count; i++)
        if (ia2_state.module[i].descriptor)
            ia2_sites_patch_one(ia2_state.module[i].descriptor);
}
