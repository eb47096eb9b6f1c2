/* void ia2_signal_entry(int number, siginfo_t *info, void *context): see signals.h. */
#include "ia2_layout.h"
#include "gates/ia2_gate_sites.S"

    .text
    .balign 16
    .globl ia2_signal_entry
    .hidden ia2_signal_entry
    .type ia2_signal_entry, @function
ia2_signal_entry:
    .cfi_startproc
    mov %rdx, %r8
    /* Without keys the WRPKRU sets this word, which says what was interrupted. */
    mov ia2_virtual_pkru@GOTTPOFF(%rip), %r9
    mov %fs:(%r9), %r9d
    ia2_wrpkru IA2_PKRU_0
    mov %r8, %rdx
    mov %r9d, %ecx
    jmp ia2_signal_arrived
.Lia2_die_pkru:
    jmp ia2_die_pkru
    .cfi_endproc
    .size ia2_signal_entry, . - ia2_signal_entry
    .section .note.GNU-stack, "", @progbits
