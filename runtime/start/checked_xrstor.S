/* What ld.so's trampolines call in place of their XRSTOR (libc_code.c).
 *
 * XRSTOR loads PKRU from memory if bit 9 of EAX is set. The trampolines' own masks leave it out.
 * Who jumps here, or to the call in a trampoline, with the bit set, has the keys of their choice
 * for two instructions, neither of which touches memory. As in a gate, the check comes after. */
#include "ia2_layout.h"

    .text
    .balign 16
    .globl ia2_checked_xrstor
    .hidden ia2_checked_xrstor
    .type ia2_checked_xrstor, @function
ia2_checked_xrstor:
.Lxrstor:
    xrstor 0x48(%rsp)                       /* 0x40(%rsp) of the caller */
    test $1 << 9, %eax
    jnz .Lopened
    ret
.Lopened:
    mov $231, %eax                          /* exit_group: no fault, whose handler could be anybody's */
    mov $134, %edi
    syscall
    ud2
    .size ia2_checked_xrstor, . - ia2_checked_xrstor
    /* For the audit. This one is never patched. */
    .section ia2_sites, "a", @progbits
    .balign 8
    .long .Lxrstor - .
    .short IA2_SITE_XRSTOR, 5
    .section .note.GNU-stack, "", @progbits
