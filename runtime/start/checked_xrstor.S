/* ia2_checked_xrstor: ld.so's trampolines call this in place of their XRSTOR (libc_code.c).
 *
 * XRSTOR loads PKRU from memory if bit 9 of EAX is set. The trampolines' own masks leave the bit
 * out. An attacker can jump here, or to the call in a trampoline, with the bit set. The attacker
 * then has keys of their choice for two instructions, and neither touches memory. The check comes
 * after the XRSTOR, as in a gate. */
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
    /* exit_group, not a fault: the fault's handler could belong to any compartment. */
    mov $231, %eax
    mov $134, %edi
    syscall
    ud2
    .size ia2_checked_xrstor, . - ia2_checked_xrstor
    /* The audit wants every XRSTOR listed. Start-up never patches this one. */
    .section ia2_sites, "a", @progbits
    .balign 8
    .long .Lxrstor - .
    .short IA2_SITE_XRSTOR, 5
    .section .note.GNU-stack, "", @progbits
