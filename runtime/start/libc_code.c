/* Two places of glibc can open keys for whoever jumps there with registers of their choice:
 *
 * - pkey_set() has a WRPKRU. An honest program with compartments has no use for it: the keys are
 *   the kit's. Its first instructions become a jump to a refusal, and its WRPKRU an UD2.
 * - ld.so's trampolines have an XRSTOR each, behind `mov $MASK, %eax`: lazy binding, and TLS
 *   descriptors from glibc 2.41 on. Entered at the XRSTOR, with bit 9 of EAX set, one loads PKRU
 *   from the stack. The instruction is five bytes long, as a call is: it becomes a call of
 *   ia2_checked_xrstor (checked_xrstor.S), which does the same and then looks at EAX.
 *
 * The audit (kit/ia2/elf/mapped_code.py) accepts these instructions and no others. */
#define _GNU_SOURCE
#include "start/libc_code.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/die.h"
#include "state/state.h"

void ia2_checked_xrstor(void); /* checked_xrstor.S; for ld.so's trampolines alone */

static const unsigned char wrpkru[3] = {0x0f, 0x01, 0xef};
static const unsigned char xrstor[5] = {0x0f, 0xae, 0x6c, 0x24, 0x40}; /* xrstor 0x40(%rsp) */

static void refuse_pkey_set(void)
{
    ia2_die("pkey_set is called: protection keys belong to the runtime (remove the call, or build "
            "the program without compartments)");
}

/* Puts \a size bytes over code. The pages around are replaced at once by a copy that has them, from
 * a file that is closed and sealed before anything else runs: no page of libc is writable or not
 * executable for a moment, and sandboxes that forbid mprotect(PROT_EXEC) do not mind. */
static void patch(void *at, const void *bytes, size_t size)
{
    char copy[2 * IA2_PAGE];
    char *low = (char *)((uintptr_t)at & -IA2_PAGE);
    size_t length = (((uintptr_t)at + size + IA2_PAGE - 1) & -IA2_PAGE) - (uintptr_t)low;
    memcpy(copy, low, length);
    memcpy(copy + ((char *)at - low), bytes, size);
    int fd = memfd_create("ia2-libc-code", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || write(fd, copy, length) != (ssize_t)length ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) ||
        mmap(low, length, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd, 0) == MAP_FAILED)
        ia2_die("cannot change the code of libc (%s)", strerrorname_np(errno));
    close(fd);
}

/* Makes the five bytes at \a at a jump (0xe9) or a call (0xe8) to \a target. */
static void divert(unsigned char *at, unsigned char opcode, void (*target)(void))
{
    intptr_t distance = (intptr_t)target - (intptr_t)(at + 5);
    int32_t near = (int32_t)distance;
    unsigned char bytes[5] = {opcode};
    if (near != distance)
        ia2_die("libc's code is further than 2 GiB from the runtime");
    memcpy(bytes + 1, &near, sizeof(near));
    patch(at, bytes, sizeof(bytes));
}

static void close_pkey_set(void)
{
    static const unsigned char trap[3] = {0x0f, 0x0b, 0x90}; /* ud2; nop */
    void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
    void *function = libc ? dlsym(libc, "pkey_set") : NULL;
    const ElfW(Sym) * symbol;
    Dl_info info;
    if (!function || !dladdr1(function, &info, (void **)&symbol, RTLD_DL_SYMENT) || !symbol)
        ia2_die("libc has no pkey_set, so its WRPKRU is not found; the runtime knows glibc 2.27 "
                "and later");
    unsigned char *at = memmem(function, symbol->st_size, wrpkru, sizeof(wrpkru));
    if (!at)
        ia2_die("libc's pkey_set has no WRPKRU, so it is somewhere else");
    patch(at, trap, sizeof(trap));
    divert(function, 0xe9, refuse_pkey_set);
    dlclose(libc);
}

static int close_trampolines(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)size, (void)unused;
    if (info->dlpi_addr != getauxval(AT_BASE))
        return 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        if (ph->p_type != PT_LOAD || !(ph->p_flags & PF_X))
            continue;
        unsigned char *at = (unsigned char *)info->dlpi_addr + ph->p_vaddr, *end = at + ph->p_memsz;
        while ((at = memmem(at, (size_t)(end - at), xrstor, sizeof(xrstor))))
            divert(at, 0xe8, ia2_checked_xrstor);
    }
    return 1;
}

void ia2_libc_code_close(void)
{
    if (!ia2_state.pkeys)
        return;
    close_pkey_set();
    dl_iterate_phdr(close_trampolines, NULL);
}
