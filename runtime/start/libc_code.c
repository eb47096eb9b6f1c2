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

#include <elf.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>

#include "base/die.h"
#include "load/code_pages.h"
#include "load/jump_slots.h"
#include "start/cookie_streams.h"
#include "start/libc_function.h"
#include "start/libc_hooks.h"
#include "state/state.h"

void ia2_checked_xrstor(void); /* checked_xrstor.S; for ld.so's trampolines alone */

static const unsigned char wrpkru[3] = {0x0f, 0x01, 0xef};
static const unsigned char xrstor[5] = {0x0f, 0xae, 0x6c, 0x24, 0x40}; /* xrstor 0x40(%rsp) */

static void refuse_pkey_set(void)
{
    ia2_die("pkey_set is called: protection keys belong to the runtime (remove the call, or build "
            "the program without compartments)");
}

static void close_pkey_set(struct ia2_code_pages *pages)
{
    static const unsigned char trap[3] = {0x0f, 0x0b, 0x90}; /* ud2; nop */
    size_t size;
    unsigned char *function = ia2_libc_function("pkey_set", &size);
    if (!function)
        ia2_die("libc has no pkey_set, so its WRPKRU is not found; the runtime knows glibc 2.36 "
                "to 2.41");
    unsigned char *at = memmem(function, size, wrpkru, sizeof(wrpkru));
    if (!at)
        ia2_die("libc's pkey_set has no WRPKRU, so it is somewhere else");
    ia2_code_pages_change(pages, at, trap, sizeof(trap));
    ia2_libc_jump(pages, function, refuse_pkey_set);
}

static int close_trampolines(struct dl_phdr_info *info, size_t size, void *pages)
{
    (void)size;
    if (info->dlpi_addr != getauxval(AT_BASE))
        return 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        if (ph->p_type != PT_LOAD || !(ph->p_flags & PF_X))
            continue;
        unsigned char *at = (unsigned char *)info->dlpi_addr + ph->p_vaddr, *end = at + ph->p_memsz;
        while ((at = memmem(at, (size_t)(end - at), xrstor, sizeof(xrstor)))) {
            ia2_libc_call(pages, at, ia2_checked_xrstor);
            at += sizeof(xrstor);
        }
    }
    return 1;
}

void ia2_libc_code_close(void)
{
    if (!ia2_state.pkeys)
        return;
    struct ia2_code_pages pages;
    ia2_code_pages_begin(&pages);
    close_pkey_set(&pages);
    dl_iterate_phdr(close_trampolines, &pages);
    if (!IA2_PERMISSIVE) { /* there the program goes on, whatever it does */
        ia2_libc_hooks_close(&pages);
        ia2_cookie_streams_start(&pages);
    }
    ia2_jump_slots_seal(&pages);
    ia2_code_pages_end(&pages);
}
